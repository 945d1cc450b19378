"""Measures how similar two Python files are. Names, comments and layout do not matter."""

from __future__ import annotations

import ast
import base64
import hashlib
import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from estimation.grouping import LAB_MERGE

PROJECT = "the project's own merge"
ALIKE = 0.8
"""Compare two files by eye from this likeness on. Two people who work apart stay well below it."""
LARGEST_COMPARED = 100_000
"""The size limit in bytes. The syntax tree of a larger file can take minutes and gigabytes. A merge has about 5,000."""
_RUN = 6  # successive nodes of a run
_BYTES = 8  # length of a run's checksum
_MOST_RUNS = 4096
"""The most checksums kept of a file, the smallest ones. The likeness of larger files is then right to 0.01 or 0.02."""
_NAMED = 5
"""The most similar submissions that are named."""
_LONGEST_KIND = 40
_AT_ONCE = 100  # files that are compared with all others at once

Fingerprint = frozenset[bytes]


@dataclass(frozen=True)
class Alike:
    """The submissions that are similar to one submission.

    Attributes:
        best: the likeness of the most similar submissions, by name.
        count: the number of all similar submissions.
    """

    best: Mapping[str, float]
    count: int


def fingerprint(code: bytes) -> Fingerprint | None:
    """Compute the fingerprint of a file: all runs of six nodes of its syntax tree, without names and docstrings.

    Args:
        code: the content of the file.

    Returns:
        Checksums of the runs; None for a file that is too large.
    """
    if len(code) > LARGEST_COMPARED:
        return None
    try:
        kinds = list(_kinds(ast.parse(code)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset({_checksum(code)})
    runs = {" ".join(kinds[start : start + _RUN]) for start in range(max(len(kinds) - _RUN, 0) + 1)}
    return frozenset(sorted(_checksum(run.encode("utf-8", "replace")) for run in runs)[:_MOST_RUNS])


def _checksum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_BYTES).digest()


def likeness(one: Fingerprint, other: Fingerprint) -> float:
    """Return the likeness from 0 to 1: the number of common runs, divided by the number of all runs of both."""
    both, either = one & other, one | other
    if max(len(one), len(other)) == _MOST_RUNS:  # the smallest checksums are a random sample of a larger file
        either = frozenset(sorted(either)[:_MOST_RUNS])
    return len(both & either) / len(either)


def _kinds(tree: ast.AST) -> Iterator[str]:
    """Yield the kinds of nodes and the constants, in the order of the text, without names, docstrings and imports."""
    left = [tree]
    while left:
        node = left.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            continue
        yield repr(node.value)[:_LONGEST_KIND] if isinstance(node, ast.Constant) else type(node).__name__
        left += reversed(list(ast.iter_child_nodes(node)))


def encode(prints: Fingerprint | None) -> str:
    """Encode a fingerprint as text; "" for None."""
    return base64.b64encode(b"".join(sorted(prints or ()))).decode()


def decode(text: str) -> Fingerprint | None:
    """Decode the text of ``encode``. Raises ValueError for any other text."""
    data = base64.b64decode(text, validate=True)
    if len(data) % _BYTES:
        raise ValueError("the fingerprint is cut short")
    return frozenset(data[at : at + _BYTES] for at in range(0, len(data), _BYTES)) or None


def find_alike(prints: Mapping[str, Fingerprint | None], sources: Mapping[str, str] | None = None) -> dict[str, Alike]:
    """Find similar submissions. The project's own merge is compared, too.

    Args:
        prints: the fingerprint of each student's submission; None for one that is not compared.
        sources: the place of each submission. Students who submit one file together do not count as similar.

    Returns:
        For each student, and for ``PROJECT``, the similar submissions.
    """
    sources = sources or {}
    same: dict[Fingerprint, list[str]] = defaultdict(list)
    for name, of_name in {**prints, PROJECT: fingerprint(LAB_MERGE.read_bytes())}.items():
        if of_name:
            same[of_name].append(name)
    alike = {name: Alike({}, 0) for name in (*prints, PROJECT)}
    kinds = list(same)
    weights = np.array([len(same[kind]) for kind in kinds])
    for kind, (count, near) in zip(kinds, _near(kinds, weights)):
        for name in same[kind]:
            source = sources.get(name)
            apart = [other for other in same[kind] if source is None or sources.get(other) != source]
            named = itertools.chain(
                ((other, 1.0) for other in apart if other != name),
                ((other, share) for number, share in near for other in same[kinds[number]]),
            )
            together = 1 if source is None else len(same[kind]) - len(apart)
            alike[name] = Alike(dict(itertools.islice(named, _NAMED)), count + len(same[kind]) - together)
    return alike


def _near(prints: list[Fingerprint], weights: NDArray[np.int64]) -> Iterator[tuple[int, list[tuple[int, float]]]]:
    """Find the fingerprints that are similar to each fingerprint.

    5,000 submissions have 12 million pairs, so SciPy compares many at once.

    Args:
        prints: the fingerprints, without duplicates.
        weights: the number of submissions with each fingerprint.

    Yields:
        For each fingerprint, the summed weight of all similar ones, and the most similar ones.
    """
    from scipy.sparse import csr_array  # imported here because it takes a sixth of a second

    runs = {run: number for number, run in enumerate(set[bytes]().union(*prints))}
    columns = [runs[run] for one in prints for run in one]
    sizes = np.array([len(one) for one in prints])
    ends = np.concatenate([[0], np.cumsum(sizes)])
    matrix = csr_array((np.ones(len(columns), np.int32), columns, ends), (len(prints), len(runs)))
    transposed = matrix.T.tocsr()
    samples = np.flatnonzero(2 * sizes >= _MOST_RUNS)  # not all of their runs are known
    for start in tqdm(range(0, len(prints), _AT_ONCE), desc="comparing", unit=f"{_AT_ONCE} files", disable=None):
        both = (matrix[start : start + _AT_ONCE] @ transposed).toarray()
        shares = both / (sizes[start : start + _AT_ONCE, None] + sizes - both)
        for number, row in enumerate(shares, start):
            if 2 * sizes[number] >= _MOST_RUNS:
                row[samples] = [likeness(prints[number], prints[other]) for other in samples]
            row[number] = 0
            found = np.flatnonzero(row >= ALIKE)
            best = found[np.argsort(-row[found], kind="stable")[:_NAMED]]
            yield int(weights[found].sum()), [(int(other), float(row[other])) for other in best]

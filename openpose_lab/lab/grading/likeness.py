"""How alike two Python files are, whatever names, comments and layout they have."""

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
"""From here on two files are worth a look: two people who solved the exercise each on their own stay well below."""
LARGEST_COMPARED = 100_000
"""Bytes. The syntax tree of a larger file can take minutes and gigabytes; a merge has some 5,000."""
_RUN = 6  # nodes in a row that have to be the same
_BYTES = 8  # of a run's checksum
_MOST_RUNS = 4096
"""Number of a file's smallest checksums that are kept. It gives the likeness of larger files to 0.01 or 0.02."""
_NAMED = 5
"""Number of similar submissions that are named."""
_LONGEST_KIND = 40
_AT_ONCE = 100  # are compared with all

Fingerprint = frozenset[bytes]


@dataclass(frozen=True)
class Alike:
    """The submissions that one submission is much like.

    Attributes:
        best: the likeness of the most similar ones, by name.
        count: the number of all of them.
    """

    best: Mapping[str, float]
    count: int


def fingerprint(code: bytes) -> Fingerprint | None:
    """What a file is made of: every run of a few nodes of its syntax tree, without names and docstrings.

    Args:
        code: the file.

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
    """From 0 to 1: the share of the runs of both that both have."""
    both, either = one & other, one | other
    if max(len(one), len(other)) == _MOST_RUNS:  # the smallest checksums of a larger file are a fair sample
        either = frozenset(sorted(either)[:_MOST_RUNS])
    return len(both & either) / len(either)


def _kinds(tree: ast.AST) -> Iterator[str]:
    """The kinds of the nodes, in the order of the text, with numbers, but without names, text and imports."""
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
    """A fingerprint as text for a file; "" for None."""
    return base64.b64encode(b"".join(sorted(prints or ()))).decode()


def decode(text: str) -> Fingerprint | None:
    """What ``encode`` was given. Raises ValueError if the text is something else."""
    data = base64.b64decode(text, validate=True)
    if len(data) % _BYTES:
        raise ValueError("the fingerprint is cut short")
    return frozenset(data[at : at + _BYTES] for at in range(0, len(data), _BYTES)) or None


def find_alike(prints: Mapping[str, Fingerprint | None], sources: Mapping[str, str] | None = None) -> dict[str, Alike]:
    """Find submissions that are much alike. The project's own merge is compared, too.

    Args:
        prints: the fingerprint of each student's submission; None for one that is not compared.
        sources: the place of each. Students who handed in one file together do not count as alike.

    Returns:
        For each student, and ``PROJECT``, the submissions that theirs is much like.
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

    Of 5,000 submissions there are 12 million pairs: SciPy looks at many at once.

    Args:
        prints: the fingerprints, no two of them the same.
        weights: how much each counts.

    Yields:
        For each fingerprint, the weight of the others in all, and the most alike of them.
    """
    from scipy.sparse import csr_array  # a sixth of a second that only this takes

    runs = {run: number for number, run in enumerate(set[bytes]().union(*prints))}
    columns = [runs[run] for one in prints for run in one]
    sizes = np.array([len(one) for one in prints])
    ends = np.concatenate([[0], np.cumsum(sizes)])
    matrix = csr_array((np.ones(len(columns), np.int32), columns, ends), (len(prints), len(runs)))
    transposed = matrix.T.tocsr()
    samples = np.flatnonzero(2 * sizes >= _MOST_RUNS)  # their common runs are not all known
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

"""How alike two Python files are, whatever names, comments and layout they have."""

from __future__ import annotations

import ast
import base64
import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

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
"""Checksums that are kept of a file, the smallest ones: so many tell the likeness of larger files to 0.01 or 0.02."""
_NAMED = 5
"""Of those who are alike, so many are named."""
_LONGEST_KIND = 40

Fingerprint = frozenset[bytes]


@dataclass(frozen=True)
class Alike:
    """Whom a submission is much like.

    Attributes:
        best: the most alike, by name, and how much.
        count: how many there are in all.
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
    if max(len(one), len(other)) == _MOST_RUNS:  # of a larger file: the smallest of all are a fair sample
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
    """What ``encode`` was given."""
    data = base64.b64decode(text)
    return frozenset(data[at : at + _BYTES] for at in range(0, len(data), _BYTES)) or None


def find_alike(prints: Mapping[str, Fingerprint | None], sources: Mapping[str, str] | None = None) -> dict[str, Alike]:
    """Find those who are much alike; the project's own merge is compared, too.

    Args:
        prints: the fingerprint of each student's submission; None for one that is not compared.
        sources: where each was found. Students who handed in one file together are not told that they are alike.

    Returns:
        For each student, and ``PROJECT``, whom theirs is much like.
    """
    sources = sources or {}
    same: dict[Fingerprint, list[str]] = defaultdict(list)
    for name, of_name in {**prints, PROJECT: fingerprint(LAB_MERGE.read_bytes())}.items():
        if of_name:
            same[of_name].append(name)
    kinds = list(same)
    near: list[list[tuple[float, int]]] = [[(1.0, number)] for number in range(len(kinds))]
    for one, other in _candidates(kinds):
        share = likeness(kinds[one], kinds[other])
        if share >= ALIKE:
            near[one].append((share, other))
            near[other].append((share, one))
    alike = {name: Alike({}, 0) for name in (*prints, PROJECT)}
    for number, kind in enumerate(kinds):
        found = sorted(near[number], key=lambda item: -item[0])
        for name in same[kind]:
            source = sources.get(name)
            others = (
                (other, share)
                for share, near_by in found
                for other in same[kinds[near_by]]
                if other != name and (source is None or sources.get(other) != source)
            )
            together = sum(source is not None and sources.get(other) == source for other in same[kind] if other != name)
            count = sum(len(same[kinds[near_by]]) for _, near_by in found) - 1 - together
            alike[name] = Alike(dict(islice(others, _NAMED)), count)
    return alike


def _candidates(prints: list[Fingerprint]) -> Iterator[tuple[int, int]]:
    """Pairs that may be alike.

    Two sets of which a share of 0.8 is common have a common element among the rarest fifth of each. So most pairs need
    not be looked at: 5,000 submissions have 12 million.
    """
    often = Counter(run for one in prints for run in one)
    having: dict[bytes, list[int]] = defaultdict(list)
    for number, one in enumerate(tqdm(prints, desc="comparing", unit="file", disable=None)):
        rarest = sorted(one, key=lambda run: (often[run], run))
        share = ALIKE if len(one) < _MOST_RUNS else ALIKE / 2  # of samples less may be common
        rarest = rarest[: len(one) - math.ceil(share * len(one)) + 1]
        for other in sorted({other for run in rarest for other in having[run]}):
            yield other, number
        for run in rarest:
            having[run].append(number)

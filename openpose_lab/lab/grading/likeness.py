"""How alike two Python files are, whatever names, comments and layout they have."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator

from estimation.grouping import LAB_MERGE
from openpose_lab.lab.grading.submissions import Submission

PROJECT = "the project's own merge"
ALIKE = 0.8
"""From here on two files are worth a look: two people who solved the exercise each on their own stay well below."""
_RUN = 6  # nodes in a row that have to be the same


def fingerprint(code: bytes) -> frozenset[bytes]:
    """What a file is made of: every run of a few nodes of its syntax tree, without names and docstrings."""
    try:
        kinds = list(_kinds(ast.parse(code)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset({hashlib.sha256(code).digest()})
    runs = (" ".join(kinds[start : start + _RUN]) for start in range(max(len(kinds) - _RUN, 0) + 1))
    return frozenset(hashlib.sha256(run.encode()).digest()[:8] for run in runs)


def likeness(one: frozenset[bytes], other: frozenset[bytes]) -> float:
    """From 0 to 1: the share of the runs of both that both have."""
    return len(one & other) / len(one | other)


def _kinds(node: ast.AST) -> Iterator[str]:
    """The kinds of the nodes, in the order of the text, with numbers, but without names, text and imports."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return
    yield repr(node.value) if isinstance(node, ast.Constant) else type(node).__name__
    for child in ast.iter_child_nodes(node):
        yield from _kinds(child)


def find_alike(submissions: list[Submission]) -> dict[str, dict[str, float]]:
    """For each student whose submissions theirs is much like, and how much; the project's own is among them."""
    prints = {s.student: fingerprint(s.code) for s in submissions if s.code}
    prints[PROJECT] = fingerprint(LAB_MERGE.read_bytes())
    alike: dict[str, dict[str, float]] = {submission.student: {} for submission in submissions}
    names = list(prints)
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            share = likeness(prints[one], prints[other])
            if share >= ALIKE:
                alike.setdefault(one, {})[other] = share
                alike.setdefault(other, {})[one] = share
    return {student: dict(sorted(found.items(), key=lambda item: -item[1])) for student, found in alike.items()}

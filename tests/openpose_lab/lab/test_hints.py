"""Hints: three for each check, which help and do not hold the answer."""

import ast
import re

import pytest

from estimation.grouping import LAB_MERGE
from openpose_lab.lab.hints import HINTS, UNWRITTEN, find_checks
from openpose_lab.lab.merge_checks import CHECKS
from openpose_lab.lab.one_case import find_cases

ALL_HINTS = [hint for hints in (*HINTS.values(), UNWRITTEN) for hint in hints]


def test_every_check_has_three_hints():
    assert sorted(HINTS) == sorted(check.name for check in CHECKS)
    assert {len(hints) for hints in HINTS.values()} == {3}


def test_hints_differ_and_are_short():
    assert len(set(ALL_HINTS)) == len(ALL_HINTS) == 3 * len(CHECKS) + 3
    assert [hint for hint in ALL_HINTS if not 15 < len(hint.split()) < 60] == []
    assert [hint for hint in ALL_HINTS if not hint.isascii() or "\n" in hint or "  " in hint] == []


def answer_lines():
    """The lines of the answer's functions by which it could be recognised, and the parts of them around = and if."""
    text = LAB_MERGE.read_text(encoding="utf-8")
    lines = text.splitlines()
    bodies = [node.body for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    found = set()
    for first, *rest in bodies:
        begin = rest[0] if isinstance(first, ast.Expr) else first
        found |= {line.strip() for line in lines[begin.lineno - 1 : (rest or [first])[-1].end_lineno]}
    parts = {part.strip(" :") for line in found for part in re.split(r"(?<= )[-+&|]?= |\bif\b|\breturn\b|\bin\b", line)}
    return {line for line in found | parts if len(line) > 9}


def test_no_hint_holds_a_line_of_the_answer():
    secrets = answer_lines()
    assert len(secrets) > 40
    assert [(secret, hint) for hint in ALL_HINTS for secret in sorted(secrets) if secret in hint] == []


def test_code_in_hints_is_too_little_to_be_pasted():
    quoted = {snippet for hint in ALL_HINTS for snippet in re.findall("`(.*?)`", hint)}
    assert {hint.count("`") % 2 for hint in ALL_HINTS} == {0}
    assert [snippet for snippet in quoted if len(snippet) > 26] == []
    assert not any(word in snippet for snippet in quoted for word in ("MISSING", "SCORE", "18", "-1", "return"))


def test_commands_in_hints_name_one_case_each():
    names = [name for hint in ALL_HINTS for name in re.findall(r'--case "([^"]*)"', hint)]
    assert len(names) > 3
    assert {len(find_cases(name)) for name in names} == {1}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("peak 0", ["peak 0 counts"]),
        (" PRINTS ", ["prints nothing"]),
        ("prints nothing", ["prints nothing"]),
        ("306", ["306 rows are 34 people", "306 rows in 2 seconds"]),
        ("wrist loses", []),
        (" ", []),
    ],
)
def test_checks_are_found_by_a_part_of_the_name(name, found):
    assert find_checks(name) == found


def test_the_whole_name_of_a_check_is_enough_if_it_is_a_part_of_another():
    for name in HINTS:
        assert find_checks(name) == [name]

"""Of the checks that a common mistake fails, the one that explains it is told. The others wait for it."""

import numpy as np
import pytest

from estimation.grouping.contract import RETURNS, Failure
from openpose_lab.lab import waiting
from openpose_lab.lab.merge_checks import CHECKS, COMES_BACK, NO_ANSWER, Bench, run_checks
from openpose_lab.lab.sandbox.runner import Limits, SandboxReply
from openpose_lab.lab.waiting import find_waiting

STUDENT = """
import numpy as np

def merge(subset, min_num_body_parts=4, min_score=0.4):
    subset = subset.copy()
    subset = np.array(sorted(subset.tolist(), key=lambda row: (-row[18], row))).reshape(-1, 20)
    people = []
    for row in subset:
        start = len(people)
        while start:
            start -= 1
            other = people[start]
            same = (row[:18] == other[:18]) & (row[:18] != -1)
            both = (row[:18] != -1) & (other[:18] != -1)
            if same.any() and (same == both).all():
                row[:18] = np.maximum(row[:18], other[:18])
                row[18] += other[18]
                row[19] = (row[:18] != -1).sum()
                del people[start]
                start = len(people)
            elif same.any():
                row[:18][same] = -1
                row[19] = (row[:18] != -1).sum()
        people.append(row)
    people = [row for row in people if row[19] >= min_num_body_parts and row[18] >= min_score * row[19]]
    return np.array(people).reshape(-1, 20)
"""
"""A merge as students write it. It passes all checks but the random one of conflicts."""
JOINS = "if same.any() and (same == both).all():"
SAME = "same = (row[:18] == other[:18]) & (row[:18] != -1)"

MISTAKES = {
    "-1 in both rows counts as shared": (
        [(SAME, "same = row[:18] == other[:18]"), (JOINS, "if same.any():")],
        "people who share no peak stay apart",
    ),
    "forgets to return": ([("    return np.array", "    np.array")], "rows of the right length"),
    "an empty answer has no columns": ([(".reshape(-1, 20)\n$", "\n")], "rows of the right length"),
    "drops id 0": ([(SAME, SAME.replace("!= -1", "> 0"))], "peak 0 counts"),
    "does not count id 0": (
        [("(row[:18] != -1).sum()\n                del", "(row[:18] > 0).sum()\n                del")],
        "peak 0 counts",
    ),
    "sums no counts": (
        [("                row[19] = (row[:18] != -1).sum()\n                del", "                del")],
        "counts that are true",
    ),
    "sums no scores": ([("                row[18] += other[18]\n", "")], "a score is the sum of the rows, each once"),
    "joins nothing": ([(JOINS, "if False:"), ("elif same.any()", "elif False")], "no peak in two people"),
    "joins each row once": (
        [("start = len(people)\n            elif", "break\n            elif")],
        "no peak in two people",
    ),
    "goes by the order of the rows": (
        [("np.array(sorted(subset.tolist(), key=lambda row: (-row[18], row))).reshape(-1, 20)", "subset")],
        "conflicts end the same in any order",
    ),
    "breaks ties by the order of the rows": ([("(-row[18], row)", "-row[18]")], "rows of equal score in any order"),
    "lets the weaker win": ([("(-row[18], row)", "(row[18], row)")], "an elbow with two wrists keeps the stronger one"),
    "ignores the limits": ([(">= min_num_body_parts", ">= 4")], "min_num_body_parts and min_score are used"),
    "prunes nobody small": ([(">= min_num_body_parts", ">= 0")], "people of fewer than 4 parts are dropped"),
    "stops at a conflict": ([("elif same.any():", "elif same.any():\n                raise ValueError")], RETURNS),
    "keeps the people of the call before": (
        [
            ("    people = []\n", ""),
            ("):\n    subset", ", people=[]):\n    subset"),
            ("    people = [", "    found = ["),
            ("np.array(people)", "np.array(found)"),
        ],
        "the same again the second time",
    ),
    "changes its input": (
        [("    subset = subset.copy()\n", "    subset[:] = subset[::-1].copy()\n")],
        "leaves its input as it was",
    ),
}


class InThisProcess:
    """Stands for a runner: calls a function without a process of its own."""

    limits = Limits()

    def __init__(self, merge):
        self.merge = merge

    def call(self, rows, **options):
        copy = rows.copy()
        try:
            value = self.merge(copy, **options)
        except ValueError as error:
            return SandboxReply(error=str(error) or "ValueError")
        return SandboxReply(value=value, type=type(value).__name__, changed=not np.array_equal(copy, rows))


def failures_of(merge):
    quick = [check for check in CHECKS if not check.random and not check.name.startswith("306 rows")]
    return run_checks(quick, Bench(InThisProcess(merge), SandboxReply()))


def merge_of(changes):
    text = STUDENT
    for old, new in changes:
        old = old.replace("$", "")
        assert text.count(old) == 1 or old.endswith("\n")
        text = new.join(text.rsplit(old, 1))
    module = {}
    exec(text, module)
    return module["merge"]


def explaining(failures):
    return set(failures) - set(find_waiting(failures))


def test_the_student_s_merge_is_right_without_a_mistake():
    assert failures_of(merge_of([])) == {}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_one_check_explains_a_mistake(mistake):
    changes, name = MISTAKES[mistake]
    assert explaining(failures_of(merge_of(changes))) == {name}


@pytest.mark.parametrize(
    ("mistake", "advice"),
    [
        (
            "goes by the order of the rows",
            "Sort the rows yourself: the best score first, and equal scores by the ids",
        ),
        (
            "breaks ties by the order of the rows",
            "Rows have equal scores: break the tie by their ids, not by the position",
        ),
    ],
)
def test_what_to_do_about_the_order_of_the_rows(mistake, advice):
    changes, name = MISTAKES[mistake]
    sentence = failures_of(merge_of(changes))[name].sentence
    assert advice in sentence
    assert len(sentence) < 300


def test_returning_the_input_is_a_peak_in_two_people():
    failures = failures_of(lambda subset, **limits: subset)
    assert explaining(failures) == {"no peak in two people"}
    assert len(failures["no peak in two people"].rows["given"]) < 4


def test_two_mistakes_that_do_not_depend_on_each_other_are_both_told():
    changes = MISTAKES["changes its input"][0] + MISTAKES["ignores the limits"][0]
    assert explaining(failures_of(merge_of(changes))) == {
        "leaves its input as it was",
        "min_num_body_parts and min_score are used",
    }


def test_without_any_answer_all_wait_for_the_reason():
    stopped = Failure("merge did not return in time")
    failures = {check.name: NO_ANSWER for check in CHECKS} | {COMES_BACK: stopped}
    assert set(find_waiting(failures).values()) == {COMES_BACK}


def test_every_name_is_a_check_s_and_no_check_needs_itself():
    names = {check.name for check in CHECKS}
    assert set(waiting._NEEDS) <= names
    for name, needs in waiting._NEEDS.items():
        assert set(needs) <= set(waiting._NEEDS)
        reached = set(needs)
        while more := {other for one in reached for other in waiting._NEEDS[one]} - reached:
            reached |= more
        assert name not in reached

"""The task in steps: each check belongs to one, and pytest knows them by their markers."""

import io
import os
import subprocess
import sys
import zipfile
from collections import Counter

import pytest

from estimation.grouping.contract import Failure
from openpose_lab.lab import handout, waiting
from openpose_lab.lab.cases import CASES
from openpose_lab.lab.merge_checks import CHECKS, NO_ANSWER
from openpose_lab.lab.outcomes import Outcome
from openpose_lab.lab.steps import STEPS, due_step, next_check, pytest_settings, step_of
from openpose_lab.lab.waiting import find_waiting
from tests.estimation.test_merge import test_merge as merge_test
from tests.openpose_lab.lab.test_waiting import MISTAKES, failures_of, merge_of

MARKERS = [
    *("one_limb", "no_side_effects", "share_a_peak", "id_zero", "counts", "scores", "prune", "many_people", "order"),
    *("conflicts", "loser_keeps_rest"),
]
NINE, PEAK_0, APART = (case.rows for case in CASES[:3])
ELBOW = next(case.rows for case in CASES if case.category == "conflicts")


def test_every_check_belongs_to_one_step():
    assert [step.marker for step in STEPS] == MARKERS
    assert Counter(name for step in STEPS for name in step.checks) == Counter(check.name for check in CHECKS)
    for step in STEPS:
        assert all(step_of(name) is step for name in step.checks)


def test_no_check_needs_one_of_a_later_step():
    """But for the score, which people are pruned by: without pruning, joining comes first."""
    for name, needs in waiting._NEEDS.items():
        for need in set(needs) - {"a score is the sum of the rows, each once"}:
            assert STEPS.index(step_of(need)) <= STEPS.index(step_of(name)), (name, need)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_check_to_correct_first(mistake):
    changes, name = MISTAKES[mistake]
    failures = failures_of(merge_of(changes))
    assert next_check(Outcome(failures, find_waiting(failures))) == name


def test_steps_come_before_the_order_of_the_checks():
    failures = {
        "people with a score of less than 0.4 per part are dropped": Failure("people"),
        "a score is the sum of the rows, each once": Failure("a score"),
    }
    assert next_check(Outcome(failures)) == "a score is the sum of the rows, each once"
    assert next_check(Outcome()) is None


@pytest.mark.parametrize(
    ("name", "rows", "marker"),
    [
        ("no peak in two people", APART, "share_a_peak"),
        ("no peak in two people", NINE, "id_zero"),
        ("no peak in two people", ELBOW, "conflicts"),
        ("counts that are true", PEAK_0, "counts"),
        ("counts that are true", ELBOW, "conflicts"),
        ("a person who loses a peak keeps their other parts", ELBOW, "loser_keeps_rest"),
        ("peak 0 counts", ELBOW, "id_zero"),
    ],
)
def test_what_is_broken_by_conflicts_alone_is_due_with_them(name, rows, marker):
    assert due_step(name, Failure("wrong", {"given": rows})).marker == marker
    assert due_step(name, NO_ANSWER) is step_of(name)


def test_pytest_has_a_marker_for_each_step(pytestconfig):
    (parametrized,) = merge_test.pytestmark
    marks = {param.values[0]: [mark.name for mark in param.marks] for param in parametrized.args[1]}
    assert marks == {name: [step.marker] for step in STEPS for name in step.checks}
    lines = [f"{step.marker}: {step.title}" for step in STEPS]
    assert [line for line in pytestconfig.getini("markers") if line in lines] == lines
    assert pytest_settings() == (
        "[pytest]\ntestpaths = tests\naddopts = --strict-markers -ra\nmarkers =\n"
        + "".join(f"    {line}\n" for line in lines)
    )


@pytest.mark.slow
def test_the_handout_s_pytest_runs_one_step(tmp_path):
    with zipfile.ZipFile(io.BytesIO(handout.pack(handout.handout_files(), "lab"))) as archive:
        archive.extractall(tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    done = subprocess.run(
        [*command, "-m", "share_a_peak", "tests/estimation/test_merge.py"],
        cwd=tmp_path / "lab",
        env={name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("waits for: returns people, and does not fail") == 1  # four tests, in one line
    assert "4 skipped, 35 deselected in " in done.stdout

"""Results in the form that Gradescope documents, without a word of the hidden checks before the due date."""

import json

import pytest

from openpose_lab.lab.grading.gradescope import render_failure, render_results
from openpose_lab.lab.grading.marking import Record
from openpose_lab.lab.grading.result import result_of
from openpose_lab.lab.merge_checks import CATEGORIES
from tests.support.gradescope_schema import faults_of

POINTS = dict(zip(CATEGORIES, (20, 30, 15, 25, 10)))
VISIBLE, HIDDEN = "peak 0 counts", "hidden: peak 0 at the end of a leg"


def results_of(record):
    results = json.loads(render_results(result_of(record, POINTS)))
    assert faults_of(results) == []
    return results


def test_full_marks():
    results = results_of(Record("Ann", "merge.py", "", accuracy={"F1": 0.9481}, milliseconds=25.6))
    assert results["score"] == 100
    points = [test for test in results["tests"] if "score" in test]
    assert [(test["name"], test["score"], test["max_score"]) for test in points] == [
        (f"Points: {name}", most, most) for name, most in POINTS.items()
    ]
    assert {test["status"] for test in results["tests"] if "score" not in test} == {"passed"}
    assert results["leaderboard"] == [
        {"name": "F1", "value": 0.948, "order": "desc"},
        {"name": "Time (ms)", "value": 25.6, "order": "asc"},
    ]


def test_nothing_about_hidden_checks_is_visible_before_the_due_date():
    failures = {VISIBLE: ("0 is an id", " given 0\n came 1"), HIDDEN: ("secret sentence", "secret rows")}
    results = results_of(Record("Ann", "merge.py", "", failures=failures, waiting={}))
    tests = {test["name"]: test for test in results["tests"]}
    assert tests[f"correctness: {VISIBLE}"]["output"] == "0 is an id\n given 0\n came 1"
    assert tests[f"correctness: {HIDDEN}"]["output"] == "secret sentence\nsecret rows"
    later = [test for test in results["tests"] if test["visibility"] == "after_due_date"]
    assert {test["name"].split(":")[0] for test in later if "score" in test} == {"Points"}
    at_once = {**results, "score": None, "tests": [test for test in results["tests"] if test not in later]}
    assert "hidden" not in json.dumps(at_once["tests"])
    assert "secret" not in json.dumps(at_once)
    assert sum("score" in test for test in at_once["tests"]) == 0
    assert results["stdout_visibility"] == "hidden"


def test_what_is_visible_does_not_depend_on_hidden_checks():
    """Otherwise students could find out row by row what these hold."""
    own = {VISIBLE: ("0 is an id", "")}

    def visible(failures):
        results = results_of(Record("Ann", "merge.py", "", failures=failures, accuracy={"F1": 0.5}))
        return {**results, "score": 0, "tests": [test for test in results["tests"] if test["visibility"] == "visible"]}

    assert visible(own) == visible({**own, HIDDEN: ("secret", "")})


def test_a_check_that_waits_says_for_which():
    failures = {"306 rows are 34 people": ("these are not", "rows"), VISIBLE: ("0 is an id", "")}
    results = results_of(Record("A", "a", "", failures=failures, waiting={"306 rows are 34 people": VISIBLE}))
    (test,) = [test for test in results["tests"] if test["name"].endswith(": 306 rows are 34 people")]
    assert test["status"] == "failed"
    assert test["output"] == "This check can pass only after the check “peak 0 counts”."


def test_what_cannot_be_checked_is_a_sentence():
    results = results_of(Record("A", "a", "", problem="no *merge*.py was found in the submission", note="n"))
    assert results["score"] == 0
    assert results["output"].splitlines() == [
        "No check was run: no *merge*.py was found in the submission. "
        "Hand in one file, merge.py, that defines the function merge.",
        "Note: n",
    ]
    assert len(results["tests"]) == 1 + len(CATEGORIES)
    assert results["tests"][0]["visibility"] == "visible"
    assert results["leaderboard"] == []


def test_a_failure_of_the_autograder_is_a_valid_result():
    results = json.loads(render_failure("It failed."))
    assert faults_of(results) == []
    assert (results["score"], results["output"]) == (0, "It failed.")


def test_odd_text_and_figures_are_valid():
    failures = {VISIBLE: ("\ud800 \x00 <b> \\", "\u2028")}
    record = Record("A", "a", "", failures=failures, accuracy={"F1": float("nan")})
    assert results_of(record)["leaderboard"] == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"score": None}, "score: None is no number"),
        ({"score": True}, "score: True is no number"),
        ({"stdout_visibility": "no"}, "stdout_visibility: 'no' is none of"),
        ({"tests": [{"name": 3}]}, "tests[0].name: 3 is no text"),
        ({"tests": [{"status": "ok"}]}, "tests[0].status: 'ok' is none of"),
        ({"tests": [{"tags": "x"}]}, "tests[0].tags: 'x' is no list"),
        ({"leaderboard": [{"name": "F1"}]}, "leaderboard[0]: value is missing"),
        ({"points": 3}, "points is no field"),
    ],
)
def test_the_schema_finds_faults(change, fault):
    assert [found[: len(fault)] for found in faults_of({"score": 1, **change})] == [fault]

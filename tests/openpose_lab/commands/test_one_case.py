"""check-merge --case: one case in the student's own process."""

import subprocess
import sys

import numpy as np
import pytest

from estimation.grouping.contract import Reply
from openpose_lab.commands import check_merge
from openpose_lab.lab.one_case import ALL_CASES, find_cases, judge
from openpose_lab.paths import sample_photo
from tests.conftest import ROOT
from tests.openpose_lab.lab.test_merge_checks import RIGHT


@pytest.fixture
def run_case(call_program, tmp_path):
    """Run a case of a merge that is as given: exit status, standard output, standard error."""

    def call(text, name):
        path = tmp_path / "my_merge.py"
        path.write_text(text)
        return call_program("check-merge", check_merge.main, path, "--case", name)

    return call


def test_a_case_that_passes_in_both_orders(run_case):
    status, out, err = run_case(RIGHT.read_text(), "min_num")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "limits: min_num_body_parts=1, min_score=0 (given to merge)",
        "",
        "min_num_body_parts and min_score are used: the limits given here are low, so both people stay",
        "           neck r_shoulder r_elbow    score parts",
        " given        4          5       .     0.20     2",
        "              .          5       6     0.10     2",
        "             10         11       .     1.90     2",
        "           neck r_shoulder r_elbow    score parts",
        " came back   10         11       .     1.90     2",
        "              4          5       6     0.30     3",
        " expected    10         11       .      any     2",
        "              4          5       6      any     3",
        "",
        "the same rows in reverse order",
        "           neck r_shoulder r_elbow    score parts",
        " given       10         11       .     1.90     2",
        "              .          5       6     0.10     2",
        "              4          5       .     0.20     2",
        "           neck r_shoulder r_elbow    score parts",
        " came back   10         11       .     1.90     2",
        "              4          5       6     0.30     3",
        " expected    10         11       .      any     2",
        "              4          5       6      any     3",
        "",
        "min_num_body_parts and min_score are used: passed",
    ]


def test_what_the_merge_prints_stands_between_the_rows_and_the_answer(run_case):
    text = "def merge(subset, **limits):\n    print('I have', len(subset), limits)\n    return subset[:0]\n"
    status, out, err = run_case(text, "peak 0 counts")
    assert status == 1
    assert err == (
        "check-merge: peak 0 counts: these are not the expected people: 0 is an id like any other; only -1 means "
        "that a part is missing\n"
    )
    assert out.index("given") < out.index("I have 3 {}") < out.index("came back no rows") < out.index("expected")
    assert "limits: min_num_body_parts=4, min_score=0.4 (the defaults)\n" in out
    assert "opposite order" not in out


def test_an_error_is_a_traceback_of_the_merge_alone(run_case):
    text = "def merge(subset, **limits):\n    return helper(subset)\n\ndef helper(subset):\n    return 1 / 0\n"
    status, out, err = run_case(text, "peak 0 counts")
    assert (status, err) == (
        1,
        "check-merge: peak 0 counts: merge failed: line 5: ZeroDivisionError: division by zero\n",
    )
    assert "in merge\n" in out
    assert "in helper\n" in out
    assert "one_case.py" not in out
    assert "expected" in out


def test_the_rows_of_a_merge_that_is_yet_to_be_written_are_shown(run_case):
    text = "def merge(subset):\n    raise NotImplementedError('the lab')\n"
    status, out, err = run_case(text, "no rows")
    assert (status, err) == (1, "check-merge: no rows, no people: merge failed: line 2: NotImplementedError: the lab\n")
    assert " given     no rows\n" in out


@pytest.mark.parametrize(("name", "listed"), [("", 14), ("  ", 14), ("wrist loses", 14), ("people", 6)])
def test_a_name_of_no_case_or_of_several_lists_the_names(run_case, name, listed):
    status, out, err = run_case("", name)
    assert (status, err.count("\n")) == (1, 1)
    assert out.splitlines() == [case.name for case in (find_cases(name) or ALL_CASES)]
    assert len(out.splitlines()) == listed
    assert repr(name) in err


def test_the_whole_name_of_a_case_is_enough_if_it_is_a_part_of_another():
    for case in ALL_CASES:
        assert find_cases(case.name) == [case]


def test_a_wrong_score_and_a_changed_input_are_told():
    nine = ALL_CASES[0]
    row = np.full((1, 20), -1.0)
    for part in nine.rows:
        row[0, :18] = np.maximum(row[0, :18], part[:18])
    row[0, 18:] = 16.18416846, 9
    assert judge(nine.rows, Reply(row), nine) is None
    assert judge(nine.rows, Reply(row, changed=True), nine).sentence.startswith("merge changes the rows it is given;")
    row[0, 18] = 3
    assert judge(nine.rows, Reply(row), nine).sentence.startswith("a person's score is 3.0000, expected 16.1842: ")
    row[0, 19] = 8
    assert judge(nine.rows, Reply(row), nine).sentence == (
        "counts that are true: row 0 says parts_num 8 but holds 9 ids that are not -1"
    )


@pytest.mark.parametrize(
    ("typed", "said"),
    [("p subset.shape\nc\n", "(Pdb) (3, 20)"), ("q\n", "the merge gave no answer, because you quit the debugger")],
)
def test_a_breakpoint_stops_in_the_merge(tmp_path, typed, said):
    path = tmp_path / "my_merge.py"
    path.write_text("def merge(subset, **limits):\n    breakpoint()\n    return subset[:0]\n")
    done = subprocess.run(
        [sys.executable, "-m", "openpose_lab", "check-merge", path, "--case", "peak 0"],
        cwd=ROOT,
        input=typed,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert said in done.stdout + done.stderr


@pytest.mark.slow
def test_the_peaks_and_rows_of_a_photo_are_shown_before_merge_is_written(run_case):
    text = "def merge(subset):\n    raise NotImplementedError('the lab')\n"
    status, out, err = run_case(text, sample_photo())
    assert (status, err.count("\n")) == (1, 1)
    assert "NotImplementedError: the lab" in err
    peaks = int(out.split()[0])
    assert out.splitlines()[peaks + 1].split()[:2] == [str(peaks - 1), "left_ear"]
    rows = int(out.split("\nthe ")[1].split()[0])
    assert out.split(" given")[1].split("Traceback")[0].count("\n") == rows > 50

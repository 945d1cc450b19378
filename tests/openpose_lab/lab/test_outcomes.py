"""What changed from one run of the checks to the next."""

import numpy as np

from estimation.grouping.contract import Failure
from openpose_lab.lab.outcomes import Changes, Outcome, find_changes

ONE, TWO = Failure("this is wrong"), Failure("that is wrong")


def test_nothing_changed():
    outcome = Outcome({"a": ONE, "b": TWO}, {"b": "a"})
    again = Outcome({"a": Failure("this is wrong"), "b": ONE}, {"b": "a"})
    assert find_changes(outcome, again) == Changes()  # a check that waits is not explained
    assert outcome.own == ["a"]


def test_each_kind_of_change():
    before = Outcome(dict.fromkeys(("passes", "due", "other", "stays", "waits"), ONE), {"passes": "x", "due": "x"})
    after = Outcome({"due": ONE, "other": TWO, "stays": ONE, "waits": ONE, "fails": ONE}, {"waits": "stays"})
    assert find_changes(before, after) == Changes(["passes"], ["fails"], ["due"], ["other"], ["waits"])


def test_a_check_that_passed_and_now_waits():
    assert find_changes(Outcome(), Outcome({"a": ONE, "b": ONE}, {"b": "a"})) == Changes(failing=["a"], waiting=["b"])


def test_other_rows_are_another_explanation():
    rows = np.full((1, 20), -1.0)
    rows[0, [0, 1, 18, 19]] = 3, 4, 1.5, 2
    others = rows.copy()
    others[0, 0] = 5
    first, same, second = (Outcome({"a": Failure("wrong", {"given": one})}) for one in (rows, rows.copy(), others))
    assert find_changes(first, same) == Changes()
    assert find_changes(first, second) == Changes(otherwise=["a"])


def test_how_many_wait_in_words():
    assert Outcome({"a": ONE}).and_waiting == ""
    assert Outcome({"a": ONE, "b": ONE}, {"b": "a"}).and_waiting == ", and 1 waits for a more basic one"
    assert Outcome({}, {"b": "a", "c": "a"}).and_waiting == ", and 2 wait for a more basic one"

"""Random rows are the same ones each time, and are drawn once."""

import numpy as np
import pytest

from openpose_lab.lab import random_rows
from openpose_lab.lab.random_rows import any_rows, find_failing


@pytest.fixture(autouse=True)
def nothing_drawn(monkeypatch):
    monkeypatch.setattr(random_rows, "_drawn", {})


def drawn(examples=20, seed=0):
    found = []
    assert find_failing(any_rows, found.append, examples, seed) is None
    return found


def test_drawn_once(monkeypatch):
    first = drawn()
    monkeypatch.setattr("hypothesis.find", lambda *_, **__: pytest.fail("drawn again"))
    again = drawn()
    assert len(first) == len(again) == 20
    assert all(map(np.array_equal, first, again))


def test_what_is_drawn_again_is_the_same():
    first = drawn()
    random_rows._drawn.clear()
    assert all(map(np.array_equal, first, drawn()))


def test_other_examples_and_seeds_are_other_rows():
    assert len(drawn()) == 20
    assert len(drawn(examples=30)) == 30
    assert not all(map(np.array_equal, drawn(), drawn(seed=1)))


def test_known_rows_that_fail_are_reduced():
    drawn()
    assert find_failing(any_rows, lambda rows: len(rows) if len(rows) > 2 else None, 20, 0) == 3
    assert len(drawn()) == 20


def test_a_change_of_known_rows_is_not_kept():
    first = [rows.copy() for rows in drawn()]
    find_failing(any_rows, lambda rows: rows.fill(0), 20, 0)
    assert all(map(np.array_equal, first, drawn()))


def test_a_failure_that_does_not_come_again_is_told():
    drawn()
    answers = iter(["once"])
    assert find_failing(any_rows, lambda rows: next(answers, None), 20, 0) == "once"

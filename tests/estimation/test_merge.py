"""The lab's task, on canned rows: run this file alone to try a change to merge.py in a second or two."""

import numpy as np
import pytest

from estimation.merge import merge
from estimation.subset import MISSING, PARTS_NUM, SCORE
from tests.scenes import HANDOUT_PERSON, HANDOUT_ROWS, ROW_LENGTH, make_rows


def peaks_of(person):
    """The peaks in one row, {slot: id}."""
    return {slot: int(i) for slot, i in enumerate(person[:SCORE]) if i != MISSING}


def test_the_handout_s_nine_rows_are_one_person():
    people = merge(HANDOUT_ROWS)
    np.testing.assert_allclose(people, HANDOUT_PERSON, atol=1e-8)


def test_the_order_of_rows_does_not_matter(rng):
    expected = merge(HANDOUT_ROWS)
    for _ in range(1000):
        np.testing.assert_array_equal(merge(rng.permutation(HANDOUT_ROWS)), expected)


def test_the_input_is_left_as_it_was():
    rows = HANDOUT_ROWS.copy()
    merge(rows)
    np.testing.assert_array_equal(rows, HANDOUT_ROWS)


def test_merging_again_changes_nothing():
    people = merge(HANDOUT_ROWS)
    np.testing.assert_array_equal(merge(people), people)


def test_no_rows_no_people():
    assert merge(np.empty((0, ROW_LENGTH))).shape == (0, ROW_LENGTH)


def test_people_who_share_nothing_stay_apart():
    second = HANDOUT_ROWS.copy()
    second[:, :SCORE][second[:, :SCORE] != MISSING] += 10
    second[:, SCORE] /= 2
    people = merge(np.concatenate([second, HANDOUT_ROWS]))
    np.testing.assert_allclose(people[0], HANDOUT_PERSON[0])
    assert peaks_of(people[1]) == {slot: peak + 10 for slot, peak in peaks_of(HANDOUT_PERSON[0]).items()}


def test_peak_0_counts():
    people = merge(make_rows(({0: 0, 1: 1}, 1.5), ({1: 1, 2: 2}, 1.5), ({0: 0, 14: 3}, 1.5)))
    assert peaks_of(people[0]) == {0: 0, 1: 1, 2: 2, 14: 3}


@pytest.mark.parametrize("order", [1, -1])
def test_elbow_with_two_wrists_keeps_the_stronger(order):
    rows = make_rows(
        ({1: 1, 5: 5}, 1.9),
        ({5: 5, 6: 18}, 1.8),
        ({0: 0, 1: 1}, 1.7),
        ({6: 18, 7: 22}, 1.6),
        ({6: 18, 7: 24}, 1.5),
    )
    people = merge(rows[::order])
    assert len(people) == 1
    assert peaks_of(people[0]) == {0: 0, 1: 1, 5: 5, 6: 18, 7: 22}
    assert people[0, SCORE] == pytest.approx(1.9 + 1.8 + 1.7 + 1.6)


@pytest.mark.parametrize("order", [1, -1])
def test_two_partial_people_who_share_an_elbow(order):
    """The loser gives up the elbow, and keeps its other parts."""
    winner = {1: 1, 5: 5, 6: 18, 7: 22, 0: 0}
    loser = {8: 30, 9: 31, 10: 32, 11: 33, 6: 18, 7: 24}
    people = merge(make_rows((winner, 9.0), (loser, 6.0))[::order])
    assert [peaks_of(person) for person in people] == [winner, {8: 30, 9: 31, 10: 32, 11: 33, 7: 24}]
    assert people[:, PARTS_NUM].tolist() == [5, 5]
    assert people[:, SCORE].tolist() == [9.0, pytest.approx(6.0 * 5 / 6)]


def test_limb_between_two_people_who_clash_joins_nobody():
    first, second = {0: 0, 1: 1, 2: 2, 3: 3}, {0: 10, 1: 11, 5: 12, 6: 13}
    people = merge(make_rows((first, 6.0), (second, 5.0), ({3: 3, 6: 13}, 1.0)))
    assert [peaks_of(person) for person in people] == [first, second]
    assert people[:, SCORE].tolist() == [6.0, 5.0]


def test_limb_joins_two_halves_of_a_person():
    people = merge(make_rows(({0: 0, 1: 1}, 1.9), ({8: 2, 9: 3}, 1.8), ({1: 1, 8: 2}, 1.0)))
    assert peaks_of(people[0]) == {0: 0, 1: 1, 8: 2, 9: 3}
    assert people[0, SCORE] == pytest.approx(4.7)


def test_limb_between_parts_of_one_person_adds_its_score_once():
    people = merge(make_rows(({1: 1, 2: 2}, 1.9), ({2: 2, 16: 3}, 1.8), ({0: 0, 1: 1}, 1.7), ({0: 0, 16: 3}, 1.0)))
    assert people[0, PARTS_NUM] == 4
    assert people[0, SCORE] == pytest.approx(6.4)


def test_prune_by_number_of_parts():
    rows = make_rows(({0: 0, 1: 1, 2: 2}, 5.0), ({0: 3, 1: 4, 2: 5, 3: 6}, 5.0))
    assert [len(peaks_of(person)) for person in merge(rows)] == [4]
    assert sorted(len(peaks_of(person)) for person in merge(rows, min_num_body_parts=3)) == [3, 4]


def test_prune_by_score():
    rows = make_rows(({0: 0, 1: 1, 2: 2, 3: 3}, 1.6), ({0: 4, 1: 5, 2: 6, 3: 7}, 1.59))
    assert [person[0] for person in merge(rows)] == [0]  # 1.6 / 4 is not below 0.4
    assert len(merge(rows, min_score=0.3)) == 2

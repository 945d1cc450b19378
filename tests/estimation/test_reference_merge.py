"""Test the project's own merge in cases where the lab leaves the choice to the author."""

import numpy as np
import pytest

from estimation.merge import merge
from estimation.subset import MISSING, PARTS_NUM, SCORE
from tests.support.scenes import HANDOUT_PERSON, HANDOUT_ROWS, make_rows


def peaks_of(person):
    """Return the peaks of one row, {slot: id}."""
    return {slot: int(i) for slot, i in enumerate(person[:SCORE]) if i != MISSING}


def test_the_order_of_rows_does_not_matter_to_the_last_bit(rng):
    expected = merge(HANDOUT_ROWS)
    np.testing.assert_allclose(expected, HANDOUT_PERSON, atol=1e-8)
    for _ in range(1000):
        np.testing.assert_array_equal(merge(rng.permutation(HANDOUT_ROWS)), expected)


@pytest.mark.parametrize("order", [1, -1])
def test_a_limb_that_is_given_up_scores_for_nobody(order):
    rows = make_rows(
        ({1: 1, 5: 5}, 1.9),
        ({5: 5, 6: 18}, 1.8),
        ({0: 0, 1: 1}, 1.7),
        ({6: 18, 7: 22}, 1.6),
        ({6: 18, 7: 24}, 1.5),
    )
    people = merge(rows[::order])
    assert [peaks_of(person) for person in people] == [{0: 0, 1: 1, 5: 5, 6: 18, 7: 22}]
    assert people[0, SCORE] == pytest.approx(1.9 + 1.8 + 1.7 + 1.6)


@pytest.mark.parametrize("order", [1, -1])
def test_two_partial_people_who_share_an_elbow(order):
    """One person loses the elbow, and keeps their other parts."""
    winner = {1: 1, 5: 5, 6: 18, 7: 22, 0: 0}
    loser = {8: 30, 9: 31, 10: 32, 11: 33, 6: 18, 7: 24}
    people = merge(make_rows((winner, 9.0), (loser, 6.0))[::order])
    assert [peaks_of(person) for person in people] == [winner, {8: 30, 9: 31, 10: 32, 11: 33, 7: 24}]
    assert people[:, PARTS_NUM].tolist() == [5, 5]
    assert people[:, SCORE].tolist() == [9.0, pytest.approx(6.0 * 5 / 6)]


def test_limb_between_two_people_who_clash_scores_for_nobody():
    first, second = {0: 0, 1: 1, 2: 2, 3: 3}, {0: 10, 1: 11, 5: 12, 6: 13}
    people = merge(make_rows((first, 6.0), (second, 5.0), ({3: 3, 6: 13}, 1.0)))
    assert [peaks_of(person) for person in people] == [first, second]
    assert people[:, SCORE].tolist() == [6.0, 5.0]


def test_a_score_at_the_limit_stays():
    rows = make_rows(({0: 0, 1: 1, 2: 2, 3: 3}, 1.6), ({0: 4, 1: 5, 2: 6, 3: 7}, 1.59))
    assert [person[0] for person in merge(rows)] == [0]  # 1.6 / 4 is not below 0.4
    assert len(merge(rows, min_score=0.3)) == 2

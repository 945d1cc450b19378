import numpy as np
import pytest

from estimation.config import COCO_18
from openpose_lab.evaluation.measures import NOBODY, Pairs, count_conflicts, count_pairs, owners
from openpose_lab.evaluation.oracle import oracle_rows
from tests.estimation.test_connections import peaks_at
from tests.support.scenes import join, make_rows

OWNER = np.array([0, 0, 0, 1, 1, NOBODY])


@pytest.mark.parametrize(
    ("rows", "pairs"),
    [
        ([{0: 0, 1: 1, 2: 2}, {3: 3, 4: 4}], Pairs(right=4, made=4, true=4)),
        ([{0: 0, 1: 1, 2: 2, 3: 3, 4: 4}], Pairs(right=4, made=10, true=4)),
        ([{0: 0, 1: 1}, {2: 2, 3: 3}], Pairs(right=1, made=2, true=4)),
        ([{0: 0, 1: 1, 5: 5}], Pairs(right=1, made=3, true=4)),
        ([], Pairs(right=0, made=0, true=4)),
    ],
)
def test_pairs_of_three_and_two_peaks_and_a_false_one(rows, pairs):
    assert count_pairs(make_rows(*[(row, 1) for row in rows]), OWNER, all_known=True) == pairs


def test_peaks_of_people_who_are_not_annotated_do_not_count():
    rows = make_rows(({0: 0, 1: 1, 5: 5}, 1))
    assert count_pairs(rows, OWNER, all_known=False) == Pairs(right=1, made=1, true=4)


def test_f1_is_the_harmonic_mean_of_precision_and_recall():
    pairs = Pairs(1, 2, 4) + Pairs(2, 2, 4)
    precision, recall = 3 / 4, 3 / 8
    assert pairs.f1 == pytest.approx(2 * precision * recall / (precision + recall))
    assert Pairs().f1 == 1


def test_a_conflict_is_a_limb_between_two_people():
    """The limbs join the neck to both shoulders, the right shoulder to the elbow, and the elbow to the wrist."""
    coordinates = peaks_at((1, 2, 3), (2, 7, 3), (5, 7, 4), (3, 9, 9), (4, 9, 12))
    ids = [coordinates.part.tolist().index(part) for part in (1, 2, 5, 3, 4)]
    neck, right, left, elbow, wrist = ids
    connections = join(
        coordinates, (0, neck, right, 0.9), (1, neck, left, 0.8), (2, right, elbow, 0.7), (3, elbow, wrist, 0.6)
    )
    whole = make_rows(({1: neck, 2: right, 5: left, 3: elbow, 4: wrist}, 1))
    assert count_conflicts(whole, connections) == 0
    torn = make_rows(({1: neck, 5: left}, 1), ({2: right, 3: elbow}, 1))
    assert count_conflicts(torn, connections) == 1  # neck and right shoulder; the wrist is in no person


def test_owners_are_one_to_one_and_near():
    coordinates = peaks_at((1, 2, 2), (1, 4, 2), (1, 20, 2), (2, 2, 2))
    keypoints = np.full((2, 18, 2), np.nan)
    keypoints[0, 1], keypoints[1, 1] = (3.1, 2), (5, 2)  # both nearest to the second peak
    reach = np.full((2, 18), 3.0)
    assert owners(coordinates, keypoints, reach).tolist() == [0, 1, NOBODY, NOBODY]
    assert owners(coordinates, keypoints[:0], reach[:0]).tolist() == [NOBODY] * 4
    reach[0] = 0.5
    assert owners(coordinates, keypoints, reach).tolist() == [NOBODY, 1, NOBODY, NOBODY]


def test_oracle_rows_are_not_pruned():
    coordinates = peaks_at((1, 2, 2), (2, 4, 2), (3, 20, 2))
    found = oracle_rows(COCO_18, join(coordinates, (0, 0, 1, 0.5)), np.array([1, NOBODY, 0]))
    assert sorted(found[:, [1, 2, 3]].tolist()) == [[-1, -1, 2], [0, -1, -1]]

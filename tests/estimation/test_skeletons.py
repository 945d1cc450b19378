import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.skeletons import best_people, to_skeletons
from openpose_lab.formats.coco import to_coco
from openpose_lab.formats.openpose import to_openpose
from tests.estimation.test_connections import peaks_at
from tests.support.scenes import make_rows

COORDINATES = peaks_at((0, 1, 2), (1, 3.5, 4), (14, 5, 6))
PEOPLE = make_rows(({0: 0, 1: 1}, 2.5), ({14: 2}, 0.75))


def test_peaks_are_moved_to_photo_pixels():
    skeletons = to_skeletons(COCO_18, PEOPLE, COORDINATES, (8, 4))
    assert len(skeletons) == 2
    assert skeletons.keypoints[0, 0].tolist() == [11.5, 9.5]
    assert skeletons.keypoints[0, 1].tolist() == [31.5, 17.5]
    assert skeletons.scores[0, :3].tolist() == [0.5, 0.5, 0]
    assert skeletons.present.sum(axis=1).tolist() == [2, 1]
    np.testing.assert_array_equal(np.isnan(skeletons.keypoints).all(axis=2), ~skeletons.present)


def test_what_a_network_sees_too_far_off_is_moved_back():
    plain, moved = (to_skeletons(COCO_18, PEOPLE, COORDINATES, (8, 4), offset) for offset in ((0, 0), (-0.25, 0.5)))
    np.testing.assert_allclose(moved.keypoints - plain.keypoints, np.where(plain.present[..., None], (-2, 2), np.nan))
    np.testing.assert_array_equal(moved.person_scores, plain.person_scores)


def test_nobody():
    skeletons = to_skeletons(COCO_18, make_rows(), COORDINATES, 8)
    assert skeletons.keypoints.shape == (0, 18, 2)
    assert to_openpose(skeletons) == {"version": 1.3, "people": []}
    assert to_coco(COCO_18, skeletons, 7) == []


def test_keypoints_lie_in_the_photo():
    """31.5 is beyond the last column, 21.5 beyond the last row."""
    skeletons = to_skeletons(COCO_18, PEOPLE, COORDINATES, (8, 4), photo_size=(30, 20))
    assert skeletons.keypoints[[0, 0, 1], [0, 1, 14]].tolist() == [[11.5, 9.5], [29, 17.5], [29, 19]]
    np.testing.assert_array_equal(np.isnan(skeletons.keypoints).all(axis=2), ~skeletons.present)


def scored(*scores):
    """Return people with these scores. Each has one keypoint, with the person's number as x."""
    coordinates = peaks_at(*((0, number, 0) for number in range(len(scores))))
    rows = make_rows(*(({0: number}, 1.0) for number in range(len(scores))))
    return to_skeletons(COCO_18, rows, coordinates, 1, person_scores=np.array(scores, dtype=float))


def numbers(skeletons):
    return skeletons.keypoints[:, 0, 0].tolist()


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, []), (1, [2]), (2, [1, 2]), (3, [1, 2, 3]), (4, [1, 2, 3, 4]), (5, [0, 1, 2, 3, 4]), (9, [0, 1, 2, 3, 4])],
)
def test_the_best_people_keep_their_order_and_the_earlier_of_equals_stays(count, expected):
    assert numbers(best_people(scored(0.5, 2, 3, 2, 2), count)) == expected


def test_the_best_of_nobody():
    assert len(best_people(scored(), 3)) == 0


@pytest.mark.parametrize(
    ("people", "expected"),
    [([2, 0], [2, 0]), ([True, False, True], [0, 2]), ([], []), (np.zeros(3, bool), [])],
)
def test_selected_people_keep_all_that_is_known_of_them(people, expected):
    everyone = scored(1, 2, 3)
    some = everyone.select(people)
    assert numbers(some) == expected
    assert some.scores.shape == (len(expected), 18)
    assert some.person_scores.tolist() == [number + 1 for number in expected]
    assert some.peak_ids[:, 0].tolist() == expected
    assert numbers(everyone) == [0, 1, 2]


def test_an_empty_mask_selects_nobody_of_nobody():
    assert len(scored().select(np.zeros(0, bool))) == 0

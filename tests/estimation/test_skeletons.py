import numpy as np

from estimation.config import COCO_18
from estimation.skeletons import to_skeletons
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

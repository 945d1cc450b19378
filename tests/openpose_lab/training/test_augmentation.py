"""Augmentation: exact on keypoints in both directions, and the same on photos and masks."""

import cv2
import numpy as np
import pytest

from estimation.layouts import LAYOUTS
from openpose_lab.training.augmentation import GREY, Augmentation, Transform, random_transform, whole_photo

COCO = LAYOUTS["COCO_18"]
BOX = np.array([100, 50, 60, 200])
PAPER = Augmentation()
STILL = Augmentation(scale=(0.5, 0.5), degrees=0, shift=0, mirror=0)


def transform_of(seed=0, augmentation=PAPER):
    return random_transform(np.random.default_rng(seed), augmentation, BOX, 368)


def points_back(transform, points):
    """The inverse of Transform.points, by the inverse of its homogeneous matrix."""
    inverse = np.linalg.inv(np.vstack([transform.matrix, [0, 0, 1]]))
    return points @ inverse[:2, :2].T + inverse[:2, 2]


@pytest.mark.parametrize("seed", range(20))
def test_points_go_there_and_back(seed):
    points = np.random.default_rng(seed).uniform(-50, 700, (40, 2))
    transform = transform_of(seed)
    np.testing.assert_allclose(points_back(transform, transform.points(points)), points, atol=1e-9)


def test_a_person_takes_the_share_and_stands_in_the_middle():
    transform = transform_of(augmentation=STILL)
    corners = transform.points(np.array([[99.5, 49.5], [159.5, 249.5]]))  # the edges of the box
    np.testing.assert_allclose(
        corners, [[183.5 - 27.6, 91.5], [183.5 + 27.6, 275.5]]
    )  # 184 pixels of 368, around 183.5


def test_a_mirrored_photo_has_left_and_right_exchanged():
    still = transform_of(augmentation=STILL)
    mirrored = transform_of(augmentation=Augmentation((0.5, 0.5), 0, 0, 1))
    keypoints = np.random.default_rng(0).uniform(0, 300, (3, 18, 2))
    plain, turned = still.keypoints(COCO, keypoints), mirrored.keypoints(COCO, keypoints)
    right, left = (COCO.body_parts.index(f"{side}_wrist") for side in ("right", "left"))
    np.testing.assert_allclose(turned[:, left, 0], 367 - plain[:, right, 0])
    np.testing.assert_allclose(turned[:, left, 1], plain[:, right, 1])
    np.testing.assert_allclose(turned[:, 0, 0], 367 - plain[:, 0, 0])  # the nose stays a nose
    twice = mirrored.keypoints(COCO, points_back(mirrored, turned)[:, COCO.mirrored_parts])
    np.testing.assert_allclose(twice, turned)


def test_the_limits_are_kept_and_used():
    found = [transform_of(seed) for seed in range(300)]
    shares = np.array([one.scale * 200 / 368 for one in found])
    degrees = np.array([np.degrees(np.arctan2(one.matrix[1, 0], one.matrix[1, 1])) for one in found])
    moved = np.array([one.points(BOX[:2] + BOX[2:] / 2 - 0.5) - 183.5 for one in found])
    for values, low, high in ((shares, 0.5, 1.1), (degrees, -40, 40), (moved, -40, 40)):
        assert low <= values.min() < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < values.max() <= high
    assert 120 < sum(one.mirrored for one in found) < 180


@pytest.mark.parametrize("seed", range(6))
def test_photos_move_as_points_do(seed):
    """A white disc moves with its centre, in enlarged and in reduced photos."""
    for size in (1, 3):
        photo = np.zeros((300 * size, 320 * size, 3), np.uint8)
        centre = np.array([130, 120]) * size
        cv2.circle(photo, centre.tolist(), 6 * size, (255, 255, 255), -1)
        transform = random_transform(np.random.default_rng(seed), PAPER, BOX * size, 368)
        moved = transform.photo(photo)[:, :, 0] > 200  # neither black nor the grey around the photo
        rows, columns = np.mgrid[:368, :368]
        found = np.array([(columns * moved).sum(), (rows * moved).sum()]) / moved.sum()
        np.testing.assert_allclose(found, transform.points(centre), atol=0.25)


def test_outside_the_photo_is_grey_and_in_no_region():
    transform = Transform(np.array([[1.0, 0, 10], [0, 1, 20]]), False, 64)
    moved = transform.photo(np.full((20, 30, 3), 200, np.uint8))
    assert moved[19, 10].tolist() == moved[20, 9].tolist() == [GREY] * 3
    assert moved[20, 10].tolist() == [200] * 3
    region = transform.mask(np.ones((20, 30), bool))
    assert region.sum() == 600
    assert region[20:40, 10:40].all()


def test_a_whole_photo_has_the_height_of_the_input():
    transform = whole_photo(640, 480, 240, share=1.0)
    edges = transform.points(np.array([[639.5, -0.5], [639.5, 479.5]]))  # the right edge
    np.testing.assert_allclose(edges, [[239.5, -0.5], [239.5, 239.5]])
    np.testing.assert_allclose(whole_photo(640, 480, 240, share=0.0).points(np.array([-0.5, -0.5])), [-0.5, -0.5])


def test_a_cut_is_at_a_whole_cell():
    """The corner of the photo lies on the corner of a cell in each crop."""
    for share in np.linspace(0, 1, 11):
        for width in (640, 501, 200):
            corner = whole_photo(width, 480, 368, share).points(np.array([-0.5, -0.5])) + 0.5
            np.testing.assert_allclose(corner / 8, np.round(corner / 8), atol=1e-9)

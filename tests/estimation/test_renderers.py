import tracemalloc

import numpy as np

from estimation.config import COCO_18
from estimation.field_maps import cells_to_pixels
from estimation.renderers import draw, draw_skeletons
from estimation.skeletons import to_skeletons
from tests.estimation.test_connections import peaks_at
from tests.support.scenes import make_rows

COORDINATES = peaks_at((0, 2, 2), (1, 8, 10))
PERSON = make_rows(({0: 0, 1: 1}, 2.0))


def test_limbs_and_joints_are_drawn_where_they_are():
    image = np.full((120, 100, 3), 128, np.uint8)
    picture = draw_skeletons(COCO_18, image, to_skeletons(COCO_18, PERSON, COORDINATES, 8))
    assert picture.shape == image.shape
    assert picture.dtype == np.uint8
    changed = (picture != image).any(axis=2)
    for xy in cells_to_pixels([(2, 2), (8, 10), (5, 6)], 8):  # both joints, and the middle of the limb
        column, row = np.round(xy).astype(int)
        assert changed[row, column]
    assert not changed[:, 80:].any()
    assert (image == 128).all()


def test_drawing_takes_no_more_memory_than_the_picture():
    image = np.zeros((1000, 1000, 3), np.uint8)
    skeletons = to_skeletons(COCO_18, PERSON, COORDINATES, 8)
    tracemalloc.start()
    try:
        picture = draw_skeletons(COCO_18, image, skeletons)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert picture.nbytes <= peak < 1.2 * picture.nbytes


def test_nobody_leaves_the_picture_as_it_is(rng):
    image = rng.integers(0, 256, (20, 30, 3)).astype(np.uint8)
    np.testing.assert_array_equal(
        draw_skeletons(COCO_18, image, to_skeletons(COCO_18, make_rows(), COORDINATES, 8)), image
    )


def test_redundant_limbs_are_not_drawn():
    image = np.zeros((120, 100, 3), np.uint8)
    ear_to_shoulder = make_rows(({2: 0, 16: 1}, 2.0))
    picture = draw_skeletons(
        COCO_18, image, to_skeletons(COCO_18, ear_to_shoulder, peaks_at((2, 2, 2), (16, 8, 10)), 8)
    )
    assert not picture[50, 43].any()


def test_the_lab_s_call():
    image = np.zeros((120, 100, 3), np.uint8)
    expected = draw_skeletons(COCO_18, image, to_skeletons(COCO_18, PERSON, COORDINATES, 8))
    np.testing.assert_array_equal(draw(COCO_18, image, COORDINATES, PERSON, resize_fac=8), expected)


def test_the_lab_s_call_draws_in_the_picture():
    """A joint that the last cell of a padded picture gives is drawn at the edge."""
    image = np.zeros((120, 58, 3), np.uint8)
    picture = draw(COCO_18, image, peaks_at((0, 2, 2), (1, 7.4, 10)), PERSON)
    assert picture[84, 57].any()

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from estimation.config import COCO_18, Config
from estimation.field_maps import cells_to_pixels
from estimation.layouts import Layout, Limb
from estimation.renderers import draw, draw_skeletons
from estimation.skeletons import Skeletons, to_skeletons
from tests.estimation.test_connections import peaks_at
from tests.support.scenes import BODY_25, FIGURE, MPI_15, figure, make_rows

COORDINATES = peaks_at((0, 2, 2), (1, 8, 10))
PERSON = make_rows(({0: 0, 1: 1}, 2.0))
HAND = Config(Layout("HAND", ("palm", "tip"), (Limb(0, 1, 0, 1),), sigmas=(0.05, 0.025)))
DOTS = Config(Layout("DOTS", HAND.body_parts, (), HAND.layout.sigmas))
HIP, KNEE = (COCO_18.body_parts.index(f"right_{part}") for part in ("hip", "knee"))
EARS = [COCO_18.body_parts.index(f"{side}_ear") for side in ("left", "right")]


def skeletons_at(*people):
    """Return people with these keypoints, each (parts, 2) in pixels."""
    keypoints = np.array(people, dtype=float)
    ids = np.where(np.isnan(keypoints).any(axis=2), -1, 0)
    return Skeletons(keypoints, np.ones(ids.shape), np.ones(len(ids)), ids)


def standing(height, x, y=0.0, config=COCO_18):
    """Return the keypoints of a person of this height in pixels, with the top of the head at y."""
    shape = [[0.0, 0.0], [0.0, 1.0]] if config.layout.proportions is None else figure(config)
    return np.array(shape) * height + (x, y)


def only(person, *parts):
    """Return the same person with only these parts."""
    kept = np.full_like(person, np.nan)
    kept[list(parts)] = person[list(parts)]
    return kept


def paint(image):
    """Return the share of each pixel that limbs cover, (h, w), for pure colours on black."""
    return image.max(axis=2) / (0.7 * 255)


def thigh_width(height, shape=(1000, 1000)):
    """Return the width of a thigh's line at its middle, in pixels."""
    person = standing(height, 500)
    middle = person[[HIP, KNEE], 1].mean()
    person[:, 1] += round(middle) - middle
    picture = draw_skeletons(COCO_18, np.zeros((*shape, 3), np.uint8), skeletons_at(person))
    return paint(picture)[round(middle), :500].sum()


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
    """A joint in the last cell of a padded picture is drawn at the edge."""
    image = np.zeros((120, 58, 3), np.uint8)
    picture = draw(COCO_18, image, peaks_at((0, 2, 2), (1, 7.4, 10)), PERSON)
    assert picture[84, 57].any()


@pytest.mark.parametrize("height", [100, 200, 400])
def test_lines_are_as_wide_as_the_person_is_tall(height):
    """The width is 1/45 of the body height, which is estimated from the keypoints for an unknown view."""
    assert 0.8 * height / 45 < thigh_width(height) < 1.2 * height / 45
    np.testing.assert_allclose(thigh_width(2 * height) / thigh_width(height), 2, rtol=0.1)


@pytest.mark.parametrize("config", [COCO_18, BODY_25, MPI_15, HAND], ids=lambda config: config.layout.name)
def test_a_person_twice_as_tall_has_twice_as_long_and_wide_lines(config):
    image = np.zeros((1000, 1000, 3), np.uint8)
    small, large = (
        paint(draw_skeletons(config, image, skeletons_at(standing(height, 500, 50, config)))).sum()
        for height in (200, 400)
    )
    np.testing.assert_allclose(large / small, 4, rtol=0.1)


@pytest.mark.parametrize("height", [4, 8, 20, 30])
def test_lines_of_tiny_people_are_a_pixel_wide(height):
    assert 1 <= thigh_width(height) < 2


def test_the_largest_lines_are_a_fortieth_of_the_photo():
    assert 24 < thigh_width(5000, (4000, 1000)) < 26


def test_tiny_people_of_a_large_photo_have_lines_that_show():
    assert 1.8 < thigh_width(40, (2000, 2000)) < 2.2


def test_a_face_of_thirty_pixels_stays_visible():
    person = standing(30 / np.ptp(FIGURE[EARS, 0]), 320, 20)
    picture = draw_skeletons(COCO_18, np.zeros((480, 640, 3), np.uint8), skeletons_at(person))
    (left, _), (right, _), (_, middle) = person[EARS[1]], person[EARS[0]], person[0]
    face = picture[round(middle) - 15 : round(middle) + 15, round(left) : round(right)]
    assert 0.05 < (face.max(axis=2) > 60).mean() < 0.3


@pytest.mark.parametrize("place", [0, 1])
def test_smaller_people_are_drawn_over_larger_ones(place):
    """The shoulders of a small person are drawn over a shin behind them, for any order of the people."""
    large, small = standing(600, 300, 20), standing(60, 0)
    small += large[[KNEE, KNEE + 1]].mean(axis=0) - small[[2, 1]].mean(axis=0)
    image = np.zeros((640, 600, 3), np.uint8)
    people = [large, small] if place else [small, large]
    x, y = np.round(small[[2, 1]].mean(axis=0)).astype(int)
    both = draw_skeletons(COCO_18, image, skeletons_at(*people))
    np.testing.assert_array_equal(both[y, x], draw_skeletons(COCO_18, image, skeletons_at(small))[y, x])
    assert (both[y, x] != draw_skeletons(COCO_18, image, skeletons_at(large))[y, x]).any()


def test_drawing_changes_nothing_it_is_given(rng):
    image = rng.integers(0, 256, (200, 300, 3)).astype(np.uint8)
    skeletons = skeletons_at(standing(150, 150), only(standing(30, 40), 0, 1))
    before, keypoints = image.copy(), skeletons.keypoints.copy()
    draw_skeletons(COCO_18, image, skeletons)
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(skeletons.keypoints, keypoints)


@pytest.mark.parametrize("height", [30, 170])
def test_pixels_beside_a_person_stay_as_they_are(rng, height):
    """This includes pixels that were enlarged with the person."""
    image = rng.integers(0, 256, (200, 300, 3)).astype(np.uint8)
    person = standing(height, 150, 10)
    changed = (draw_skeletons(COCO_18, image, skeletons_at(person)) != image).any(axis=2)
    gap = person[HIP, 1] + 0.6 * (person[KNEE, 1] - person[HIP, 1])  # between the thighs
    assert changed[round(gap), round(person[HIP, 0])]
    assert not changed[round(gap), 150]
    assert not changed[:, : int(person[:, 0].min()) - 4].any()
    assert 0 < changed.mean() < 0.1


@pytest.mark.parametrize("shape", [(20, 20), (1, 20), (2000, 8000)])
def test_photos_of_any_size_can_be_drawn_on(shape):
    image = np.zeros((*shape, 3), np.uint8)
    height = 0.9 * shape[0]
    people = skeletons_at(standing(height, shape[1] / 2), standing(height / 100, shape[1] / 4))
    assert draw_skeletons(COCO_18, image, people).any()


@pytest.mark.parametrize("config", [COCO_18, HAND, DOTS], ids=lambda config: config.layout.name)
def test_a_single_keypoint_is_a_dot_one_can_see(config):
    image = np.zeros((600, 800, 3), np.uint8)
    picture = draw_skeletons(config, image, skeletons_at(only(standing(100, 400, 50, config), 1)))
    assert 20 < (picture.max(axis=2) > 100).sum() < 60


def test_two_parts_at_one_place_and_a_person_without_parts():
    image = np.zeros((100, 100, 3), np.uint8)
    stacked = only(np.full_like(FIGURE, 50), 0, 1)
    picture = draw_skeletons(COCO_18, image, skeletons_at(stacked, np.full_like(FIGURE, np.nan)))
    assert picture[50, 50].any()
    assert not picture[:40].any()


def test_keypoints_far_outside_the_photo():
    """Predictions of other systems may contain such keypoints."""
    image = np.zeros((100, 100, 3), np.uint8)
    far = only(FIGURE, 0, 1)
    far[:2] = (1e300, 50), (-1e300, 50)
    picture = draw_skeletons(COCO_18, image, skeletons_at(far, only(FIGURE, 0) + 1e5))
    assert picture[50, 50].any()


def test_a_person_across_a_long_photo_takes_little_memory():
    image = np.zeros((100, 100_000, 3), np.uint8)
    person = only(standing(50, 50), 0, 1)
    person[1] = 99_900, 60
    tracemalloc.start()
    try:
        draw_skeletons(COCO_18, image, skeletons_at(person))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.2 * image.nbytes


def tracked_at(identities, *people):
    """Return people with these identities and keypoints."""
    return replace(skeletons_at(*people), person_ids=np.array(identities))


def colours_of(picture):
    """Return the colours of more than 20 pixels, without black and grey."""
    colours, counts = np.unique(picture.reshape(-1, 3), axis=0, return_counts=True)
    strong = colours[(counts > 20) & (colours.max(axis=1) == 255)]
    return set(map(tuple, strong.tolist()))


def test_a_person_with_an_identity_has_its_colour():
    black = np.zeros((300, 300, 3), np.uint8)
    person = standing(250, 150, 30)
    by_kind = colours_of(draw_skeletons(COCO_18, black, skeletons_at(person)))
    assert len(by_kind) > 3
    hues = [colours_of(draw_skeletons(COCO_18, black, tracked_at([identity], person))) for identity in range(12)]
    assert all(len(hue) == 1 for hue in hues)
    assert len(set.union(*hues)) == 12
    here, there = standing(120, 80, 30), standing(120, 220, 30)
    assert colours_of(draw_skeletons(COCO_18, black, tracked_at([4, 9], here, there))) == hues[4] | hues[9]


def test_the_number_of_an_identity_stands_above_the_person():
    black = np.zeros((300, 300, 3), np.uint8)
    person = standing(200, 150, 60)
    without = draw_skeletons(COCO_18, black, tracked_at([0], person))
    numbers = [draw_skeletons(COCO_18, black, tracked_at([identity], person)) for identity in (7, 77)]
    assert not without[:35].any()
    for picture in (without, *numbers):
        rows, columns = np.nonzero(picture[:60].any(axis=2))
        assert len(rows)
        assert abs(columns.min() + columns.max() - 300) < 30
    assert (numbers[1][:60] > 0).sum() > 1.5 * (numbers[0][:60] > 0).sum()


@pytest.mark.parametrize("place", [(0, 0), (299, 299), (1e9, -1e9)])
def test_a_number_stays_in_the_picture(place):
    black = np.zeros((300, 300, 3), np.uint8)
    person = np.full((18, 2), np.nan)
    person[0] = place
    picture = draw_skeletons(COCO_18, black, tracked_at([123], person))
    rows, columns = np.nonzero(picture.any(axis=2))
    assert columns.max() - columns.min() > 15
    assert rows.max() - rows.min() >= 6


def test_people_without_an_identity_have_neither_colour_nor_number():
    black = np.zeros((300, 300, 3), np.uint8)
    person = standing(200, 150, 60)
    plain = draw_skeletons(COCO_18, black, skeletons_at(person))
    np.testing.assert_array_equal(draw_skeletons(COCO_18, black, tracked_at([-1], person)), plain)

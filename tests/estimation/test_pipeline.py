from dataclasses import replace

import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from estimation.field_maps import cells_to_pixels, pixels_to_cells
from estimation.pipeline import estimate_people
from estimation.quality import QUALITIES
from estimation.synthesis import synthesize
from estimation.views import LEAST_INPUT_SIDE, compute_maps, scale_to_height
from tests.support.scenes import FIGURE

PERSON = FIGURE * 300 + (210, 60)  # in pixels of a photo 640 wide and 480 high


class PerfectNetwork:
    """A network that returns the ideal maps of one person, at the same place in the photo for every input size."""

    config = COCO_18

    def __call__(self, photo):
        self.seen = photo.shape
        height, width = photo.shape[:2]
        person = (PERSON + 0.5) * (width / 640, height / 480) - 0.5
        return synthesize(COCO_18, pixels_to_cells(person, 8)[None], (-(-height // 8), -(-width // 8)))


@pytest.mark.parametrize("height", [201, 368, 480, 777])
def test_people_are_in_the_photo_s_own_pixels(height):
    network = PerfectNetwork()
    result = estimate_people(np.zeros((480, 640, 3), np.uint8), network, height)
    assert network.seen == (height, round(640 * height / 480), 3)
    assert result.skeletons.keypoints.shape == (1, 18, 2)
    assert np.abs(result.skeletons.keypoints[0] - PERSON).max() < 0.5
    assert list(result.milliseconds) == ["network", "coordinates", "connections", "grouping"]


class NotingNetwork(PerfectNetwork):
    """A network that notes the heights of its photos."""

    def __init__(self):
        self.heights = []

    def __call__(self, photo):
        self.heights.append(photo.shape[0])
        return super().__call__(photo)


@pytest.mark.parametrize("said", [{}, {"quality": "fast"}, {"quality": "balanced"}, {"quality": "best"}])
@pytest.mark.parametrize("default", [None, "fast"])
def test_the_network_sees_the_views_of_the_quality(said, default):
    network = NotingNetwork()
    if default:
        network.quality = default
    result = estimate_people(np.zeros((480, 640, 3), np.uint8), network, **said)
    views = QUALITIES[said.get("quality") or default or "balanced"]
    assert network.heights == [height for height in views.heights for _ in range(1 + views.flip)]
    assert list(result.milliseconds) == ["network", "coordinates", "connections", "grouping"]


@pytest.mark.parametrize(
    ("said", "heights"),
    [
        ({"height": 201}, [201]),
        ({"scales": [0.5, 1]}, [184, 368]),
        ({"height": 100, "scales": (2,)}, [200]),
        ({"height": 100, "flip": True}, [100, 100]),
    ],
)
def test_what_is_said_exactly_replaces_the_quality(said, heights):
    network = NotingNetwork()
    estimate_people(np.zeros((480, 640, 3), np.uint8), network, **said)
    assert network.heights == heights


def test_a_quality_and_a_height_do_not_go_together():
    network = NotingNetwork()
    with pytest.raises(OpenPoseLabError, match="give it or height, not both"):
        estimate_people(np.zeros((480, 640, 3), np.uint8), network, 368, quality="best")
    assert not network.heights


def test_cells_are_measured_in_the_photo_s_pixels():
    maps = compute_maps(np.zeros((480, 640, 3), np.uint8), PerfectNetwork(), 240)
    assert maps.cell_size == (16, 16)
    assert maps.photo_size == (640, 480)
    assert cells_to_pixels([39.5, 29.5], maps.cell_size).tolist() == [639.5, 479.5]


class EdgeNetwork:
    """A network that sees one person, with the left side and the feet in the last cells, outside the photo.

    The photo has 636 x 356 pixels, and the cells cover 640 x 360.
    """

    config = COCO_18
    person = FIGURE * 320 + (639, 359) - FIGURE.max(axis=0) * 320  # in pixels

    def __call__(self, photo):
        assert photo.shape == (356, 636, 3)
        return synthesize(COCO_18, pixels_to_cells(self.person, 8)[None], (45, 80))


def test_every_keypoint_lies_in_the_photo():
    network = EdgeNetwork()
    outside = (network.person > (635, 355)).any(axis=1)
    assert outside.any()
    found = estimate_people(np.zeros((356, 636, 3), np.uint8), network, 356).skeletons
    assert found.present.all()  # a keypoint from a peak outside the photo is kept
    assert (found.keypoints >= 0).all()
    assert (found.keypoints <= (635, 355)).all()
    np.testing.assert_allclose(found.keypoints[0], np.minimum(network.person, (635, 355)), atol=0.5)


@pytest.mark.parametrize(("shape", "height", "seen"), [((100, 8000), 368, 224), ((300, 400), 2048, 1732)])
def test_memory_is_bounded_whatever_the_shape(shape, height, seen):
    sentence = (
        f"^the network sees the photo at height {seen} instead of {height}, because max_input_pixels allows 4000000 "
        r"pixels; to keep the height, raise max_input_pixels \(this takes more memory\)$"
    )
    with pytest.warns(OpenPoseLabWarning, match=sentence):
        scaled = scale_to_height(np.zeros((*shape, 3), np.uint8), height)
    assert 3.9e6 < scaled.shape[0] * scaled.shape[1] < 4.1e6
    assert scaled.shape[1] / scaled.shape[0] == pytest.approx(shape[1] / shape[0], rel=0.01)


def test_the_caller_can_raise_the_bound():
    config = replace(COCO_18, max_input_pixels=6_000_000)
    assert scale_to_height(np.zeros((300, 400, 3), np.uint8), 2048, config).shape == (2048, 2731, 3)


@pytest.mark.parametrize("shape", [(8, 30000), (20000, 9)])
def test_memory_is_bounded_for_a_strip_that_the_network_fills_up(shape):
    with pytest.warns(OpenPoseLabWarning, match="raise max_input_pixels"):
        scaled = scale_to_height(np.zeros((*shape, 3), np.uint8), 2048, replace(COCO_18, max_input_pixels=100_000))
    short, long = sorted(scaled.shape[:2])
    assert short < LEAST_INPUT_SIDE
    assert 0.95e5 < LEAST_INPUT_SIDE * long < 1.05e5


def test_a_photo_of_the_right_height_is_left_alone():
    photo = np.zeros((368, 500, 3), np.uint8)
    assert scale_to_height(photo, 368) is photo


@pytest.mark.parametrize("height", [0, -5, 31, 2049])
def test_senseless_heights_are_refused(height):
    with pytest.raises(OpenPoseLabError, match=f"the height must be from 32 to 2048 pixels but is {height}"):
        scale_to_height(np.zeros((480, 640, 3), np.uint8), height)


def test_tiny_photos_are_refused():
    with pytest.raises(OpenPoseLabError, match="the photo is 1x9 pixels, too small to show a person"):
        scale_to_height(np.zeros((9, 1, 3), np.uint8), 368)

from dataclasses import replace

import numpy as np
import pytest

from estimation.config import COCO_18, Config
from estimation.field_maps import FieldMaps, pixels_to_cells
from estimation.layouts import Limb
from estimation.pipeline import group_maps
from estimation.quality import Views
from estimation.synthesis import synthesize
from estimation.views import average_maps, resample_maps
from tests.support.scenes import BODY_25, MPI_15, figure

WIDTH, HEIGHT = 325, 403  # not multiples of eight


class Sighted:
    """A network that sees a person in a photo with a dark left half, and the mirrored person in the mirrored photo.

    Like a real network, it shifts all maps by a small offset.
    """

    def __init__(self, config, offset=(0.25, -0.4)):
        self.config = config
        self.offset = np.array(offset)
        self.person = figure(config) * 320 + (130, 40)

    def __call__(self, photo):
        height, width = photo.shape[:2]
        person = self.person
        if photo[:, : width // 2].mean() > photo[:, width // 2 :].mean():
            names = self.config.body_parts
            swapped = [name.replace("left", "*").replace("right", "left").replace("*", "right") for name in names]
            person = person[[names.index(name) for name in swapped]] * (-1, 1) + (WIDTH - 1, 0)
        scale = np.array([width / WIDTH, height / HEIGHT])
        cells = pixels_to_cells((person + 0.5) * scale - 0.5, 8) - self.offset
        maps = synthesize(self.config, cells[None], (-(-height // 8), -(-width // 8)))
        return FieldMaps(maps.heatmaps, maps.pafs, (8, 8), tuple(self.offset.tolist()))


@pytest.fixture
def photo():
    photo = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    photo[:, WIDTH // 2 :] = 255
    return photo


@pytest.mark.parametrize("config", [COCO_18, BODY_25, MPI_15], ids=lambda config: config.name)
@pytest.mark.parametrize(("scales", "flip"), [((1,), False), ((1,), True), ((1, 0.5, 1.5), False), ((0.75, 1.5), True)])
def test_all_views_agree_on_where_everything_is(photo, config, scales, flip):
    network = Sighted(config)
    found = group_maps(average_maps(photo, network, Views(HEIGHT, scales, flip)), config).skeletons
    assert len(found) == 1
    assert found.present.all()
    assert np.abs(found.keypoints[0] - network.person).max() < 2.5  # pixels: a third of a cell


def test_a_limb_between_left_and_right_points_the_same_way_in_both_images(photo):
    shoulders = Limb(2, 5, 38, 39, redundant=True)
    crossed = Config(replace(COCO_18.layout, limbs=(*COCO_18.limbs, shoulders)))
    network = Sighted(crossed, offset=(0, 0))
    alone, both = (average_maps(photo, network, Views(HEIGHT, flip=flip)).pafs[:, :, 38:] for flip in (False, True))
    middle = pixels_to_cells(network.person[[2, 5]].mean(axis=0), 8).round().astype(int)
    np.testing.assert_allclose(both[middle[1], middle[0]], alone[middle[1], middle[0]], atol=0.05)
    assert np.linalg.norm(alone[middle[1], middle[0]]) > 0.9


def test_one_view_is_the_view_itself(photo):
    network = Sighted(COCO_18)
    averaged, alone = average_maps(photo, network, Views(HEIGHT)), network(photo)
    np.testing.assert_allclose(averaged.heatmaps, alone.heatmaps, atol=1e-5)
    np.testing.assert_allclose(averaged.pafs, alone.pafs, atol=1e-5)
    assert (averaged.cell_size, averaged.offset) == (alone.cell_size, alone.offset)
    assert averaged.photo_size == (WIDTH, HEIGHT)


def test_the_order_of_scales_does_not_matter(photo):
    one, other = (
        average_maps(photo, Sighted(COCO_18), Views(HEIGHT, scales)) for scales in ((0.5, 1.5, 1), (1.5, 1, 0.5))
    )
    assert one.cell_size == other.cell_size
    np.testing.assert_allclose(one.heatmaps, other.heatmaps, atol=1e-6)
    np.testing.assert_allclose(one.pafs, other.pafs, atol=1e-6)


class Ramp:
    """A network with maps that are linear in the place in its input, in pixels, so that interpolation is exact."""

    config = COCO_18

    def __init__(self, offset=(0.2, -0.3)):
        self.offset = np.array(offset)

    def __call__(self, photo):
        height, width = photo.shape[:2]
        y, x = np.mgrid[: -(-height // 8), : -(-width // 8)]
        x, y = (
            (cells + 0.5 + move) * 8 / side
            for cells, move, side in ((x, self.offset[0], width), (y, self.offset[1], height))
        )
        ramp = (x + 10 * y).astype(np.float32)[..., None]
        return FieldMaps(np.tile(ramp, 19), np.tile(ramp, 38), (8, 8), tuple(self.offset.tolist()))


@pytest.mark.parametrize("flip", [False, True])
def test_values_move_to_their_place_in_the_largest_view(photo, flip):
    """This holds in the middle. At the edges, the smaller view has no cells beyond its border."""
    alone, averaged = (average_maps(photo, Ramp(), Views(HEIGHT, scales)) for scales in ((1,), (0.5, 1)))
    np.testing.assert_allclose(averaged.heatmaps[2:-2, 2:-2], alone.heatmaps[2:-2, 2:-2], atol=1e-5)
    np.testing.assert_allclose(averaged.pafs[2:-2, 2:-2], alone.pafs[2:-2, 2:-2], atol=1e-5)
    if flip:
        mirrored = average_maps(photo, Ramp(), Views(HEIGHT, (0.5, 1), flip=True))
        y = alone.heatmaps - (np.arange(41) + 0.7)[None, :, None] * 8 / WIDTH  # without x, which the mirror flips
        np.testing.assert_allclose(mirrored.heatmaps[2:-2, 2:-2], (y + 0.5)[2:-2, 2:-2], atol=1e-5)


def test_maps_are_read_between_their_cells():
    """Old cells of 8 pixels and new cells of 4 pixels have different offsets, and both count."""
    values = np.add.outer(10 * np.arange(4.0), np.arange(5.0)).astype(np.float32)  # 10 row + column
    maps = FieldMaps(np.tile(values[..., None], 19), np.tile(values[..., None], 38), (8, 8), (0.25, 0.0), (40, 32))
    moved = resample_maps(maps, (8, 10), 4, (0.0, 1.0))
    # New column k is at 4 k + 1.5 pixels, or (k - 0.5) / 2 cells of 8. The offset is subtracted there.
    columns = np.clip((np.arange(10) + 0.5) / 2 - 0.5 - 0.25, 0, 4)
    rows = np.clip((np.arange(8) + 1 + 0.5) / 2 - 0.5, 0, 3)
    np.testing.assert_allclose(moved.heatmaps[:, :, 7], np.add.outer(10 * rows, columns), atol=1e-5)
    np.testing.assert_array_equal(moved.pafs, np.tile(moved.heatmaps[:, :, :1], 38))
    assert (moved.cell_size, moved.offset, moved.photo_size) == ((4, 4), (0.0, 1.0), (40, 32))


def test_maps_on_their_own_cells_stay(photo):
    maps = Sighted(COCO_18)(photo)
    same = resample_maps(maps, maps.heatmaps.shape[:2], 8, maps.offset)
    np.testing.assert_array_equal(same.heatmaps, maps.heatmaps)


class Batching(Sighted):
    """A network that notes the number of photos in each batch."""

    def __init__(self, config):
        super().__init__(config)
        self.counts = []

    def batch(self, photos):
        self.counts.append(len(photos))
        return [super(Batching, self).__call__(photo) for photo in photos]


def test_a_view_and_its_mirror_image_go_into_one_batch(photo):
    network = Batching(COCO_18)
    batched = average_maps(photo, network, Views(HEIGHT, (0.5, 1), flip=True))
    assert network.counts == [2, 2]
    one_by_one = average_maps(photo, Sighted(COCO_18), Views(HEIGHT, (0.5, 1), flip=True))
    np.testing.assert_array_equal(batched.heatmaps, one_by_one.heatmaps)
    np.testing.assert_array_equal(batched.pafs, one_by_one.pafs)


def test_maps_of_the_network_are_not_changed(photo):
    class Keeping(Sighted):
        def __call__(self, photo):
            maps = super().__call__(photo)
            maps.heatmaps.setflags(write=False)
            maps.pafs.setflags(write=False)
            return maps

    average_maps(photo, Keeping(COCO_18), Views(HEIGHT, (1, 1.5), flip=True))


def test_a_map_of_one_column_is_that_column_everywhere():
    config = Sighted(COCO_18).config

    class Thin:
        def __init__(self):
            self.config = config

        def __call__(self, photo):
            height, width = photo.shape[:2]
            return FieldMaps(
                np.ones((height // 8, width // 8, 19), np.float32),
                np.ones((height // 8, width // 8, 38), np.float32),
                (8, 8),
            )

    maps = average_maps(np.zeros((64, 16, 3), np.uint8), Thin(), Views(64, (0.5, 1), flip=True))
    assert (maps.heatmaps == 1).all()

import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.field_maps import FieldMaps, pixels_to_cells
from estimation.pipeline import group_maps
from estimation.synthesis import synthesize
from estimation.views import average_maps
from tests.support.scenes import BODY_25, MPI_15, figure

WIDTH, HEIGHT = 325, 403  # no multiples of eight


class Sighted:
    """A network that sees the person in a photo that is dark on the left, and their mirror image in its mirror image;
    all a little too far off, as real networks do."""

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
    found = group_maps(average_maps(photo, network, HEIGHT, scales, flip), config).skeletons
    assert len(found) == 1
    assert found.present.all()
    assert np.abs(found.keypoints[0] - network.person).max() < 2.5  # pixels: a third of a cell


def test_one_view_is_the_view_itself(photo):
    network = Sighted(COCO_18)
    averaged, alone = average_maps(photo, network, HEIGHT), network(photo)
    np.testing.assert_allclose(averaged.heatmaps, alone.heatmaps, atol=1e-5)
    np.testing.assert_allclose(averaged.pafs, alone.pafs, atol=1e-5)
    assert (averaged.cell_size, averaged.offset) == (alone.cell_size, alone.offset)
    assert averaged.photo_size == (WIDTH, HEIGHT)


def test_the_order_of_scales_does_not_matter(photo):
    one, other = (average_maps(photo, Sighted(COCO_18), HEIGHT, scales) for scales in ((0.5, 1.5, 1), (1.5, 1, 0.5)))
    assert one.cell_size == other.cell_size
    np.testing.assert_allclose(one.heatmaps, other.heatmaps, atol=1e-6)
    np.testing.assert_allclose(one.pafs, other.pafs, atol=1e-6)

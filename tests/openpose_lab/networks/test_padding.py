"""What a network sees beyond the edges of a photo, and that it finds nothing there. The slow tests load TensorFlow."""

import numpy as np
import pytest

from estimation.pipeline import estimate_people, group_maps
from openpose_lab.networks.catalogue import NETWORKS
from openpose_lab.networks.loading import load_network
from openpose_lab.networks.network import LoadedNetwork
from openpose_lab.networks.runtimes.base import BatchMaps, StageMaps


class CellNumbers:
    """A runtime whose maps hold the number of each cell."""

    def run(self, batch):
        self.seen = batch
        count, height, width = batch.shape[:3]
        numbers = np.arange(height // 8 * (width // 8), dtype=np.float32).reshape(1, height // 8, width // 8, 1)
        return BatchMaps(*(np.broadcast_to(numbers, (count, *numbers.shape[1:3], channels)) for channels in (19, 38)))

    def run_stages(self, batch):
        maps = self.run(batch)
        return [StageMaps(None, maps.pafs), StageMaps(maps.heatmaps, maps.pafs)]


@pytest.mark.parametrize(
    ("shape", "seen", "cells"),
    [
        ((368, 18), (368, 64), (46, 3)),
        ((9, 368), (64, 368), (2, 46)),
        ((1, 1), (64, 64), (1, 1)),
        ((368, 64), (368, 64), (46, 8)),
        ((368, 65), (368, 72), (46, 9)),
        ((301, 203), (304, 208), (38, 26)),
    ],
)
def test_edges_are_repeated_and_cells_without_a_pixel_of_the_photo_left_out(rng, shape, seen, cells):
    network = LoadedNetwork(NETWORKS["mobilenet_thin"], runtime := CellNumbers())
    photo = rng.integers(0, 256, (*shape, 3)).astype(np.uint8)
    maps = network(photo)
    edges = [(0, seen[axis] - shape[axis]) for axis in (0, 1)]
    np.testing.assert_array_equal(runtime.seen[0], np.pad(photo, [*edges, (0, 0)], mode="edge"))
    numbers = np.add.outer(np.arange(cells[0]) * (seen[1] // 8), np.arange(cells[1]))
    np.testing.assert_array_equal(maps.heatmaps, np.repeat(numbers[:, :, None], 19, axis=2))
    np.testing.assert_array_equal(maps.pafs, np.repeat(numbers[:, :, None], 38, axis=2))
    assert maps.photo_size == shape[::-1]
    stages = network.stages([photo, photo])
    assert stages[0].heatmaps is None
    for stage in stages:
        np.testing.assert_array_equal(stage.pafs, [maps.pafs, maps.pafs])
    np.testing.assert_array_equal(stages[1].heatmaps[1], maps.heatmaps)


@pytest.fixture(scope="module", params=["mobilenet_thin", "lightweight"])
def trained(request):
    """Both networks whose trained weights may be here."""
    if request.param == "mobilenet_thin":
        return request.getfixturevalue("mobilenet")
    folder = request.getfixturevalue("shared_data") / "lightweight_hpe0001"
    return load_network("lightweight", folder / "dequantised_f16.npz")


@pytest.mark.slow
@pytest.mark.parametrize("grey", [0, 100, 255])
def test_a_blank_strip_has_no_people(trained, grey):
    """No peaks, either, which another grouping could make people of."""
    for shape in [*((2000, width) for width in (8, 9, 20, 50, 75, 100, 130, 200)), (8, 60), (20, 20)]:
        found = estimate_people(np.full((*shape, 3), grey, np.uint8), trained)
        assert (len(found.skeletons), len(found.coordinates)) == (0, 0), shape


@pytest.mark.slow
@pytest.mark.parametrize("grey", [0, 100, 255])
def test_a_blank_low_input_has_no_people(trained, grey):
    """Very wide photos, whose height ``max_input_pixels`` bounds, and all photos at a small height."""
    for shape in [(8, 600), (16, 600), (24, 600), (32, 44), (56, 600)]:
        found = group_maps(trained(np.full((*shape, 3), grey, np.uint8)), trained.config)
        assert len(found.skeletons) == 0, shape

"""A loaded network on photos, batches and stages. All of these load TensorFlow."""

import numpy as np
import pytest

from openpose_lab.networks.catalogue import NETWORKS
from openpose_lab.networks.loading import load_network
from openpose_lab.networks.network import LoadedNetwork
from openpose_lab.networks.runtimes.keras import KerasRuntime

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("shape", [(368, 496), (301, 203), (1, 1), (8, 17)])
def test_maps_cover_photos_of_any_size(mobilenet, rng, shape):
    photo = rng.integers(0, 256, (*shape, 3)).astype(np.uint8)
    before = photo.copy()
    maps = mobilenet(photo)
    cells = -(-shape[0] // 8), -(-shape[1] // 8)
    assert maps.heatmaps.shape == (*cells, 19)
    assert maps.pafs.shape == (*cells, 38)
    assert maps.heatmaps.dtype == maps.pafs.dtype == np.float32
    assert (maps.cell_size, maps.offset) == ((8, 8), NETWORKS["mobilenet_thin"].offset)
    np.testing.assert_array_equal(photo, before)


@pytest.mark.parametrize("shape", [(96, 128), (61, 83)])
def test_a_batch_equals_its_photos_one_by_one(mobilenet, rng, shape):
    photos = rng.integers(0, 256, (3, *shape, 3)).astype(np.uint8)
    for given in (photos, list(photos)):
        found = mobilenet.batch(given)
        assert len(found) == 3
        for maps, photo in zip(found, photos):
            alone = mobilenet(photo)
            np.testing.assert_allclose(maps.heatmaps, alone.heatmaps, atol=1e-5)
            np.testing.assert_allclose(maps.pafs, alone.pafs, atol=1e-5)
            assert (maps.cell_size, maps.offset) == (alone.cell_size, alone.offset)


def test_every_stage_on_request(mobilenet, rng):
    photos = rng.integers(0, 256, (2, 61, 83, 3)).astype(np.uint8)
    stages = mobilenet.stages(photos)
    assert [(stage.heatmaps.shape, stage.pafs.shape) for stage in stages] == 6 * [((2, 8, 11, 19), (2, 8, 11, 38))]
    assert {stage.pafs.dtype for stage in stages} == {np.dtype(np.float32)}
    for number, maps in enumerate(mobilenet.batch(photos)):
        np.testing.assert_allclose(stages[-1].heatmaps[number], maps.heatmaps, atol=1e-5)
        np.testing.assert_allclose(stages[-1].pafs[number], maps.pafs, atol=1e-5)
    assert np.abs(stages[0].heatmaps - stages[-1].heatmaps).max() > 0.01


def test_a_stage_of_the_paf_first_network_has_one_kind_of_maps(rng):
    spec = NETWORKS["body25"]
    network = LoadedNetwork(spec, KerasRuntime(spec.build(spec.layout)))
    photo = rng.integers(0, 256, (16, 24, 3)).astype(np.uint8)
    stages = network.stages([photo])
    assert [stage.heatmaps is None for stage in stages] == 4 * [True] + 2 * [False]
    assert [stage.pafs is None for stage in stages] == 4 * [False] + 2 * [True]
    maps = network(photo)
    np.testing.assert_allclose(stages[3].pafs[0], maps.pafs, atol=1e-6)
    np.testing.assert_allclose(stages[5].heatmaps[0], maps.heatmaps, atol=1e-6)


def test_a_new_size_of_photos_or_batches_is_not_traced_again(mobilenet, rng):
    network = load_network("mobilenet_thin", runtime="keras")
    traces = network.runtime._last_stage.experimental_get_tracing_count
    before = traces()
    for width in (64, 80, 123):
        network.batch(rng.integers(0, 256, (width // 30, 56, width, 3)).astype(np.uint8))
    assert traces() == before == 1

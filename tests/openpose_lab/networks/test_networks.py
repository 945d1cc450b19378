"""The networks themselves. All of these load TensorFlow."""

import re

import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.layouts import Layout, Limb
from estimation.photos import read_photo
from models import create_openpose
from openpose_lab.networks.catalogue import NETWORKS
from openpose_lab.networks.importers.frozen_graph import graph_of
from openpose_lab.networks.network import LoadedNetwork
from openpose_lab.networks.runtimes.keras import KerasRuntime
from tests.conftest import ROOT
from tests.support.scenes import BODY_25, MPI_15

pytestmark = pytest.mark.slow


def outputs_of(stages, pafs, heatmaps):
    """The channels of each output of a network that has both kinds of maps in each stage."""
    sizes = {"pafs": pafs, "heatmaps": heatmaps}
    return {f"stage{n}_{kind}": size for n in range(1, stages + 1) for kind, size in sizes.items()}


def built(name):
    return NETWORKS[name].build(NETWORKS[name].layout)


PUBLISHED = {
    # name: weights, as the published layer lists add up to; outputs and their channels; what they mean
    "mobilenet_thin": (None, outputs_of(6, 38, 19), COCO_18),
    "lightweight": (4_099_058, outputs_of(2, 38, 19), COCO_18),
    "vgg19": (52_311_446, outputs_of(6, 38, 19), COCO_18),
    "vgg19_mpi": (51_481_032, outputs_of(6, 28, 16), MPI_15),
    "body25": (
        26_166_084,
        {f"stage{n}_pafs": 52 for n in (1, 2, 3, 4)} | {"stage5_heatmaps": 26, "stage6_heatmaps": 26},
        BODY_25,
    ),
}


@pytest.fixture(scope="module")
def openpose():
    return create_openpose()


@pytest.mark.parametrize("name", PUBLISHED)
def test_outputs_are_named_and_of_the_published_size(name):
    count, channels, config = PUBLISHED[name]
    spec = NETWORKS[name]
    model = built(name)
    assert model.name == name
    if count:
        assert model.count_params() == count
    outputs = model(np.zeros((1, 16, 24, 3), np.uint8))
    assert {output: maps.shape for output, maps in outputs.items()} == {k: (1, 2, 3, n) for k, n in channels.items()}
    assert spec.layout is config.layout
    assert {size for output, size in channels.items() if output.endswith("heatmaps")} == {len(config.body_parts) + 1}
    assert {size for output, size in channels.items() if output.endswith("pafs")} == {2 * len(config.limbs)}
    variable, shape = spec.signature
    layer, name = variable.split("/")
    assert [v.shape for v in model.get_layer(layer).weights if v.name == name] == [shape]


TWO_PARTS = Layout("TWO_PARTS", ("top", "bottom"), (Limb(0, 1, 0, 1),), sigmas=(0.1, 0.1))


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_network_can_be_built_for_any_layout(name):
    outputs = NETWORKS[name].build(TWO_PARTS)(np.zeros((1, 16, 24, 3), np.uint8))
    assert outputs.keys() == PUBLISHED[name][1].keys()
    for output, maps in outputs.items():
        assert maps.shape == (1, 2, 3, 3 if output.endswith("heatmaps") else 2)


def test_openpose_is_the_published_network(openpose):
    assert openpose.count_params() == 52_311_446
    assert [output.shape[-1] for output in openpose.outputs] == [38, 19] * 6
    assert len(openpose.trainable_weights) == 184
    lines = []
    openpose.summary(print_fn=lines.append, line_length=120)
    (total,) = re.findall(r"Total params:\D*([\d,]+)", "\n".join(lines))
    assert total == "52,311,446"


def test_openpose_takes_the_lab_s_rgb_batch(openpose, rng):
    batch = rng.integers(0, 256, (2, 48, 64, 3)).astype(np.uint8)
    outputs = openpose.predict(batch, verbose=0)
    assert [output.shape for output in outputs] == [(2, 6, 8, 38), (2, 6, 8, 19)] * 6


@pytest.mark.parametrize("name", ["vgg19", "vgg19_mpi", "body25", "create_openpose"])
def test_every_vgg19_sees_pixels_over_256_less_a_half(openpose, name):
    import keras

    model = openpose if name == "create_openpose" else built(name)
    scaled = keras.Model(model.input, model.get_layer("scale").output)
    pixels = np.arange(255, -1, -1, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    np.testing.assert_array_equal(scaled(pixels), pixels / 256 - 0.5)


def test_vgg19_with_random_weights_at_the_usual_size(rng):
    network = LoadedNetwork(NETWORKS["vgg19"], KerasRuntime(built("vgg19")))
    maps = network(rng.integers(0, 256, (368, 496, 3)).astype(np.uint8))
    assert (maps.heatmaps.shape, maps.pafs.shape) == ((46, 62, 19), (46, 62, 38))
    assert np.isfinite(maps.heatmaps).all()


def test_vgg19_gets_rgb_and_gives_the_last_pair(openpose, rng):
    model = built("vgg19")
    for layer in openpose.layers:
        if layer.weights:
            model.get_layer(layer.name).set_weights(layer.get_weights())
    photo = rng.integers(0, 256, (64, 96, 3)).astype(np.uint8)
    maps = LoadedNetwork(NETWORKS["vgg19"], KerasRuntime(model))(photo)
    outputs = openpose.predict(photo[np.newaxis, :, :, ::-1], verbose=0)
    np.testing.assert_allclose(maps.pafs, outputs[10][0], rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(maps.heatmaps, outputs[11][0], rtol=1e-3, atol=1e-6)


def test_any_number_of_stages():
    from models.openpose_vgg19 import build_two_branches

    model = build_two_branches(stages=3)
    assert sorted(model.output) == [f"stage{n}_{m}" for n in (1, 2, 3) for m in ("heatmaps", "pafs")]
    single = build_two_branches(stages=1)
    assert sorted(single.output) == ["stage1_heatmaps", "stage1_pafs"]


def test_mobilenet_equals_its_frozen_graph(mobilenet, wheel):
    """The published graph is run as it is, on three photos of different shape."""
    import tensorflow as tf

    definition = tf.compat.v1.GraphDef()
    definition.ParseFromString(graph_of(wheel))
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

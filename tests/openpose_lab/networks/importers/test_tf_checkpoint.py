"""The lab's checkpoint: a file with its 184 variables, written here by TensorFlow itself."""

import json
import re
import shutil

import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from models import create_openpose
from openpose_lab.networks.importers.tf_checkpoint import _layer_name
from openpose_lab.networks.loading import import_weights, load_network
from openpose_lab.networks.reading import read_weights
from tests.support.caffe_files import NETS, caffemodel, random_blobs, sample_photo

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def input_is_the_photo(monkeypatch):
    """The reference sees the small photo as it is, not filled up."""
    monkeypatch.setattr("openpose_lab.networks.network.LEAST_INPUT_SIDE", 1)


def lab_variables(model):
    """The model's variables under the names of the lab's checkpoint, as its network numbers them."""
    front = [
        f"block{block}_conv{number}"
        for block, size in ((1, 2), (2, 2), (3, 4), (4, 2))
        for number in range(1, size + 1)
    ]
    names = [f"backbone/{layer}" for layer in (*front, "layer_13", "layer_14")]
    for stage in range(6):
        for branch in "sl":
            names += [f"stage_{stage}_{branch}/layer_{k}" for k in range(5 if stage == 0 else 7)]
    layers = [layer for layer in model.layers if layer.weights]
    # Keras lists the layers of a stage's two branches in turn, so they are put in order by their names.
    return {
        f"{name}/{variable.name}": variable
        for name, layer in zip(names, sorted_layers(layers))
        for variable in layer.weights
    }


def sorted_layers(layers):
    """Front, then stage by stage, branch by branch."""

    def place(layer):
        name = layer.name
        if branch := re.fullmatch(r"conv5_(\d)_CPM_L(\d)", name):
            return (1, 1, int(branch[2]), int(branch[1]))
        if branch := re.fullmatch(r"Mconv(\d)_stage(\d)_L(\d)", name):
            return (1, int(branch[2]), int(branch[3]), int(branch[1]))
        return (0, *map(int, re.findall(r"\d", name)), 0)[:4]

    return sorted(layers, key=place)


@pytest.fixture(scope="module")
def trained():
    """The lab's network with random weights that keep the size of the signal."""
    model = create_openpose()
    random = np.random.RandomState(3)
    for layer in model.layers:
        if layer.weights:
            kernel, bias = layer.weights
            spread = np.sqrt(6 / np.prod(kernel.shape[:3]))
            kernel.assign(random.uniform(-spread, spread, kernel.shape))
            bias.assign(random.uniform(-0.1, 0.1, bias.shape))
    return model


@pytest.fixture(scope="module")
def checkpoint(trained, tmp_path_factory):
    return write_checkpoint(trained, tmp_path_factory.mktemp("checkpoint"))


def write_checkpoint(model, folder):
    """openpose.index and its data, with an optimizer's variables beside the network's."""
    import tensorflow as tf

    class Node(tf.Module):
        pass

    net = Node()
    for path, variable in lab_variables(model).items():
        *parents, name = path.split("/")
        node = net
        for parent in parents:
            if not hasattr(node, parent):
                setattr(node, parent, Node())
            node = getattr(node, parent)
        setattr(node, name, tf.Variable(variable.numpy()))
    optimizer = Node()
    optimizer.step = tf.Variable(12)
    tf.train.Checkpoint(net=net, optimizer=optimizer).write(str(folder / "openpose"))
    return folder / "openpose.index"


def test_the_variables_are_those_of_the_lab(shared_data, trained):
    published = json.loads((shared_data / "lab_checkpoint" / "keys.json").read_text())
    ours = {f"net/{name}/.ATTRIBUTES/VARIABLE_VALUE": list(v.shape) for name, v in lab_variables(trained).items()}
    assert len(ours) == 184
    assert ours == published


@pytest.mark.parametrize("name", ["openpose.index", "openpose.data-00000-of-00001", "openpose"])
def test_imported_it_gives_the_maps_of_the_lab_s_network(trained, checkpoint, tmp_path, name):
    out = tmp_path / "lab.weights.h5"
    assert import_weights(checkpoint.with_name(name), "vgg19", out) == out
    photo = np.random.RandomState(1).randint(0, 256, (40, 56, 3)).astype(np.uint8)
    outputs = trained.predict(photo[np.newaxis, :, :, ::-1], verbose=0)
    maps = load_network("vgg19", weights=out)(photo)
    np.testing.assert_allclose(maps.pafs, outputs[10][0], atol=1e-5 * np.abs(outputs[10]).max())
    np.testing.assert_allclose(maps.heatmaps, outputs[11][0], atol=1e-5 * np.abs(outputs[11]).max())


def test_a_checkpoint_and_a_caffe_model_of_the_same_weights_give_the_same_maps(tmp_path):
    """Both networks were trained on x / 256 - 0.5: the checkpoint's on RGB, Caffe's on BGR."""
    model = create_openpose()
    for layer, blobs in random_blobs(NETS["vgg19"], seed=0):
        if layer.kind == "Convolution":
            kernel = blobs[0].transpose(2, 3, 1, 0)
            model.get_layer(layer.name).set_weights(
                [kernel[:, :, ::-1] if layer.name == "conv1_1" else kernel, blobs[1]]
            )
    (tmp_path / "net.caffemodel").write_bytes(caffemodel(NETS["vgg19"], seed=0))
    photo = sample_photo()
    caffe = load_network("vgg19", tmp_path / "net.caffemodel")(photo)
    lab = load_network("vgg19", write_checkpoint(model, tmp_path))(photo)
    predicted = model.predict(photo[np.newaxis, :, :, ::-1], verbose=0)
    for expected, *others in (
        (caffe.pafs, lab.pafs, predicted[10][0]),
        (caffe.heatmaps, lab.heatmaps, predicted[11][0]),
    ):
        for found in others:
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_it_is_recognised_and_nothing_but_the_network_is_read(checkpoint, tmp_path):
    shutil.copy(checkpoint, tmp_path / "other.index")
    shutil.copy(checkpoint.with_name("openpose.data-00000-of-00001"), tmp_path / "other.data-00000-of-00001")
    form, trained = read_weights(tmp_path / "other.index")
    assert form == "TensorFlow checkpoint"
    assert len(trained.arrays) == 184


def test_names_of_layers():
    assert _layer_name("backbone", "block3_conv4") == "conv3_4"
    assert _layer_name("backbone", "layer_13") == "conv4_3_CPM"
    assert _layer_name("stage_0_l", "layer_4") == "conv5_5_CPM_L2"
    assert _layer_name("stage_5_s", "layer_6") == "Mconv7_stage6_L1"


def test_files_that_lack_a_part(checkpoint, tmp_path):
    shutil.copy(checkpoint, tmp_path / "openpose.index")
    with pytest.raises(
        OpenPoseLabError, match="openpose.index is the index of a TensorFlow checkpoint without its data"
    ):
        read_weights(tmp_path / "openpose.index")
    data = checkpoint.with_name("openpose.data-00000-of-00001").read_bytes()
    (tmp_path / "openpose.data-00000-of-00001").write_bytes(data[: len(data) // 2])
    with pytest.raises(
        OpenPoseLabError, match="openpose.index is damaged, or is not in the form TensorFlow checkpoint: "
    ):
        read_weights(tmp_path / "openpose.index")
    shutil.copy(checkpoint, tmp_path / "renamed")
    with pytest.raises(
        OpenPoseLabError,
        match="renamed is the index of a TensorFlow checkpoint, so its name must end in .index; rename it",
    ):
        read_weights(tmp_path / "renamed")
    index = checkpoint.read_bytes()
    (tmp_path / "openpose.index").write_bytes(index[:50] + b"\xff" * 20 + index[70:])
    with pytest.raises(OpenPoseLabError, match="openpose.index is (damaged|cut short)"):
        read_weights(tmp_path / "openpose.index")

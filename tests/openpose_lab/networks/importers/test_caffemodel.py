"""Caffe models against OpenCV's reading of the same files, and their wire format by hand."""

import re

import cv2
import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.catalogue import NETWORKS, recognise_network
from openpose_lab.networks.importers import caffemodel
from openpose_lab.networks.loading import load_network
from openpose_lab.networks.reading import read_weights
from tests.conftest import ROOT
from tests.support import caffe_files
from tests.support.caffe_files import NETS, layer_record, new_blob, sample_photo


@pytest.fixture(autouse=True)
def input_is_the_photo(monkeypatch):
    """The reference sees the small photo as it is, not filled up."""
    monkeypatch.setattr("openpose_lab.networks.network.LEAST_INPUT_SIDE", 1)


PROTOTXTS = {"vgg19": "pose_coco_pose_deploy_linevec", "vgg19_mpi": "pose_mpi_pose_deploy_linevec"}
PROTOTXTS["body25"] = "pose_body_25_pose_deploy"
KERNEL = np.arange(2 * 3 * 3 * 3, dtype=np.float32).reshape(2, 3, 3, 3)
BIAS = np.array([5, 6], np.float32)


@pytest.fixture
def read(tmp_path):
    def read(data):
        path = tmp_path / "net.caffemodel"
        path.write_bytes(data)
        return read_weights(path)[1]

    return read


@pytest.mark.parametrize("name", NETS)
def test_the_layer_lists_are_the_published_ones(shared_data, name):
    text = (shared_data / "caffe_prototxt" / f"{PROTOTXTS[name]}.prototxt").read_text()
    published = []
    for body in re.findall(r"^layer\s*\{(.*?)^\}", text, re.MULTILINE | re.DOTALL):
        fields = re.findall(r'(\w+):\s*"?([\w.]+)', body)
        known = dict(reversed(fields))  # the first of each name
        bottoms = tuple(value for field, value in fields if field == "bottom")
        size = int(known["kernel_size"]) if known["type"] == "Convolution" else 0
        outputs = int(known.get("num_output", 0))
        published.append(caffe_files.Layer(known["type"], known["name"], bottoms, known["top"], outputs, size))
    ours = [layer for layer in NETS[name] if layer.kind != "Concat"]
    assert ours == [layer for layer in sorted(published, key=order(ours)) if layer.kind != "Concat"]
    concatenations = {layer.name: layer.bottoms for layer in published if layer.kind == "Concat"}
    assert {layer.name: layer.bottoms for layer in NETS[name] if layer.kind == "Concat"} == concatenations


def order(layers):
    """Caffe's files take the two branches of a stage in turn, layer by layer."""
    places = {layer.name: place for place, layer in enumerate(layers)}
    return lambda layer: places.get(layer.name, -1)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETS)
def test_maps_equal_opencv_s(tmp_path, name):
    """tests/support/opencv_maps.py made the reference; here OpenCV is not asked."""
    path = tmp_path / "a.bin"  # what is in it decides
    path.write_bytes(caffe_files.caffemodel(NETS[name]))
    form, trained = read_weights(path)
    assert (form, recognise_network(trained.arrays)) == ("Caffe model", name)
    compare(load_network(name, path)(sample_photo()), np.load(ROOT / "tests" / "data" / f"opencv_{name}.npy"))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(cv2.dnn, "readNetFromCaffe"), reason="needs opencv-python below 5")
@pytest.mark.parametrize(("name", "old"), [("vgg19", False), ("vgg19", True), ("body25", False)])
def test_maps_equal_opencv_s_of_now(tmp_path, name, old):
    from tests.support.opencv_maps import opencv_maps

    path = tmp_path / "net.caffemodel"
    path.write_bytes(caffe_files.caffemodel(NETS[name], old=old))
    compare(load_network(name, path)(sample_photo()), opencv_maps(name, old))


def compare(maps, expected):
    """Heatmaps, then PAFs, to a ten-thousandth of the largest value."""
    found = np.concatenate([maps.heatmaps, maps.pafs], axis=2)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.slow
def test_old_and_new_records_are_the_same_weights(read):
    new = read(caffe_files.caffemodel(NETS["vgg19"]))
    old = read(caffe_files.caffemodel(NETS["vgg19"], old=True))
    assert new.arrays.keys() == old.arrays.keys()
    assert all(np.array_equal(new.arrays[name], old.arrays[name]) for name in new.arrays)


def test_axes_and_names(read):
    data = layer_record("c", new_blob(KERNEL), new_blob(BIAS)) + layer_record("p", new_blob(BIAS)) + layer_record("r")
    trained = read(data)
    assert list(trained.arrays) == ["c/kernel", "c/bias", "p/alpha"]
    assert trained.arrays["c/kernel"].shape == (3, 3, 3, 2)
    assert trained.arrays["c/kernel"][0, 1, 2, 1] == KERNEL[1, 2, 0, 1]
    np.testing.assert_array_equal(trained.arrays["p/alpha"], [[[5, 6]]])


def test_the_first_layer_is_turned_from_bgr_to_rgb(read):
    trained = read(layer_record("conv1_1", new_blob(KERNEL), new_blob(BIAS)))
    np.testing.assert_array_equal(trained.arrays["conv1_1/kernel"][:, :, 0, 1], KERNEL[1, 2])


def test_numbers_that_are_not_packed_and_doubles(read):
    shape = bytes([7 << 3 | 2, 2, 1 << 3, 2])  # one dim, not packed
    singles = b"".join(bytes([5 << 3 | 5]) + value.tobytes() for value in BIAS)
    doubles = bytes([8 << 3 | 2, 16]) + BIAS.astype("<f8").tobytes()
    for numbers in (singles, doubles):
        trained = read(layer_record("p", shape + numbers) + layer_record("q", shape + numbers))
        np.testing.assert_array_equal(trained.arrays["p/alpha"].ravel(), BIAS)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (layer_record("a", new_blob(BIAS)) + layer_record("c", new_blob(KERNEL))[:-9], "is cut short, after layer a"),
        (layer_record("c", new_blob(KERNEL))[:-9], "has no supported form, or is damaged"),
        (layer_record("c", new_blob(KERNEL)[:-9]), "is cut short, in the first layer"),
        (layer_record("c", b"\x07"), "is damaged, or no protocol buffer, in the first layer"),
        (layer_record("c", b"\x2a\x03abc"), "is damaged in layer c"),
        (
            layer_record("c", b"\x08\x09" + new_blob(BIAS)[5:]),
            r"is damaged: layer c has 2 numbers, which do not fit its shape \(9, 1, 1, 1\)",
        ),
        (layer_record("c", *[new_blob(KERNEL)] * 3), "has 3 arrays in layer c, but 1 or 2 were expected"),
        (layer_record("c", new_blob(KERNEL.reshape(6, 9))), r"has a kernel of shape \(6, 9\) in layer c, but 4 axes"),
        (layer_record("r"), r"\(Caffe model\) holds no weights that can be used"),
    ],
)
def test_damaged_files(read, data, sentence):
    with pytest.raises(OpenPoseLabError, match=f"net.caffemodel {sentence}"):
        read(data)


@pytest.mark.parametrize("data", [b"\0" * 100, b"\xff" * 100, b"some words in a text file", b"\x0a\x03net\x18\x01"])
def test_other_files_are_not_taken_for_caffe_models(tmp_path, data):
    path = tmp_path / "file"
    path.write_bytes(data)
    assert not caffemodel.recognises(path, data)


@pytest.mark.slow
def test_a_model_of_another_network_names_the_first_layer(tmp_path):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(caffe_files.caffemodel(NETS["vgg19_mpi"]))
    with pytest.raises(
        OpenPoseLabError, match=r"is not for vgg19: conv5_5_CPM_L2/kernel has shape .*16\), expected .*19\)"
    ):
        load_network("vgg19", path)
    assert NETWORKS["vgg19_mpi"].layout.name == "MPI_15"

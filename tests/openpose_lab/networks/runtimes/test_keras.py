"""The Keras runtime: finding the Keras code, weights into models, and the order of stages."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("h5py")

import h5py

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.catalogue import NETWORKS
from openpose_lab.networks.loading import find_weights, load_network
from openpose_lab.networks.reading import read_weights
from openpose_lab.networks.runtimes import keras
from openpose_lab.networks.runtimes.base import stage_names
from openpose_lab.networks.runtimes.keras import set_weights
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
    assert "OpenPoseLabError: the Keras code of the networks is missing:" in done.stderr


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
    with pytest.raises(
        ValueError, match="an output must be named like stage1_pafs or stage1_heatmaps, but is named maps"
    ):
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
@pytest.mark.parametrize(
    ("value", "dtype", "sentence"),
    [
        (np.nan, np.float32, "infinite values or NaN"),
        (-np.inf, np.float16, "infinite values or NaN"),
        (1e300, np.float64, "infinite values or NaN"),  # in float32
        (3e38, np.float32, "a magnitude above 1e9"),
    ],
)
@pytest.mark.parametrize("form", ["npz", "h5"])
def test_weights_that_are_no_numbers_are_damaged(mobilenet_weights, tmp_path, form, value, dtype, sentence):
    name = "Conv2d_1/bias"
    path = tmp_path / f"weights.{form}"
    bad = np.zeros(48, dtype)
    bad[7] = value
    if form == "npz":
        np.savez(path, **{**read_weights(find_weights("mobilenet_thin"))[1].arrays, name: bad})
    else:
        shutil.copy(mobilenet_weights, path)
        with h5py.File(path, "a") as file:
            groups = [group for group in file["layers"].values() if group["vars"].attrs.get("name") == "Conv2d_1"]
            del groups[0]["vars/2"]  # after the two kernels of a separable layer
            groups[0]["vars/2"] = bad
    with pytest.raises(OpenPoseLabError, match=rf"{path.name} is damaged: {name} has {sentence}"):
        load_network("mobilenet_thin", path)


FORKS = """
import multiprocessing, os, sys
import numpy as np
from estimation.errors import OpenPoseLabError
from openpose_lab import load_network

def run(again):
    try:
        (load_network("mobilenet_thin") if again else network)(np.zeros((16, 16, 3), np.uint8))
    except OpenPoseLabError as error:
        return str(error)

network = load_network("mobilenet_thin")
for again in (False, True):
    with multiprocessing.get_context("fork").Pool(1) as pool:
        print(pool.apply(run, [again]), flush=True)
    if os.fork() == 0:
        print(run(again), flush=True)
        os._exit(0)
    os.wait()
print(run(False))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system with fork")
def test_a_fork_of_a_process_with_a_network_is_refused(mobilenet):
    """TensorFlow's first call there would wait for ever."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKS], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    sentence = (
        "a network cannot run in a fork of a process that has loaded one; load it in the new process only, or start "
        "processes with multiprocessing's method 'spawn'"
    )
    assert done.stdout.splitlines() == 4 * [sentence] + ["None"]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system with fork")
def test_a_fork_may_load_its_own_network(mobilenet):
    code = FORKS.partition("network = load")[0] + "if os.fork() == 0: print(run(True))\nelse: os.wait()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout == "None\n"


@pytest.mark.parametrize("precision", ["int8", "bf16"])
def test_keras_computes_in_f32_only(precision):
    sentence = f"Keras computes in f32, not in {precision}; leave out --precision, or use --runtime openvino"
    with pytest.raises(OpenPoseLabError, match=sentence):
        keras.load(NETWORKS["lightweight"], find_weights("lightweight"), precision)


class Variable:
    """What a Keras variable tells and does, without TensorFlow."""

    name, shape, dtype, values = "kernel", (3,), "float32", None

    def assign(self, values):
        self.values = values


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({}, "a.npz is not for small: conv1/kernel is missing, expected with shape (3,)"),
        ({"conv1/kernel": np.zeros(4)}, "a.npz is not for small: conv1/kernel has shape (4,), expected (3,)"),
        ({"conv1/kernel": np.full(3, np.nan)}, "a.npz is damaged: conv1/kernel has infinite values or NaN; use"),
        ({"conv1/kernel": np.full(3, 1e10)}, "a.npz is damaged: conv1/kernel has a magnitude above 1e9"),
        ({"conv1/kernel": np.zeros(3)}, "a.npz is damaged: conv1/kernel is all zeros; use"),
        ({"conv1/kernel": np.ones(3), "conv2/bias": np.zeros(1)}, "the network has no layer for conv2/bias"),
    ],
)
def test_weights_that_do_not_fit_change_nothing(arrays, sentence):
    variable = Variable()
    model = SimpleNamespace(layers=[SimpleNamespace(name="conv1", weights=[variable])])
    with pytest.raises(OpenPoseLabError, match=re.escape(sentence)):
        set_weights(model, arrays, Path("a.npz"), "small")
    assert variable.values is None
    set_weights(model, {"conv1/kernel": np.arange(3)}, Path("a.npz"), "small")
    assert variable.values.tolist() == [0, 1, 2]

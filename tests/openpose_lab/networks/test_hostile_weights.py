"""Weights files that mean harm, in every form: one sentence, little memory, and soon."""

import importlib.util
import json
import subprocess
import sys
import time
from functools import partial

import pytest

pytest.importorskip("h5py")

from estimation.errors import OpenPoseLabError
from openpose_lab.commands import image, weights
from openpose_lab.networks.reading import read_weights
from tests.conftest import ROOT
from tests.support.hostile_weights import FILES, make_all

SMALL = {name: file for name, file in FILES.items() if not file.large}


def check(name, message, folder):
    """One sentence of ordinary length, in which nothing steers a terminal."""
    assert FILES[name].sentence in message
    assert len(message.replace(str(folder), "model_weights")) < 300
    assert message.isprintable()


@pytest.mark.parametrize("name", SMALL)
def test_a_small_one_is_refused_at_once(tmp_path, name):
    path = SMALL[name].make(tmp_path)
    start = time.perf_counter()
    with pytest.raises(OpenPoseLabError) as error:
        read_weights(path)
    assert time.perf_counter() - start < 10
    check(name, str(error.value), tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("resource") is None, reason="needs the module resource to measure memory")
def test_each_is_refused_with_little_memory(tmp_path):
    make_all(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.hostile_weights", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stderr == ""
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [name for name, *_ in told] == list(FILES)
    for name, message, seconds, megabytes in told:
        check(name, message, tmp_path / name)
        assert seconds < 10
        assert megabytes < 1000


@pytest.mark.parametrize("name", ["nameless_index", "zip_on_several_disks", "pth_with_a_key_that_is_tuples_of_tuples"])
def test_the_programs_say_one_sentence(tmp_path, call_program, name):
    path = FILES[name].make(tmp_path)
    for program, arguments in (
        (partial(image.main, program="demo"), ("--weights", path, "--no-draw")),
        (partial(image.main, program="demo"), ("--weights", path, "--network", "vgg19", "--no-draw")),
        (weights.main, ("import", path, "--out", tmp_path / "out.weights.h5")),
    ):
        status, out, err = call_program("program", program, *arguments)
        assert (status, out, err.count("\n")) == (1, "", 1)
        assert FILES[name].sentence in err
    assert not (tmp_path / "out.weights.h5").exists()

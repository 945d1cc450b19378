"""A run of training: its files, and that a killed run resumes exactly."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.runtimes.tensorflow_loading import use_tensorflow
from openpose_lab.networks.storage import read
from tests.conftest import ROOT
from tests.support.toy_shapes import write_beetles

pytestmark = pytest.mark.slow

PHOTOS = 6
EPOCHS = 3
STEPS = 3 * EPOCHS  # of 2 photos


@pytest.fixture(scope="module")
def beetles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("beetles")
    write_beetles(folder, PHOTOS)
    return folder


def command(beetles, out, *more):
    arguments = [
        "--images",
        beetles,
        "--annotations",
        beetles / "annotations.json",
        "--layout",
        beetles / "beetle.json",
    ]
    arguments += ["--side", "64", "--batch", "2", "--epochs", EPOCHS, "--deterministic", "--checkpoint-every", "0"]
    return [sys.executable, "-m", "openpose_lab", "train", *map(str, [*arguments, "--out", out, *more])]


def train(beetles, out, *more):
    return subprocess.run(command(beetles, out, *more), capture_output=True, encoding="utf-8", cwd=ROOT, timeout=300)


def killed(beetles, out, step, *more):
    """Kill a run when its checkpoint is of a step or later. Returns the step."""
    checkpoint = out.with_name(out.name.replace(".weights.h5", ".checkpoint.npz"))
    program = subprocess.Popen(
        command(beetles, out, *more), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT
    )
    try:
        until = time.monotonic() + 200
        while not checkpoint.is_file() or step_of(checkpoint) < step:
            assert time.monotonic() < until
            assert program.poll() is None, "the run has ended"
            time.sleep(0.005)
    finally:
        os.kill(program.pid, signal.SIGKILL)
        program.wait()
    return step_of(checkpoint)


def step_of(checkpoint):
    with np.load(checkpoint) as arrays:
        return json.loads(str(arrays["state"]))["step"]


@pytest.fixture(scope="module")
def whole(beetles):
    """The weights and the log of a run that was not killed, and what it printed."""
    done = train(beetles, beetles / "whole.weights.h5", "--log", beetles / "whole.csv")
    assert done.returncode == 0, done.stderr
    with (beetles / "whole.csv").open(encoding="utf-8") as file:
        return read(beetles / "whole.weights.h5").arrays, list(csv.DictReader(file)), done.stdout


def test_what_a_run_writes(beetles, whole):
    arrays, rows, printed = whole
    assert arrays["Mconv7_stage2_L2/bias"].shape == (7,)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    stages = [f"stage{number}_{kind}" for number in (1, 2) for kind in ("pafs", "heatmaps")]
    for row in rows:
        assert float(row["loss"]) == pytest.approx(sum(float(row[name]) for name in stages), rel=1e-5)
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert printed.count("\nepoch ") == EPOCHS
    assert "whole.weights.h5 with the weights of epoch 3; try it" in printed
    assert not (beetles / "whole.checkpoint.npz").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is not sent there")
def test_a_run_killed_three_times_gives_the_same_weights(beetles, whole, tmp_path):
    out = tmp_path / "killed.weights.h5"
    steps = sorted(np.random.default_rng().choice(np.arange(1, STEPS - 1), 3, replace=False).tolist())
    print(f"killed at steps {steps}")
    stopped = [killed(beetles, out, step, *(["--resume"] * (number > 0))) for number, step in enumerate(steps)]
    assert stopped == sorted(stopped)
    log = tmp_path / "killed.csv"
    done = train(beetles, out, "--resume", "--log", log)
    assert done.returncode == 0, done.stderr
    expected, rows, _ = whole
    found = read(out).arrays
    assert found.keys() == expected.keys()
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], atol=1e-5, err_msg=name)
    with log.open(encoding="utf-8") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == [row["epoch"] for row in rows]


def test_a_loss_that_is_not_a_number_ends_the_run(beetles, tmp_path):
    done = train(
        beetles, tmp_path / "a.weights.h5", "--optimizer", "paper", "--rate", "10", "--checkpoint-every", "600"
    )
    assert done.returncode == 1
    assert re.search(
        "the loss of step [1-9] is not a finite number, because the learning rate is too high; delete .* --rate",
        done.stderr,
    )
    assert not any(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as a signal")
def test_ctrl_c_stops_after_the_step(beetles, tmp_path):
    out = tmp_path / "stopped.weights.h5"
    checkpoint = tmp_path / "stopped.checkpoint.npz"
    program = subprocess.Popen(
        command(beetles, out), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", cwd=ROOT
    )
    while not checkpoint.is_file():
        assert program.poll() is None
        time.sleep(0.01)
    program.send_signal(signal.SIGINT)
    error = program.communicate(timeout=60)[1]
    assert program.returncode == 130
    assert "stopped; the same command with --resume continues from" in error
    assert 0 < step_of(checkpoint) < STEPS
    assert not out.exists()
    again = train(beetles, out)
    assert again.returncode == 1
    assert "is the checkpoint of a stopped run; give --resume to continue it, or delete it" in again.stderr
    other = train(beetles, out, "--resume", "--seed", "5")
    assert other.returncode == 1
    assert "belongs to a run with --seed 0, not 5; give the same options and files" in other.stderr


def validated(beetles, out, *more):
    labels = ["--validate-images", beetles, "--validate-annotations", beetles / "annotations.json"]
    return train(beetles, out, *labels, "--validate-every", "1", *more)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is not sent there")
def test_weights_are_written_even_if_those_of_the_best_epoch_are_gone(beetles, tmp_path):
    """AP is 0 in each epoch, so each epoch counts as the best one."""
    pytest.importorskip("pycocotools")
    out = tmp_path / "a.weights.h5"
    labels = ["--validate-images", beetles, "--validate-annotations", beetles / "annotations.json"]
    killed(beetles, out, STEPS - 1, *labels, "--validate-every", "1")
    other = train(beetles, out, "--resume")
    assert other.returncode == 1
    assert "belongs to a run with other photos or labels for validation" in other.stderr
    out.unlink(missing_ok=True)
    done = validated(beetles, out, "--resume")
    assert done.returncode == 0, done.stderr
    assert "with the weights of epoch 3;" in done.stdout
    assert read(out).arrays
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.weights.h5", "a.weights.json"]
    further = validated(beetles, tmp_path / "b.weights.h5", "--weights", out, "--epochs", "1")
    assert "AP before training: 0.000" in further.stdout


def test_trained_weights_start_with_a_lower_rate():
    use_tensorflow()
    from openpose_lab.commands.train import make_optimizer

    options = SimpleNamespace(epochs=2, optimizer="adam", rate=None, weights=None)
    assert make_optimizer(options, 5).learning_rate.numpy() == pytest.approx(1e-3)
    options.weights = "a.weights.h5"
    assert make_optimizer(options, 5).learning_rate.numpy() == pytest.approx(2e-5)


def test_the_paper_s_rate_falls_by_three_in_each_quarter_of_a_run():
    use_tensorflow()
    from openpose_lab.training.optimizers import paper_sgd

    rate = paper_sgd(40, 9e-6)._learning_rate
    found = [float(rate(step)) for step in (0, 9, 10, 20, 30, 39)]
    assert found == pytest.approx([9e-6, 9e-6, 3e-6, 1e-6, 1e-6 / 3, 1e-6 / 3])


def test_a_second_run_with_the_same_output_is_refused(beetles, tmp_path):
    from openpose_lab.file_locks import try_lock

    with (tmp_path / "a.checkpoint.lock").open("ab") as lock:
        assert try_lock(lock)
        done = train(beetles, tmp_path / "a.weights.h5")
    assert done.returncode == 1
    assert "another run is writing" in done.stderr


def test_a_preview_without_training_writes_only_the_picture(beetles, tmp_path):
    done = train(beetles, tmp_path / "a.weights.h5", "--epochs", "0", "--preview", tmp_path / "a.png")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_run_killed_in_its_last_validation_has_all_epochs_in_the_log(tmp_path):
    """The checkpoint has the last epoch, but its AP is not measured, and the log does not have it yet."""
    use_tensorflow()
    from openpose_lab.training.checkpoints import Checkpoint, read_checkpoint
    from openpose_lab.training.run import Plan, Watch
    from openpose_lab.training.run import train as resume

    none = SimpleNamespace(variables=[])
    trainer = SimpleNamespace(network=none, optimizer=none, stop_training=False)
    rows = [{"epoch": 1, "loss": 9.0, "AP": 0.25}, {"epoch": 2, "loss": 5.0}]
    plan = Plan(2, tmp_path / "a.npz", 600, {}, 1, tmp_path / "a.csv")
    kept = []
    watch = Watch(pytest.fail, pytest.fail, lambda: 0.5, lambda: kept.append("better"), lambda: False)
    found = resume(trainer, SimpleNamespace(steps=3), plan, watch, Checkpoint(6, {}, rows, [], []))
    assert found == read_checkpoint(plan.checkpoint).rows == [rows[0], {"epoch": 2, "loss": 5.0, "AP": 0.5}]
    assert kept == ["better"]
    assert plan.log.read_text(encoding="utf-8").splitlines() == ["epoch,loss,AP", "1,9.0,0.25", "2,5.0,0.5"]


def test_a_checkpoint_of_another_kind(tmp_path):
    use_tensorflow()
    from openpose_lab.training.checkpoints import read_checkpoint

    path = tmp_path / "a.npz"
    np.savez(path, a=np.zeros(3))
    with pytest.raises(OpenPoseLabError, match="is damaged or not a checkpoint"):
        read_checkpoint(path)
    path.write_bytes(b"PK\3\4 nothing")
    with pytest.raises(OpenPoseLabError, match="is damaged or not a checkpoint"):
        read_checkpoint(path)

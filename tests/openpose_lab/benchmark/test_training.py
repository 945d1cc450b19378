import numpy as np
import pytest

from estimation.config import COCO_18
from openpose_lab.benchmark import training
from openpose_lab.benchmark.training import PEOPLE, benchmark_training, place_people, training_runs


def test_without_tensorflow_targets_alone_are_timed(monkeypatch, tmp_path):
    monkeypatch.setattr(training, "is_installed", lambda _: False)
    ticks = []
    table = benchmark_training(2, tmp_path, tick=lambda: ticks.append(1))
    (row,) = table.rows
    assert (row.names, row.count) == (("targets of 46x46 cells and 5 people",), 25)
    assert len(row.timing.seconds) == 2
    assert row.timing.low > 0
    assert table.notes[-1] == "examples and steps need tensorflow, which is not installed"
    assert len(ticks) == training_runs(2)


def test_people_stand_in_the_photo():
    people = place_people(COCO_18, np.random.default_rng(0), 368)
    assert people.shape == (PEOPLE, 18, 2)
    assert 0 < np.isnan(people).mean() < 0.2
    assert ((people > 0) & (people < 368))[~np.isnan(people)].mean() > 0.8


@pytest.mark.slow
def test_examples_and_steps_too(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CELLS", 8)
    ticks = []
    table = benchmark_training(1, tmp_path, tick=lambda: ticks.append(1))
    names = ["targets of 8x8 cells and 5 people", "examples: read, augment, targets", "steps of a batch of 4"]
    assert [row.names[0] for row in table.rows] == names
    assert [row.count for row in table.rows] == [25, 8, 4]
    assert len(ticks) == training_runs(1)

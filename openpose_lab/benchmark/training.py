"""Measure the parts of training in photos per second: targets, examples and steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from estimation.config import COCO_18, Config
from openpose_lab.benchmark.table import Row, Table
from openpose_lab.benchmark.throughput import copies_of_sample
from openpose_lab.benchmark.timing import Task, count_runs, time_in_turns
from openpose_lab.extras import is_installed
from openpose_lab.networks.catalogue import find_network
from openpose_lab.training.labels import LabelledPhoto
from openpose_lab.training.targets import People, make_targets

CELLS = 46
PEOPLE = 5
BATCH = 4
_STRIDE = 8
_TARGETS = 25
_EXAMPLES = 8
_NETWORK = "lightweight"


def benchmark_training(repeat: int, folder: Path, seed: int = 0, tick: Callable[[], object] = lambda: None) -> Table:
    """Time the parts of training.

    Args:
        repeat: The number of times that each part is timed.
        folder: An empty folder for photos.
        seed: The seed of the people. Another seed gives other people.
        tick: A function that is called after each run, for a progress bar.

    Returns:
        The photos per second. Targets and examples are measured in processor time, so the figure is for one core.
        Without TensorFlow, only targets are timed.
    """
    rng = np.random.default_rng(seed)
    crowds = [place_people(COCO_18, rng, CELLS * _STRIDE) for _ in range(_TARGETS)]

    def targets() -> float:
        start = time.process_time()
        for keypoints in crowds:
            make_targets(COCO_18, _as_people(keypoints, CELLS * _STRIDE), _STRIDE)
        return time.process_time() - start

    tasks: dict[str, tuple[Task, int]] = {f"targets of {CELLS}x{CELLS} cells and {PEOPLE} people": (targets, _TARGETS)}
    notes = ["targets and examples: by processor time, so on one core"]
    if is_installed("tensorflow"):
        tasks |= _with_tensorflow(folder, rng)
        notes.append(f"a step is of {_NETWORK} on photos of {CELLS * _STRIDE}x{CELLS * _STRIDE} pixels, on all cores")
    else:
        notes.append("examples and steps need tensorflow, which is not installed")
    timings = time_in_turns({name: task for name, (task, _) in tasks.items()}, repeat, tick=tick)
    rows = [Row((name,), timing, tasks[name][1]) for name, timing in timings.done.items()]
    notes += [f"{name} is left out: {sentence}" for name, sentence in timings.failed.items()]
    return Table("training", "Training", ("what",), "photos a second", rows, notes=notes)


def training_runs(repeat: int) -> int:
    """Compute the number of times that ``benchmark_training`` calls ``tick``."""
    return count_runs(3 if is_installed("tensorflow") else 1, repeat)


def place_people(config: Config, rng: np.random.Generator, side: int) -> NDArray[np.float64]:
    """Place standing people in a square photo. One part in ten has no label.

    Args:
        config: The configuration. Its layout has proportions.
        rng: The source of random numbers.
        side: Width and height of the photo in pixels.

    Returns:
        (PEOPLE, parts, 2) float: x and y in pixels, NaN for a part without a label.
    """
    heights = rng.uniform(0.4, 0.8, (PEOPLE, 1, 1)) * side
    standing = np.array(config.layout.proportions)
    people: NDArray[np.float64] = heights * (standing - standing.mean(axis=0))
    people += rng.uniform(0.2, 0.8, (PEOPLE, 1, 2)) * side
    people[rng.random(people.shape[:2]) < 0.1] = np.nan
    return people


def _boxes(keypoints: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n, 4), x, y, width and height of the box around the labelled keypoints of each person."""
    low, high = np.nanmin(keypoints, axis=1), np.nanmax(keypoints, axis=1)
    return np.concatenate([low, high - low], axis=1)


def _as_people(keypoints: NDArray[np.float64], side: int) -> People:
    boxes = _boxes(keypoints)
    outlines = boxes[:, None, :2] + boxes[:, None, 2:] * [(0, 0), (1, 0), (1, 1), (0, 1)]
    return People(keypoints, outlines, np.zeros((side, side), bool))


def _with_tensorflow(folder: Path, rng: np.random.Generator) -> dict[str, tuple[Task, int]]:
    """Return the tasks that need TensorFlow: examples from copies of the sample photo, and steps of a network."""
    from openpose_lab.networks.runtimes.tensorflow_loading import use_tensorflow

    use_tensorflow()
    import keras

    from openpose_lab.training.data import Batches, Recipe, make_example
    from openpose_lab.training.run import compile_trainer

    spec = find_network(_NETWORK)
    recipe, photos = Recipe(CELLS * _STRIDE), []
    for number, path in enumerate(copies_of_sample(folder, _EXAMPLES), start=1):
        keypoints = place_people(COCO_18, rng, CELLS * _STRIDE)
        boxes = _boxes(keypoints)
        areas = np.prod(boxes[:, 2:], axis=1)
        photos.append(LabelledPhoto(number, path, keypoints, boxes, areas, (), ()))
    inputs, targets = Batches(COCO_18, recipe, photos, BATCH).batch(0)
    trainer = compile_trainer(spec.build(spec.layout), keras.optimizers.Adam(1e-4))

    def examples() -> float:
        start = time.process_time()
        for photo in photos:
            make_example(COCO_18, recipe, photo, np.random.default_rng(photo.image_id))
        return time.process_time() - start

    return {
        "examples: read, augment, targets": (examples, _EXAMPLES),
        f"steps of a batch of {BATCH}": (lambda: _done(trainer.train_on_batch(inputs, targets)), BATCH),
    }


def _done(_: object) -> None:
    """Discard the result of a step, because only its time is measured."""

"""A run of training: Keras's ``fit``, with checkpoints that resume it exactly."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras

from estimation.errors import OpenPoseLabError
from estimation.files import write_whole
from openpose_lab.training.checkpoints import Checkpoint, restore, write_checkpoint
from openpose_lab.training.data import Batches
from openpose_lab.training.trainer import Trainer

Row = dict[str, float]
"""The figures of an epoch: ``epoch``, its number from 1; ``loss``; the loss of each stage by the name of its output;
``photos_per_second``; and ``AP`` if the epoch was validated."""


@dataclass(frozen=True, eq=False)
class Plan:
    """The plan of a run.

    Attributes:
        epochs: The number of epochs. The network sees each photo once in an epoch.
        checkpoint: The checkpoint file.
        checkpoint_seconds: Seconds between two checkpoints within an epoch. Each epoch also ends with a checkpoint.
        settings: The settings of the run as JSON values. A resumed run needs the same settings.
        validate_every: Epochs between two validations. The last epoch is also validated.
        log: A CSV file with a row for each epoch. None writes no log.
        more: Further callbacks for Keras.
    """

    epochs: int
    checkpoint: Path
    checkpoint_seconds: float
    settings: dict[str, Any]
    validate_every: int
    log: Path | None = None
    more: list[keras.callbacks.Callback] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Watch:
    """Functions that a run calls.

    Attributes:
        stepped: Called after each step with the mean loss of the epoch so far.
        finished: Called after each epoch with its figures.
        validate: Computes AP. None means that the run is not validated.
        improved: Called when AP is as high as in each earlier validation, or higher.
        stop: Returns True if the run must stop after this step.
    """

    stepped: Callable[[float], object]
    finished: Callable[[Row], object]
    validate: Callable[[], float] | None
    improved: Callable[[], object]
    stop: Callable[[], bool]


def compile_trainer(network: keras.Model, optimizer: keras.optimizers.Optimizer) -> Trainer:
    """Compile a network for training, and create the optimizer's variables."""
    trainer = Trainer(network)
    # XLA takes a minute to compile a network, and is no faster on a CPU.
    trainer.compile(optimizer=optimizer, jit_compile=False)
    trainer.optimizer.build(trainer.network.trainable_variables)
    return trainer


def train(trainer: Trainer, batches: Batches, plan: Plan, watch: Watch, begun: Checkpoint | None = None) -> list[Row]:
    """Train a network.

    Args:
        trainer: The compiled network.
        batches: The batches.
        plan: The plan of the run.
        watch: The functions to call.
        begun: The checkpoint of a run to resume. None starts a new run.

    Returns:
        The figures of each complete epoch, with the epochs before the checkpoint.

    Raises:
        OpenPoseLabError: If a file cannot be written, the checkpoint belongs to another network, the loss is not a
            finite number, or a photo cannot be read. In the last case, the state is written to the checkpoint first.
    """
    if begun:
        restore(trainer.network.variables, begun.weights, plan.checkpoint)
        restore(trainer.optimizer.variables, begun.optimizer, plan.checkpoint)
    record = _Record(plan, watch, batches, begun)
    record.set_model(trainer)
    record.validate()  # if the earlier run ended during a validation
    record.write_log()  # if the earlier run ended after the checkpoint of an epoch, but before its log
    # Keras assumes that all epochs are equally long, so the rest of an interrupted epoch needs its own call of fit.
    rest = [record.step // batches.steps + 1] if record.step % batches.steps else []
    for end in [*rest, plan.epochs]:
        if not trainer.stop_training and record.step < end * batches.steps:
            batches.begin_epoch(record.step)
            try:
                trainer.fit(
                    batches,
                    initial_epoch=record.step // batches.steps,
                    epochs=end,
                    verbose=0,
                    shuffle=False,  # Batches shuffles the photos
                    callbacks=[record, *plan.more],
                )
            except Exception:
                if batches.failure is None:
                    raise
                record.write()
                raise batches.failure from None  # TensorFlow replaces the error with its own
    return record.rows


class _Record(keras.callbacks.Callback):  # type: ignore[misc]
    """Write checkpoints and the log, validate, and report progress."""

    def __init__(self, plan: Plan, watch: Watch, batches: Batches, begun: Checkpoint | None) -> None:
        super().__init__()
        self._plan, self._watch, self._batches = plan, watch, batches
        self.step = begun.step if begun else 0
        self.rows: list[Row] = list(begun.rows) if begun else []
        self._written = time.monotonic()
        self._began = time.monotonic()
        self._steps = 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Begin the epoch at the current step."""
        self._batches.begin_epoch(self.step)
        self._steps = 0
        self._began = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Count a step, and write a checkpoint when it is time."""
        self.step += 1
        self._steps += 1
        loss = float((logs or {}).get("loss", 0))
        if not math.isfinite(loss):
            raise OpenPoseLabError(
                f"the loss of step {self.step} is not a finite number, because the learning rate is too high; delete "
                f"{self._plan.checkpoint} if it exists, and start again with a lower --rate"
            )
        self._watch.stepped(loss)
        if self._watch.stop():
            self.model.stop_training = True
        due = self.model.stop_training or time.monotonic() - self._written > self._plan.checkpoint_seconds
        if due and not self._complete:  # at the end of an epoch, on_epoch_end writes it with the epoch's row
            self.write()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Write a checkpoint, validate, write the log, and report the epoch."""
        if not self._complete:
            return
        row: Row = {"epoch": epoch + 1, **{name: float(value) for name, value in (logs or {}).items()}}
        row["photos_per_second"] = round(self._batches.size * self._steps / (time.monotonic() - self._began), 2)
        self.rows.append(row)
        self.write()  # before the validation, which can take minutes and can fail
        self.validate()
        self.write_log()
        self._watch.finished(row)

    def validate(self) -> None:
        """Validate the last complete epoch, if the plan says so and it is not validated yet."""
        if not self._watch.validate or not self.rows or not self._complete or "AP" in self.rows[-1]:
            return
        row = self.rows[-1]
        if row["epoch"] != self._plan.epochs and row["epoch"] % self._plan.validate_every:
            return
        best = max((one["AP"] for one in self.rows if "AP" in one), default=-1)
        row["AP"] = self._watch.validate()
        if row["AP"] >= best:
            self._watch.improved()
        self.write()

    @property
    def _complete(self) -> bool:
        """True if the last step completed an epoch."""
        return self.step % self._batches.steps == 0

    def write(self) -> None:
        """Write a checkpoint."""
        write_checkpoint(self._plan.checkpoint, self.model, self.step, self._plan.settings, self.rows)
        self._written = time.monotonic()

    def write_log(self) -> None:
        """Write the log of all complete epochs, if the plan has a log."""
        if self._plan.log and self.rows:
            write_log(self._plan.log, self.rows)


def write_log(path: Path, rows: list[Row]) -> None:
    """Write a CSV file with a row for each epoch. Raises OpenPoseLabError if it cannot be written."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue().encode())

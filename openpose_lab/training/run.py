"""A run of training: Keras's ``fit``, with checkpoints from which it goes on exactly."""

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
"""What is known of an epoch: ``epoch``, its number from 1; ``loss``, and the losses of the stages by the names of the
outputs; ``photos_per_second``; and ``AP`` if it was validated."""


@dataclass(frozen=True, eq=False)
class Plan:
    """What a run does.

    Attributes:
        epochs: how often each photo is seen.
        checkpoint: the file that says where the run stands.
        checkpoint_seconds: seconds between two checkpoints within an epoch. Each epoch ends with one, too.
        settings: the settings with which alone the run goes on, as JSON values.
        validate_every: epochs between two validations; the last epoch has one, too.
        log: a CSV file with a row for each epoch; None for none.
        more: other callbacks of Keras.
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
    """What a run tells and asks.

    Attributes:
        stepped: called after each step with the loss of the epoch so far.
        finished: called after each epoch.
        validate: computes AP; None if there is nothing to validate on.
        improved: called when AP is higher than before.
        stop: whether to stop after this step.
    """

    stepped: Callable[[float], object]
    finished: Callable[[Row], object]
    validate: Callable[[], float] | None
    improved: Callable[[], object]
    stop: Callable[[], bool]


def compile_trainer(network: keras.Model, optimizer: keras.optimizers.Optimizer) -> Trainer:
    """Make a network ready for training, with its optimizer's variables."""
    trainer = Trainer(network)
    # XLA takes a minute to compile a network, and is no faster on a CPU.
    trainer.compile(optimizer=optimizer, jit_compile=False)
    trainer.optimizer.build(trainer.network.trainable_variables)
    return trainer


def train(trainer: Trainer, batches: Batches, plan: Plan, watch: Watch, begun: Checkpoint | None = None) -> list[Row]:
    """Train a network.

    Args:
        trainer: the network.
        batches: the batches.
        plan: what to do.
        watch: what is told and asked.
        begun: where an earlier run stood; None to begin.

    Returns:
        A row for each epoch that is complete, those of the earlier run among them.

    Raises:
        OpenPoseLabError: A file cannot be written, the checkpoint is of another network, the loss is no number, or a
            photo cannot be read; then the checkpoint is written first.
    """
    if begun:
        restore(trainer, begun, plan.checkpoint)
    record = _Record(plan, watch, batches, begun)
    # Keras takes all epochs for equally long, so the rest of one that was begun is a fit of its own.
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
                    shuffle=False,  # the batches have an order of their own
                    callbacks=[record, *plan.more],
                )
            except Exception:
                if batches.failure is None:
                    raise
                record.write()
                raise batches.failure from None  # TensorFlow makes an error of its own of it
    return record.rows


class _Record(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes checkpoints and the log, validates, and tells how the run goes."""

    def __init__(self, plan: Plan, watch: Watch, batches: Batches, begun: Checkpoint | None) -> None:
        super().__init__()
        self._plan, self._watch, self._batches = plan, watch, batches
        self.step = begun.step if begun else 0
        self.rows: list[Row] = list(begun.rows) if begun else []
        self._written = time.monotonic()
        self._began = time.monotonic()
        self._steps = 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Begin the epoch where the run stands."""
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
                f"the loss of step {self.step} is no number, as the steps were too large; begin anew with a lower "
                f"--rate"
            )
        self._watch.stepped(loss)
        if self._watch.stop():
            self.model.stop_training = True
        due = self.model.stop_training or time.monotonic() - self._written > self._plan.checkpoint_seconds
        if due and not self._complete:  # else the end of the epoch writes it, with the epoch's row
            self.write()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Validate, write a checkpoint and the log, and tell the epoch."""
        if not self._complete:
            return
        row: Row = {"epoch": epoch + 1, **{name: float(value) for name, value in (logs or {}).items()}}
        row["photos_per_second"] = round(self._batches.size * self._steps / (time.monotonic() - self._began), 2)
        last = epoch + 1 == self._plan.epochs
        if self._watch.validate and (last or (epoch + 1) % self._plan.validate_every == 0):
            best = max((one["AP"] for one in self.rows if "AP" in one), default=-1)
            row["AP"] = self._watch.validate()
            if row["AP"] > best:
                self._watch.improved()
        self.rows.append(row)
        self.write()
        if self._plan.log:
            write_log(self._plan.log, self.rows)
        self._watch.finished(row)

    @property
    def _complete(self) -> bool:
        """Whether an epoch has just ended, and was not stopped within."""
        return self.step % self._batches.steps == 0

    def write(self) -> None:
        """Write a checkpoint."""
        write_checkpoint(self._plan.checkpoint, self.model, self.step, self._plan.settings, self.rows)
        self._written = time.monotonic()


def write_log(path: Path, rows: list[Row]) -> None:
    """Write a CSV file with a row for each epoch. Raises OpenPoseLabError if it cannot be written."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue().encode())

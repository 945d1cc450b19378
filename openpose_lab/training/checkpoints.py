"""Checkpoints: weights, the optimizer's state and the step of a run, in one file."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError
from estimation.files import open_input, write_whole
from openpose_lab.file_locks import busy, try_lock
from openpose_lab.npz_files import read_npz

_STATE = "state"
_LARGEST = 4 << 30


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The state of a run.

    Attributes:
        step: The number of steps done.
        settings: The settings of the run as JSON values. A resumed run needs the same settings.
        rows: The figures of each complete epoch, as in ``run.Row``.
        weights: The network's variables, in the network's order.
        optimizer: The optimizer's variables, in the optimizer's order.
    """

    step: int
    settings: dict[str, Any]
    rows: list[dict[str, float]]
    weights: list[NDArray[np.generic]]
    optimizer: list[NDArray[np.generic]]


def write_checkpoint(
    path: Path, trainer: keras.Model, step: int, settings: dict[str, Any], rows: list[dict[str, float]]
) -> None:
    """Write a checkpoint.

    Args:
        path: The file. The old file stays until the new one is complete.
        trainer: The network with its optimizer.
        step: The number of steps done.
        settings: The settings of the run as JSON values.
        rows: The figures of each complete epoch.

    Raises:
        OpenPoseLabError: If the file cannot be written.
    """
    arrays = {f"weight_{number}": variable.numpy() for number, variable in enumerate(trainer.network.variables)}
    arrays |= {f"optimizer_{number}": variable.numpy() for number, variable in enumerate(trainer.optimizer.variables)}
    state = json.dumps({"step": step, "settings": settings, "rows": rows})
    buffer = io.BytesIO()
    arrays[_STATE] = np.array(state)
    np.savez(buffer, **arrays)
    write_whole(path, buffer.getvalue())


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Args:
        path: A file of ``write_checkpoint``.

    Returns:
        The checkpoint.

    Raises:
        OpenPoseLabError: If the file cannot be read, or is not a checkpoint.
    """
    try:
        with open_input(path, "checkpoint") as file:
            arrays = read_npz(file, _LARGEST)
        state = json.loads(str(arrays.pop(_STATE)))
        weights, optimizer = _listed(arrays, "weight"), _listed(arrays, "optimizer")
        if any(array.dtype.kind not in "fiu" for array in (*weights, *optimizer)) or state["step"] < 0:
            raise ValueError("an array does not contain numbers")
        rows = list(state["rows"])
        if not all(isinstance(value, int | float) for row in rows for value in row.values()):
            raise ValueError("a row contains a value that is not a number")
        return Checkpoint(int(state["step"]), dict(state["settings"]), rows, weights, optimizer)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise OpenPoseLabError(
            f"{path} is damaged or not a checkpoint; delete it, and start again without --resume"
        ) from None


def _listed(arrays: dict[str, NDArray[Any]], kind: str) -> list[NDArray[Any]]:
    count = sum(name.startswith(f"{kind}_") for name in arrays)
    return [arrays[f"{kind}_{number}"] for number in range(count)]


def restore(variables: Sequence[keras.Variable], arrays: Sequence[NDArray[np.generic]], path: Path) -> None:
    """Load variables from a checkpoint.

    Args:
        variables: The variables of a network or an optimizer.
        arrays: ``weights`` or ``optimizer`` of the checkpoint.
        path: The file of the checkpoint, for the message.

    Raises:
        OpenPoseLabError: If the checkpoint belongs to another network or optimizer.
    """
    if [tuple(variable.shape) for variable in variables] != [array.shape for array in arrays]:
        raise OpenPoseLabError(
            f"{path} is the checkpoint of another network or optimizer; delete it, and start again without --resume"
        )
    for variable, array in zip(variables, arrays):
        variable.assign(array)


def check_room(path: Path, network: keras.Model, slots: int, resumed: bool) -> None:
    """Check that the disk has enough free space for the checkpoints of a run.

    Args:
        path: The checkpoint file.
        network: The network. Its frozen layers are not trainable.
        slots: The optimizer's values per trained weight: 2 for Adam's moments, 1 for momentum.
        resumed: True if a checkpoint exists already.

    Raises:
        OpenPoseLabError: If the free space is too small.
    """
    trained = sum(variable.numpy().nbytes for variable in network.trainable_variables)
    size = sum(variable.numpy().nbytes for variable in network.variables) + slots * trained
    needed = size * (1 if resumed else 2)  # the new checkpoint is written before the old one is deleted
    free = shutil.disk_usage(path.absolute().parent).free
    if free < needed:
        raise OpenPoseLabError(
            f"the checkpoint {path} needs {needed >> 20} MB, but {free >> 20} MB are free; delete files, or write to "
            f"another disk"
        )


@contextmanager
def only_run(path: Path) -> Iterator[None]:
    """Keep other runs away from a checkpoint. Raises OpenPoseLabError if another run uses it."""
    lock = path.with_suffix(".lock")
    with lock.open("ab") as file:
        if not try_lock(file):
            raise busy(path)
        try:
            yield
        finally:
            file.close()  # Windows deletes no open file
            with suppress(OSError):
                lock.unlink()

"""Where a run stands: weights, the optimizer's state and the step, in one file that is written whole."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError
from estimation.files import open_input, write_whole
from openpose_lab.npz_files import read_npz

_STATE = "state"
_LARGEST = 4 << 30


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Where a run stands.

    Attributes:
        step: the steps that are done.
        settings: the settings of the run, as JSON values. A run goes on with the same ones only.
        rows: what is known of the epochs that are complete, as in ``run.Row``.
        weights: the network's variables, in its order.
        optimizer: the optimizer's variables, in its order.
    """

    step: int
    settings: dict[str, Any]
    rows: list[dict[str, float]]
    weights: list[NDArray[np.generic]]
    optimizer: list[NDArray[np.generic]]


def write_checkpoint(
    path: Path, trainer: keras.Model, step: int, settings: dict[str, Any], rows: list[dict[str, float]]
) -> int:
    """Write where a run stands.

    Args:
        path: the file. A complete one stays until the new one is complete.
        trainer: the network with its optimizer.
        step: the steps that are done.
        settings: the settings of the run, as JSON values.
        rows: what is known of the epochs that are complete.

    Returns:
        The size in bytes.

    Raises:
        OpenPoseLabError: The file cannot be written.
    """
    arrays = {f"weight_{number}": variable.numpy() for number, variable in enumerate(trainer.network.variables)}
    arrays |= {f"optimizer_{number}": variable.numpy() for number, variable in enumerate(trainer.optimizer.variables)}
    state = json.dumps({"step": step, "settings": settings, "rows": rows})
    buffer = io.BytesIO()
    arrays[_STATE] = np.array(state)
    np.savez(buffer, **arrays)
    data = buffer.getvalue()
    write_whole(path, data)
    return len(data)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read where a run stood.

    Args:
        path: the file that ``write_checkpoint`` wrote.

    Returns:
        Its content.

    Raises:
        OpenPoseLabError: The file cannot be read, or is not such a file.
    """
    try:
        with open_input(path, "checkpoint") as file:
            arrays = read_npz(file, _LARGEST)
        state = json.loads(str(arrays.pop(_STATE)))
        weights, optimizer = _listed(arrays, "weight"), _listed(arrays, "optimizer")
        if any(array.dtype.kind not in "fiu" for array in (*weights, *optimizer)) or state["step"] < 0:
            raise ValueError("these are no numbers")
        rows = list(state["rows"])
        if not all(isinstance(value, int | float) for row in rows for value in row.values()):
            raise ValueError("a row has something else than numbers")
        return Checkpoint(int(state["step"]), dict(state["settings"]), rows, weights, optimizer)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise OpenPoseLabError(
            f"{path} is not a checkpoint of this program, or damaged; delete it, and begin anew without --resume"
        ) from None


def _listed(arrays: dict[str, NDArray[Any]], kind: str) -> list[NDArray[Any]]:
    count = sum(name.startswith(f"{kind}_") for name in arrays)
    return [arrays[f"{kind}_{number}"] for number in range(count)]


def restore(trainer: keras.Model, checkpoint: Checkpoint, path: Path) -> None:
    """Give a network and its optimizer the state of a checkpoint.

    Args:
        trainer: the network. Its optimizer is built.
        checkpoint: the checkpoint.
        path: its file, for the message.

    Raises:
        OpenPoseLabError: The checkpoint is of another network or optimizer.
    """
    pairs = [(trainer.network.variables, checkpoint.weights), (trainer.optimizer.variables, checkpoint.optimizer)]
    for variables, arrays in pairs:
        if [tuple(variable.shape) for variable in variables] != [array.shape for array in arrays]:
            raise OpenPoseLabError(
                f"{path} is the checkpoint of another network or optimizer; delete it, and begin anew without --resume"
            )
    for variables, arrays in pairs:
        for variable, array in zip(variables, arrays):
            variable.assign(array)

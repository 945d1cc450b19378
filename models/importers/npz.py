"""NumPy archives (.npz) of plain arrays named ``layer/variable``."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from estimation.errors import OpenPoseLabError
from models.importers.archive import members
from models.importers.openvino_ir import layers_in_order
from models.importers.trained_weights import TrainedWeights, Weights

FORM = "NumPy archive"


def recognises(path: Path, head: bytes) -> bool:
    """A zip archive whose members are arrays."""
    return any(name.endswith(".npy") for name in members(path, head))


def read(path: Path) -> TrainedWeights:
    """The arrays as they are named, or, where names are paths as in an OpenVINO graph, the layers in their order."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays: Weights = {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, ValueError, OSError, EOFError):
        arrays = {}
    if not arrays or not all(isinstance(array, np.ndarray) and array.dtype.kind == "f" for array in arrays.values()):
        raise OpenPoseLabError("is damaged, or has members that are not plain arrays of floats")
    if any(name.count("/") > 1 for name in arrays):
        arrays = layers_in_order(arrays)
    return TrainedWeights(arrays)

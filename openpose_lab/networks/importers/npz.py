"""NumPy archives (.npz) of plain arrays named ``layer/variable``."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.importers.archive import Archive, members
from openpose_lab.networks.importers.openvino_ir import layer_name
from openpose_lab.networks.importers.trained_weights import LARGEST_ARRAY, Array, Budget, TrainedWeights, Weights

FORM = "NumPy archive"

_ENDING = ".npy"
_MOST_HEADER = 1 << 16
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_PARTS_OF_A_MEMBER = 10


def recognises(path: Path, head: bytes) -> bool:
    """Return whether a file is a zip archive with NumPy arrays."""
    return any(name.endswith(_ENDING) for name in members(path, head))


def read(path: Path) -> TrainedWeights:
    """Read the arrays under their own names. Names that are paths in an OpenVINO graph become layer names, in order."""
    budget = Budget()
    arrays: Weights = {}
    with Archive(path) as archive:
        for name in archive.namelist():
            budget.parts(_PARTS_OF_A_MEMBER)
            data = archive.whole(name, LARGEST_ARRAY + _MOST_HEADER)
            arrays[name.removesuffix(_ENDING)] = _array(name, data, budget)
    if any(name.count("/") > 1 for name in arrays):
        arrays = _layers_in_order(arrays)
    return TrainedWeights(arrays)


def _array(name: str, data: bytes, budget: Budget) -> Array:
    """Return the array in a .npy file. Unlike NumPy's reader, never allocate more than the file holds."""
    file = io.BytesIO(data)
    if data.startswith(npy.MAGIC_PREFIX) and (version := npy.read_magic(file)) in _HEADERS:
        shape, fortran_order, dtype = _HEADERS[version](file)
        if dtype.kind == "f":
            budget.array(name, shape, dtype)
            numbers = np.frombuffer(data, dtype, math.prod(shape), file.tell())
            return numbers.reshape(shape, order="F" if fortran_order else "C")
    raise OpenPoseLabError("has members that are not plain arrays of floats; save plain arrays with numpy.savez")


def _layers_in_order(arrays: Weights) -> Weights:
    """Name arrays of an OpenVINO graph by their layers. A bias belongs to the last kernel before it.

    For example, ``conv1/bn/variance/Fused_Add_/bias`` after ``conv1/kernel`` is the bias of conv1.
    """
    weights: Weights = {}
    layer = None
    for name, array in arrays.items():
        path, variable = name.rsplit("/", 1)
        if variable.endswith("kernel"):
            layer = layer_name(path)
            weights[f"{layer}/kernel"] = array
        elif layer:
            weights[f"{layer}/bias"] = array
    return weights

"""NumPy archives (.npz) of plain arrays named ``layer/variable``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.importers.archive import members
from openpose_lab.networks.importers.openvino_ir import layer_name
from openpose_lab.networks.importers.trained_weights import TrainedWeights, Weights

FORM = "NumPy archive"


def recognises(path: Path, head: bytes) -> bool:
    """A zip archive whose members are arrays."""
    return any(name.endswith(".npy") for name in members(path, head))


def read(path: Path) -> TrainedWeights:
    """The arrays as they are named, or, where names are paths as in an OpenVINO graph, the layers in their order."""
    with np.load(path, allow_pickle=False) as archive:
        arrays: Weights = {name: archive[name] for name in archive.files}
    if not all(isinstance(array, np.ndarray) and array.dtype.kind == "f" for array in arrays.values()):
        raise OpenPoseLabError("has members that are not plain arrays of floats")
    if any(name.count("/") > 1 for name in arrays):
        arrays = _layers_in_order(arrays)
    return TrainedWeights(arrays)


def _layers_in_order(arrays: Weights) -> Weights:
    """Arrays named as in the graph, kernel before bias: the layer is named by its convolution.

    ``conv1/bn/variance/Fused_Add_/bias`` after ``conv1/kernel`` is the bias of conv1.
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

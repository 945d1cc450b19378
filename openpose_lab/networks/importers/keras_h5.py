"""Weights of Keras 1 and 2 in HDF5 (.h5), by layer name. Keras 3 saves a model in this form too if the file's name
ends in .h5.

Old public files of this form hold OpenPose's Caffe weights under Caffe's layer names.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from openpose_lab.networks.importers import hdf5
from openpose_lab.networks.importers.trained_weights import Budget, TrainedWeights, Weights, from_caffe, put

if TYPE_CHECKING:
    import h5py

FORM = "Keras 1 or 2 weights"

_WHOLE_MODEL = "model_weights/"
_OPTIMIZER = "optimizer_weights/"
_NAME = re.compile(
    r"(?:.*/)?(?:(kernel|bias|alpha|depthwise_kernel|pointwise_kernel)|[^/]*_(W|b|alpha))(?:_\d+)?(?::0)?$"
)
_SHORT = {"W": "kernel", "b": "bias"}


def recognises(path: Path, head: bytes) -> bool:
    """Return whether an HDF5 file names its variables as Keras 1 and 2 do, and does not number them as Keras 3 does."""
    import h5py

    if not head.startswith(hdf5.SIGNATURE):
        return False
    with h5py.File(path, "r") as file:
        names = list(hdf5.datasets(file, Budget()))
    numbered = any(name.split("/")[-2:-1] == ["vars"] for name in names)
    return not numbered and any(_NAME.match(name) for name in names)


def read(path: Path) -> TrainedWeights:
    """Read every variable of every layer, without the variables of an optimizer."""
    import h5py

    budget = Budget()
    with h5py.File(path, "r") as file:
        datasets = hdf5.datasets(file, budget)
        arrays = _by_layer_name(datasets, budget)
        whole = any(name.startswith(_WHOLE_MODEL) for name in datasets)  # datasets, as a link may have this name too
        written_by = hdf5.attribute(file[_WHOLE_MODEL] if whole else file, "keras_version")
    # Files of Keras 3 hold models of this project, with RGB input. Older files hold Caffe's weights, with BGR input.
    return TrainedWeights(arrays) if str(written_by).startswith("3") else from_caffe(arrays)


def _by_layer_name(datasets: dict[str, h5py.Dataset], budget: Budget) -> Weights:
    """Name the variables ``layer/variable``. Each layer is a group, inside another group if a whole model was saved."""
    arrays: Weights = {}
    for name, dataset in datasets.items():
        path = name.removeprefix(_WHOLE_MODEL)
        found = _NAME.match(path)
        if found and dataset.dtype.kind == "f" and not path.startswith(_OPTIMIZER):
            variable = found[1] or found[2]
            array = hdf5.read_array(name, dataset, budget)
            put(arrays, f"{path.split('/')[0]}/{_SHORT.get(variable, variable)}", array, name)
    return arrays

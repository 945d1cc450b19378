"""Keras weights in HDF5, by layer name: Keras 3 (.weights.h5, the form of this project's own) and Keras 1 and 2 (.h5).

The old files of the field hold OpenPose's Caffe weights under their Caffe names.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from estimation.errors import OpenPoseLabError
from models.importers.trained_weights import CAFFE_SCALE, LAB_SCALE, Array, TrainedWeights, Weights, from_caffe, put

if TYPE_CHECKING:
    import h5py
    import keras

FORM = "Keras weights"

_SCALE, _NETWORK = "openpose_lab_scale", "openpose_lab_network"
"""Attributes that this project's own files have."""

_LARGEST_BYTES = 1 << 28
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_VARIABLES = {1: ("alpha",), 2: ("kernel", "bias"), 3: ("depthwise_kernel", "pointwise_kernel", "bias")}
"""Keras 3 numbers the variables of a layer; PReLU has one, a convolution two, a separable one three."""
_GROUPS = {
    "Conv2D": "conv2d",
    "DepthwiseConv2D": "depthwise_conv2d",
    "SeparableConv2D": "separable_conv2d",
    "PReLU": "p_re_lu",
}
"""Keras 3 names the group of a layer by its class, and numbers them from the second on."""
_OLD_NAME = re.compile(
    r"(?:.*/)?(?:(kernel|bias|alpha|depthwise_kernel|pointwise_kernel)|[^/]*_(W|b|alpha))(?:_\d+)?(?::0)?$"
)


def recognises(path: Path, head: bytes) -> bool:
    """An HDF5 file."""
    return head.startswith(_SIGNATURE)


def read(path: Path) -> TrainedWeights:
    """Every variable of every layer."""
    import h5py

    with h5py.File(path, "r") as file:
        datasets = _datasets(file)
        if any(name.split("/")[-2:-1] == ["vars"] for name in datasets):
            return _keras_3(file, datasets)
        arrays = _by_layer_name(datasets)
        written_by = file.get("model_weights", file).attrs.get("keras_version", "1")
    # What Keras 3 wrote is a model of this project, which sees RGB; older files hold Caffe's weights.
    return TrainedWeights(arrays) if str(written_by).startswith("3") else from_caffe(arrays)


def encode(model: keras.Model, network: str, scale: float | None, half: bool) -> bytes:
    """The weights of a model as Keras 3 keeps them, which its ``load_weights`` reads, and what this project adds.

    network, scale: as in ``TrainedWeights``. half: in float16; raises OpenPoseLabError where that is too small.
    """
    import h5py

    buffer = io.BytesIO()  # HDF5 does not survive a full disk
    groups: Counter[str] = Counter()
    with h5py.File(buffer, "w") as file:
        file.attrs[_NETWORK] = network
        if scale is not None:
            file.attrs[_SCALE] = scale
        for layer in model.layers:
            if not layer.weights:
                continue
            kind = _GROUPS[type(layer).__name__]
            number = f"_{groups[kind]}" if groups[kind] else ""
            groups[kind] += 1
            variables = file.create_group(f"layers/{kind}{number}/vars")
            variables.attrs["name"] = layer.name
            for place, variable in enumerate(layer.weights):
                variables[str(place)] = _halved(variable.numpy(), layer.name) if half else variable.numpy()
    return buffer.getvalue()


def _halved(array: Array, layer: str) -> Array:
    if np.abs(array).max() > np.finfo(np.float16).max:
        raise OpenPoseLabError(f"the weights of {layer} are too large for float16; leave out --float16")
    return array.astype(np.float16)


def _datasets(file: h5py.File) -> dict[str, h5py.Dataset]:
    """The arrays of floats by their path. Links are not followed, so nothing outside the file is read."""
    import h5py

    datasets = {}

    def add(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f":
            if item.external or item.is_virtual:
                raise OpenPoseLabError(f"keeps {name} in another file, which is not opened")
            if item.nbytes > _LARGEST_BYTES:
                raise OpenPoseLabError(f"has {item.nbytes} bytes in {name}, more than any layer here")
            datasets[name] = item

    file.visititems(add)
    return datasets


def _keras_3(file: h5py.File, datasets: dict[str, h5py.Dataset]) -> TrainedWeights:
    arrays: Weights = {}
    for name, dataset in datasets.items():
        group = dataset.parent
        layer = group.attrs.get("name", name.split("/")[-3])
        variables = _VARIABLES.get(len(group))
        if variables is None:
            raise OpenPoseLabError(f"has {len(group)} variables in layer {layer}, where 1 to 3 were expected")
        arrays[f"{layer}/{variables[int(name.split('/')[-1])]}"] = np.asarray(dataset)
    scale, network = file.attrs.get(_SCALE), file.attrs.get(_NETWORK)
    if scale is not None and scale not in (CAFFE_SCALE, LAB_SCALE):
        raise OpenPoseLabError(
            f"is damaged: it says that pixels are scaled by {scale}, where 1/255 or 1/256 was expected"
        )
    return TrainedWeights(arrays, None if scale is None else float(scale), None if network is None else str(network))


def _by_layer_name(datasets: dict[str, h5py.Dataset]) -> Weights:
    """Layers are groups, in model_weights if the whole model was saved; an optimizer's are left alone."""
    short = {"W": "kernel", "b": "bias"}
    arrays: Weights = {}
    for name, dataset in datasets.items():
        path = name.removeprefix("model_weights/")
        found = _OLD_NAME.match(path)
        if found and not path.startswith("optimizer_weights/"):
            variable = found[1] or found[2]
            put(arrays, f"{path.split('/')[0]}/{short.get(variable, variable)}", np.asarray(dataset), name)
    return arrays

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
from openpose_lab.networks.importers.trained_weights import Array, TrainedWeights, Weights, from_caffe, put

if TYPE_CHECKING:
    import h5py
    import keras

FORM = "Keras weights"

_NETWORK, _NAMES = "openpose_lab_network", "openpose_lab_variables"
"""Attributes that this project adds: the network's name to the file, and the variables' names to a layer's group."""

_LARGEST_BYTES = 1 << 28
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_GROUP = re.compile(r"layers/(?P<class>[^/]+?)(?:_\d+)?/vars/(?P<number>\d+)$")
"""The path of a variable in the form of Keras 3: the layer's class, numbered from the second on, and a number."""
_VARIABLES = {
    "batch_normalization": ("gamma", "beta", "moving_mean", "moving_variance"),
    "group_normalization": ("gamma", "beta"),
    "layer_normalization": ("gamma", "beta"),
    "normalization": ("mean", "variance", "count"),
    "p_re_lu": ("alpha",),
    "separable_conv2d": ("depthwise_kernel", "pointwise_kernel", "bias"),
}
"""Names of a layer's variables by its class, for files that do not state them. Other classes have ``_CONVOLUTION``."""
_CONVOLUTION = ("kernel", "bias")
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


def encode(model: keras.Model, network: str, half: bool) -> bytes:
    """Encode a model's weights in the form of Keras 3, which ``model.load_weights`` reads.

    Args:
        model: A model without layers inside layers.
        network: The network's name.
        half: Whether to store floats as float16.

    Returns:
        The bytes of the HDF5 file.

    Raises:
        OpenPoseLabError: A layer contains other layers, or a weight is too large for float16.
    """
    import h5py

    buffer = io.BytesIO()  # HDF5 does not survive a full disk
    with h5py.File(buffer, "w") as file:
        file.attrs[_NETWORK] = network
        for group, layer in zip(_groups(model.layers), model.layers):
            variables = _own_variables(layer)
            if not variables:
                continue
            stored = file.create_group(f"layers/{group}/vars")
            stored.attrs["name"] = layer.name
            stored.attrs[_NAMES] = [variable.name for variable in variables]
            for number, variable in enumerate(variables):
                array = variable.numpy()
                stored[str(number)] = _halved(array, layer.name) if half else array
    return buffer.getvalue()


def _groups(layers: list[keras.Layer]) -> list[str]:
    """Name the layers as Keras 3 names their groups: by class, with a number from the second of a class on."""
    counts: Counter[str] = Counter()
    groups = []
    for layer in layers:
        name = _snake_case(type(layer).__name__)
        groups.append(f"{name}_{counts[name]}" if counts[name] else name)
        counts[name] += 1
    return groups


def _snake_case(name: str) -> str:
    """Convert the name of a class as Keras 3 does: ``PReLU`` becomes ``p_re_lu``."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _own_variables(layer: keras.Layer) -> list[keras.Variable]:
    """List a layer's variables in the order in which Keras stores them."""
    store: dict[str, keras.Variable] = {}
    layer.save_own_variables(store)
    # Keras stores the variables of an inner layer in a group of the inner layer, not in this one.
    if {id(variable) for variable in store.values()} != {id(variable) for variable in layer.weights}:
        raise OpenPoseLabError(
            f"the layer {layer.name} ({type(layer).__name__}) keeps weights outside its own variables, as a layer with "
            f"inner layers does, and cannot be stored; build the model from plain layers"
        )
    return [store[str(number)] for number in range(len(store))]


def _halved(array: Array, layer: str) -> Array:
    if array.dtype.kind != "f":
        return array
    if np.abs(array).max() > np.finfo(np.float16).max:
        raise OpenPoseLabError(f"the weights of {layer} are too large for float16; leave out --float16")
    return array.astype(np.float16)


def _datasets(file: h5py.File) -> dict[str, h5py.Dataset]:
    """The arrays of numbers by their path. Links are not followed, so nothing outside the file is read."""
    import h5py

    datasets = {}

    def add(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiu":
            if item.external or item.is_virtual:
                raise OpenPoseLabError(f"keeps {name} in another file, which is not opened")
            if item.nbytes > _LARGEST_BYTES:
                raise OpenPoseLabError(f"has {item.nbytes} bytes in {name}, more than any layer here")
            datasets[name] = item

    file.visititems(add)
    return datasets


def _keras_3(file: h5py.File, datasets: dict[str, h5py.Dataset]) -> TrainedWeights:
    arrays: Weights = {}
    for path, dataset in datasets.items():
        if not path.startswith("layers/"):
            continue  # a variable of an optimizer
        found = _GROUP.match(path)
        if not found:
            raise OpenPoseLabError(
                f"has weights in {path}, inside a layer that contains other layers; save a model of plain layers"
            )
        group = dataset.parent
        layer = group.attrs.get("name", path.split("/")[1])
        names = group.attrs.get(_NAMES, _VARIABLES.get(found["class"], _CONVOLUTION))
        if len(group) > len(names):
            raise OpenPoseLabError(
                f"has {len(group)} variables in layer {layer}, where {len(names)} at most were expected"
            )
        put(arrays, f"{layer}/{names[int(found['number'])]}", np.asarray(dataset), path)
    network = file.attrs.get(_NETWORK)
    return TrainedWeights(arrays, None if network is None else str(network))


def _by_layer_name(datasets: dict[str, h5py.Dataset]) -> Weights:
    """Layers are groups, in model_weights if the whole model was saved; an optimizer's are left alone."""
    short = {"W": "kernel", "b": "bias"}
    arrays: Weights = {}
    for name, dataset in datasets.items():
        path = name.removeprefix("model_weights/")
        found = _OLD_NAME.match(path)
        if found and dataset.dtype.kind == "f" and not path.startswith("optimizer_weights/"):
            variable = found[1] or found[2]
            put(arrays, f"{path.split('/')[0]}/{short.get(variable, variable)}", np.asarray(dataset), name)
    return arrays

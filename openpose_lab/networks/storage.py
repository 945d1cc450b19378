"""Read and write the project's own weights file and its record.

``NAME.weights.h5`` has the form of Keras 3, so ``model.load_weights`` reads it too. ``NAME.weights.json``, the record,
says which files the weights were made from.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from estimation.errors import OpenPoseLabError
from estimation.files import open_input, read_input, write_whole
from estimation.layouts import Layout
from openpose_lab.checksums import checksum
from openpose_lab.extras import require
from openpose_lab.layout_files import layout_from_text, layout_to_text
from openpose_lab.networks.importers import hdf5
from openpose_lab.networks.importers.trained_weights import Array, Budget, TrainedWeights, Weights, put, shown

if TYPE_CHECKING:
    import h5py
    import keras

FORM = "Keras weights"

_LARGEST_RECORD = 1 << 20
_NETWORK, _LAYOUT, _NAMES = "openpose_lab_network", "openpose_lab_layout", "openpose_lab_variables"
"""Attributes that this project adds: the network's name and layout (of the file), and variable names (of a layer)."""

_GROUP = re.compile(r"layers/(?P<class>[^/]+?)(?:_\d+)?/vars/(?P<number>\d+)$")
"""The path of a variable in the form of Keras 3: the layer's class, with a number from its second layer on, and the
variable's number."""
_VARIABLES = {
    "batch_normalization": ("gamma", "beta", "moving_mean", "moving_variance"),
    "group_normalization": ("gamma", "beta"),
    "layer_normalization": ("gamma", "beta"),
    "normalization": ("mean", "variance", "count"),
    "p_re_lu": ("alpha",),
    "separable_conv2d": ("depthwise_kernel", "pointwise_kernel", "bias"),
}
"""A layer's class -> the names of its variables, for files that do not state them. Other classes use ``_CONVOLUTION``.
"""
_CONVOLUTION = ("kernel", "bias")


def recognises(path: Path, head: bytes) -> bool:
    """Return whether a file is an HDF5 file. The importer for Keras 1 and 2 must be tried first."""
    return head.startswith(hdf5.SIGNATURE)


def read(path: Path) -> TrainedWeights:
    """Read a weights file that this project or Keras 3 wrote.

    Args:
        path: The file.

    Returns:
        Every variable of every layer, without the variables of an optimizer.

    Raises:
        OpenPoseLabError: The file has layers inside layers, or a layer with too many variables.
    """
    import h5py

    arrays: Weights = {}
    budget = Budget()
    with h5py.File(path, "r") as file:
        for name, dataset in hdf5.datasets(file, budget).items():
            if name.startswith("layers/"):
                put(arrays, _variable_name(name, dataset), hdf5.read_array(name, dataset, budget), name)
        network = hdf5.attribute(file, _NETWORK)
        layout = _stated_layout(file)
    return TrainedWeights(arrays, None if network is None else str(network), layout)


def read_stated_layout(path: Path) -> Layout | None:
    """Read the layout that a weights file states.

    Args:
        path: A weights file of any form.

    Returns:
        The layout. None if the file states none, is missing or cannot be read. Reading the weights reports why.

    Raises:
        OpenPoseLabError: The file states an invalid layout.
    """
    try:
        with open_input(path, "weights file") as file:
            head = file.read(len(hdf5.SIGNATURE))
    except OpenPoseLabError:
        return None
    if not recognises(path, head):
        return None
    require("h5py", "reading a weights file")
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return _stated_layout(file)
    except (OSError, RuntimeError, KeyError):
        return None


def _stated_layout(file: h5py.File) -> Layout | None:
    text = hdf5.attribute(file, _LAYOUT)
    if text is None:
        return None
    try:
        return layout_from_text(str(text))
    except (ValueError, RecursionError) as error:
        raise OpenPoseLabError(f"the weights file states an invalid layout: {error}") from None


def _variable_name(path: str, dataset: h5py.Dataset) -> str:
    """Name a variable ``layer/variable``."""
    found = _GROUP.match(path)
    if not found:
        raise OpenPoseLabError(
            f"has weights in {shown(path)}, inside a layer that contains other layers; save a model of plain layers"
        )
    group = dataset.parent
    layer = hdf5.attribute(group, "name")
    layer = path.split("/")[1] if layer is None else layer
    names = hdf5.attribute(group, _NAMES)
    names = _VARIABLES.get(found["class"], _CONVOLUTION) if names is None else names
    if len(group) > len(names):
        raise OpenPoseLabError(
            f"has {len(group)} variables in layer {shown(str(layer))}, but at most {len(names)} were expected"
        )
    return f"{layer}/{names[int(found['number'])]}"


def encode(model: keras.Model, network: str, half: bool, layout: Layout | None = None) -> bytes:
    """Encode a model's weights in the form of Keras 3, which ``model.load_weights`` reads.

    Args:
        model: A model without layers inside layers.
        network: The network's name.
        half: Whether to store floats as float16.
        layout: The layout that the network was trained for. None stands for the layout of its published weights.

    Returns:
        The bytes of the HDF5 file.

    Raises:
        OpenPoseLabError: A layer contains other layers, or a weight is too large for float16.
    """
    import h5py

    buffer = io.BytesIO()  # in memory, because HDF5 does not recover from a full disk
    with h5py.File(buffer, "w") as file:
        file.attrs[_NETWORK] = network
        if layout:
            file.attrs[_LAYOUT] = layout_to_text(layout)
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
    """Name the layers as Keras 3 names their groups: by class, with a number from the second layer of a class on."""
    counts: Counter[str] = Counter()
    groups = []
    for layer in layers:
        name = _snake_case(type(layer).__name__)
        groups.append(f"{name}_{counts[name]}" if counts[name] else name)
        counts[name] += 1
    return groups


def _snake_case(name: str) -> str:
    """Convert a class name to snake case as Keras 3 does: ``PReLU`` becomes ``p_re_lu``."""
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
            f"the layer {layer.name} ({type(layer).__name__}) has weights outside its own variables, as a layer with "
            f"inner layers has, so it cannot be stored; build the model from plain layers"
        )
    return [store[str(number)] for number in range(len(store))]


def _halved(array: Array, layer: str) -> Array:
    if array.dtype.kind != "f":
        return array
    if np.abs(array).max() > np.finfo(np.float16).max:
        raise OpenPoseLabError(f"the weights of layer {layer} are too large for float16; leave out --float16")
    return array.astype(np.float16)


def keep_weights(path: Path, data: bytes, made_from: dict[str, Any]) -> None:
    """Write a weights file and its record.

    Args:
        path: The path of the weights file.
        data: The bytes that ``encode`` returned.
        made_from: The record's description of the source files, as JSON values.

    Raises:
        OpenPoseLabError: A file cannot be written.
    """
    record = {"file": path.name, "sha256": hashlib.sha256(data).hexdigest(), "made_from": made_from}
    write_whole(path, data)
    write_whole(record_path(path), json.dumps(record, indent=2).encode() + b"\n")


def read_record(path: Path) -> dict[str, Any] | None:
    """Read the record of a weights file.

    Args:
        path: The weights file.

    Returns:
        The record's description of the source files. None if no record exists.

    Raises:
        OpenPoseLabError: The record is damaged, or the weights file has changed since.
    """
    if not os.path.isfile(record_path(path)):
        return None
    expected, made_from = _stated(path)
    if expected != checksum(path, "sha256", "weights file"):
        raise _changed(path, made_from)
    return made_from


def check_record(path: Path, found: str) -> None:
    """Compare a weights file with its record. A missing or damaged record is ignored.

    Args:
        path: The weights file.
        found: The file's SHA-256 in hexadecimal.

    Raises:
        OpenPoseLabError: The weights file has changed since the record was written.
    """
    if not os.path.isfile(record_path(path)):
        return
    try:
        expected, made_from = _stated(path)
    except OpenPoseLabError:
        return
    if expected != found:
        raise _changed(path, made_from)


def _stated(path: Path) -> tuple[str, dict[str, Any]]:
    """Read the checksum and the source files from a record. Raises OpenPoseLabError if the record is damaged."""
    record = record_path(path)
    damaged = OpenPoseLabError(f"{record} is damaged; delete it, or import the weights again")
    try:
        stated = json.loads(read_input(record, "record of weights", _LARGEST_RECORD))
        expected, made_from = stated["sha256"], dict(stated["made_from"])
    except (ValueError, LookupError, TypeError, RecursionError):
        raise damaged from None
    if not (isinstance(expected, str) and _is_origin(made_from)):
        raise damaged
    return expected, made_from


def _changed(path: Path, made_from: dict[str, Any]) -> OpenPoseLabError:
    return OpenPoseLabError(
        f"the weights file {path} has changed since it was imported; import "
        f"{shown(' and '.join(made_from['files']))} again, or delete it; if you changed it on purpose, delete "
        f"{record_path(path).name} instead"
    )


def _is_origin(made_from: dict[str, Any]) -> bool:
    """Return whether a record's description of the source files is complete, with text in every field."""
    texts = [made_from.get(name) for name in ("form", "network", "licence")]
    files = made_from.get("files")
    if not isinstance(files, dict) or not files:
        return False
    texts += [*files, *files.values(), made_from.get("published_as") or ""]
    return all(isinstance(text, str) for text in texts)


def record_path(path: Path) -> Path:
    """Return the path of a weights file's record: vgg19.weights.json for vgg19.weights.h5, otherwise NAME.json."""
    return path.with_suffix(".json") if path.name.endswith(".weights.h5") else path.with_name(f"{path.name}.json")


def check_folder(folder: Path) -> None:
    """Create the folder for weights if it does not exist.

    Args:
        folder: The folder.

    Raises:
        OpenPoseLabError: The folder cannot be created or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise OpenPoseLabError(
            f"cannot write weights into the folder {folder}; make it writable, or give a weights file with --weights"
        )

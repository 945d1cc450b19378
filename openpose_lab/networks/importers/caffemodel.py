"""Caffe models (.caffemodel): the protocol buffers of caffe.proto, read without Caffe.

Layers are records of the new kind (LayerParameter, in field 100 of the net) or of the old kind
(V1LayerParameter, in field 2). The blobs of a layer are its kernel and bias, or the slopes of a PReLU.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.importers.protobuf import Message, Value, first_fields, integers, map_file, text
from openpose_lab.networks.importers.trained_weights import (
    Array,
    Budget,
    TrainedWeights,
    Weights,
    from_caffe,
    kernel_from_oihw,
    shown,
    slopes,
)

FORM = "Caffe model"


class _LayerFields(NamedTuple):
    name: int
    blobs: int


_NET_NAME = 1
_LAYERS = {100: _LayerFields(name=1, blobs=7), 2: _LayerFields(name=4, blobs=6)}
"""A field of the net -> the fields of its layer records. Field 100 has records of the new kind, field 2 of the old."""
_OLD_SHAPE = (1, 2, 3, 4)  # BlobProto: num, channels, height, width
_DATA, _SHAPE, _DOUBLES = 5, 7, 8


def recognises(path: Path, head: bytes) -> bool:
    """Return whether a file is a Caffe net: it has at most one name and at least one layer, in Caffe's fields."""
    found = first_fields(map_file(path))
    names = [value for number, value in found if number == _NET_NAME]
    layers = [value for number, value in found if number in _LAYERS]
    return len(names) <= 1 and bool(layers) and all(isinstance(value, memoryview) for value in names + layers)


def read(path: Path) -> TrainedWeights:
    """Read the kernels, biases and slopes of every layer."""
    arrays: Weights = {}
    budget = Budget()
    try:
        for number, record in Message(map_file(path), budget):
            if number in _LAYERS:
                arrays |= _layer(record, _LAYERS[number], budget)
    except OpenPoseLabError as error:
        last = f"after layer {shown(next(reversed(arrays)).rpartition('/')[0])}" if arrays else "in the first layer"
        raise OpenPoseLabError(f"{error}, {last}") from error
    return from_caffe(arrays)


def _layer(record: Value, known: _LayerFields, budget: Budget) -> Weights:
    name, blobs = "", []
    for number, value in Message(record, budget):
        if number == known.name:
            name = text(value)
        elif number == known.blobs:
            blobs.append(value)
    arrays = [_blob(blob, name, budget) for blob in blobs]
    if not arrays:
        return {}
    if len(arrays) > 2:
        raise OpenPoseLabError(f"has {len(arrays)} arrays in layer {shown(name)}, but 1 or 2 were expected")
    if arrays[0].ndim == 1:
        return {f"{name}/alpha": slopes(arrays[0])}
    if arrays[0].ndim != 4:
        raise OpenPoseLabError(
            f"has a kernel of shape {arrays[0].shape} in layer {shown(name)}, but 4 axes were expected"
        )
    weights = {f"{name}/kernel": kernel_from_oihw(arrays[0])}
    if len(arrays) == 2:
        weights[f"{name}/bias"] = arrays[1].reshape(-1)
    return weights


def _blob(blob: Value, layer: str, budget: Budget) -> Array:
    """Return the array in a BlobProto, of packed or single numbers. A vector always gets one axis."""
    parts: list[Array] = []
    shape: list[int] = []
    old_shape = dict.fromkeys(_OLD_SHAPE, 1)
    for number, value in Message(blob, budget):
        if number in (_DATA, _DOUBLES) and isinstance(value, memoryview):
            item = "<f4" if number == _DATA else "<f8"
            if len(value) % np.dtype(item).itemsize:
                raise OpenPoseLabError(f"is damaged in layer {shown(layer)}")
            parts.append(np.frombuffer(value, item))
        elif number == _SHAPE:
            shape += [size for dim, sizes in Message(value, budget) if dim == 1 for size in integers(sizes)]
        elif number in _OLD_SHAPE and isinstance(value, int):
            old_shape[number] = value
    count = sum(map(len, parts))
    shape = shape or list(old_shape.values())
    if math.prod(shape) != count:
        raise OpenPoseLabError(
            f"is damaged: layer {shown(layer)} has {count} numbers, which do not fit its shape "
            f"{shown(str(tuple(shape)))}"
        )
    budget.array(layer, shape, np.float64 if any(part.itemsize == 8 for part in parts) else np.float32)
    data = np.concatenate(parts)
    return data if max(shape, default=0) == count else data.reshape(shape)

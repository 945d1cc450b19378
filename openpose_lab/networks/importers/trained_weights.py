"""What every importer gives: arrays under the layer names and in the axis order of the Keras models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError

Array = NDArray[Any]
Weights = dict[str, Array]
"""``layer/variable`` -> array of floats; kernels (height, width, input, output), depthwise kernels (…, channels, 1)."""


@dataclass(frozen=True)
class TrainedWeights:
    """The weights of one network.

    Attributes:
        arrays: Every variable, by ``layer/variable``.
        network: The network's name; None if the file does not state it.
    """

    arrays: Weights
    network: str | None = None


def put(arrays: Weights, name: str, array: Array, place: str) -> None:
    """Add an array. Raises OpenPoseLabError if there is one of that name, as in a file that holds two networks."""
    if name in arrays:
        raise OpenPoseLabError(f"has {name} twice, the second time in {place}; save one network alone")
    arrays[name] = array


def from_caffe(arrays: Weights) -> TrainedWeights:
    """Convert the weights of OpenPose's VGG-19 networks from BGR to RGB input.

    Args:
        arrays: Weights in Keras's axis order, under Caffe's layer names.

    Returns:
        The same weights; the input channels of ``conv1_1/kernel``, if it is there, are reversed.
    """
    first = "conv1_1/kernel"
    if first not in arrays:
        return TrainedWeights(arrays)
    return TrainedWeights(arrays | {first: arrays[first][:, :, ::-1]})


def kernel_from_oihw(kernel: Array) -> Array:
    """Caffe's, PyTorch's and OpenVINO's (output, input, height, width) in the axis order of Keras.

    A kernel with one input channel is a depthwise one: (channels, 1, height, width).
    """
    depthwise = kernel.shape[1] == 1 and kernel.shape[0] > 1
    return np.transpose(kernel, (2, 3, 0, 1) if depthwise else (2, 3, 1, 0))


def slopes(alpha: Array) -> Array:
    """The slopes of a PReLU, one a channel, in the shape that Keras has for them."""
    return np.reshape(alpha, (1, 1, -1))

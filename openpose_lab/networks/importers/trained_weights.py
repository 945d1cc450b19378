"""The result of every importer: arrays with the layer names and the axis order of the Keras models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from estimation.errors import OpenPoseLabError, one_line
from estimation.layouts import Layout

Array = NDArray[Any]
Weights = dict[str, Array]
"""``layer/variable`` -> array of floats. Kernels have axes (height, width, input, output), depthwise kernels (height,
width, channels, 1)."""

MOST_BYTES = 400 << 20
"""The largest sum of all arrays of a file, in bytes. The largest network here, vgg19, has 209 MB in float32."""
LARGEST_ARRAY = 64 << 20
"""The largest array, in bytes. The largest array of the networks here has 9.4 MB in float32."""
_MOST_AXES = 8
_MOST_PARTS = 200_000


@dataclass(frozen=True)
class TrainedWeights:
    """The weights of one network.

    Attributes:
        arrays: Every variable, keyed by ``layer/variable``.
        network: The network's name. None if the file does not state it.
        layout: The layout that the network was trained for. None if the file does not state it.
    """

    arrays: Weights
    network: str | None = None
    layout: Layout | None = None


class Budget:
    """The bytes and the parts that an importer may still read from one weights file.

    A file of a few bytes can state arrays of any size, and compressed or repeated numbers can really fill them. So an
    importer asks the budget before it allocates an array, and counts the parts of the file that it visits.
    """

    def __init__(self) -> None:
        """Start with the full budget."""
        self._bytes, self._parts = MOST_BYTES, _MOST_PARTS

    def array(self, name: str, shape: Sequence[int], dtype: DTypeLike) -> None:
        """Take the bytes of an array from the budget.

        Args:
            name: The name of the array, for error messages.
            shape: The array's shape.
            dtype: The array's dtype.

        Raises:
            OpenPoseLabError: No layer has an array of this shape, or the array is too large.
        """
        if len(shape) > _MOST_AXES or min(shape, default=1) < 1:
            raise OpenPoseLabError(f"is damaged: {shown(name)} has a shape that no layer has")
        check_size(name, shape, dtype)
        self.bytes(math.prod(shape) * np.dtype(dtype).itemsize)

    def bytes(self, count: int) -> None:
        """Take bytes from the budget. Raises OpenPoseLabError if they exceed it."""
        self._bytes -= count
        if self._bytes < 0:
            raise OpenPoseLabError(
                f"has more than {MOST_BYTES >> 20} MB of numbers, more than any network of this project"
            )

    def parts(self, count: int = 1) -> None:
        """Take parts of the file from the budget. Raises OpenPoseLabError if they exceed it."""
        self._parts -= count
        if self._parts < 0:
            raise OpenPoseLabError("has more parts than the weights of any network of this project")


def check_size(name: str, shape: Sequence[int], dtype: DTypeLike) -> None:
    """Check the size of one array.

    Args:
        name: The name of the array, for error messages.
        shape: The array's shape.
        dtype: The array's dtype.

    Raises:
        OpenPoseLabError: The array is larger than ``LARGEST_ARRAY``.
    """
    count = math.prod(shape) * np.dtype(dtype).itemsize
    if count > LARGEST_ARRAY:
        size = count if count < 1 << 63 else "2^63 or more"
        raise OpenPoseLabError(f"has {size} bytes in {shown(name)}, more than any layer of this project's networks")


def read_small(path: Path, most_bytes: int) -> bytes:
    """Read a small file.

    Args:
        path: The file.
        most_bytes: The size of the largest file that is read, in bytes.

    Returns:
        The bytes of the file.

    Raises:
        OpenPoseLabError: The file is larger than ``most_bytes``.
    """
    with path.open("rb") as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise OpenPoseLabError(f"is larger than {most_bytes >> 20} MB, the limit for files of this form")
    return data


def shown(name: str) -> str:
    """Shorten a name from a file to one line of 60 letters, for error messages."""
    return one_line(name, 60)


def put(arrays: Weights, name: str, array: Array, place: str) -> None:
    """Add an array. Raises OpenPoseLabError if the name exists already, for example in a file with two networks."""
    if name in arrays:
        raise OpenPoseLabError(f"has {shown(name)} twice, the second time in {shown(place)}; save only one network")
    arrays[name] = array


def from_caffe(arrays: Weights) -> TrainedWeights:
    """Convert the weights of OpenPose's VGG-19 networks from BGR to RGB input.

    Args:
        arrays: Weights in Keras's axis order, under Caffe's layer names.

    Returns:
        The same weights. The input channels of ``conv1_1/kernel`` are reversed if the weights have this kernel.
    """
    first = "conv1_1/kernel"
    if first not in arrays:
        return TrainedWeights(arrays)
    return TrainedWeights(arrays | {first: arrays[first][:, :, ::-1]})


def kernel_from_oihw(kernel: Array) -> Array:
    """Convert a kernel from (output, input, height, width), as in Caffe, PyTorch and OpenVINO, to Keras's axis order.

    A kernel with one input channel and several outputs is depthwise: its axes are (channels, 1, height, width).
    """
    depthwise = kernel.shape[1] == 1 and kernel.shape[0] > 1
    return np.transpose(kernel, (2, 3, 0, 1) if depthwise else (2, 3, 1, 0))


def slopes(alpha: Array) -> Array:
    """Reshape the slopes of a PReLU, one per channel, to Keras's shape (1, 1, channels)."""
    return np.reshape(alpha, (1, 1, -1))

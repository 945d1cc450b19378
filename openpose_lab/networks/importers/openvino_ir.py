"""OpenVINO IR (.xml, with its .bin beside it): FP32, FP16, and INT8 with its weights converted to floats.

An INT8 graph stores kernels as whole numbers with a scale, and rounds activations between layers. This module computes
the float weights exactly. It leaves out the rounding of activations, because a float network is at least as accurate
without it.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.importers.trained_weights import (
    Array,
    Budget,
    TrainedWeights,
    Weights,
    kernel_from_oihw,
    read_small,
    shown,
)

FORM = "OpenVINO IR"

_DTYPES = {"f32": "<f4", "f16": "<f2", "i8": "<i1", "u8": "<u1", "i32": "<i4", "i64": "<i8"}
_LARGEST_GRAPH = 8 << 20
"""The largest XML that is read, in bytes. The XML of the networks of the Open Model Zoo has 0.2 MB."""
_MOST_IN_A_ROW = 50
"""The longest chain of operations that turns whole numbers into floats. The INT8 files have chains of 3."""
_OPERATIONS = {"Multiply": np.multiply, "Subtract": np.subtract, "Add": np.add}
_INPUTS = {**dict.fromkeys(_OPERATIONS, 2), "Convert": 1, "Reshape": 2, "FakeQuantize": 5}
"""An operation that this module can compute -> its number of inputs."""


def recognises(path: Path, head: bytes) -> bool:
    """Return whether a file is an XML file with a ``<net>``."""
    return head.lstrip().startswith((b"<?xml", b"<net")) and b"<net" in head


def read(path: Path) -> TrainedWeights:
    """Read the kernel of each convolution, and the bias that the graph adds to its output."""
    binary = path.with_suffix(".bin")
    if not binary.is_file():
        raise OpenPoseLabError(f"is an OpenVINO IR without its weights; put {binary.name} beside it")
    text = read_small(path, _LARGEST_GRAPH)
    net = ElementTree.fromstring(text, ElementTree.XMLParser(target=_NoDocumentType()))
    numbers = np.memmap(binary, np.uint8, "r") if binary.stat().st_size else np.empty(0, np.uint8)
    return TrainedWeights(_Graph(net, numbers).weights())


def layer_name(name: str) -> str:
    """Convert a convolution's name to a layer name: conv4_3_CPM/dw1/1x1/WithoutBiases to conv4_3_CPM_dw1_1x1."""
    return name.removesuffix("/WithoutBiases").replace("/", "_")


class _NoDocumentType(ElementTree.TreeBuilder):
    """An XML reader that refuses a document type, because its declarations can expand a few bytes to gigabytes."""

    def doctype(self, *_: str | None) -> None:
        """Refuse a document type."""
        raise OpenPoseLabError("has an XML document type, which no OpenVINO IR has")


class _Graph:
    """The nodes of the XML, and the node that feeds each of their input ports."""

    def __init__(self, net: ElementTree.Element, binary: NDArray[np.uint8]) -> None:
        self.binary = binary
        self.budget = Budget()
        self.known: dict[str, Array] = {}
        self.nodes = {node.attrib["id"]: node for node in _child(net, "layers")}
        self.sources: dict[str, dict[int, str]] = {}
        for edge in _child(net, "edges"):
            ports = self.sources.setdefault(edge.attrib["to-layer"], {})
            ports[int(edge.attrib["to-port"])] = edge.attrib["from-layer"]

    def weights(self) -> Weights:
        """Return kernels and biases by layer. A convolution without a bias gets a bias of zeros."""
        weights: Weights = {}
        for identity, node in self.nodes.items():
            if self.convolves(identity):
                kernel = self.constant(self.inputs(identity)[1])
                if node.attrib["type"] == "GroupConvolution":  # (groups, output, input, h, w), one channel per group
                    kernel = kernel.reshape(kernel.shape[0], *kernel.shape[2:])
                layer = layer_name(node.attrib["name"])
                self.budget.array(layer, kernel.shape[:1], np.float32)
                weights[f"{layer}/kernel"] = kernel_from_oihw(kernel)
                weights[f"{layer}/bias"] = np.zeros(kernel.shape[0], np.float32)
        for identity, node in self.nodes.items():
            inputs = self.inputs(identity)
            convolved = [source for source in inputs if self.convolves(source)]
            if node.attrib["type"] == "Add" and convolved:
                (bias,) = set(inputs) - set(convolved)
                layer = layer_name(self.nodes[convolved[0]].attrib["name"])
                weights[f"{layer}/bias"] = self.constant(bias).reshape(-1)
            elif node.attrib["type"] in _OPERATIONS and convolved:
                name = shown(node.attrib["name"])
                raise OpenPoseLabError(f"has the operation {node.attrib['type']} ({name}) after a convolution")
        return weights

    def convolves(self, identity: str) -> bool:
        """Return whether a node is a convolution."""
        return self.nodes[identity].attrib["type"] in ("Convolution", "GroupConvolution")

    def inputs(self, identity: str) -> list[str]:
        """Return the nodes that feed a node, in the order of its ports."""
        return [source for _, source in sorted(self.sources.get(identity, {}).items())]

    def constant(self, identity: str, level: int = 0) -> Array:
        """Return the value of a constant, or of operations on constants. Each value is computed once."""
        if identity not in self.known:
            if level > _MOST_IN_A_ROW:
                raise OpenPoseLabError("is damaged: the operations that give its weights form a loop or a long chain")
            self.known[identity] = self._worked_out(self.nodes[identity], identity, level)
        return self.known[identity]

    def _worked_out(self, node: ElementTree.Element, identity: str, level: int) -> Array:
        kind, name = node.attrib["type"], node.attrib["name"]
        if kind == "Const":
            return self.stored(node)
        if kind not in _INPUTS:
            raise OpenPoseLabError(f"computes weights with {shown(kind)} ({shown(name)}), which is not supported")
        sources = self.inputs(identity)
        if len(sources) != _INPUTS[kind]:
            raise OpenPoseLabError(f"is damaged: {shown(name)} has {len(sources)} inputs, expected {_INPUTS[kind]}")
        inputs = [self.constant(source, level + 1) for source in sources]
        if kind == "Reshape":
            return inputs[0].reshape(inputs[1].astype(int))
        shape = np.broadcast_shapes(*(array.shape for array in inputs))
        self.budget.array(name, shape, np.result_type(np.float32, *inputs))
        if kind == "Convert":
            return inputs[0].astype(np.float32)
        if kind == "FakeQuantize":
            return _fake_quantize(int(_child(node, "data").attrib["levels"]), *inputs)
        return np.asarray(_OPERATIONS[kind](*inputs))

    def stored(self, node: ElementTree.Element) -> Array:
        """Read the array of a node from the .bin."""
        data, name = _child(node, "data").attrib, node.attrib["name"]
        shape = [int(size) for size in data["shape"].split(",") if size.strip()]
        dtype = _DTYPES.get(data["element_type"])
        if dtype is None:
            raise OpenPoseLabError(f"stores {shown(name)} as {shown(data['element_type'])}, which is not supported")
        offset, size = int(data["offset"]), int(data["size"])
        if not 0 <= offset <= offset + size <= len(self.binary):
            raise OpenPoseLabError(f"has a .bin that is cut short: it ends before {shown(name)}; download it again")
        self.budget.array(name, shape, dtype)
        if size != math.prod(shape) * np.dtype(dtype).itemsize:
            raise OpenPoseLabError(f"is damaged: the size of {shown(name)} does not fit its shape")
        array = np.frombuffer(self.binary[offset : offset + size].tobytes(), dtype).reshape(shape)
        return array.astype(np.float32) if array.dtype == np.float16 else array


def _child(element: ElementTree.Element, name: str) -> ElementTree.Element:
    child = element.find(name)
    if child is None:
        raise OpenPoseLabError(f"is no OpenVINO IR: its element {shown(element.tag)} contains no {name}")
    return child


def _fake_quantize(levels: int, x: Array, in_low: Array, in_high: Array, out_low: Array, out_high: Array) -> Array:
    """Compute OpenVINO's FakeQuantize: clip to the input range, round to ``levels`` steps, map to the output range."""
    step = np.round((np.clip(x, in_low, in_high) - in_low) / (in_high - in_low) * (levels - 1))
    return np.asarray(step / (levels - 1) * (out_high - out_low) + out_low)

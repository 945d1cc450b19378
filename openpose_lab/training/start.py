"""The network that is trained, and the weights that it starts from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from estimation.errors import OpenPoseLabError
from estimation.layouts import Layout
from openpose_lab.networks.importers.trained_weights import Weights
from openpose_lab.networks.reading import read_weights
from openpose_lab.networks.spec import NetworkSpec

_IMAGENET_LAYER = re.compile(r"block(\d)_conv(\d)/(kernel|bias)$")
"""A variable of VGG-19 in keras.applications. OpenPose calls the layer conv1_1, and so on."""
_LINEAR = 0.01
"""The variance that a layer without an activation keeps: the first answers are about a tenth of 1."""
_IMAGENET_MEAN = np.array([103.939, 116.779, 123.68])
"""B, G and R. VGG-19's authors subtracted this mean of ImageNet's pixels, which go from 0 to 255."""


@dataclass(frozen=True, eq=False)
class Start:
    """A network before it is trained.

    Attributes:
        model: the network.
        loaded: the layers that have weights of a file.
        left_out: the layers that keep random weights though the file has some of another shape.
    """

    model: keras.Model
    loaded: tuple[str, ...]
    left_out: tuple[str, ...]


def front_layers(spec: NetworkSpec, model: keras.Model) -> list[str]:
    """List the layers of a network's front: those that its features are computed with."""
    front = keras.Model(model.input, model.get_layer(spec.features).output)
    return [layer.name for layer in front.layers if layer.weights]


def start_network(spec: NetworkSpec, layout: Layout, weights: Path | None = None, front: Path | None = None) -> Start:
    """Build a network with random weights, and give layers of it the weights of a file.

    Args:
        spec: the network.
        layout: its layout.
        weights: a weights file for all layers; None for random weights. Layers of another shape stay random, as the
            last ones of each stage do if the file is for another layout.
        front: a weights file for the front alone: of this network, or VGG-19's of keras.applications, trained on
            ImageNet.

    Returns:
        The network.

    Raises:
        OpenPoseLabError: A file cannot be read, or is for another network.
    """
    model = spec.build(layout)
    initialise(model)
    loaded: list[str] = []
    left_out: list[str] = []
    if weights:
        fitting, left_out = _put(model, read_weights(weights)[1].arrays, [layer.name for layer in model.layers])
        if not set(front_layers(spec, model)) <= set(fitting):
            raise OpenPoseLabError(f"{weights} is not for {spec.name}: it has no weights for the layers of its front")
        loaded += fitting
    if front:
        arrays = read_weights(front)[1].arrays
        names = front_layers(spec, model)
        fitting, _ = _put(model, from_imagenet(arrays) or arrays, names)
        if not fitting:
            raise OpenPoseLabError(
                f"{front} has no weights for the front of {spec.name}, such as for its layer {names[0]}; give weights "
                f"of {spec.name}, or for VGG-19 fronts those of keras.applications"
            )
        loaded += fitting
    return Start(model, tuple(dict.fromkeys(loaded)), tuple(left_out))


def initialise(model: keras.Model) -> None:
    """Give a network He's random weights, whose signals neither grow nor vanish behind many layers with ReLU.

    Keras's own, Glorot's, halve the signal's variance at each of them. Batch normalisation, which would undo that, is
    folded into the convolutions of these networks.

    Args:
        model: the network. Its convolutions without an activation, which answer maps, begin near 0.
    """
    for layer in model.layers:
        linear = getattr(layer, "activation", None) is keras.activations.linear
        for variable in layer.weights:
            if not variable.name.endswith("kernel"):
                continue
            one_channel = isinstance(layer, keras.layers.DepthwiseConv2D) or variable.name == "depthwise_kernel"
            inputs = np.prod(variable.shape[:2] if one_channel else variable.shape[:3])
            before_another = variable.name == "depthwise_kernel"  # of a separable layer, whose pointwise one follows
            gain = 1.0 if before_another else _LINEAR if linear else 2.0
            variable.assign(keras.random.normal(variable.shape, stddev=float(np.sqrt(gain / inputs))))


def _put(model: keras.Model, arrays: Weights, layers: list[str]) -> tuple[list[str], list[str]]:
    """Give layers their weights. Returns the layers that got them, and those with weights of another shape."""
    fitting, left_out = [], []
    for name in layers:
        pairs = [(variable, arrays.get(f"{name}/{variable.name}")) for variable in model.get_layer(name).weights]
        found = [(variable, array) for variable, array in pairs if array is not None]
        if not pairs or len(found) < len(pairs):
            continue
        if any(array.shape != tuple(variable.shape) for variable, array in found):
            left_out.append(name)
            continue
        for variable, array in found:
            variable.assign(np.asarray(array, variable.dtype))
        fitting.append(name)
    return fitting, left_out


def from_imagenet(arrays: Weights) -> Weights:
    """Convert VGG-19's weights of keras.applications to those of OpenPose's front.

    Both compute the same from their inputs. VGG-19 takes pixels as B, G, R minus ImageNet's mean; OpenPose's front
    takes R, G, B as ``x / 256 - 0.5``. So the first kernel is turned round and multiplied by 256, and its bias gets
    what grey, 128, and the mean differ in. They differ at the edges alone, where zeros stand for the mean or for grey.

    Args:
        arrays: weights by ``layer/variable``.

    Returns:
        The weights of ``conv1_1`` to ``conv4_2`` by ``layer/variable``; none if the arrays are not such weights.
    """
    found = {match: array for name, array in arrays.items() if (match := _IMAGENET_LAYER.search(name))}
    weights = {f"conv{match[1]}_{match[2]}/{match[3]}": array for match, array in found.items()}
    if "conv1_1/kernel" in weights:
        kernel = np.asarray(weights["conv1_1/kernel"], np.float64)  # (3, 3, B G R, filters)
        weights["conv1_1/bias"] = weights["conv1_1/bias"] + np.einsum("hwcf,c->f", kernel, 128 - _IMAGENET_MEAN)
        weights["conv1_1/kernel"] = 256 * kernel[:, :, ::-1]
    return weights

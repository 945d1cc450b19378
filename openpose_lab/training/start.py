"""The network that is trained, and the weights that it starts from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError
from estimation.layouts import Layout
from openpose_lab.networks.importers.trained_weights import Weights
from openpose_lab.networks.reading import read_weights
from openpose_lab.networks.spec import NetworkSpec
from openpose_lab.training import IMAGENET

_IMAGENET_LAYER = re.compile(r"block(\d)_conv(\d)/(kernel|bias)$")
"""A variable of VGG-19 in keras.applications. OpenPose calls the layer conv1_1, and so on."""
_FIRST_OF_VGG19 = "conv1_1"
_ANSWER = 0.03
"""Initial standard deviation of output layers. Their targets lie between -1 and 1, and are mostly 0."""
_RESIDUAL = 0.3
"""Initial standard deviation of residuals. It is not 0, because ReLU has no gradient where its output is 0."""
_CONSTANT = 1e-6
"""A channel with a smaller standard deviation is constant, and is not scaled."""
_IMAGENET_MEAN = np.array([103.939, 116.779, 123.68])
"""Mean B, G and R of ImageNet's pixels, from 0 to 255. The authors of VGG-19 subtract it from each pixel."""


@dataclass(frozen=True, eq=False)
class Start:
    """A network before training.

    Attributes:
        model: The network.
        loaded: The names of the layers with weights of a file.
        left_out: The names of the layers that keep random weights, because those in the file have another shape.
    """

    model: keras.Model
    loaded: tuple[str, ...]
    left_out: tuple[str, ...]


def front_layers(spec: NetworkSpec, model: keras.Model) -> list[str]:
    """List the layers with weights of a network's front, which computes its features."""
    front = keras.Model(model.input, model.get_layer(spec.features).output)
    return [layer.name for layer in front.layers if layer.weights]


def start_network(spec: NetworkSpec, layout: Layout, weights: Path | None = None, front: Path | None = None) -> Start:
    """Build a network with random weights, and load layers from weights files.

    Args:
        spec: The network.
        layout: Its layout.
        weights: A weights file for all layers. None keeps random weights. Layers with another shape in the file keep
            random weights: the last layers of each stage, if the file is for another layout.
        front: A weights file for the front only: of this network, or VGG-19's of keras.applications, trained on
            ImageNet. ``IMAGENET`` downloads the latter.

    Returns:
        The network, with the names of its loaded layers.

    Raises:
        OpenPoseLabError: If a file cannot be read, or is for another network.
    """
    model = spec.build(layout)
    loaded: list[str] = []
    left_out: list[str] = []
    if weights:
        fitting, left_out = _put(model, read_weights(weights)[1].arrays, [layer.name for layer in model.layers])
        if not set(front_layers(spec, model)) <= set(fitting):
            raise OpenPoseLabError(f"{weights} is not for {spec.name}: it has no weights for the layers of its front")
        loaded += fitting
    if front:
        names = front_layers(spec, model)
        if front == IMAGENET and _FIRST_OF_VGG19 not in names:
            raise OpenPoseLabError(f"the front of {spec.name} is not a VGG-19; give --front {IMAGENET} with vgg19")
        arrays = fetch_imagenet() if front == IMAGENET else read_weights(front)[1].arrays
        fitting, _ = _put(model, from_imagenet(arrays) or arrays, names)
        if not fitting:
            raise OpenPoseLabError(
                f"{front} has no weights for the front of {spec.name}, such as for its layer {names[0]}; give weights "
                f"of {spec.name}, or for VGG-19 fronts those of keras.applications"
            )
        loaded += fitting
    return Start(model, tuple(dict.fromkeys(loaded)), tuple(left_out))


def freeze_front(spec: NetworkSpec, start: Start) -> int:
    """Freeze the layers of the front that are loaded from a file. Return their number."""
    frozen = set(front_layers(spec, start.model)) & set(start.loaded)
    for name in frozen:
        start.model.get_layer(name).trainable = False
    return len(frozen)


def fit_to_photos(model: keras.Model, photos: NDArray[np.uint8], kept: Collection[str] = ()) -> None:
    """Scale random weights, so that signals neither grow nor vanish after many layers.

    Each channel of a layer, before its activation, gets mean 0 and variance 1 over all cells of these photos. Batch
    normalisation would do this in each step, but these networks have it folded into their convolutions. (Salimans and
    Kingma, "Weight Normalization", 2016, section 3; Mishkin and Matas, "All you need is a good init", 2016.)

    Args:
        model: The network. Output layers and residuals, the last inputs of ``Add``, get a smaller variance.
        photos: (n, h, w, 3) uint8 in the network's order of colours.
        kept: The names of layers that keep their weights.
    """
    answers = {id(output) for output in keras.tree.flatten(model.output)}
    residuals = {id(layer.input[-1]) for layer in model.layers if isinstance(layer, keras.layers.Add)}
    values = {id(model.input): keras.ops.convert_to_tensor(photos)}
    uses = Counter(id(tensor) for layer in model.layers[1:] for tensor in keras.tree.flatten(layer.input))
    for layer in model.layers[1:]:  # in the order of execution; the first is the input
        inputs = keras.tree.map_structure(lambda tensor: values[id(tensor)], layer.input)
        output = id(layer.output)
        if layer.name not in kept:
            _normalise(layer, inputs, _ANSWER if output in answers else _RESIDUAL if output in residuals else 1.0)
        values[output] = layer(inputs)
        for tensor in keras.tree.flatten(layer.input):
            uses[id(tensor)] -= 1
            if not uses[id(tensor)]:  # keeping the outputs of all layers would need too much memory
                del values[id(tensor)]


def _normalise(layer: keras.layers.Layer, inputs: Any, deviation: float) -> None:
    """Scale a convolution so that each channel has mean 0 and this standard deviation before the activation."""
    kernels = [variable for variable in layer.weights if variable.name.endswith("kernel")]
    if not kernels:
        return
    activation, layer.activation = layer.activation, keras.activations.linear
    before = np.asarray(layer(inputs), np.float64)
    layer.activation = activation
    mean, spread = before.mean(axis=(0, 1, 2)), before.std(axis=(0, 1, 2))
    factor = np.where(spread > _CONSTANT, deviation / np.maximum(spread, _CONSTANT), 1)
    last = kernels[-1]  # a separable layer has two
    last.assign(last.numpy() * factor.reshape((-1, 1) if isinstance(layer, keras.layers.DepthwiseConv2D) else -1))
    layer.bias.assign((layer.bias.numpy() - mean) * factor)


def _put(model: keras.Model, arrays: Weights, layers: list[str]) -> tuple[list[str], list[str]]:
    """Load layers. Returns the names of the loaded layers, and of those with another shape in the file."""
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


def fetch_imagenet() -> Weights:
    """Download VGG-19's weights of keras.applications. Keras verifies and caches them.

    Returns:
        The weights by ``layer/variable``.

    Raises:
        OpenPoseLabError: If the download fails.
    """
    try:
        model = keras.applications.VGG19(include_top=False)
    except Exception as error:  # Keras raises a plain Exception
        raise OpenPoseLabError(
            f"VGG-19's ImageNet weights cannot be downloaded ({error}); download them on another computer, and give "
            f"the file with --front FILE"
        ) from None
    return {f"{layer.name}/{one.name}": one.numpy() for layer in model.layers for one in layer.weights}


def from_imagenet(arrays: Weights) -> Weights:
    """Convert VGG-19's weights of keras.applications to those of OpenPose's front.

    The two networks differ in their input. VGG-19 takes B, G, R minus ImageNet's mean; OpenPose's front takes R, G, B
    as ``x / 256 - 0.5``. So this function reverses the input channels of the first kernel, multiplies it by 256, and
    corrects its bias by the difference of grey (128) and the mean. The outputs are then equal except at the edges of
    a photo: padding means the mean to VGG-19, and grey to OpenPose's front.

    Args:
        arrays: Weights by ``layer/variable``.

    Returns:
        The weights of ``conv1_1`` to ``conv4_2`` by ``layer/variable``. Empty if the arrays are not VGG-19's.
    """
    found = {match: array for name, array in arrays.items() if (match := _IMAGENET_LAYER.search(name))}
    weights = {f"conv{match[1]}_{match[2]}/{match[3]}": array for match, array in found.items()}
    if "conv1_1/kernel" in weights:
        kernel = np.asarray(weights["conv1_1/kernel"], np.float64)  # (3, 3, B G R, filters)
        weights["conv1_1/bias"] = weights["conv1_1/bias"] + np.einsum("hwcf,c->f", kernel, 128 - _IMAGENET_MEAN)
        weights["conv1_1/kernel"] = 256 * kernel[:, :, ::-1]
    return weights

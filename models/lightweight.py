"""human-pose-estimation-0001 of the Open Model Zoo (Apache-2.0): a MobileNet v1 front with dilation, and two stages.

The layers have the names of the model's OpenVINO files, with ``_`` in place of ``/``. Batch normalisation is folded
into the weights.
"""

from __future__ import annotations

import keras
from keras import layers

from .stages import name_outputs

_FRONT = [
    ("conv2_1", 64, 1, 1),
    ("conv2_2", 128, 2, 1),
    ("conv3_1", 128, 1, 1),
    ("conv3_2", 256, 2, 1),
    ("conv4_1", 256, 1, 1),
    ("conv4_2", 512, 1, 1),
    ("conv5_1", 512, 1, 2),
    ("conv5_2", 512, 1, 1),
    ("conv5_3", 512, 1, 1),
    ("conv5_4", 512, 1, 1),
    ("conv5_5", 512, 1, 1),
]
"""Name, filters, stride and dilation of the separable layers."""
_WIDTH = 128
"""The number of filters of nearly every layer after the front."""
_REFINEMENTS = 5


def build_lightweight(pafs: int = 38, heatmaps: int = 19, name: str = "lightweight") -> keras.Model:
    """Build lightweight: the first stage computes maps from the features, and the second stage refines them.

    Args:
        pafs: The number of PAF channels.
        heatmaps: The number of heatmap channels, including the background.
        name: The model's name.

    Returns:
        The model, without trained weights. Its input is a BGR uint8 batch (n, h, w, 3). Its outputs are
        ``stage1_pafs``, ``stage1_heatmaps``, ``stage2_pafs`` and ``stage2_heatmaps``: float32 of shape
        (n, h/8, w/8, channels).
    """
    image = keras.Input((None, None, 3), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 255, offset=-128 / 255, name="scale")(image)
    x = _convolution(x, "conv1", 32, 3, stride=2)
    for layer, filters, stride, dilation in _FRONT:
        x = _depthwise(x, f"{layer}_dw", "relu", stride, dilation)
        x = _convolution(x, f"{layer}_sep", filters, 1)
    features = _convolution(_compress(x), "conv4_4_CPM", _WIDTH, 3)

    x = features
    for number in (1, 2, 3):
        x = _convolution(x, f"conv5_{number}_CPM_L1", _WIDTH, 3)
    first = {
        "pafs": _maps(x, "conv5_4_CPM_L1", 512, "conv5_5_CPM_L1", pafs),
        "heatmaps": _maps(x, "conv5_4_CPM_L2", 512, "conv5_5_CPM_L2", heatmaps),
    }

    x = layers.Concatenate(name="concat_stage2")([*first.values(), features])
    for number in range(1, _REFINEMENTS + 1):
        x = _refine(x, f"Mconv{number}_stage2_L1")
    second = {
        "pafs": _maps(x, "Mconv6_stage2_L1", _WIDTH, "Mconv7_stage2_L1", pafs),
        "heatmaps": _maps(x, "Mconv6_stage2_L2", _WIDTH, "Mconv7_stage2_L2", heatmaps),
    }
    return keras.Model(image, name_outputs([first, second]), name=name)


def _compress(x: keras.KerasTensor) -> keras.KerasTensor:
    """Reduce 512 channels to 128, and add a residual of three separable layers. All have ELU."""
    aligned = _convolution(x, "conv4_3_CPM_al", _WIDTH, 1, "elu")
    x = _convolution(aligned, "conv4_3_CPM_red", _WIDTH, 1, "elu")
    for number, after in ((1, "dw1_1x1"), (2, "dw2_1x1"), (3, "inc")):
        x = _depthwise(x, f"conv4_3_CPM_dw{number}", "elu")
        x = _convolution(x, f"conv4_3_CPM_{after}", _WIDTH, 1, "elu")
    return layers.Add(name="conv4_3_CPM_res")([aligned, x])


def _refine(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Add a 1x1 layer, and a residual of two 3x3 layers, the second dilated. Their receptive field is 7x7."""
    squeezed = _convolution(x, f"{name}_sq", _WIDTH, 1)
    x = _convolution(squeezed, f"{name}_3x3", _WIDTH, 3)
    x = _convolution(x, f"{name}_3x3_2", _WIDTH, 3, dilation=2)
    return layers.Add(name=f"{name}_5x5_res")([squeezed, x])


def _maps(x: keras.KerasTensor, hidden: str, filters: int, name: str, channels: int) -> keras.KerasTensor:
    return _convolution(_convolution(x, hidden, filters, 1), name, channels, 1, activation=None)


def _convolution(
    x: keras.KerasTensor,
    name: str,
    filters: int,
    size: int,
    activation: str | None = "relu",
    stride: int = 1,
    dilation: int = 1,
) -> keras.KerasTensor:
    x, padding = _pad(x, name, stride)
    return layers.Conv2D(filters, size, stride, padding, dilation_rate=dilation, activation=activation, name=name)(x)


def _depthwise(
    x: keras.KerasTensor, name: str, activation: str, stride: int = 1, dilation: int = 1
) -> keras.KerasTensor:
    x, padding = _pad(x, name, stride)
    return layers.DepthwiseConv2D(3, stride, padding, dilation_rate=dilation, activation=activation, name=name)(x)


def _pad(x: keras.KerasTensor, name: str, stride: int) -> tuple[keras.KerasTensor, str]:
    """Pad the input of a 3x3 layer with stride 2 on all four sides. Keras's "same" would pad two sides only."""
    if stride == 1:
        return x, "same"
    return layers.ZeroPadding2D(1, name=f"{name}_pad")(x), "valid"

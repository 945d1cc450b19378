"""The network of the paper and of the lab: a VGG-19 front, two branches, six stages (Cao et al., CVPR 2017)."""

from __future__ import annotations

import keras
from keras import layers

_FRONT = [
    [("block1_conv1", 64), ("block1_conv2", 64)],
    [("block2_conv1", 128), ("block2_conv2", 128)],
    [("block3_conv1", 256), ("block3_conv2", 256), ("block3_conv3", 256), ("block3_conv4", 256)],
    [("block4_conv1", 512), ("block4_conv2", 512), ("block4_conv3_cpm", 256), ("block4_conv4_cpm", 128)],
]
"""3x3 layers and their filters, pooled 2x2 between the blocks; the last two are OpenPose's own."""
_FIRST_STAGE = [(128, 3), (128, 3), (128, 3), (512, 1)]
_LATER_STAGE = [(128, 7), (128, 7), (128, 7), (128, 7), (128, 7), (128, 1)]
"""Filters and kernel sizes of a branch, before its linear 1x1 layer."""


def build_openpose_vgg19(stages: int = 6, pafs: int = 38, heatmaps: int = 19) -> keras.Model:
    """A Keras model from an RGB uint8 batch (n, h, w, 3) to ``[pafs, heatmaps]`` of each stage in turn."""
    image = keras.Input((None, None, 3), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 255, offset=-0.5, name="scale")(image)  # the lab's own scaling
    for block, convolutions in enumerate(_FRONT, start=1):
        if block > 1:
            x = layers.MaxPooling2D(2, name=f"block{block - 1}_pool")(x)
        for name, filters in convolutions:
            x = _convolution(filters, 3, name)(x)
    features = stage_input = x

    outputs = []
    for stage in range(1, stages + 1):
        hidden = _FIRST_STAGE if stage == 1 else _LATER_STAGE
        last_two = [
            _branch(stage_input, hidden, channels, f"stage{stage}_L{branch}")
            for branch, channels in ((1, pafs), (2, heatmaps))
        ]
        outputs += last_two
        stage_input = layers.Concatenate(name=f"stage{stage}_concat")([*last_two, features])
    return keras.Model(image, outputs, name="openpose_vgg19")


def _branch(x: keras.KerasTensor, hidden: list[tuple[int, int]], channels: int, name: str) -> keras.KerasTensor:
    for number, (filters, size) in enumerate(hidden, start=1):
        x = _convolution(filters, size, f"{name}_conv{number}")(x)
    return _convolution(channels, 1, f"{name}_conv{len(hidden) + 1}", activation=None)(x)


def _convolution(filters: int, size: int, name: str, activation: str | None = "relu") -> layers.Conv2D:
    return layers.Conv2D(filters, size, padding="same", activation=activation, name=name)

"""The networks of the two OpenPose papers, on a VGG-19 front. The layers have the names of OpenPose's Caffe files.

Both networks take an RGB uint8 batch (n, h, w, 3), compute x / 256 - 0.5, and output maps of shape
(n, h/8, w/8, channels). The papers' letters are F for the features of the front, L for the PAFs and S for the heatmaps.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import layers

from .stages import name_outputs

SCALE, OFFSET = 1 / 256, -0.5
"""The networks see ``SCALE * x + OFFSET``, as in their training. x is the value of a pixel, from 0 to 255."""

_FRONT = [
    [("conv1_1", 64), ("conv1_2", 64)],
    [("conv2_1", 128), ("conv2_2", 128)],
    [("conv3_1", 256), ("conv3_2", 256), ("conv3_3", 256), ("conv3_4", 256)],
    [("conv4_1", 512)],
]
"""The 3x3 layers of VGG-19 and their numbers of filters, in blocks. 2x2 pooling separates the blocks."""
_FRONT_END = [("conv4_2", 512), ("conv4_3_CPM", 256), ("conv4_4_CPM", 128)]
"""The last VGG-19 layer and two layers of OpenPose. The network of PAMI 2019 uses PReLU from here on."""

_FIRST_STAGE = [(128, 3), (128, 3), (128, 3), (512, 1)]
_LATER_STAGE = [(128, 7), (128, 7), (128, 7), (128, 7), (128, 7), (128, 1)]
"""(filters, kernel size) of each layer in a branch of the two-branch network, before its linear 1x1 layer."""

_PAF_STAGES, _HEATMAP_STAGES = 4, 2
_BLOCKS = 5
"""The numbers of PAF and heatmap stages in the PAF-first network, and of blocks in each stage."""


def build_two_branches(pafs: int = 38, heatmaps: int = 19, stages: int = 6, name: str = "vgg19") -> keras.Model:
    """Build the network of CVPR 2017, with two branches in each stage.

    The first stage sees F. Each later stage sees F and both maps of the stage before.

    Args:
        pafs: The number of PAF channels.
        heatmaps: The number of heatmap channels, including the background.
        stages: The number of stages.
        name: The model's name.

    Returns:
        The model, without trained weights. Its outputs are ``stage1_pafs``, ``stage1_heatmaps``,
        ``stage2_pafs``, …: float32 of shape (n, h/8, w/8, channels).
    """
    image = _image()
    return keras.Model(image, name_outputs(_two_branch_stages(image, pafs, heatmaps, stages)), name=name)


def build_lab_model(pafs: int = 38, heatmaps: int = 19) -> keras.Model:
    """Build the network of CVPR 2017 with six stages, and with the outputs that the lab expects.

    Args:
        pafs: The number of PAF channels.
        heatmaps: The number of heatmap channels, including the background.

    Returns:
        The model, without trained weights. Its outputs are a list: the PAFs and the heatmaps of each stage in turn,
        float32 of shape (n, h/8, w/8, channels).
    """
    image = _image()
    stages = _two_branch_stages(image, pafs, heatmaps, stages=6)
    return keras.Model(image, [maps for stage in stages for maps in stage.values()], name="vgg19")


def build_paf_first(pafs: int = 52, heatmaps: int = 26, name: str = "body25") -> keras.Model:
    """Build the network of PAMI 2019 (the handout's equations 1 to 3).

    Stages 1 to 4 refine the PAFs. Stages 5 and 6 refine the heatmaps, from F and the last PAFs. In the Caffe layer
    names, L2 is the PAF branch, L1 is the heatmap branch, and the stages of each branch count from 0.

    Args:
        pafs: The number of PAF channels.
        heatmaps: The number of heatmap channels, including the background.
        name: The model's name.

    Returns:
        The model, without trained weights. Its outputs are ``stage1_pafs`` to ``stage4_pafs``,
        ``stage5_heatmaps`` and ``stage6_heatmaps``: float32 of shape (n, h/8, w/8, channels).
    """
    image = _image()
    features = _front(image, _prelu)

    stages = []
    stage_input = features
    for number in range(_PAF_STAGES):
        last_pafs = _dense_stage(stage_input, f"stage{number}_L2", pafs, first=number == 0)
        stages.append({"pafs": last_pafs})
        stage_input = layers.Concatenate(name=f"concat_stage{number + 1}_L2")([features, last_pafs])
    for number in range(_HEATMAP_STAGES):
        last_heatmaps = _dense_stage(stage_input, f"stage{number}_L1", heatmaps, first=number == 0)
        stages.append({"heatmaps": last_heatmaps})
        stage_input = layers.Concatenate(name=f"concat_stage{number + 1}_L1")([features, last_heatmaps, last_pafs])
    return keras.Model(image, name_outputs(stages), name=name)


def _two_branch_stages(
    image: keras.KerasTensor, pafs: int, heatmaps: int, stages: int
) -> list[dict[str, keras.KerasTensor]]:
    """Connect the layers of the two-branch network, from the image to the maps of each stage."""
    features = stage_input = _front(image, _relu)
    every = []
    for number in range(1, stages + 1):
        maps = {"pafs": _branch(stage_input, number, 1, pafs), "heatmaps": _branch(stage_input, number, 2, heatmaps)}
        every.append(maps)
        stage_input = layers.Concatenate(name=f"concat_stage{number + 1}")([*maps.values(), features])
    return every


def _image() -> keras.KerasTensor:
    return keras.Input((None, None, 3), dtype="uint8", name="image")


def _front(
    image: keras.KerasTensor, last_layer: Callable[[keras.KerasTensor, str, int, int], keras.KerasTensor]
) -> keras.KerasTensor:
    """Return F: the first ten layers of VGG-19 and two layers of OpenPose. ``last_layer`` makes the last three."""
    x = layers.Rescaling(SCALE, offset=OFFSET, name="scale")(image)
    for block, convolutions in enumerate(_FRONT):
        if block > 0:
            x = layers.MaxPooling2D(2, name=f"pool{block}_stage1")(x)
        for name, filters in convolutions:
            x = _relu(x, name, filters, 3)
    for name, filters in _FRONT_END:
        x = last_layer(x, name, filters, 3)
    return x


def _branch(x: keras.KerasTensor, stage: int, branch: int, channels: int) -> keras.KerasTensor:
    """Add one branch of a stage of the two-branch network: hidden layers, then a linear layer that outputs the maps."""
    hidden = _FIRST_STAGE if stage == 1 else _LATER_STAGE
    name = f"conv5_{{}}_CPM_L{branch}" if stage == 1 else f"Mconv{{}}_stage{stage}_L{branch}"
    for number, (filters, size) in enumerate(hidden, start=1):
        x = _relu(x, name.format(number), filters, size)
    return layers.Conv2D(channels, 1, name=name.format(len(hidden) + 1))(x)


def _dense_stage(x: keras.KerasTensor, name: str, channels: int, first: bool) -> keras.KerasTensor:
    """Add a stage of the PAF-first network.

    A block of three 3x3 layers, with joined outputs, replaces each 7x7 layer of CVPR 2017.
    """
    filters, last_filters = (96, 256) if first else (128, 512)
    for block in range(1, _BLOCKS + 1):
        outputs = []
        for layer in range(3):
            x = _prelu(x, f"Mconv{block}_{name}_{layer}", filters, 3)
            outputs.append(x)
        x = layers.Concatenate(name=f"Mconv{block}_{name}_concat")(outputs)
    x = _prelu(x, f"Mconv{_BLOCKS + 1}_{name}", last_filters, 1)
    return layers.Conv2D(channels, 1, name=f"Mconv{_BLOCKS + 2}_{name}")(x)


def _relu(x: keras.KerasTensor, name: str, filters: int, size: int) -> keras.KerasTensor:
    return layers.Conv2D(filters, size, padding="same", activation="relu", name=name)(x)


def _prelu(x: keras.KerasTensor, name: str, filters: int, size: int) -> keras.KerasTensor:
    """Add a convolution and its PReLU, with one slope per channel.

    Caffe names them, for example, conv4_2 and prelu4_2, or Mconv1… and Mprelu1….
    """
    x = layers.Conv2D(filters, size, padding="same", name=name)(x)
    return layers.PReLU(shared_axes=[1, 2], name=name.replace("conv", "prelu"))(x)

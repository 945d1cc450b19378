"""The networks as Keras code, and nothing else.

Importing this package is cheap; Keras is loaded when a network is built. ``openpose_lab.networks`` names the networks
and loads their weights.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def create_openpose() -> keras.Model:
    """Build the lab's network, VGG-19 with two branches and six stages, without trained weights.

    Returns:
        A model whose ``predict`` takes an RGB uint8 batch (n, h, w, 3) and gives twelve arrays (n, h/8, w/8, channels):
        PAFs and heatmaps of each stage in turn, so that the last two are the answer.
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    from .openpose_vgg19 import build_lab_model

    return build_lab_model()

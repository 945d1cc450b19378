"""The networks as Keras code.

Importing this package is fast, because Keras is loaded only when a network is built. ``openpose_lab.networks`` names
the networks and loads their weights.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def create_openpose() -> keras.Model:
    """Build the lab's network, VGG-19 with two branches and six stages, without trained weights.

    Returns:
        The model. Its ``predict`` takes an RGB uint8 batch (n, h, w, 3), and returns twelve arrays
        (n, h/8, w/8, channels): the PAFs and the heatmaps of each stage in turn. The last two arrays are the result.
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    from .openpose_vgg19 import build_lab_model

    return build_lab_model()

"""The networks by name, behind one interface: a photo in, its maps out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.config import COCO_18, Config
from estimation.errors import OpenPoseLabError
from estimation.field_maps import FieldMaps
from models import weights as weight_files
from models.tensorflow_loading import load_tensorflow

if TYPE_CHECKING:
    import keras

STRIDE = 8
"""Input pixels per map cell, of every network here."""


@dataclass(frozen=True)
class NetworkKind:
    """What has to be known to call a network.

    build: makes the Keras model, without trained weights.
    maps_of: picks heatmaps and PAFs, in this order, out of the model's outputs.
    rgb: whether the model takes RGB; otherwise BGR.
    """

    config: Config
    build: Callable[[], keras.Model]
    maps_of: Callable[[Any], tuple[Any, Any]]
    rgb: bool


def _build_mobilenet_thin() -> keras.Model:
    from models.mobilenet import build_mobilenet_thin

    return build_mobilenet_thin()


def _build_vgg19() -> keras.Model:
    from models.openpose_vgg19 import build_openpose_vgg19

    return build_openpose_vgg19()


NETWORKS = {
    "mobilenet_thin": NetworkKind(
        COCO_18, _build_mobilenet_thin, lambda outputs: (outputs["heatmaps"], outputs["pafs"]), rgb=False
    ),
    "vgg19": NetworkKind(COCO_18, _build_vgg19, lambda outputs: (outputs[-1], outputs[-2]), rgb=True),
}


class KerasNetwork:
    """A Keras model as a function from one photo to its maps. It is traced once, for photos of every size."""

    def __init__(self, kind: NetworkKind, model: keras.Model) -> None:
        import tensorflow as tf

        self.config = kind.config
        self._rgb = kind.rgb

        def forward(batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return kind.maps_of(model(batch, training=False))

        signature = [tf.TensorSpec((1, None, None, 3), tf.uint8)]
        self._forward = tf.function(forward, input_signature=signature)
        self(np.zeros((STRIDE, STRIDE, 3), np.uint8))  # trace and optimise now, not in the first photo's time

    def __call__(self, photo: NDArray[np.uint8]) -> FieldMaps:
        """The maps of one BGR uint8 photo (h, w, 3) of any size.

        Nothing is resized: the right and lower edges are repeated up to a multiple of the stride,
        and the maps have ceil(h / 8) x ceil(w / 8) cells of 8 x 8 pixels of the photo.
        """
        if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8 or 0 in photo.shape:
            raise ValueError(f"a photo must be (h, w, 3) uint8 but got {photo.shape} {photo.dtype}")
        height, width = photo.shape[:2]
        padded = cv2.copyMakeBorder(photo, 0, -height % STRIDE, 0, -width % STRIDE, cv2.BORDER_REPLICATE)
        if self._rgb:
            padded = cv2.cvtColor(padded, cv2.COLOR_BGR2RGB)
        heatmaps, pafs = self._forward(padded[np.newaxis])
        return FieldMaps(heatmaps[0].numpy(), pafs[0].numpy(), (STRIDE, STRIDE))


def load_network(name: str, weights: str | Path | None = None) -> KerasNetwork:
    """A trained network by name: a callable from one BGR uint8 photo to its ``FieldMaps``.

    weights: a weights file; by default the network's own, fetched on first use.
    Raises OpenPoseLabError if the name is unknown or the weights cannot be had or do not fit.
    """
    if name not in NETWORKS:
        raise OpenPoseLabError(f"there is no network {name!r}; these are: {', '.join(NETWORKS)}")
    kind = NETWORKS[name]
    path = Path(weights) if weights else weight_files.find_weights(name)
    arrays = weight_files.read_weights(name, path)
    load_tensorflow()
    model = kind.build()
    weight_files.set_weights(model, arrays, path)
    return KerasNetwork(kind, model)


def create_openpose() -> keras.Model:
    """The lab's network, VGG-19 with two branches and six stages, without trained weights.

    Its ``predict`` takes an RGB uint8 batch (n, h, w, 3) and gives twelve arrays (n, h/8, w/8, channels):
    PAFs and heatmaps of each stage in turn, so that the last two are the answer.
    """
    load_tensorflow()
    return _build_vgg19()

"""The networks by name, behind one interface: a photo in, its maps out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.config import COCO_18, Config
from estimation.field_maps import FieldMaps
from estimation.layouts import LAYOUTS
from openpose_lab.networks.importers.trained_weights import Weights

if TYPE_CHECKING:
    import keras

STRIDE = 8
"""Input pixels per map cell, of every network here."""


@dataclass(frozen=True)
class NetworkKind:
    """The facts that are needed to build and call a network.

    Attributes:
        config: The skeleton layout and the thresholds.
        build: Makes the Keras model, without trained weights, with outputs named ``pafs`` and ``heatmaps``.
        rgb: True if the model takes RGB, False if it takes BGR.
        signature: Name and shape of a variable that no other network has in this shape.
        offset: x and y in cells by which the maps lie too far to the left and too high up, measured on photos with
            known keypoints (docs/accuracy.md); 0 if it was not measured.
    """

    config: Config
    build: Callable[[], keras.Model]
    rgb: bool
    signature: tuple[str, tuple[int, ...]]
    offset: tuple[float, float] = (0.0, 0.0)


def _mobilenet_thin() -> keras.Model:
    from models.mobilenet import build_mobilenet_thin

    return build_mobilenet_thin()


def _lightweight() -> keras.Model:
    from models.lightweight import build_lightweight

    return build_lightweight()


def _vgg19() -> keras.Model:
    from models.openpose_vgg19 import build_two_branches

    return build_two_branches()


def _vgg19_mpi() -> keras.Model:
    from models.openpose_vgg19 import build_two_branches

    return build_two_branches(pafs=28, heatmaps=16, name="vgg19_mpi")


def _body25() -> keras.Model:
    from models.openpose_vgg19 import build_paf_first

    return build_paf_first()


NETWORKS = {
    "mobilenet_thin": NetworkKind(
        COCO_18, _mobilenet_thin, rgb=False, signature=("MConv_Stage6_L1_5/bias", (38,)), offset=(-0.1, 0.0)
    ),
    "lightweight": NetworkKind(
        COCO_18, _lightweight, rgb=False, signature=("conv4_3_CPM_al/bias", (128,)), offset=(0.0, 0.1)
    ),
    "vgg19": NetworkKind(COCO_18, _vgg19, rgb=True, signature=("Mconv7_stage6_L1/bias", (38,))),
    "vgg19_mpi": NetworkKind(
        Config(LAYOUTS["MPI_15"]), _vgg19_mpi, rgb=True, signature=("Mconv7_stage6_L1/bias", (28,))
    ),
    "body25": NetworkKind(Config(LAYOUTS["BODY_25"]), _body25, rgb=True, signature=("Mconv7_stage3_L2/bias", (52,))),
}


def recognise_network(arrays: Weights) -> str | None:
    """The name of the network that the arrays belong to, if any."""
    for name, kind in NETWORKS.items():
        variable, shape = kind.signature
        if variable in arrays and arrays[variable].shape == shape:
            return name
    return None


class KerasNetwork:
    """A Keras model as a function from one photo to its maps. It is traced once, for photos of every size."""

    def __init__(self, kind: NetworkKind, model: keras.Model) -> None:
        import tensorflow as tf

        self.config = kind.config
        self._rgb = kind.rgb
        self._offset = kind.offset

        def forward(batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            outputs = model(batch, training=False)
            return outputs["heatmaps"], outputs["pafs"]

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
        return FieldMaps(heatmaps[0].numpy(), pafs[0].numpy(), (STRIDE, STRIDE), self._offset)

"""Photos and keypoints, turned, scaled, shifted and mirrored at random, as the paper's authors do.

OpenPose's training code (cpm_dataprovider) scales a person to 0.5 to 1.1 of the input, turns the photo by up to 40
degrees, moves the person by up to 40 of 368 pixels and mirrors every second photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.layouts import Layout

GREY = 128
"""Of what lies outside the photo. OpenPose's training code fills it with this grey, too."""


@dataclass(frozen=True)
class Augmentation:
    """How far photos are changed.

    Attributes:
        scale: the least and the largest share of the input that a person takes.
        degrees: photos are turned by up to this angle to either side.
        shift: a person is moved by up to this share of the input.
        mirror: the share of photos that are mirrored.
    """

    scale: tuple[float, float] = (0.5, 1.1)
    degrees: float = 40.0
    shift: float = 40 / 368
    mirror: float = 0.5


@dataclass(frozen=True, eq=False)
class Transform:
    """How pixels of a photo become pixels of the network's input.

    Attributes:
        matrix: (2, 3) float64: x and y of the input are ``matrix @ (x, y, 1)``. Whole numbers are pixel centres.
        mirrored: whether left and right are exchanged.
        side: width and height of the input in pixels.
    """

    matrix: NDArray[np.float64]
    mirrored: bool
    side: int

    def points(self, xy: NDArray[np.floating]) -> NDArray[np.float64]:
        """Move points (..., 2) of the photo to the input."""
        moved: NDArray[np.float64] = xy @ self.matrix[:, :2].T + self.matrix[:, 2]
        return moved

    def keypoints(self, layout: Layout, keypoints: NDArray[np.floating]) -> NDArray[np.float64]:
        """Move keypoints (n, parts, 2) of the photo to the input. In a mirrored photo a left hand is a right hand."""
        moved = self.points(keypoints)
        return moved[:, layout.mirrored_parts] if self.mirrored else moved

    def photo(self, photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Move a photo (h, w, 3) to the input (side, side, 3). What lies outside of it is grey."""
        matrix = self.matrix
        scale = self.scale
        if scale < 1:  # warpAffine alone would skip pixels
            height, width = (max(1, round(side * scale)) for side in photo.shape[:2])
            shrunk = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
            grow = np.array([photo.shape[1] / width, photo.shape[0] / height])
            # Pixel centres of the shrunk photo lie at (i + 0.5) * grow - 0.5 of the photo.
            matrix = np.column_stack([matrix[:, :2] * grow, matrix[:, 2] + matrix[:, :2] @ (grow / 2 - 0.5)])
            photo = np.asarray(shrunk, np.uint8)
        moved = cv2.warpAffine(photo, matrix, (self.side, self.side), borderValue=(GREY, GREY, GREY))
        return np.asarray(moved, np.uint8)

    def mask(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Move a mask (h, w) of the photo to the input (side, side). It is False outside the photo."""
        if not mask.any():
            return np.zeros((self.side, self.side), bool)
        moved = cv2.warpAffine(mask.astype(np.uint8), self.matrix, (self.side, self.side), flags=cv2.INTER_NEAREST)
        return moved.astype(bool)

    @property
    def scale(self) -> float:
        """Pixels of the input to a pixel of the photo."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))


def whole_photo(width: int, height: int, side: int, share: float = 0.5, stride: int = 8) -> Transform:
    """Scale a photo to the height of the input, as the demo does, and cut the width.

    Args:
        width: the photo's width in pixels.
        height: its height.
        side: width and height of the input in pixels.
        share: where the input is cut out: 0 is the left end and 1 the right one.
        stride: pixels of the input to a cell. The cut is at a whole cell, so that a cell of the network's maps sees
            the same pixels in each cut and in the whole photo.

    Returns:
        The transform.
    """
    scale = side / height
    left = stride * round(share * (scale * width - side) / stride)
    # Edges, not centres, are scaled: the half pixels make the two agree.
    matrix = np.array([[scale, 0, (scale - 1) / 2 - left], [0, scale, (scale - 1) / 2]])
    return Transform(matrix, False, side)


def random_transform(
    rng: np.random.Generator, augmentation: Augmentation, box: NDArray[np.floating], side: int
) -> Transform:
    """Choose how a photo is turned, scaled, moved and mirrored, around one person.

    Args:
        rng: makes the choice.
        augmentation: how far photos are changed.
        box: (4,) the person's x, y, width and height in pixels of the photo.
        side: width and height of the input in pixels.

    Returns:
        The transform. The longer side of the person's box is ``augmentation.scale`` of the input, before turning.
    """
    share = rng.uniform(*augmentation.scale)
    angle = np.deg2rad(rng.uniform(-augmentation.degrees, augmentation.degrees))
    moved = rng.uniform(-augmentation.shift, augmentation.shift, 2) * side
    mirrored = bool(rng.random() < augmentation.mirror)
    scale = share * side / max(box[2], box[3], 1)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if mirrored:
        turn[0] *= -1
    centre = box[:2] + box[2:] / 2 - 0.5
    middle = (side - 1) / 2 + moved
    return Transform(np.column_stack([turn, middle - turn @ centre]), mirrored, side)

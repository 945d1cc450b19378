"""Random rotation, scaling, shift and mirroring of photos and keypoints, as in OpenPose's training code.

OpenPose's training code (cpm_dataprovider) scales a person to 0.5 to 1.1 of the input, turns the photo by up to 40
degrees, moves the person by up to 40 of 368 pixels and mirrors the photo with a probability of 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.layouts import Layout

GREY = 128
"""Value of pixels outside the photo, as in OpenPose's training code."""


@dataclass(frozen=True)
class Augmentation:
    """The limits of random changes of photos.

    Attributes:
        scale: The smallest and the largest size of a person: the longer side of the box, as a share of the input.
        degrees: The largest rotation to either side in degrees.
        shift: The largest shift of a person, as a share of the input.
        mirror: The probability that a photo is mirrored.
    """

    scale: tuple[float, float] = (0.5, 1.1)
    degrees: float = 40.0
    shift: float = 40 / 368
    mirror: float = 0.5


@dataclass(frozen=True, eq=False)
class Transform:
    """The affine transform from a photo to the network's input.

    Attributes:
        matrix: (2, 3) float64: x and y of the input are ``matrix @ (x, y, 1)``. Whole numbers are pixel centres.
        mirrored: True if left and right are exchanged.
        side: Width and height of the input in pixels.
    """

    matrix: NDArray[np.float64]
    mirrored: bool
    side: int

    def points(self, xy: NDArray[np.floating]) -> NDArray[np.float64]:
        """Move points (..., 2), x and y in pixels, of the photo to the input."""
        moved: NDArray[np.float64] = xy @ self.matrix[:, :2].T + self.matrix[:, 2]
        return moved

    def keypoints(self, layout: Layout, keypoints: NDArray[np.floating]) -> NDArray[np.float64]:
        """Move keypoints (n, parts, 2) of the photo, in pixels, to the input. Mirroring exchanges left and right."""
        moved = self.points(keypoints)
        return moved[:, layout.mirrored_parts] if self.mirrored else moved

    def photo(self, photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Move a photo (h, w, 3) to the input (side, side, 3). Pixels outside the photo are grey."""
        matrix = self.matrix
        scale = self.scale
        if scale < 1:  # warpAffine skips pixels if it shrinks a photo
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
        """Pixels of the input per pixel of the photo."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))


def whole_photo(width: int, height: int, side: int, share: float = 0.5, stride: int = 8) -> Transform:
    """Scale a photo to the height of the input, as the demo does, and crop its width.

    Args:
        width: The photo's width in pixels.
        height: The photo's height in pixels.
        side: Width and height of the input in pixels.
        share: The place of the crop: 0 is the left end, 1 the right end.
        stride: Pixels of the input per cell. The crop begins at a whole cell, so that a cell of the network's maps
            covers the same pixels in each crop and in the whole photo.

    Returns:
        The transform.
    """
    scale = side / height
    left = stride * round(share * (scale * width - side) / stride)
    # Scaling keeps the edges of the photo in place, not the centres of its pixels. So half pixels are added.
    matrix = np.array([[scale, 0, (scale - 1) / 2 - left], [0, scale, (scale - 1) / 2]])
    return Transform(matrix, False, side)


def random_transform(
    rng: np.random.Generator, augmentation: Augmentation, box: NDArray[np.floating], side: int
) -> Transform:
    """Choose a random rotation, scale, shift and mirroring around one person.

    Args:
        rng: The random number generator.
        augmentation: The limits of the changes.
        box: (4,) float: the person's x, y, width and height in pixels of the photo.
        side: Width and height of the input in pixels.

    Returns:
        The transform. Before the rotation, the longer side of the person's box is ``augmentation.scale`` of the input.
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

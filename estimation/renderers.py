"""Skeletons -> picture."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.coordinates import Coordinates
from estimation.photo_arrays import as_photo
from estimation.skeletons import Skeletons, to_skeletons

_OPACITY = 0.7  # of the limbs over the photo; joints are solid
_SUBPIXEL_BITS = 4  # OpenCV draws at fractions of a pixel in fixed point


def draw_skeletons(config: Config, image: NDArray[np.uint8], skeletons: Skeletons) -> NDArray[np.uint8]:
    """Draw the limbs and joints of every person.

    Args:
        config: the configuration of the skeletons.
        image: (h, w, 3) BGR uint8; grey and BGRA are converted as in ``as_photo``. It is not changed.
        skeletons: the people.

    Returns:
        A copy of ``image`` with the people drawn, (h, w, 3) BGR uint8.

    Raises:
        OpenPoseLabError: if the image cannot be used.
    """
    image = as_photo(image)
    part_colours, limb_colours = _colours(len(config.body_parts)), _colours(len(config.limbs))
    canvas = image.copy()
    for keypoints in skeletons.keypoints:
        radius = _line_width(keypoints, image.shape) / 2
        for limb, colour in zip(config.limbs, limb_colours):
            ends = keypoints[[limb.from_part, limb.to_part]]
            if not limb.redundant and not np.isnan(ends).any():
                cv2.fillConvexPoly(canvas, _spindle(ends, radius), colour, cv2.LINE_AA, _SUBPIXEL_BITS)
    cv2.addWeighted(canvas, _OPACITY, image, 1 - _OPACITY, 0, dst=canvas)  # in place: a photo may have 300 MB
    for keypoints in skeletons.keypoints:
        radius = _line_width(keypoints, image.shape) / 2
        for centre, colour in zip(keypoints, part_colours):
            if not np.isnan(centre).any():
                x, y = _fixed_point(centre).tolist()
                cv2.circle(canvas, (x, y), _fixed_point(radius).item(), colour, -1, cv2.LINE_AA, _SUBPIXEL_BITS)
    return canvas


def draw(
    config: Config,
    img: NDArray[np.uint8],
    coordinates: Coordinates,
    subset: NDArray[np.float64],
    resize_fac: float = 8,
) -> NDArray[np.uint8]:
    """Draw the rows that ``estimate`` returns: the lab's call.

    Args:
        config: the configuration that the peaks were found with.
        img: as in ``draw_skeletons``.
        coordinates: the peaks that the rows name.
        subset: (n, parts + 2) rows of people.
        resize_fac: pixels of ``img`` per map cell.

    Returns:
        (h, w, 3) BGR uint8, a copy of ``img`` with the skeletons.
    """
    photo = as_photo(img)
    skeletons = to_skeletons(config, subset, coordinates, resize_fac, photo_size=photo.shape[1::-1])
    return draw_skeletons(config, photo, skeletons)


def _line_width(keypoints: NDArray[np.float64], shape: tuple[int, ...]) -> float:
    """Lines thin enough for a small person and thick enough to see in a large picture, in pixels."""
    extent = np.nanmax(keypoints, axis=0) - np.nanmin(keypoints, axis=0)
    return float(np.clip(extent.max() / 40, min(shape[:2]) / 150, min(shape[:2]) / 50) + 1)


def _spindle(ends: NDArray[np.float64], radius: float) -> NDArray[np.int32]:
    """An ellipse from end to end, as a fixed-point polygon (k, 2)."""
    axis = (ends[1] - ends[0]) / 2
    length = np.hypot(*axis)
    across = np.array([-axis[1], axis[0]]) * (radius / max(length, 1e-6))
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    outline = ends.mean(axis=0) + np.cos(angle)[:, None] * axis + np.sin(angle)[:, None] * across
    return _fixed_point(outline)


def _fixed_point(value: NDArray[np.float64] | float) -> NDArray[np.int32]:
    return np.round(np.asarray(value) * (1 << _SUBPIXEL_BITS)).astype(np.int32)


def _colours(count: int) -> list[tuple[float, float, float]]:
    """``count`` BGR colours around the colour wheel."""
    wheel = [colorsys.hsv_to_rgb(k / count, 1, 1) for k in range(count)]
    return [(255 * blue, 255 * green, 255 * red) for red, green, blue in wheel]

"""Check and convert photos that callers pass as arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError

_ROWS = 64
"""The number of rows to convert at once. The conversion then needs little memory besides the two pictures."""
_CONVERSIONS = {
    **dict.fromkeys(("float16", "float32", "float64"), ("0 to 1", "(255 * photo).round()")),
    "uint16": ("0 to 65535", "(photo / 257).round()"),
    "bool": ("masks", "(255 * photo)"),
}
"""For each dtype, the values that a photo usually has, and the code that scales them to 0 to 255."""


def as_photo(photo: Any) -> NDArray[np.uint8]:
    """Check a photo that a caller passes.

    Args:
        photo: (h, w, 3) BGR uint8. Grey (h, w) or (h, w, 1) gets three equal channels. BGRA (h, w, 4) gets a white
            background.

    Returns:
        (h, w, 3) BGR uint8: ``photo`` itself if it has this form already.

    Raises:
        OpenPoseLabError: ``photo`` has another type, dtype or shape, such as None or an array of floats.
    """
    if photo is None:
        raise OpenPoseLabError(
            "the photo is None, which cv2.imread gives for a path that it cannot read; check the path, "
            "or use read_photo(path), which says what is wrong"
        )
    if isinstance(photo, str | Path):
        raise OpenPoseLabError(f"the photo is a path, {photo}, not an array; pass read_photo(path)")
    if not isinstance(photo, np.ndarray):
        raise OpenPoseLabError(
            f"the photo must be a NumPy array, (h, w, 3) BGR uint8, but is of type {type(photo).__name__}; "
            "use read_photo(path), or numpy.asarray"
        )
    if photo.dtype != np.uint8:
        held, convert = _CONVERSIONS.get(photo.dtype.name, ("0 to 255", "photo"))
        raise OpenPoseLabError(
            f"the photo must hold uint8 from 0 to 255 but holds {photo.dtype}; if it holds {held}, "
            f"pass {convert}.astype(numpy.uint8)"
        )
    if photo.size == 0 or not (photo.ndim == 2 or (photo.ndim == 3 and photo.shape[2] in (1, 3, 4))):
        raise OpenPoseLabError(
            f"the photo must be (h, w, 3) BGR, (h, w) grey or (h, w, 4) BGRA but has the shape {photo.shape}; "
            "rows come first and colours last"
        )
    return to_bgr(photo)


def to_bgr(image: NDArray[np.uint8], premultiplied: bool = False) -> NDArray[np.uint8]:
    """Give a grey photo three equal channels, or a BGRA photo a white background.

    Args:
        image: (h, w), (h, w, 1), (h, w, 3) BGR or (h, w, 4) BGRA uint8.
        premultiplied: Whether the colours of BGRA are already multiplied by their opacity.

    Returns:
        (h, w, 3) BGR uint8: ``image`` itself if it has this shape.
    """
    if image.ndim == 3 and image.shape[2] == 3:
        return image
    if image.ndim == 2 or image.shape[2] == 1:
        return np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
    bgr = np.empty((*image.shape[:2], 3), np.uint8)
    for start in range(0, len(image), _ROWS):
        *colours, opacity = cv2.split(image[start : start + _ROWS])
        if not premultiplied:
            colours = [cv2.multiply(colour, opacity, scale=1 / 255) for colour in colours]
        white = cv2.bitwise_not(opacity)
        bgr[start : start + _ROWS] = cv2.merge([cv2.add(colour, white) for colour in colours])
    return bgr

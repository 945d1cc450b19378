"""COCO's polygons, run lengths and boxes as masks of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError
from openpose_lab.evaluation.coco_rules import is_count

Region = Any
"""A ``segmentation`` in COCO's form: a list of polygons, or an object with ``counts`` and ``size``. Or a box: x, y,
width and height."""

_FARTHEST = 1e6
"""Pixels from the photo's corner. No photo is larger."""
_SHIFT = 4
"""OpenCV takes corners in sixteenths of a pixel."""
_MOST_BITS = 60
"""Most bits of a run length, more than any photo needs."""


def region_mask(regions: Sequence[Region], height: int, width: int) -> NDArray[np.bool_]:
    """Draw regions as a mask.

    Args:
        regions: The regions in pixels of the photo.
        height: The photo's height in pixels.
        width: The photo's width in pixels.

    Returns:
        (h, w) bool: True for pixels in at least one region.

    Raises:
        OpenPoseLabError: If run lengths are damaged, or have another size than the photo.
    """
    mask = np.zeros((height, width), np.uint8)
    for region in regions:
        if isinstance(region, dict):
            mask |= _run_lengths(region, height, width)
        elif not isinstance(region[0], list):
            x, y, w, h = region
            fill_polygon(mask, np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]]) - 0.5)
        else:
            for polygon in region:
                fill_polygon(mask, np.array(polygon, dtype=float).reshape(-1, 2) - 0.5)
    return mask.astype(bool)


def is_region(value: Any) -> bool:
    """Return True if a value is a ``segmentation`` in COCO's form."""
    if isinstance(value, dict):
        counts, size = value.get("counts"), value.get("size")
        known = isinstance(counts, str) or (isinstance(counts, list) and all(is_count(one) is None for one in counts))
        return known and isinstance(size, list) and len(size) == 2 and all(is_count(one) is None for one in size)
    return isinstance(value, list) and all(map(_is_polygon, value))


def _is_polygon(value: Any) -> bool:
    good = isinstance(value, list) and len(value) >= 6 and len(value) % 2 == 0
    return good and all(isinstance(one, int | float) and abs(one) <= _FARTHEST for one in value)


def fill_polygon(mask: NDArray[np.uint8], corners: NDArray[np.floating]) -> None:
    """Set the pixels of a mask to 1 if their centres lie in a polygon or on its edge.

    Args:
        mask: (h, w) uint8.
        corners: (n, 2) float, x and y. Pixel centres have whole numbers.
    """
    far = 4 * np.array(mask.shape[::-1])
    inside = np.clip(corners, -far, 2 * far)  # sixteenths of far corners do not fit into int32
    cv2.fillPoly(mask, [np.round(inside * (1 << _SHIFT)).astype(np.int32)], 1, shift=_SHIFT)


def _run_lengths(region: dict[str, Any], height: int, width: int) -> NDArray[np.uint8]:
    """Decode COCO's run lengths to (h, w) uint8. The runs alternate between 0 and 1, column by column."""
    counts, size = region.get("counts"), region.get("size")
    if size != [height, width]:
        raise OpenPoseLabError(
            f"a region has the size {size} but its photo has {[height, width]} (height, width); correct the region, or "
            f"delete it to use the box"
        )
    if isinstance(counts, str):
        counts = _decompress(counts)
    if not isinstance(counts, list) or min(counts, default=0) < 0 or sum(counts) != height * width:
        raise OpenPoseLabError("the run lengths of a region do not add up to the size of its photo")
    values = np.arange(len(counts)) % 2
    return np.repeat(values, counts).astype(np.uint8).reshape(width, height).T


def _decompress(text: str) -> list[int]:
    """Decode compressed run lengths.

    Each letter has the code 48 + 6 bits: 5 bits of a number, lowest first, and a bit that says that the number goes on.
    Bit 4 of the last letter is the sign. From the fourth number on, a number is the difference to the run length two
    places before. (``rleFrString`` in COCO's maskApi.c.)
    """
    counts: list[int] = []
    value = shift = 0
    for letter in text:
        code = ord(letter) - 48
        if not 0 <= code < 64:
            raise OpenPoseLabError(f"the run lengths of a region contain the letter {letter!r}, which has no meaning")
        if shift == _MOST_BITS:  # without this limit, the time would grow with the square of the length
            raise OpenPoseLabError("the run lengths of a region contain a number that is too large")
        value |= (code & 31) << shift
        shift += 5
        if not code & 32:
            value -= (code & 16) << (shift - 4) if code & 16 else 0
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    if shift:
        raise OpenPoseLabError("the run lengths of a region are cut short")
    return counts

"""COCO's polygons, run lengths and boxes as masks of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError
from openpose_lab.evaluation.coco_rules import is_count
from openpose_lab.extras import require

Region = Any
"""A ``segmentation`` of COCO's, which is a list of polygons or an object with ``counts`` and ``size``; or a box, which
is x, y, width and height."""

_FARTHEST = 1e6
"""Pixels from the photo's corner. No photo is larger."""
_SHIFT = 4
"""OpenCV takes corners in sixteenths of a pixel."""


def region_mask(regions: Sequence[Region], height: int, width: int) -> NDArray[np.bool_]:
    """Draw regions.

    Args:
        regions: the regions, in pixels of the photo.
        height: the photo's height in pixels.
        width: its width.

    Returns:
        (h, w) bool: whether a pixel is in one of the regions.

    Raises:
        OpenPoseLabError: A region has another form than COCO's, or run lengths of another size than the photo.
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
    """Tell whether a value is a ``segmentation`` in COCO's form."""
    if isinstance(value, dict):
        counts, size = value.get("counts"), value.get("size")
        known = isinstance(counts, str) or (isinstance(counts, list) and all(is_count(one) is None for one in counts))
        return known and isinstance(size, list) and len(size) == 2 and all(is_count(one) is None for one in size)
    return isinstance(value, list) and all(map(_is_polygon, value))


def _is_polygon(value: Any) -> bool:
    good = isinstance(value, list) and len(value) >= 6 and len(value) % 2 == 0
    return good and all(isinstance(one, int | float) and abs(one) <= _FARTHEST for one in value)


def fill_polygon(mask: NDArray[np.uint8], corners: NDArray[np.floating]) -> None:
    """Set the pixels of a mask whose centres are in a polygon to 1, and those on its edge.

    Args:
        mask: (h, w) uint8.
        corners: (n, 2) as x and y, whole numbers at pixel centres.
    """
    far = 4 * np.array(mask.shape[::-1])
    inside = np.clip(corners, -far, 2 * far)  # sixteenths of far corners are no int32
    cv2.fillPoly(mask, [np.round(inside * (1 << _SHIFT)).astype(np.int32)], 1, shift=_SHIFT)


def _run_lengths(region: dict[str, Any], height: int, width: int) -> NDArray[np.uint8]:
    """Decode COCO's run lengths: of 0 and 1 in turn, column by column."""
    counts, size = region.get("counts"), region.get("size")
    if size != [height, width]:
        raise OpenPoseLabError(f"a region of crowds has the size {size} but its photo has {[height, width]}")
    if isinstance(counts, str | bytes):
        require("pycocotools", "reading compressed regions")
        from pycocotools import mask as coco

        try:
            decoded: NDArray[np.uint8] = coco.decode({"size": size, "counts": counts})
        except (ValueError, TypeError) as error:
            raise OpenPoseLabError(f"the run lengths of a region are damaged: {error}") from None
        return decoded
    if not isinstance(counts, list) or sum(counts) != height * width:
        raise OpenPoseLabError("the run lengths of a region do not add up to the size of its photo")
    values = np.arange(len(counts)) % 2
    return np.repeat(values, counts).astype(np.uint8).reshape(width, height).T

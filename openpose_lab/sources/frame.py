"""The value that every source yields, and turning its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from estimation.errors import OpenPoseLabError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROTATIONS = (0, 90, 180, 270)
"""The turns that pixels can be given, in degrees clockwise."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One photo of a source.

    Attributes:
        index: The place in the source, from 0. Photos that cannot be read count.
        timestamp: Seconds from the start of a video; None for a photo.
        name: The path of the photo, or "standard input". Bytes of the path that are no UTF-8 are question marks.
        pixels: (h, w, 3) BGR uint8, upright.
    """

    index: int
    timestamp: float | None
    name: str
    pixels: NDArray[np.uint8]


def check_rotation(degrees: int) -> None:
    """Raise OpenPoseLabError if ``degrees`` is none of ``ROTATIONS``."""
    if degrees not in ROTATIONS:
        raise OpenPoseLabError(f"rotate must be 0, 90, 180 or 270 degrees clockwise but is {degrees!r}")


def rotated(pixels: NDArray[np.uint8], degrees: int) -> NDArray[np.uint8]:
    """Turn a photo clockwise.

    Args:
        pixels: (h, w, 3) BGR uint8.
        degrees: One of ``ROTATIONS``.

    Returns:
        (h, w, 3) or (w, h, 3) BGR uint8: ``pixels`` itself for 0 degrees.

    Raises:
        OpenPoseLabError: ``degrees`` is another number.
    """
    check_rotation(degrees)
    if not degrees:
        return pixels
    import cv2
    import numpy as np

    codes = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
    return cv2.rotate(pixels, codes[degrees]).astype(np.uint8, copy=False)

"""The frame that every source yields, the base class of moving sources, and the rotation of pixels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from estimation.errors import OpenPoseLabError

if TYPE_CHECKING:
    from fractions import Fraction
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

ROTATIONS = (0, 90, 180, 270)
"""The possible rotations, in degrees clockwise."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One photo, or one frame of a video.

    Attributes:
        index: The position in the source, from 0. Unreadable photos and frames that are left out count, too.
        timestamp: Seconds from the start of a video; None for a photo.
        name: The path of the photo or of the video, "standard input", "camera 0", or the address of a stream without
            user and password. Bytes of a path that are not UTF-8 become escapes.
        pixels: (h, w, 3) BGR uint8, upright.
    """

    index: int
    timestamp: float | None
    name: str
    pixels: NDArray[np.uint8]


class MovingSource(ABC):
    """A video, a folder of frames, a camera or a stream. As a context manager, it closes itself at the end.

    Attributes:
        name: The name of the source in messages and rows.
        path: The video's file; None for other sources.
        width: Width of an upright frame in pixels.
        height: Height of an upright frame in pixels.
        time_base: The unit of timestamps, in seconds.
        rate: The average number of frames a second; None if unknown.
        duration: Seconds; None if unknown.
        frame_count: The number of frames; None if unknown.
        pixel_aspect: Width of a pixel divided by its height.
        is_live: Whether the source does not wait. It then drops frames that are not requested in time.
        reads_once: Whether the frames can be read only once, because they are not stored.
        dropped: The number of dropped frames.
    """

    name: str
    path: Path | None
    width: int
    height: int
    time_base: Fraction
    rate: Fraction | None
    duration: float | None
    frame_count: int | None
    pixel_aspect: Fraction
    is_live: bool = False
    reads_once: bool = False
    dropped: int = 0

    @abstractmethod
    def frames(
        self, every: int = 1, start: float | None = None, end: float | None = None, rotate: int = 0
    ) -> Iterator[Frame]:
        """Yield every Nth frame (``every``) from ``start`` to ``end`` in seconds, rotated clockwise by degrees."""

    def close(self) -> None:  # noqa: B027  most sources keep nothing open
        """Close the source. The default does nothing, because the iterator of ``frames`` closes its own files."""

    def __iter__(self) -> Iterator[Frame]:
        return self.frames()

    def __enter__(self) -> MovingSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def check_rotation(degrees: int) -> None:
    """Raise OpenPoseLabError if ``degrees`` is not in ``ROTATIONS``."""
    if degrees not in ROTATIONS:
        raise OpenPoseLabError(f"rotate must be 0, 90, 180 or 270 degrees clockwise but is {degrees!r}")


def rotated(pixels: NDArray[np.uint8], degrees: int) -> NDArray[np.uint8]:
    """Rotate a photo clockwise.

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

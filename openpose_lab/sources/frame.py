"""The value that every source yields, and turning its pixels."""

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
"""The turns that pixels can be given, in degrees clockwise."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One photo, or one frame of a video.

    Attributes:
        index: The place in the source, from 0. Photos that cannot be read count, and so do frames that are left out.
        timestamp: Seconds from the start of a video; None for a photo.
        name: The path of the photo or of the video, "standard input", "camera 0", or the address of a stream without
            user and password. Bytes of a path that are no UTF-8 are escapes.
        pixels: (h, w, 3) BGR uint8, upright.
    """

    index: int
    timestamp: float | None
    name: str
    pixels: NDArray[np.uint8]


class MovingSource(ABC):
    """A video, a folder of frames, a camera or a stream. As a context manager it closes itself.

    Attributes:
        name: What messages and rows call it.
        path: The file; None if it is none.
        width: Columns of a frame, upright.
        height: Rows of a frame, upright.
        time_base: The unit of timestamps, in seconds.
        rate: Frames a second in the mean; None if it is not known.
        duration: Seconds; None if they are not known.
        frame_count: Frames; None if their number is not known.
        pixel_aspect: Width of a pixel by its height.
        is_live: Whether it does not wait: frames that are not asked for in time are left out.
        reads_once: Whether its frames can be given only once, as they are not kept anywhere.
        dropped: How many frames were left out for that reason.
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
        """Give the frames: every so manieth one from ``start`` to ``end`` in seconds, turned clockwise by degrees."""

    def close(self) -> None:  # noqa: B027  most sources keep nothing open
        """Do nothing: what ``frames`` opens is closed with its iterator."""

    def __iter__(self) -> Iterator[Frame]:
        return self.frames()

    def __enter__(self) -> MovingSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


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

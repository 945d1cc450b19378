"""The value that every format's reader returns, and the errors that it raises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

UPRIGHT = 1
"""The orientation of EXIF that asks for no turn."""
MOST_STEPS = 1 << 20
"""Chunks, boxes or markers that are read of one file. Photos have fewer than ten thousand."""


class DamagedError(ValueError):
    """The file is of no known format, or does not keep to its format."""


class ForeignError(ValueError):
    """The file is of a known format that is not read.

    Attributes:
        format: What the file is, such as "a PDF".
        advice: What to do.
    """

    def __init__(self, name: str, advice: str = "save it as JPEG or PNG") -> None:
        super().__init__(name)
        self.format = name
        self.advice = advice


@dataclass(frozen=True)
class Header:
    """The facts about a picture that its file states.

    Attributes:
        format: Name of the file format.
        width: Pixels of a row, as stored.
        height: Number of rows, as stored.
        channel_bytes: Bytes that a decoder needs for each channel of a pixel.
        scans: Number of times that a decoder goes over the whole picture.
        white: The value of full brightness. None if it follows from the dtype.
        orientation: EXIF's, from 1 to 8: how the stored picture must be turned. That of a TIFF is not read.
        decoder_turns: Whether OpenCV turns the picture itself.
        premultiplied: Whether the decoder gives colours that are multiplied by their opacity.
        negative: Whether the decoder gives 0 for white.
        clipped: Whether everything brighter than 1 is white.
        rare: The name of the picture's kind if not every decoder knows it; else empty.
    """

    format: str
    width: int
    height: int
    channel_bytes: int = 1
    scans: int = 1
    white: int | None = None
    orientation: int = UPRIGHT
    decoder_turns: bool = False
    premultiplied: bool = False
    negative: bool = False
    clipped: bool = False
    rare: str = ""


def turned(image: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn a picture upright.

    Args:
        image: (h, w, ...) of any dtype.
        orientation: EXIF's, from 1 to 8.

    Returns:
        A view of ``image``.
    """
    if orientation >= 5:
        image = image.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return image

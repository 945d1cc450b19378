"""The value that the reader of each format returns, and the errors that it raises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

UPRIGHT = 1
"""The EXIF orientation of a picture that is stored upright."""
MOST_STEPS = 1 << 20
"""The largest number of chunks, boxes or markers to read from a file. Photos have fewer than ten thousand."""


class DamagedError(ValueError):
    """The format of the file is unknown, or the file breaks the rules of its format."""


class ForeignError(ValueError):
    """The file has a known format that the project cannot read.

    Attributes:
        format: The format in words, such as "a PDF".
        advice: What the user can do.
    """

    def __init__(self, name: str, advice: str = "save it as JPEG or PNG") -> None:
        super().__init__(name)
        self.format = name
        self.advice = advice


@dataclass(frozen=True)
class Header:
    """The facts that a file states about its picture.

    Attributes:
        format: The name of the file format.
        width: Width of the stored picture in pixels.
        height: Height of the stored picture in pixels.
        channel_bytes: The number of bytes that a decoder needs per channel of a pixel.
        scans: The number of times that a decoder goes over the whole picture.
        white: The value of full brightness. None if it follows from the dtype.
        orientation: The EXIF orientation, from 1 to 8: how to turn the stored picture upright. TIFF keeps the default.
        decoder_turns: Whether OpenCV turns the picture upright itself.
        premultiplied: Whether the decoder returns colours that are already multiplied by their opacity.
        negative: Whether the decoder returns 0 for white.
        clipped: Whether all values above 1 are white.
        rare: The picture's kind in words if some decoders cannot read it; else empty.
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
        orientation: The EXIF orientation, from 1 to 8.

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

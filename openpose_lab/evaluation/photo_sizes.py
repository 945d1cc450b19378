"""The size of a photo, read from its header."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from estimation.errors import OpenPoseLabError
from estimation.files import read_input
from estimation.photo_headers import UPRIGHT, DamagedError, ForeignError, read_header
from estimation.photos import LARGEST_PHOTO_FILE, decode_photo

_EXACT = "JPEG", "PNG", "WebP", "BMP", "PNM"
"""Formats with the size of the picture in their header. In other formats it may be the size of a tile."""
_SIDEWAYS = range(5, 9)  # orientations that exchange width and height


class PhotoSize(NamedTuple):
    """The size of a photo.

    Attributes:
        upright: Width and height of the photo that ``read_photo`` returns.
        stored: Width and height before EXIF turns the photo.
        turned: Whether EXIF turns or mirrors the photo.
    """

    upright: tuple[int, int]
    stored: tuple[int, int]
    turned: bool


def photo_size(path: Path) -> PhotoSize | None:
    """Read the size of a photo. None if the photo cannot be read."""
    try:
        data = read_input(path, "photo", LARGEST_PHOTO_FILE)
        with suppress(DamagedError, ForeignError):
            header = read_header(data)
            if header.format in _EXACT:
                stored = header.width, header.height
                upright = stored[::-1] if header.orientation in _SIDEWAYS else stored
                return PhotoSize(upright, stored, header.orientation != UPRIGHT)
        height, width = decode_photo(data, str(path)).shape[:2]
    except OpenPoseLabError:
        return None
    return PhotoSize((width, height), (width, height), turned=False)

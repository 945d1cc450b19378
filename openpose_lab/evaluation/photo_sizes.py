"""The size of a photo, read from its header."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import NamedTuple

from estimation.errors import OpenPoseLabError
from estimation.files import open_input, read_photo

_FORMATS = "JPEG", "PNG", "WEBP", "BMP", "PPM"
"""Formats in which every version of Pillow gives the size as stored."""
_ORIENTATION = 0x0112  # EXIF's tag: 1 is upright, 2 to 4 keep width and height, 5 to 8 exchange them


class PhotoSize(NamedTuple):
    """The size of a photo.

    Attributes:
        upright: width and height as ``read_photo`` gives the photo.
        stored: width and height before EXIF turns it.
        turned: whether EXIF turns or mirrors it.
    """

    upright: tuple[int, int]
    stored: tuple[int, int]
    turned: bool


def photo_size(path: Path) -> PhotoSize | None:
    """Read the size of a photo; None if it cannot be read."""
    try:
        from PIL import Image  # comes with matplotlib

        with open_input(path, "photo") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large photos; whoever reads them decides
            image = Image.open(file, formats=_FORMATS)
            stored = image.size
            for key in ("xmp", "XML:com.adobe.xmp"):  # by which Pillow would turn photos, and OpenCV does not
                image.info.pop(key, None)
            orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # whatever Pillow comes upon; OpenCV reads other formats, too
        try:
            height, width = read_photo(path).shape[:2]
        except OpenPoseLabError:
            return None
        return PhotoSize((width, height), (width, height), False)
    upright = stored[::-1] if orientation in (5, 6, 7, 8) else stored
    return PhotoSize(upright, stored, orientation in range(2, 9))

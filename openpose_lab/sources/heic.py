"""HEIC photos, decoded with pillow-heif, which the extra ``heic`` installs. Only this module imports it.

``heic_header.py`` reads the sizes first. libheif rotates and mirrors a photo by its HEIF properties. As the standard
demands, the orientation in EXIF is ignored; it usually repeats these properties.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError, one_line
from estimation.photo_arrays import to_bgr
from estimation.photo_headers import DamagedError, ForeignError, read_header
from estimation.photo_headers.foreign import HEIC
from estimation.photos import check_size
from estimation.quiet import silent_stderr
from openpose_lab.extras import how_to_install, require
from openpose_lab.sources.heic_header import read_heic_header

_LIBRARY = "pillow_heif"
_MOST_PIXELS = 400_000_000
"""The largest number of decoded pixels for one photo. A tiled photo with opacity decodes three times its own pixels."""


def is_heic(start: bytes) -> bool:
    """Return whether a file is a HEIC photo, by its first few hundred bytes."""
    try:
        read_header(start)
    except ForeignError as error:
        return error.format == HEIC.name
    except DamagedError:
        pass
    return False


def decode_heic(data: bytes, name: str) -> NDArray[np.uint8]:
    """Decode a HEIC photo.

    Photos of more than 8 bits are scaled to 8 bits. Transparent photos get a white background.

    Args:
        data: The whole file.
        name: The name of the photo in messages.

    Returns:
        (h, w, 3) BGR uint8, upright.

    Raises:
        OpenPoseLabError: The photo cannot be read, is too large, or pillow-heif is missing.
    """
    task = f"reading the HEIC photo {name}"
    require(_LIBRARY, task)
    damaged = OpenPoseLabError(
        f"{name} is a HEIC photo that is cut short, damaged or of a rare kind; copy it again, or export it as JPEG"
    )
    try:
        header, work = read_heic_header(data)
    except DamagedError:
        raise damaged from None
    check_size(header, name)
    if work > _MOST_PIXELS:
        raise OpenPoseLabError(
            f"the photo {name} is made of {work // 1_000_000} megapixels of parts, which take too long to decode; "
            "export it as JPEG"
        )
    try:
        with silent_stderr():
            image, premultiplied = _decode(data)
    except ImportError as error:
        reason = one_line(str(error), 100)
        raise OpenPoseLabError(
            f"{task} needs {_LIBRARY}, which cannot be loaded ({reason}); {how_to_install(_LIBRARY)}"
        ) from error
    except (ValueError, RuntimeError, OSError, EOFError, SyntaxError, LookupError, TypeError) as error:
        raise damaged from error
    if image is None or image.dtype not in (np.uint8, np.uint16) or image.shape[2:] not in ((), (1,), (2,), (3,), (4,)):
        raise damaged
    if image.dtype == np.uint16:  # grey of more than 8 bits
        image = cv2.convertScaleAbs(image, alpha=255 / 65535)
    if image.shape[2:] == (2,):  # grey with opacity
        image = image[:, :, (0, 0, 0, 1)]
    pixels = to_bgr(image.astype(np.uint8, copy=False), premultiplied)
    return np.require(pixels, requirements=["C", "W", "O"])  # a copy, because libheif owns the memory of its result


def _decode(data: bytes) -> tuple[NDArray[Any] | None, bool]:
    """Return the BGR pixels (None if missing), and whether the colours are already multiplied by their opacity."""
    import pillow_heif

    file = pillow_heif.open_heif(data, convert_hdr_to_8bit=True, bgr_mode=True)
    photo = file[file.primary_index]
    if not photo.info["primary"]:
        return None, False
    return np.asarray(photo), photo.premultiplied_alpha

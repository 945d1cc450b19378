"""Read photo files into (h, w, 3) BGR uint8 arrays, upright."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning, one_line
from estimation.files import read_input
from estimation.photo_arrays import to_bgr
from estimation.photo_headers import DamagedError, ForeignError, Header, read_header, turned
from estimation.quiet import silent_stderr

LARGEST_PHOTO = 100_000_000
"""The largest number of pixels if a decoder needs one byte per channel. More bytes per channel allow fewer pixels."""
LARGEST_PHOTO_FILE = 300 << 20
"""The largest file in bytes. 100 megapixels of uncompressed 8-bit BGR fit."""
MOST_SCANS = 2_000_000_000
"""The largest number of pixels to decode in all scans of a JPEG. A progressive photo has about ten scans."""

_ROWS = 64
"""The number of rows to convert at once. This avoids a second picture of floats in memory."""
_OUTLIERS = 5e-4
"""The share of values at each end of the range that may come from a camera's dead and hot pixels."""
_SAMPLED = 1 << 20
"""The approximate number of pixels in the regular sample that is searched for outliers."""


def read_photo(path: str | Path) -> NDArray[np.uint8]:
    """Read a photo from a file.

    Grey photos get three equal channels. Transparent photos get a white background. Photos of more than 8 bits are
    scaled to 8 bits. If such a photo uses less than half of the possible range, its own range becomes 0 to 255, and an
    OpenPoseLabWarning says so. This range ignores a camera's few dead and hot pixels. If a file contains several
    pictures, the first one is read.

    Args:
        path: A JPEG, PNG, WebP, TIFF, BMP, AVIF, GIF, JPEG 2000, PNM, PAM, PFM, Radiance HDR or Sun raster file. The
            largest photo has 100 megapixels. The limit is 50 megapixels with 16 bits per channel, and for GIF, AVIF,
            animations and some progressive JPEGs. It is 25 megapixels with 32 bits per channel, and for JPEG 2000 and
            AVIF with opacity or more than 8 bits. It is 20 megapixels for AVIF with both.

    Returns:
        (h, w, 3) BGR uint8, turned upright by the file's EXIF orientation.

    Raises:
        OpenPoseLabError: The photo cannot be read completely, or is too large.
    """
    return decode_photo(read_input(path, "photo", LARGEST_PHOTO_FILE), one_line(str(path), 200))


def decode_photo(data: bytes, name: str) -> NDArray[np.uint8]:
    """Decode a photo.

    Args:
        data: The whole file.
        name: The name of the photo in messages.

    Returns:
        (h, w, 3) BGR uint8, as from ``read_photo``.

    Raises:
        OpenPoseLabError: The photo cannot be read completely, or is too large.
    """
    if not data:
        raise OpenPoseLabError(f"the photo {name} is empty (0 bytes); copy it again from where it came from")
    damaged = OpenPoseLabError(
        f"{name} is not a photo, or is cut short or damaged; copy it again, or save it as JPEG or PNG"
    )
    try:
        header = read_header(data)
    except ForeignError as error:
        raise OpenPoseLabError(f"{name} is {error.format}, which is not read; {error.advice}") from None
    except DamagedError:
        raise damaged from None
    check_size(header, name)
    image = _decode(data, header)
    if image is None or image.size == 0 or image.shape[2:] not in ((), (1,), (3,), (4,)):
        if header.rare:
            raise OpenPoseLabError(
                f"{name} is a {header.rare}, which this version of OpenCV does not read, or is damaged; "
                "save it as JPEG or PNG"
            )
        raise damaged
    del data  # free memory: the picture may need as much, and its conversion below as much again
    if header.format == "JPEG":
        return image.astype(np.uint8, copy=False)
    image = _to_eight_bits(image, header, name)
    image = to_bgr(image, header.premultiplied)
    if header.decoder_turns:
        return image
    return np.ascontiguousarray(turned(image, header.orientation))


def check_size(header: Header, name: str) -> None:
    """Raise OpenPoseLabError if a photo is too large to be decoded.

    Args:
        header: The header of the photo.
        name: The name of the photo in the message.
    """
    pixels = header.width * header.height
    most = LARGEST_PHOTO // header.channel_bytes
    if pixels > most:
        kind = "" if most == LARGEST_PHOTO else " of this kind"
        raise OpenPoseLabError(
            f"the photo {name} is too large: {header.width}x{header.height} pixels, but the largest {header.format}"
            f"{kind} that is read has {most // 1_000_000} megapixels; make it smaller"
        )
    if pixels * header.scans > MOST_SCANS:
        raise OpenPoseLabError(
            f"the photo {name} has {header.scans} scans of {header.width}x{header.height} pixels, which take too long "
            "to decode; save it as an ordinary JPEG"
        )


def _decode(data: bytes, header: Header) -> NDArray[Any] | None:
    # IMREAD_COLOR gives three channels of 8 bits for any picture, but loses its opacity and its range of brightness.
    flags = cv2.IMREAD_COLOR if header.format == "JPEG" else cv2.IMREAD_UNCHANGED
    try:
        with silent_stderr():  # the caller's one message replaces the decoders' messages
            image: NDArray[Any] | None = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)
    except cv2.error:
        return None
    return image


def _to_eight_bits(image: NDArray[Any], header: Header, name: str) -> NDArray[np.uint8]:
    """Scale a picture of any dtype to uint8."""
    if image.dtype == np.uint8 and header.white is None:
        return image
    colours = image[:, :, :3] if image.ndim == 3 else image
    low, high = _bounds(colours)
    if header.clipped:
        high = min(high, 1)
    if not np.isfinite(high - low):
        raise OpenPoseLabError(f"the photo {name} holds numbers that are too large; save it as JPEG or PNG")
    black, white = 0.0, _white(image.dtype, high, header.white)
    least, most = _without_outliers(colours, low, high)
    if header.white is None and most > least and (low < 0 or most - least < white / 2):
        black, white = least, most
        but = "" if (least, most) == (low, high) else ", apart from a few outliers"
        warnings.warn(
            OpenPoseLabWarning(
                f"the photo {name} holds the values {least:.6g} to {most:.6g} of {image.dtype}{but}; "
                "they are stretched to 0 to 255"
            ),
            stacklevel=4,
        )
    eight_bits = np.empty(image.shape, np.uint8)
    _scale(colours, black, white, eight_bits[:, :, :3] if image.ndim == 3 else eight_bits)
    if header.negative:
        np.subtract(255, eight_bits, out=eight_bits)
    if image.ndim == 3 and image.shape[2] == 4:
        opacity = image[:, :, 3]
        _scale(opacity, 0, _white(image.dtype, _bounds(opacity)[1], header.white), eight_bits[:, :, 3])
    return eight_bits


def _bounds(values: NDArray[Any]) -> tuple[float, float]:
    """Return the lowest and the highest finite value. Infinite values and NaN are replaced by them, in place."""
    if values.dtype.kind != "f":
        return int(values.min()), int(values.max())
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(high - low):
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
        np.nan_to_num(values, copy=False, nan=low, posinf=high, neginf=low)
    return low, high


def _without_outliers(values: NDArray[Any], low: float, high: float) -> tuple[float, float]:
    """Return the bounds without outliers, if the outliers more than double the range; else ``low`` and ``high``."""
    step = max(1, round((values.shape[0] * values.shape[1] / _SAMPLED) ** 0.5))
    sample = values[::step, ::step].astype(np.float64)
    least, most = np.quantile(sample, [_OUTLIERS, 1 - _OUTLIERS], method="nearest").tolist()
    near = sample[(sample >= 2 * least - most) & (sample <= 2 * most - least)]  # all others are outliers
    least, most = float(near.min()), float(near.max())
    return (least, most) if 0 < most - least < (high - low) / 2 else (low, high)


def _white(dtype: np.dtype[Any], high: float, stated: int | None) -> float:
    """Return the value of full brightness: from the header, or else the usual maximum of such numbers."""
    if stated is not None:
        return stated
    if dtype.kind != "f":
        return int(np.iinfo(dtype).max)
    return next((white for white in (1, 255, 65535) if high <= white), high)


def _scale(values: NDArray[Any], black: float, white: float, out: NDArray[np.uint8]) -> None:
    """Write ``values`` to ``out`` so that ``black`` becomes 0 and ``white`` 255."""
    for start in range(0, len(values), _ROWS):
        rows: NDArray[Any] = values[start : start + _ROWS].astype(np.float64 if values.itemsize > 2 else np.float32)
        np.subtract(rows, black, out=rows)
        np.multiply(rows, 255 / (white - black), out=rows)
        out[start : start + _ROWS] = np.rint(rows.clip(0, 255, out=rows), out=rows)

"""Photo files -> (h, w, 3) BGR uint8, upright."""

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
"""Pixels, where a decoder needs one byte for each channel of a pixel; fewer where it needs more."""
LARGEST_PHOTO_FILE = 300 << 20
"""Bytes. 100 megapixels of 8-bit BGR without compression fit."""
MOST_SCANS = 2_000_000_000
"""Pixels that a decoder goes over in all scans of a JPEG. A progressive photo has about ten scans."""

_ROWS = 64
"""Rows that are converted at once, so that no second picture of floats is held."""
_OUTLIERS = 5e-4
"""The share of values at each end of the range that a camera's dead and hot pixels may have."""
_SAMPLED = 1 << 20
"""Pixels, at most, of the regular sample in which outliers are looked for."""


def read_photo(path: str | Path) -> NDArray[np.uint8]:
    """Read a photo from a file.

    Grey photos get three equal channels, and transparent ones are laid on white. Photos of more than 8 bits are scaled
    to 8. If one uses less than half of its range, its own range becomes 0 to 255, and an OpenPoseLabWarning says so.
    A camera's few dead and hot pixels do not count for its range.
    The first picture of a file with several is read.

    Args:
        path: A JPEG, PNG, WebP, TIFF, BMP, AVIF, GIF, JPEG 2000, PNM, PAM, PFM, Radiance HDR or Sun raster file. The
            largest photo has 100 megapixels. It has 50 with 16 bits a channel, and in GIF, AVIF, animations and some
            progressive JPEGs; 25 with 32 bits, and in JPEG 2000 and AVIF with opacity or more than 8 bits; 20 in AVIF
            with both.

    Returns:
        (h, w, 3) BGR uint8, turned upright as the file's EXIF says.

    Raises:
        OpenPoseLabError: The photo cannot be read whole, or is too large.
    """
    return decode_photo(read_input(path, "photo", LARGEST_PHOTO_FILE), one_line(str(path), 200))


def decode_photo(data: bytes, name: str) -> NDArray[np.uint8]:
    """Decode a photo.

    Args:
        data: The whole file.
        name: What the photo is called in messages.

    Returns:
        As ``read_photo``.

    Raises:
        OpenPoseLabError: The photo cannot be read whole, or is too large.
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
    del data  # the picture may be as large, and once more below
    if header.format == "JPEG":
        return image.astype(np.uint8, copy=False)
    image = _to_eight_bits(image, header, name)
    image = to_bgr(image, header.premultiplied)
    if header.decoder_turns:
        return image
    return np.ascontiguousarray(turned(image, header.orientation))


def check_size(header: Header, name: str) -> None:
    """Raise OpenPoseLabError if a photo is too large to be decoded. ``name``: what it is called in the sentence."""
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
    # OpenCV makes three channels and 8 bits of any picture, but drops what says how transparent or how bright it is.
    flags = cv2.IMREAD_COLOR if header.format == "JPEG" else cv2.IMREAD_UNCHANGED
    try:
        with silent_stderr():  # one sentence stands for the decoders' messages
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
        but = "" if (least, most) == (low, high) else ", but for a few"
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
    """The lowest and the highest value. Those that are no finite numbers become the lowest and the highest."""
    if values.dtype.kind != "f":
        return int(values.min()), int(values.max())
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(high - low):
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
        np.nan_to_num(values, copy=False, nan=low, posinf=high, neginf=low)
    return low, high


def _without_outliers(values: NDArray[Any], low: float, high: float) -> tuple[float, float]:
    """The bounds of all values but the few at the ends, where these alone make the range more than twice as wide."""
    step = max(1, round((values.shape[0] * values.shape[1] / _SAMPLED) ** 0.5))
    sample = values[::step, ::step].astype(np.float64)
    least, most = np.quantile(sample, [_OUTLIERS, 1 - _OUTLIERS], method="nearest").tolist()
    near = sample[(sample >= 2 * least - most) & (sample <= 2 * most - least)]  # no others are outliers
    least, most = float(near.min()), float(near.max())
    return (least, most) if 0 < most - least < (high - low) / 2 else (low, high)


def _white(dtype: np.dtype[Any], high: float, stated: int | None) -> float:
    """The value of full brightness: what the header states, or the end of the range that such numbers usually have."""
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

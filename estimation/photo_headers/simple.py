"""Read the headers of formats with the size at a fixed place: BMP, GIF, Sun raster, PNM, PFM, PAM and Radiance HDR."""

from __future__ import annotations

import re
import struct
from itertools import islice

from estimation.photo_headers.header import DamagedError, Header

_NUMBER = rb"(?:\s|#[^\r\n]*[\r\n])+(\d{1,12})"
_PNM = re.compile(rb"P([1-6])" + _NUMBER + _NUMBER + rb"(?:" + _NUMBER + rb")?")
_PFM = re.compile(rb"P[Ff]\s+(\d{1,12})\s+(\d{1,12})\s")
_PAM = re.compile(rb"(WIDTH|HEIGHT|MAXVAL)\s+(\d{1,12})")
_HDR = re.compile(rb"-Y\s*[-+]?(\d{1,12})\s*\+X\s*[-+]?(\d{1,12})")
_BITMAPS = b"14"  # the kinds of PNM without a white value
_TEXTS = b"23"  # the kinds of PNM that store pixels as decimal text
_LONGEST_TEXT = 1 << 16
"""The largest number of bytes in a text header, including its comments."""
_MOST_SIZES = 100


def read_bmp(data: bytes) -> Header:
    """Read the header of a BMP."""
    (size,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if size == 12 else "<ii", data, 18)
    return Header("BMP", abs(width), abs(height))


def read_gif(data: bytes) -> Header:
    """Read the header of a GIF. OpenCV keeps two pictures of a GIF in memory."""
    width, height = struct.unpack_from("<HH", data, 6)
    return Header("GIF", width, height, channel_bytes=2)


def read_sun_raster(data: bytes) -> Header:
    """Read the header of a Sun raster file."""
    width, height = struct.unpack_from(">II", data, 4)
    return Header("Sun raster", width, height)


def read_pnm(data: bytes) -> Header:
    """Read the header of a PBM, PGM or PPM."""
    match = _PNM.match(data, endpos=_LONGEST_TEXT)
    if match is None:
        raise DamagedError("there is no size")
    kind, width, height, white = match.groups()
    most = 255 if kind in _BITMAPS else int(white or 255)
    # OpenCV scales 8-bit values itself, but only in the kinds that store text.
    return _with_white("PNM", int(width), int(height), max(most, 255) if kind in _TEXTS else most)


def read_pam(data: bytes) -> Header:
    """Read the header of a PAM."""
    end = data.find(b"ENDHDR", 0, _LONGEST_TEXT)
    largest = {b"WIDTH": 0, b"HEIGHT": 0, b"MAXVAL": 0}
    for name, number in _PAM.findall(data[: max(end, 0)]):
        largest[name] = max(largest[name], int(number))
    white = largest[b"MAXVAL"]
    return _with_white("PAM", largest[b"WIDTH"], largest[b"HEIGHT"], 255 if white == 1 else white)  # OpenCV scales 1


def _with_white(name: str, width: int, height: int, white: int) -> Header:
    # Programs write 65535 for any 16-bit picture. A lower value is the camera's real maximum.
    stated = 0 < white < 65535 and white != 255
    return Header(name, width, height, 2 if white > 255 else 1, white=white if stated else None)


def read_pfm(data: bytes) -> Header:
    """Read the header of a PFM."""
    match = _PFM.match(data, endpos=_LONGEST_TEXT)
    if match is None:
        raise DamagedError("there is no size")
    return Header("PFM", int(match[1]), int(match[2]), channel_bytes=4)


def read_hdr(data: bytes) -> Header:
    """Read the header of a Radiance HDR. A comment may look like a size, so the largest size is taken."""
    sizes = [(int(match[2]), int(match[1])) for match in islice(_HDR.finditer(data), _MOST_SIZES + 1)]
    if not 1 <= len(sizes) <= _MOST_SIZES:
        raise DamagedError("there is no size")
    width, height = (max(numbers) for numbers in zip(*sizes))
    return Header("Radiance HDR", width, height, channel_bytes=4, clipped=True)

"""Read the headers of pictures before decoding: the format, the size and the orientation.

A decoder allocates memory for the size that a header states, so a small file can cause a huge allocation. This package
reads every size that a decoder would use, so that callers can refuse large pictures. OpenCV decodes the pixels.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from estimation.photo_headers import avif, jpeg, jpeg_2000, png, simple, tiff, webp
from estimation.photo_headers.foreign import foreign_format
from estimation.photo_headers.header import UPRIGHT, DamagedError, ForeignError, Header, turned

__all__ = ["UPRIGHT", "DamagedError", "ForeignError", "Header", "read_header", "turned"]

_READERS: tuple[tuple[bytes, Callable[[bytes], Header]], ...] = (
    (rb"\xff\xd8\xff", jpeg.read),
    (rb"\x89PNG\r\n\x1a\n", png.read),
    (rb"RIFF.{4}WEBP", webp.read),
    (rb"II[*+]\0|MM\0[*+]", tiff.read),
    (rb".{4}ftyp(?:.{4}){0,40}?avi[fs]", avif.read),
    (rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51", jpeg_2000.read),
    (rb"BM", simple.read_bmp),
    (rb"GIF8[79]a", simple.read_gif),
    (rb"\x59\xa6\x6a\x95", simple.read_sun_raster),
    (rb"P[1-6][\s#]", simple.read_pnm),
    (rb"P[Ff]\s", simple.read_pfm),
    (rb"P7\s", simple.read_pam),
    (rb"#\?R(?:ADIANCE|GBE)", simple.read_hdr),
)
"""The first bytes of each supported format, as a regular expression, and the reader of its header."""


def read_header(data: bytes) -> Header:
    """Read the header of a picture.

    Args:
        data: The whole file.

    Returns:
        The header.

    Raises:
        ForeignError: The file has a known format that the project cannot read.
        DamagedError: The format is unknown, or the file breaks the rules of its format.
    """
    for start, read in _READERS:
        if re.match(start, data, re.DOTALL):
            try:
                header = read(data)
            except (struct.error, IndexError, KeyError, OverflowError) as error:  # an offset beyond the end
                raise DamagedError(f"the header is cut short: {error}") from error
            if header.width <= 0 or header.height <= 0:
                raise DamagedError("the picture has no pixels")
            return header
    if foreign := foreign_format(data):
        raise foreign
    raise DamagedError("the format is not known")

"""Read WebP headers, also of animations: the canvas and the frames."""

from __future__ import annotations

import struct

from estimation.photo_headers.header import MOST_STEPS, UPRIGHT, DamagedError, Header
from estimation.photo_headers.tiff import exif_orientation


def read(data: bytes) -> Header:
    """Read the header of a WebP."""
    width = height = 0
    animated, orientation, position = False, UPRIGHT, 12
    for _ in range(MOST_STEPS):
        if position + 8 > len(data):
            # The decoder keeps two canvases of an animation in memory.
            return Header("WebP", width, height, 2 if animated else 1, orientation=orientation)
        name, length = struct.unpack_from("<4sI", data, position)
        start = position + 8
        if name in _SIZES:
            frame_width, frame_height = _SIZES[name](data, start)
            width, height = max(width, frame_width), max(height, frame_height)
        animated = animated or name == b"ANMF"
        if name == b"EXIF":
            orientation = exif_orientation(data[start : start + length])
        position = start + length + length % 2
    raise DamagedError("there are too many chunks")


def _canvas(data: bytes, start: int) -> tuple[int, int]:
    return _three_bytes(data, start + 4) + 1, _three_bytes(data, start + 7) + 1


def _frame(data: bytes, start: int) -> tuple[int, int]:
    return _three_bytes(data, start + 6) + 1, _three_bytes(data, start + 9) + 1


def _lossy(data: bytes, start: int) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", data, start + 6)
    return width & 0x3FFF, height & 0x3FFF


def _lossless(data: bytes, start: int) -> tuple[int, int]:
    (sizes,) = struct.unpack_from("<I", data, start + 1)
    return (sizes & 0x3FFF) + 1, (sizes >> 14 & 0x3FFF) + 1


def _three_bytes(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 3], "little")


_SIZES = {b"VP8X": _canvas, b"ANMF": _frame, b"VP8 ": _lossy, b"VP8L": _lossless}

"""Read PNG headers, also of animations: the size, and whether every chunk lies inside the file."""

from __future__ import annotations

import struct

from estimation.photo_headers.header import MOST_STEPS, UPRIGHT, DamagedError, Header
from estimation.photo_headers.tiff import exif_orientation


def read(data: bytes) -> Header:
    """Read the header of a PNG."""
    position, orientation, animated = 8, UPRIGHT, False
    width = height = bits = 0
    for step in range(MOST_STEPS):
        length, name = struct.unpack_from(">I4s", data, position)
        start, position = position + 8, position + 12 + length
        if position > len(data):
            raise DamagedError("a chunk is longer than the file")  # OpenCV would allocate its stated length
        if (name == b"IHDR") != (step == 0):
            raise DamagedError("the header is not the first chunk, or not the only one")
        if name == b"IHDR":
            width, height, bits = struct.unpack_from(">IIB", data, start)
        elif name == b"eXIf":
            orientation = exif_orientation(data[start : start + length])
        elif name == b"fcTL":
            animated = True
            frame_width, frame_height, x, y = struct.unpack_from(">IIII", data, start + 4)
            if x + frame_width > width or y + frame_height > height:
                raise DamagedError("a frame is larger than the picture")
        if name == b"IEND" or position == len(data):
            # OpenCV keeps two pictures of an animation in memory.
            return Header("PNG", width, height, 2 if bits == 16 or animated else 1, orientation=orientation)
    raise DamagedError("there are too many chunks")

"""Read JPEG 2000 headers: the size and the tiles."""

from __future__ import annotations

import re
import struct

from estimation.photo_headers.header import DamagedError, Header

_SIZE = re.compile(rb"\xff\x4f\xff\x51")
_MOST_TILES = 10_000
"""The largest number of tiles. OpenJPEG needs 10 kB for each tile, even for a tiny one."""
_MOST_PICTURES = 100


def read(data: bytes) -> Header:
    """Read the header of a JPEG 2000 picture, with or without boxes around it."""
    width = height = bits = 0
    for number, start in enumerate(_SIZE.finditer(data)):  # any box may hide a second picture, so search all
        x, y, left, top, tile_width, tile_height, tile_left, tile_top, parts = struct.unpack_from(
            ">8IH", data, start.end() + 4
        )
        tiles = -(-(x - tile_left) // max(tile_width, 1)) * -(-(y - tile_top) // max(tile_height, 1))
        if not 1 <= parts <= 4 or tiles > _MOST_TILES or number >= _MOST_PICTURES:
            raise DamagedError("there are too many components, tiles or pictures")
        width, height = max(width, x - left), max(height, y - top)
        bits = max(bits, *((data[start.end() + 38 + 3 * part] & 0x7F) + 1 for part in range(parts)))
    # OpenJPEG needs four bytes per channel.
    return Header("JPEG 2000", width, height, 4, white=(1 << bits) - 1 if 8 < bits < 16 else None)

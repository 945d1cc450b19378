"""Read the headers of TIFF and BigTIFF, and the orientation in EXIF, which is stored as a TIFF."""

from __future__ import annotations

import struct

from estimation.photo_headers.foreign import RAW
from estimation.photo_headers.header import UPRIGHT, DamagedError, Header

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _COLOURS = 256, 257, 258, 259, 262
_ORIENTATION, _TILE_WIDTH, _TILE_HEIGHT = 274, 322, 323
_SUBFILE, _SUBDIRECTORIES, _OPACITY, _NUMBERS, _DNG = 254, 330, 338, 339, 50706
_WHITE_IS_ZERO = 0
_TYPES = {1: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_MOST_NUMBERS = 8
"""The largest number of values to read from a tag. The longest tag that is used has the bits of each channel."""
_COMMON_COMPRESSION = (1, 2, 3, 4, 5, 7, 8, 32773, 32946)


def read(data: bytes) -> Header:
    """Read the header of a TIFF. OpenCV turns TIFFs upright itself."""
    tags = _directory(data)
    is_preview = _SUBDIRECTORIES in tags and _first(tags, _SUBFILE, 0) & 1
    if data[8:10] == b"CR" or _DNG in tags or is_preview:
        raise RAW.error()  # OpenCV would return the tiny preview
    width, height, bits = _first(tags, _WIDTH, 0), _first(tags, _HEIGHT, 0), max(tags.get(_BITS, [1]))
    numbers = {2: "signed", 3: "float"}.get(_first(tags, _NUMBERS, 1), "unsigned")
    compression, opacity = _first(tags, _COMPRESSION, 1), _first(tags, _OPACITY, 0)
    common = bits in (1, 8, 16) and numbers == "unsigned" and compression in _COMMON_COMPRESSION
    if width <= 0 or height <= 0:
        raise DamagedError("the picture has no pixels")
    return Header(
        "TIFF",
        # The decoder allocates a whole tile, even if the tile is larger than the picture.
        max(width, _first(tags, _TILE_WIDTH, 0)),
        max(height, _first(tags, _TILE_HEIGHT, 0)),
        max(1, -(-bits // 8)),
        decoder_turns=True,
        premultiplied=opacity == 1 or (opacity == 2 and bits == 8),  # libtiff itself multiplies 8-bit pictures
        negative=_first(tags, _COLOURS, 1) == _WHITE_IS_ZERO and bits > 8,  # libtiff inverts 8-bit pictures
        rare="" if common else f"TIFF of {bits}-bit {numbers} numbers with compression {compression}",
    )


def exif_orientation(exif: bytes) -> int:
    """Return the orientation in an EXIF block, from 1 to 8; 1 if it has none."""
    try:
        orientation = _first(_directory(exif.removeprefix(b"Exif\0\0")), _ORIENTATION, UPRIGHT)
    except (struct.error, KeyError, OverflowError):
        return UPRIGHT
    return orientation if 1 <= orientation <= 8 else UPRIGHT


def _directory(data: bytes) -> dict[int, list[int]]:
    """Return the values of each tag in the first directory. The first of equal tags counts, as in decoders."""
    order = {b"II": "<", b"MM": ">"}[data[:2]]
    (magic,) = struct.unpack_from(f"{order}H", data, 2)
    big = magic == 43
    word, inline = ("Q", 8) if big else ("I", 4)
    (position,) = struct.unpack_from(order + word, data, 8 if big else 4)
    count_type = order + ("Q" if big else "H")
    (count,) = struct.unpack_from(count_type, data, position)
    position += struct.calcsize(count_type)
    tags: dict[int, list[int]] = {}
    for _ in range(min(count, 1 << 16)):
        tag, kind, numbers = struct.unpack_from(f"{order}HH{word}", data, position)
        place = position + 4 + inline
        position = place + inline
        if kind not in _TYPES or numbers == 0 or tag in tags:
            continue
        if numbers * struct.calcsize(order + _TYPES[kind]) > inline:
            (place,) = struct.unpack_from(order + word, data, place)
        wanted = f"{order}{min(numbers, _MOST_NUMBERS)}{_TYPES[kind]}"
        if place + struct.calcsize(wanted) <= len(data):
            tags[tag] = list(struct.unpack_from(wanted, data, place))
    return tags


def _first(tags: dict[int, list[int]], tag: int, default: int) -> int:
    return (tags.get(tag) or [default])[0]

"""Read AVIF headers: the sizes that boxes and frames state, and the orientation.

Boxes and frames may state different sizes, and the decoder allocates memory for the frames. So this module reads both.
"Bits" means bits per channel.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from estimation.photo_headers.boxes import Box, few, items, number, properties, read_boxes
from estimation.photo_headers.header import UPRIGHT, DamagedError, Header, turned
from estimation.photo_headers.tiff import exif_orientation

_LONGEST_SEQUENCE_HEADER = 1024
_OFFSET_BYTES = {b"stco": 4, b"co64": 8}
_SEQUENCE_HEADER = 1
_DEPTHS = {0x00: 8, 0x40: 10, 0x60: 12}
_MARKS = np.array([[1, 2], [3, 4]])


def read(data: bytes) -> Header:
    """Read the header of an AVIF."""
    boxes = read_boxes(data)
    sizes = [size for name, start, _ in boxes if (size := _stated_size(data, name, start))]
    for kind, start, end in few(_units(data, boxes)):
        if kind == _SEQUENCE_HEADER:
            sizes.append(_sequence_size(data[start : min(end, start + _LONGEST_SEQUENCE_HEADER)]))
    width, height = (max(numbers) for numbers in zip(*sizes)) if sizes else (0, 0)
    bits = max([_DEPTHS.get(data[start + 2] & 0x60, 8) for name, start, _ in boxes if name == b"av1C"], default=8)
    deep, translucent = bits > 8, any(name in (b"auxC", b"moov") for name, _, _ in boxes)  # possibly
    return Header(
        "AVIF",
        width,
        height,
        # libavif needs 17 bytes for an opaque pixel of 8 bits and 21 for more bits; with opacity, it needs 30 and 38.
        2 + 2 * (deep or translucent) + (deep and translucent),
        white=(1 << bits) - 1 if deep else None,
        orientation=_orientation(data, boxes),
    )


def _stated_size(data: bytes, name: bytes, start: int) -> tuple[int, int] | None:
    if name == b"ispe":
        width, height = struct.unpack_from(">II", data, start + 4)
    elif name == b"av01":
        width, height = struct.unpack_from(">HH", data, start + 24)
    else:
        return None
    return width, height


def _orientation(data: bytes, boxes: list[Box]) -> int:
    """Return the orientation by HEIF's properties, or by EXIF if the picture has no such property."""
    turns = _turns(data, boxes)
    if not turns:
        return next((exif_orientation(data[start + 4 : end]) for start, end in items(data, boxes, b"Exif")), UPRIGHT)
    marks = _MARKS
    for name, start in turns:
        if name == b"irot":
            marks = np.rot90(marks, data[start] & 3)
        else:
            marks = marks[:, ::-1] if data[start] & 1 else marks[::-1]
    return next(one for one in range(1, 9) if np.array_equal(turned(_MARKS, one), marks))


def _turns(data: bytes, boxes: list[Box]) -> list[tuple[bytes, int]]:
    """Return the rotations and mirrorings of the primary item, in the order in which they apply."""
    primaries = [number(data, start + 4, 4 if data[start] else 2) for name, start, _ in boxes if name == b"pitm"]
    applied = properties(data, boxes).get(primaries[0], []) if primaries else []
    return [(name, start) for name, start, _ in applied if name in (b"irot", b"imir")]


def _frames(data: bytes, boxes: list[Box]) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each frame that a decoder may read: of all items, and the first frame of each track."""
    first_sizes = [
        number(data, start + 4, 4) or number(data, start + 12, 4) for name, start, _ in boxes if name == b"stsz"
    ]
    offsets = [number(data, start + 8, _OFFSET_BYTES[name]) for name, start, _ in boxes if name in _OFFSET_BYTES]
    for offset, size in zip(offsets, first_sizes):
        yield offset, offset + size
    yield from items(data, boxes, b"av01")


def _units(data: bytes, boxes: list[Box]) -> Iterator[tuple[int, int, int]]:
    """Yield (kind, start, end) of each AV1 unit (OBU) in the frames."""
    for start, end in _frames(data, boxes):
        position, end = start, min(end, len(data))
        while position < end:
            head = data[position]
            position += 2 if head & 4 else 1  # the header has a second byte if it has an extension
            length = 0
            if head & 2:
                for step in range(8):
                    byte, position = data[position], position + 1
                    length |= (byte & 0x7F) << 7 * step
                    if byte < 0x80:
                        break
            else:
                length = end - position
            yield head >> 3 & 15, position, position + length
            position += length


def _sequence_size(data: bytes) -> tuple[int, int]:
    """Return the width and height of the largest frame that a sequence header allows (AV1 specification, 5.5.1)."""
    bits = _Bits(data)
    bits.take(4)
    if bits.take(1):  # a reduced header
        bits.take(5)
    else:
        delay_bits = 0
        if bits.take(1):  # timing
            bits.take(64)
            if bits.take(1):
                bits.take_uvlc()
            if bits.take(1):  # decoder model
                delay_bits = bits.take(5) + 1
                bits.take(42)
        has_delay = bits.take(1)
        for _ in range(bits.take(5) + 1):  # operating points
            bits.take(12)
            if bits.take(5) > 7:
                bits.take(1)
            if delay_bits and bits.take(1):
                bits.take(2 * delay_bits + 1)
            if has_delay and bits.take(1):
                bits.take(4)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(width_bits) + 1, bits.take(height_bits) + 1


class _Bits:
    """Reader of unsigned numbers with any number of bits, the highest bit first."""

    def __init__(self, data: bytes) -> None:
        self._number = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise DamagedError("a sequence header is cut short")
        return self._number >> self._left & ((1 << count) - 1)

    def take_uvlc(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
        return self.take(zeros) + (1 << zeros) - 1 if zeros < 32 else (1 << 32) - 1

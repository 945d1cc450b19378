"""AVIF: the sizes that its boxes and its frames state, and the orientation.

The boxes may state another size than the frames inside, and the decoder sets memory aside for the frames. So both are
read. "Bits" are those of a channel.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

import numpy as np

from estimation.photo_headers.header import UPRIGHT, DamagedError, Header, turned
from estimation.photo_headers.tiff import exif_orientation

_INSIDE = {
    **dict.fromkeys((b"iprp", b"ipco", b"moov", b"trak", b"mdia", b"minf", b"stbl"), 0),
    b"meta": 4,
    b"stsd": 8,
    b"iinf": 6,
}
"""Boxes with boxes inside, and the bytes before the first."""
_DEPTH = 8
_MOST = 1 << 16
"""Boxes, and units of frames. A picture of many tiles has a few hundred."""
_LONGEST_SEQUENCE_HEADER = 1024
_OFFSET_BYTES = {b"stco": 4, b"co64": 8}
_SEQUENCE_HEADER = 1
_DEPTHS = {0x00: 8, 0x40: 10, 0x60: 12}
_MARKS = np.array([[1, 2], [3, 4]])

_Found = TypeVar("_Found")
Box = tuple[bytes, int, int]
"""The name of a box, and where its content starts and ends."""


def read(data: bytes) -> Header:
    """Read the header of an AVIF."""
    boxes = _few(_boxes(data, 0, len(data)))
    sizes = [size for name, start, _ in boxes if (size := _stated_size(data, name, start))]
    for kind, start, end in _few(_units(data, boxes)):
        if kind == _SEQUENCE_HEADER:
            sizes.append(_sequence_size(data[start : min(end, start + _LONGEST_SEQUENCE_HEADER)]))
    width, height = (max(numbers) for numbers in zip(*sizes)) if sizes else (0, 0)
    bits = max([_DEPTHS.get(data[start + 2] & 0x60, 8) for name, start, _ in boxes if name == b"av1C"], default=8)
    deep, translucent = bits > 8, any(name in (b"auxC", b"moov") for name, _, _ in boxes)  # perhaps
    return Header(
        "AVIF",
        width,
        height,
        # libavif holds 17 bytes of an opaque pixel of 8 bits, 21 of one of more bits, 30 and 38 with opacity.
        2 + 2 * (deep or translucent) + (deep and translucent),
        white=(1 << bits) - 1 if deep else None,
        orientation=_orientation(data, boxes),
    )


def _few(found: Iterable[_Found]) -> list[_Found]:
    found = list(islice(found, _MOST + 1))
    if len(found) > _MOST:
        raise DamagedError("there are too many boxes or frames")
    return found


def _boxes(data: bytes, position: int, end: int, depth: int = 0) -> Iterator[Box]:
    """Every box, and the boxes in it."""
    while position + 8 <= end:
        length, name = struct.unpack_from(">I4s", data, position)
        start = position + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, start)
            start += 8
        stop = end if length == 0 else min(position + length, end)
        if stop < start:
            raise DamagedError("a box is shorter than its name")
        yield name, start, stop
        if name in _INSIDE and depth < _DEPTH:
            # Version 1 of the list of items has a longer count.
            longer = 2 if name == b"iinf" and data[start] else 0
            yield from _boxes(data, start + _INSIDE[name] + longer, stop, depth + 1)
        position = stop


def _stated_size(data: bytes, name: bytes, start: int) -> tuple[int, int] | None:
    if name == b"ispe":
        width, height = struct.unpack_from(">II", data, start + 4)
    elif name == b"av01":
        width, height = struct.unpack_from(">HH", data, start + 24)
    else:
        return None
    return width, height


def _orientation(data: bytes, boxes: list[Box]) -> int:
    """The orientation by HEIF's properties, or by EXIF if the picture has none of them."""
    turns = _turns(data, boxes)
    if not turns:
        return next((exif_orientation(data[start + 4 : end]) for start, end in _items(data, boxes, b"Exif")), UPRIGHT)
    marks = _MARKS
    for name, start in turns:
        if name == b"irot":
            marks = np.rot90(marks, data[start] & 3)
        else:
            marks = marks[:, ::-1] if data[start] & 1 else marks[::-1]
    return next(one for one in range(1, 9) if np.array_equal(turned(_MARKS, one), marks))


def _turns(data: bytes, boxes: list[Box]) -> list[tuple[bytes, int]]:
    """The rotations and mirrorings of the primary item, in the order in which they apply."""
    containers = [(start, end) for name, start, end in boxes if name == b"ipco"]
    primaries = [_number(data, start + 4, 4 if data[start] else 2) for name, start, _ in boxes if name == b"pitm"]
    associations = [start for name, start, _ in boxes if name == b"ipma"]
    if not (containers and primaries and associations):
        return []
    inside, stop = containers[0]
    properties = [box for box in boxes if inside < box[1] and box[2] <= stop]
    links = _links(data, associations[0]).get(primaries[0], [])
    applied = [properties[link - 1] for link in links if 0 < link <= len(properties)]
    return [(name, start) for name, start, _ in applied if name in (b"irot", b"imir")]


def _links(data: bytes, start: int) -> dict[int, list[int]]:
    """The properties of each item, numbered from 1, in the order in which they apply."""
    item_bytes, wide = 4 if data[start] else 2, data[start + 3] & 1
    position, links = start + 8, {}
    for _ in range(min(_number(data, start + 4, 4), _MOST)):
        item = _number(data, position, item_bytes)
        count, position = data[position + item_bytes], position + item_bytes + 1
        numbers = struct.unpack_from(f">{count}{'H' if wide else 'B'}", data, position)
        position += count * (2 if wide else 1)
        links[item] = [number & (0x7FFF if wide else 0x7F) for number in numbers]
    return links


def _frames(data: bytes, boxes: list[Box]) -> Iterator[tuple[int, int]]:
    """The places of the frames that a decoder may read: those of all items, and the first of each track."""
    first_sizes = [
        _number(data, start + 4, 4) or _number(data, start + 12, 4) for name, start, _ in boxes if name == b"stsz"
    ]
    offsets = [_number(data, start + 8, _OFFSET_BYTES[name]) for name, start, _ in boxes if name in _OFFSET_BYTES]
    for offset, size in zip(offsets, first_sizes):
        yield offset, offset + size
    yield from _items(data, boxes, b"av01")


def _items(data: bytes, boxes: list[Box], kind: bytes) -> Iterator[tuple[int, int]]:
    """The places of the data of all items of a kind."""
    items = {
        _number(data, start + 4, 4 if data[start] > 2 else 2)
        for name, start, _ in boxes
        if name == b"infe" and kind in data[start + 8 : start + 14]
    }
    idat = next((start for name, start, _ in boxes if name == b"idat"), 0)
    places = [start for name, start, _ in boxes if name == b"iloc"]
    if len(places) > 1:
        raise DamagedError("the places of the items are listed twice")
    for start in places:
        yield from _extents(data, start, items, idat)


def _extents(data: bytes, start: int, items: set[int], idat: int) -> Iterator[tuple[int, int]]:
    version, sizes = data[start], _number(data, start + 4, 2)
    offset_bytes, length_bytes, base_bytes = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_bytes = sizes & 15 if version else 0
    item_bytes = 4 if version == 2 else 2
    position = start + 6 + item_bytes
    steps = 0
    for _ in range(_number(data, start + 6, item_bytes)):
        item = _number(data, position, item_bytes)
        position += item_bytes
        origin = 0
        if version:
            origin = idat if _number(data, position, 2) & 15 == 1 else 0
            position += 2
        origin += _number(data, position + 2, base_bytes)
        position += 2 + base_bytes
        extents, position = _number(data, position, 2), position + 2
        steps += 1 + extents
        if steps > _MOST:
            raise DamagedError("there are too many items")
        for _ in range(extents):
            position += index_bytes
            offset, length = _number(data, position, offset_bytes), _number(data, position + offset_bytes, length_bytes)
            position += offset_bytes + length_bytes
            if item in items:
                yield origin + offset, origin + offset + length if length else len(data)


def _number(data: bytes, position: int, size: int) -> int:
    if position + size > len(data):
        raise DamagedError("the file is cut short")
    return int.from_bytes(data[position : position + size], "big")


def _units(data: bytes, boxes: list[Box]) -> Iterator[tuple[int, int, int]]:
    """The kind, the start and the end of each of AV1's units (OBUs) in the frames."""
    for start, end in _frames(data, boxes):
        position, end = start, min(end, len(data))
        while position < end:
            head = data[position]
            position += 2 if head & 4 else 1  # with an extension
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
    """The largest frame that a sequence header allows (AV1 specification, 5.5.1)."""
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
    """Numbers of any count of bits, the highest first."""

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

"""Read the boxes of AVIF, HEIC and MP4 files: their places, and the items that they describe."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from estimation.photo_headers.header import DamagedError

_INSIDE = {
    **dict.fromkeys((b"iprp", b"ipco", b"moov", b"trak", b"mdia", b"minf", b"stbl"), 0),
    b"meta": 4,
    b"iref": 4,
    b"stsd": 8,
    b"iinf": 6,
}
"""Boxes that contain boxes, and the number of bytes before the first inner box."""
_DEPTH = 8
_MOST = 1 << 16
"""The largest number of boxes, and of units in frames. A picture of many tiles has a few hundred."""

_Found = TypeVar("_Found")
Box = tuple[bytes, int, int]
"""(name, start, end) of a box: its content is the bytes from ``start`` to before ``end``."""


def read_boxes(data: bytes) -> list[Box]:
    """List every box of a file in order. A box comes before the boxes inside it.

    Raises:
        DamagedError: A box is too short, or the file has too many boxes.
    """
    return few(_walk(data, 0, len(data)))


def few(found: Iterable[_Found]) -> list[_Found]:
    """Make a list of boxes, frames or numbers. Raise DamagedError if the list would be too long."""
    found = list(islice(found, _MOST + 1))
    if len(found) > _MOST:
        raise DamagedError("there are too many boxes or frames")
    return found


def _walk(data: bytes, position: int, end: int, depth: int = 0) -> Iterator[Box]:
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
            # In version 1, the count of items has 4 bytes instead of 2.
            longer = 2 if name == b"iinf" and data[start] else 0
            yield from _walk(data, start + _INSIDE[name] + longer, stop, depth + 1)
        position = stop


def properties(data: bytes, boxes: list[Box]) -> dict[int, list[Box]]:
    """Return the properties of each item by its id, in the order in which they apply."""
    containers = [(start, end) for name, start, end in boxes if name == b"ipco"]
    associations = [start for name, start, _ in boxes if name == b"ipma"]
    if not (containers and associations):
        return {}
    inside, stop = containers[0]
    known = [box for box in boxes if inside < box[1] and box[2] <= stop]
    return {
        item: [known[link - 1] for link in links if 0 < link <= len(known)]
        for item, links in _links(data, associations[0]).items()
    }


def _links(data: bytes, start: int) -> dict[int, list[int]]:
    """Return the numbers of the properties of each item, counted from 1."""
    item_bytes, wide = 4 if data[start] else 2, data[start + 3] & 1
    position, links = start + 8, {}
    for _ in range(min(number(data, start + 4, 4), _MOST)):
        item = number(data, position, item_bytes)
        count, position = data[position + item_bytes], position + item_bytes + 1
        numbers = struct.unpack_from(f">{count}{'H' if wide else 'B'}", data, position)
        position += count * (2 if wide else 1)
        links[item] = [one & (0x7FFF if wide else 0x7F) for one in numbers]
    return links


def item_ids(data: bytes, boxes: list[Box], kind: bytes) -> set[int]:
    """Return the ids of the items of a kind, such as ``av01``."""
    return {
        number(data, start + 4, 4 if data[start] > 2 else 2)
        for name, start, _ in boxes
        if name == b"infe" and kind in data[start + 8 : start + 14]
    }


def items(data: bytes, boxes: list[Box], kind: bytes) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each piece of data of the items of a kind."""
    wanted = item_ids(data, boxes, kind)
    idat = next((start for name, start, _ in boxes if name == b"idat"), 0)
    places = [start for name, start, _ in boxes if name == b"iloc"]
    if len(places) > 1:
        raise DamagedError("the places of the items are listed twice")
    for start in places:
        yield from _extents(data, start, wanted, idat)


def _extents(data: bytes, start: int, wanted: set[int], idat: int) -> Iterator[tuple[int, int]]:
    version, sizes = data[start], number(data, start + 4, 2)
    offset_bytes, length_bytes, base_bytes = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_bytes = sizes & 15 if version else 0
    item_bytes = 4 if version == 2 else 2
    position = start + 6 + item_bytes
    steps = 0
    for _ in range(number(data, start + 6, item_bytes)):
        item = number(data, position, item_bytes)
        position += item_bytes
        origin = 0
        if version:
            origin = idat if number(data, position, 2) & 15 == 1 else 0
            position += 2
        origin += number(data, position + 2, base_bytes)
        position += 2 + base_bytes
        extents, position = number(data, position, 2), position + 2
        steps += 1 + extents
        if steps > _MOST:
            raise DamagedError("there are too many items")
        for _ in range(extents):
            position += index_bytes
            offset, length = number(data, position, offset_bytes), number(data, position + offset_bytes, length_bytes)
            position += offset_bytes + length_bytes
            if item in wanted:
                yield origin + offset, origin + offset + length if length else len(data)


def number(data: bytes, position: int, size: int) -> int:
    """Read an unsigned number of ``size`` bytes. Raise DamagedError if the file ends before."""
    if position + size > len(data):
        raise DamagedError("the file is cut short")
    return int.from_bytes(data[position : position + size], "big")

"""The wire format of protocol buffers: (field number, value) pairs, without a schema.

See https://protobuf.dev/programming-guides/encoding/. A varint is read as an int, every other value as a memoryview.
"""

from __future__ import annotations

import contextlib
import itertools
import mmap
from collections.abc import Iterator
from pathlib import Path

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.importers.trained_weights import Budget

Value = int | memoryview | bytes

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MOST_INTEGERS = 640
"""The longest packed list of integers that is read, in bytes. Such lists hold the shape of an array."""
_LONGEST_NAME = 1000
_DIMENSION, _SIZE = 2, 1  # of TensorShapeProto, and of each Dim


class Message:
    """An iterator over the fields of a message. Raises OpenPoseLabError if the message is damaged or cut short."""

    def __init__(self, message: Value, budget: Budget) -> None:
        """Prepare to read a message.

        Args:
            message: The bytes of the message.
            budget: The limits of size that the file must keep. Each field counts as a part.
        """
        if isinstance(message, int):
            raise OpenPoseLabError("is damaged, or no protocol buffer")
        self._message, self._budget = memoryview(message), budget

    def __iter__(self) -> Iterator[tuple[int, int | memoryview]]:
        """Yield the number and the value of each field."""
        message, place = self._message, 0
        while place < len(message):
            self._budget.parts()
            key, place = varint(message, place)
            number, kind = key >> 3, key & 7
            if number == 0:
                raise OpenPoseLabError("is damaged, or no protocol buffer")
            if kind == _VARINT:
                value, place = varint(message, place)
                yield number, value
                continue
            if kind == _BYTES:
                size, place = varint(message, place)
            elif kind in (_FIXED32, _FIXED64):
                size = 4 if kind == _FIXED32 else 8
            else:
                raise OpenPoseLabError("is damaged, or no protocol buffer")
            if place + size > len(message):
                raise OpenPoseLabError("is cut short")
            yield number, message[place : place + size]
            place += size


def first_fields(message: memoryview, limit: int = 100) -> list[tuple[int, int | memoryview]]:
    """Read the first fields of a message, up to ``limit`` or the first error, to recognise a file."""
    found = []
    with contextlib.suppress(OpenPoseLabError):
        for field in itertools.islice(Message(message, Budget()), limit):
            found.append(field)
    return found


def map_file(path: Path) -> memoryview:
    """Map a file that is not empty into memory, so that only the bytes in use are read."""
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def text(value: Value) -> str:
    """Decode a name. The result has at most 1000 bytes of it."""
    return "" if isinstance(value, int) else bytes(value[:_LONGEST_NAME]).decode("utf-8", errors="replace")


def integers(packed: Value) -> list[int]:
    """Decode one varint, or a packed list of varints."""
    if isinstance(packed, int):
        return [packed]
    if len(packed) > _MOST_INTEGERS:
        raise OpenPoseLabError("is damaged: an array has more axes than any array of a layer")
    values, place = [], 0
    while place < len(packed):
        value, place = varint(memoryview(packed), place)
        values.append(value)
    return values


def tensor_shape(message: Value, budget: Budget) -> list[int]:
    """Return the sizes in a TensorShapeProto, which TensorFlow's graphs and checkpoints contain."""
    dimensions = [value for number, value in Message(message, budget) if number == _DIMENSION]
    fields = [[value for number, value in Message(one, budget) if number == _SIZE] for one in dimensions]
    return [sum(size for value in sizes for size in integers(value)) for sizes in fields]


def varint(message: memoryview, place: int) -> tuple[int, int]:
    """Decode the varint at ``place``, which has seven bits per byte. Return it and the place after it."""
    value = shift = 0
    while True:
        if place >= len(message):
            raise OpenPoseLabError("is cut short")
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place += 1
        shift += 7
        if byte < 0x80:
            return value, place
        if shift > 63:
            raise OpenPoseLabError("is damaged, or no protocol buffer")

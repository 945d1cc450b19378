"""The counts that an MP4 or MOV file states, checked before FFmpeg uses them.

A table of twelve bytes can state "a hundred million samples of one size", and FFmpeg allocates memory for each sample.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

from estimation.photo_headers import DamagedError

MOST_SAMPLES = 20_000_000
"""The largest number of samples in a track, times its edits. At 25 frames a second, it is more than 200 hours."""
_MOST_BOXES = 1_000_000
_FEW_EDITS = 1000
_HOLDERS = b"moov trak edts mdia minf stbl moof traf mvex udta root wave sinf".split()
_FIELDS_OF_EACH = 0xF00
"""The flags of a run that give each sample its own bytes in the file."""
_ONE_TICK = struct.pack(">I", 1)


def check_counts(file: BinaryIO) -> None:
    """Raise DamagedError if an MP4 or MOV file states impossible counts, or compresses its header. Other files pass.

    Args:
        file: An open file.
    """
    size = file.seek(0, os.SEEK_END)
    samples = edits = runs = 0
    plain_sound = False
    for name, start, end in _boxes(file, 0, size):
        if name == b"trak":
            samples, edits, plain_sound = 0, 1, False
        elif name == b"elst":
            edits = max(1, _word(file, start + 4, end))
        elif name == b"hdlr":
            plain_sound = _bytes(file, start + 8, end, 4) == b"soun"
        elif name == b"stts":  # FFmpeg joins the samples of uncompressed sound, so these need little memory
            plain_sound &= _word(file, start + 4, end) == 1 and _bytes(file, start + 12, end, 4) == _ONE_TICK
        elif name == b"stsz":
            samples = _word(file, start + 8, end)
        elif name == b"trun" and not _word(file, start, end) & _FIELDS_OF_EACH:
            runs += _word(file, start + 4, end)
        if (
            name == b"cmov"
            or runs > MOST_SAMPLES
            or (samples * edits > MOST_SAMPLES and not (plain_sound and edits < _FEW_EDITS))
        ):
            raise DamagedError


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (name, start, end) of each box's content in bytes. A box comes before the boxes inside it."""
    waiting = [(start, end)]
    for _ in range(_MOST_BOXES):
        while waiting and waiting[-1][0] + 8 > waiting[-1][1]:
            waiting.pop()
        if not waiting:
            return
        start, end = waiting.pop()
        size, name = struct.unpack(">I4s", _bytes(file, start, end, 8))
        content = start + 8
        if size == 1 and start + 16 <= end:
            (size,) = struct.unpack(">Q", _bytes(file, content, end, 8))
            content += 8
        following = end if size == 0 else min(end, start + size)
        if following < content:  # the size is impossible, so the rest of the parent box is ignored
            continue
        waiting.append((following, end))
        yield name, content, following
        if name in _HOLDERS:
            waiting.append((content, following))
    raise DamagedError


def _bytes(file: BinaryIO, place: int, end: int, count: int) -> bytes:
    """Read ``count`` bytes at ``place``, padded with zeros beyond the end of the box."""
    file.seek(place)
    return file.read(max(0, min(count, end - place))).ljust(count, b"\0")


def _word(file: BinaryIO, place: int, end: int) -> int:
    return int.from_bytes(_bytes(file, place, end, 4), "big")

"""Seeded mutations of files: bytes are flipped, cut, spliced, repeated, and lengths changed.

Each mutator takes the bytes of a file, a source of random numbers and the bytes of another file of the same kind. It
returns the changed bytes. The same seed gives the same bytes on every system.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

Mutator = Callable[[bytes, random.Random, bytes], bytes]
Inside = Callable[[bytes, random.Random, bytes, Mutator], "bytes | None"]
"""Mutates a part of a container and wraps it anew, checksums and all. None if the bytes are no such container."""

_MOST_REPEATS = 100_000
_ENDS = 256  # bytes at both ends of a file, where headers and directories are
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_NUMBERS = (b"0", b"-1", b"1", b"65536", b"2147483648", b"4294967295", b"99999999999", b"18446744073709551616")
_NUMBERS += (b"1e308", b"1e999", b"-1e9", b"nan", b"inf", b"0.5", b"", b"9" * 400)


def flip(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Change a few bits or bytes."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 8)) if changed else 0):
        place = rng.randrange(len(changed))
        changed[place] = rng.choice((changed[place] ^ 1 << rng.randrange(8), 0, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return bytes(changed)


def cut(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Leave out the end, or a piece."""
    start = rng.randrange(len(data) + 1)
    end = len(data) if rng.random() < 0.5 else min(len(data), start + rng.choice((1, 2, 4, 16, 256)))
    return data[:start] + data[end:]


def splice(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Go on with the other file from some place on, at the same place or at another one."""
    start = rng.randrange(len(data) + 1)
    begin = min(start, len(other)) if rng.random() < 0.5 else rng.randrange(len(other) + 1)
    return data[:start] + other[begin:]


def change_length(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Change an integer of 8 to 64 bits, of either byte order, that may be a size, a place or a count."""
    for _ in range(100):
        width, order = rng.choice((1, 2, 2, 4, 4, 4, 8)), rng.choice(("little", "big"))
        last = len(data) - width
        if last < 0:
            continue
        place = rng.choice(
            (rng.randint(0, last), rng.randint(0, min(last, _ENDS)), rng.randint(max(0, last - _ENDS), last))
        )
        value = int.from_bytes(data[place : place + width], order)
        if 0 < value <= 4 * len(data) + (1 << 16):
            changed = rng.choice(interesting_numbers(value, len(data), rng)) % (1 << 8 * width)
            return data[:place] + changed.to_bytes(width, order) + data[place + width :]
    return flip(data, rng, other)


def change_everywhere(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Change an integer wherever it stands, as the width of a picture or a size that several places repeat."""
    width, order = rng.choice((2, 4, 4, 8)), rng.choice(("little", "big"))
    last = len(data) - width
    for _ in range(100 if last >= 0 else 0):
        place = rng.randint(0, last)
        encoded = data[place : place + width]
        value = int.from_bytes(encoded, order)
        if 0 < value <= 4 * len(data):
            changed = rng.choice(interesting_numbers(value, len(data), rng)) % (1 << 8 * width)
            return data.replace(encoded, changed.to_bytes(width, order))
    return flip(data, rng, other)


def interesting_numbers(value: int, size: int, rng: random.Random) -> Sequence[int]:
    """List numbers that a length may be changed to.

    Args:
        value: The length.
        size: The number of bytes of the file.
        rng: The source of random numbers.
    """
    near = (value - 1, value + 1, 2 * value, 256 * value, value << 16, size, size + 1)
    limits = tuple(
        (1 << bits) + delta for bits in (7, 8, 15, 16, 20, 24, 26, 28, 30, 31, 32, 40, 62, 63, 64) for delta in (-1, 0)
    )
    return (0, 1, -1, -2, *near, *limits, rng.getrandbits(16), rng.getrandbits(32))


def change_number(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Change a number that is written in digits."""
    found = list(_NUMBER.finditer(data))
    if not found:
        return change_length(data, rng, other)
    number = rng.choice(found)
    return data[: number.start()] + rng.choice(_NUMBERS) + data[number.end() :]


def repeat(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Repeat a short piece, up to many thousand times: brackets that nest, records that follow each other."""
    start = rng.randrange(len(data) + 1)
    piece = data[start : start + rng.choice((1, 1, 2, 4, 16, 64))]
    count = int(_MOST_REPEATS ** rng.random())
    return data[:start] + piece * count + data[start:]


def move(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Copy a piece, of this file or the other, over another place or between."""
    source = rng.choice((data, other))
    start = rng.randrange(len(source) + 1)
    piece = source[start : start + rng.choice((1, 4, 16, 64, 512))]
    place = rng.randrange(len(data) + 1)
    return data[:place] + piece + data[place + rng.choice((0, len(piece))) :]


MUTATORS: tuple[Mutator, ...] = (flip, flip, cut, splice, change_length, change_length, change_everywhere)
MUTATORS += (change_number, repeat, move)


def mutate_bytes(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Apply one mutator, or a few in turn. The result may equal ``data``."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        data = rng.choice(MUTATORS)(data, rng, other)
    return data


def mutate(data: bytes, rng: random.Random, other: bytes, insides: Sequence[Inside] = (), depth: int = 3) -> bytes:
    """Mutate a file.

    Args:
        data: The bytes of the file.
        rng: The source of random numbers.
        other: The bytes of another file of the same kind.
        insides: The containers to look into. Four of five mutations of a container are inside it.
        depth: How many containers inside each other are looked into.

    Returns:
        Other bytes than ``data``.
    """

    def deeper(part: bytes, rng: random.Random, other: bytes) -> bytes:
        return mutate(part, rng, other, insides, depth - 1)

    while True:
        changed = None
        if depth and rng.random() < 0.8:
            for inside in insides:
                changed = inside(data, rng, other, deeper)
                if changed is not None:
                    break
        if changed is None:
            changed = mutate_bytes(data, rng, other)
        if changed != data:
            return changed
        if not data:
            return rng.randbytes(8)

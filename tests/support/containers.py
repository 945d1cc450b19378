"""Containers with checksums and lengths: a part is mutated, and the container is written anew.

Each ``in_…`` function is an ``Inside`` of mutation.py. The writers also serve to make seeds.
"""

from __future__ import annotations

import copy
import functools
import io
import json
import random
import re
import struct
import xml.etree.ElementTree as ElementTree
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tests.support.mutation import Inside, Mutator, change_number, interesting_numbers, move, mutate_bytes, repeat

_BOMB = 3 << 29
"""Bytes of zeros, 1.5 GB, that a bomb expands to."""
_BOMB_PIECE = 1 << 24
_BOMB_SHARE = 0.01
CONTROLS = "\x1b[31m\x07\r\n\x9b2J\u202e"
"""Characters that steer a terminal."""


# PNG


def read_png(data: bytes) -> list[tuple[bytes, bytes]] | None:
    """Split a PNG into chunks: the type and the data of each. None if it is none, or damaged."""
    if not data.startswith(_PNG):
        return None
    chunks, place = [], len(_PNG)
    while place + 12 <= len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + size]))
        place += 12 + size
    return chunks if place == len(data) else None


def write_png(chunks: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Write a PNG from chunks, with right lengths and checksums."""
    return _PNG + b"".join(png_chunk(kind, data) for kind, data in chunks)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """Write one chunk of a PNG, with its length and checksum."""
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


_PNG = b"\x89PNG\r\n\x1a\n"


_COMPRESSED = {b"IDAT": b"", b"zTXt": b"a\0\0", b"iCCP": b"a\0\0"}
"""Chunks that hold a zlib stream, and what stands before it."""


def in_png(data: bytes, rng: random.Random, other: bytes, deeper: Mutator) -> bytes | None:
    """Mutate the chunks of a PNG, the pixels in it before they are compressed among them."""
    chunks = read_png(data)
    if not chunks:
        return None
    others = read_png(other) or chunks
    if rng.random() < 0.3:
        return write_png(_rearranged(chunks, others, rng))
    place = 0 if rng.random() < 0.3 else rng.randrange(len(chunks))  # the first one has the size
    kind, content = chunks[place]
    if rng.random() < 0.05:
        return _with_a_lie(data, chunks, rng)
    if kind in _COMPRESSED and rng.random() < 3 * _BOMB_SHARE:
        content = _COMPRESSED[kind] + zlib_bomb()
        chunks[0] = chunks[0][0], struct.pack(">IIBBBBB", *rng.choice(_BOMB_HEADERS), 0, 0, 0)
    elif kind in (b"IDAT", b"fdAT") and rng.random() < 0.7:
        try:
            content = zlib.compress(deeper(zlib.decompress(content), rng, b""))
        except zlib.error:
            content = mutate_bytes(content, rng, b"")
    elif kind == b"IHDR" and rng.random() < 0.8:
        content = _changed_sizes(content, rng)
    else:
        content = mutate_bytes(content, rng, rng.choice(others)[1])
    return write_png([*chunks[:place], (kind, content), *chunks[place + 1 :]])


_BOMB_HEADERS = ((32_000, 32_000, 1, 0), (32_000, 32_000, 8, 0), (18_000, 18_000, 8, 6), (14_000, 14_000, 16, 6))
"""Width, height, depth and colour type of pictures that 1.5 GB of zeros suffice for."""


def _with_a_lie(data: bytes, chunks: list[tuple[bytes, bytes]], rng: random.Random) -> bytes:
    """The PNG with a wrong length in one chunk."""
    place = len(_PNG) + sum(12 + len(content) for _, content in chunks[: rng.randrange(len(chunks))])
    length = rng.choice((0, 1, 1 << 20, 1 << 28, 1 << 30, (1 << 31) - 1, 1 << 31, (1 << 32) - 1))
    return data[:place] + length.to_bytes(4, "big") + data[place + 4 :]


def _changed_sizes(header: bytes, rng: random.Random) -> bytes:
    """An IHDR with another width, height, depth or colour type."""
    fields = list(struct.unpack(">IIBBBBB", header[:13].ljust(13, b"\0")))
    for _ in range(rng.choice((1, 1, 2))):
        place = rng.choice((0, 0, 1, 1, 2, 3, 4, 5, 6))
        if place < 2:
            sizes = (0, 1, fields[place] + 1, 2 * fields[place], 1000, 20_000, 32_000, 65_536, 1_000_000, 1 << 30)
            fields[place] = rng.choice((*sizes, (1 << 31) - 1, (1 << 32) - 1))
        else:
            fields[place] = rng.choice((0, 1, 2, 3, 4, 6, 8, 16, 255))
    return struct.pack(">IIBBBBB", *fields)


def _rearranged(parts: list[Any], others: Sequence[Any], rng: random.Random) -> list[Any]:
    """Parts in which one is left out, copied, exchanged with another, or taken from the other file."""
    parts = list(parts)
    place = rng.randrange(len(parts))
    way = rng.randrange(4)
    if way == 0:
        del parts[place]
    elif way == 1:
        parts[place:place] = [parts[place]] * rng.choice((1, 2, 1000))
    elif way == 2:
        second = rng.randrange(len(parts))
        parts[place], parts[second] = parts[second], parts[place]
    else:
        parts[place : place + rng.randrange(2)] = [rng.choice(others)]
    return parts


# Sizes of pictures

_SIZES = ((1, 1 << 30), (1 << 30, 1), (20_000, 20_000), (32_000, 32_000), (16_000, 16_000), (65_535, 16_000), (0, 0))
_SIZES += ((65_535, 65_535), (100_000, 100_000), (9_000, 9_000), ((1 << 31) - 1, (1 << 31) - 1))
_FORMATS = ("<HH", ">HH", "<II", ">II")


def in_sized_picture(width: int, height: int) -> Inside:
    """Make a mutator of pictures of one size: it states another size where the width and the height stand."""

    def change(data: bytes, rng: random.Random, other: bytes, deeper: Mutator) -> bytes | None:
        if rng.random() < 0.7:
            return None
        sizes = rng.choice(_SIZES)
        head = data[:_HEAD]
        for layout in rng.sample(_FORMATS, len(_FORMATS)):
            bits = 8 * struct.calcsize(layout[1])
            for old, new in (((width, height), sizes), ((height, width), sizes[::-1])):
                pairs = (struct.pack(layout, *(number % (1 << bits) for number in pair)) for pair in (old, new))
                before, after = pairs
                if before in head:
                    return head.replace(before, after) + data[_HEAD:]
        text = re.sub(rb"\b%d(\s+)%d\b" % (width, height), rb"%d\g<1>%d" % sizes, head)
        if text != head:
            return text + data[_HEAD:]
        kind, order = rng.choice(_FORMATS)[1], rng.choice("<>")
        for old, new in ((width, sizes[0]), (height, sizes[1])):  # apart, as in a TIFF
            most = 1 << 8 * struct.calcsize(kind)
            data = data.replace(struct.pack(order + kind, old), struct.pack(order + kind, new % most))
        return data

    return change


_HEAD = 512  # bytes in which a picture states its size


# Zip archives


class Member(NamedTuple):
    """A member of a zip archive.

    Attributes:
        name: The name, bytes.
        data: The content, not compressed.
        method: 0 stored, 8 deflated, 12 bzip2, 14 LZMA.
        bomb: Whether 1.5 GB of zeros, deflated, follow ``data``.
        flags: General purpose bits; bit 0 says that it is encrypted.
    """

    name: bytes
    data: bytes
    method: int = zipfile.ZIP_STORED
    bomb: bool = False
    flags: int = 0


def write_zip(members: Iterable[Member]) -> bytes:
    """Write a zip archive with right sizes and checksums. Names may occur twice."""
    body, directory, count = bytearray(), bytearray(), 0
    for member in members:
        packed, size, crc = deflated_bomb(member.data) if member.bomb else _packed(member)
        method = zipfile.ZIP_DEFLATED if member.bomb else member.method
        fields = struct.pack(
            "<HHHHHIIIHH", 20, member.flags, method, 0, 33, crc, len(packed), size, len(member.name) & 0xFFFF, 0
        )
        directory += b"PK\x01\x02\x14\x03" + fields + struct.pack("<HHHII", 0, 0, 0, 0o100644 << 16, len(body))
        directory += member.name
        body += b"PK\x03\x04" + fields + member.name + packed
        count += 1
    end = struct.pack("<HHHHIIH", 0, 0, count & 0xFFFF, count & 0xFFFF, len(directory), len(body), 0)
    return bytes(body + directory + b"PK\x05\x06" + end)


def _packed(member: Member) -> tuple[bytes, int, int]:
    data = member.data
    if member.method == zipfile.ZIP_DEFLATED:
        compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
        packed = compressor.compress(data) + compressor.flush()
    elif member.method == zipfile.ZIP_STORED:
        packed = data
    else:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(zipfile.ZipInfo("a"), data, member.method)
            size = archive.infolist()[0].compress_size
        packed = buffer.getvalue()[31 : 31 + size]
    return packed, len(data), zlib.crc32(data)


@functools.cache
def deflated_bomb(beginning: bytes = b"") -> tuple[bytes, int, int]:
    """A few bytes and 1.5 GB of zeros, deflated; their number and checksum."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = compressor.compress(beginning) + compressor.flush(zlib.Z_FULL_FLUSH)
    piece, crc = bytes(_BOMB_PIECE), zlib.crc32(beginning)
    for _ in range(_BOMB // _BOMB_PIECE):
        crc = zlib.crc32(piece, crc)
    return packed + _deflated_piece() * (_BOMB // _BOMB_PIECE) + b"\x03\x00", len(beginning) + _BOMB, crc


@functools.cache
def _deflated_piece() -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return compressor.compress(bytes(_BOMB_PIECE)) + compressor.flush(zlib.Z_FULL_FLUSH)


@functools.cache
def zlib_bomb() -> bytes:
    """1.5 GB of zeros as a zlib stream, as in a PNG."""
    packed, size, _ = deflated_bomb()
    return b"\x78\xda" + packed + (size % 65521 << 16 | 1).to_bytes(4, "big")  # the Adler-32 of zeros


def _huge_array() -> bytes:
    """The header of a NumPy array of zeros that a bomb suffices for."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (_BOMB // 4,)})
    return header.getvalue()


def read_zip(data: bytes) -> list[Member] | None:
    """Read the members of a small zip archive. None if it is none, or damaged."""
    if not data.startswith(b"PK"):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            if sum(info.file_size for info in infos) > 1 << 24:
                return None
            return [Member(info.filename.encode(), archive.read(info), info.compress_type) for info in infos]
    except Exception:  # whatever zipfile comes upon in a mutated archive
        return None


_NAMES = (
    b"",
    b"/",
    b"..",
    b"../up.py",
    b"./merge.py",
    b"merge.py",
    b"merge.py/",
    b"a/b/merge.py",
    b"con",
    b"C:\\merge.py",
)
_NAMES += (
    b"\xff\xfe",
    CONTROLS.encode(),
    b"merge" + CONTROLS.encode() + b".py",
    b"a" * 300,
    b"a/" * 2000,
    b"a" * 65000,
)
_NAMES += (b"x.npy", b"archive/data.pkl", b"archive/data/0", "é".encode() * 200, b"a\0b.py", b"__MACOSX/merge.py")


def in_zip(data: bytes, rng: random.Random, other: bytes, deeper: Mutator) -> bytes | None:
    """Mutate the members of a zip archive: what is in them, their names, methods and order."""
    members = read_zip(data)
    if not members:
        return None
    others = read_zip(other) or members
    place = rng.randrange(len(members))
    member = members[place]
    way = rng.random()
    if way < 2 * _BOMB_SHARE:
        member = member._replace(bomb=True, data=_huge_array() if member.data.startswith(b"\x93NUMPY") else b"")
    elif way < 0.6:
        member = member._replace(data=deeper(member.data, rng, rng.choice(others).data))
    elif way < 0.7:
        member = member._replace(
            name=rng.choice((*_NAMES, member.name + rng.choice(_NAMES), rng.choice(_NAMES) + member.name))
        )
    elif way < 0.8:
        member = member._replace(method=rng.choice((0, 8, 12, 14)), flags=rng.choice((0, 0, 0, 1, 8, 1 << 11, 0xFFFF)))
    elif way < 0.85:
        member = member._replace(data=data)  # the archive in itself
    else:
        return write_zip(_rearranged(members, others, rng))
    return write_zip([*members[:place], member, *members[place + 1 :]])


# Table files, as the index of a TensorFlow checkpoint

_TABLE_END = bytes.fromhex("57fb808b247547db")


def write_table(entries: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Write a table file of one block of keys and values, with checksums."""
    file = bytearray()

    def add(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
        """Add a block and return its handle."""
        block = b"".join(b"\0" + varint(len(key)) + varint(len(value)) + key + value for key, value in pairs)
        block += struct.pack("<II", 0, 1)  # the first entry alone is a point to start from
        handle = varint(len(file)) + varint(len(block))
        file.extend(block + b"\0" + struct.pack("<I", masked_crc32c(block + b"\0")))
        return handle

    entries = list(entries)
    data = add(entries)
    meta = add([])
    index = add([(entries[-1][0] + b"\xff" if entries else b"\xff", data)])
    return bytes(file) + (meta + index).ljust(40, b"\0") + _TABLE_END


def read_table(data: bytes) -> list[tuple[bytes, bytes]] | None:
    """Read the entries of a table file that ``write_table`` wrote. None if it is none, or damaged."""
    if not data.endswith(_TABLE_END):
        return None
    entries, place = [], 0
    try:
        while data[place : place + 8] != struct.pack("<II", 0, 1):
            if data[place] != 0:
                return None
            key_size, place = read_varint(data, place + 1)
            size, place = read_varint(data, place)
            entries.append((data[place : place + key_size], data[place + key_size : place + key_size + size]))
            place += key_size + size
    except (IndexError, ValueError):
        return None
    return entries


def in_table(data: bytes, rng: random.Random, other: bytes, deeper: Mutator) -> bytes | None:
    """Mutate the entries of a table file."""
    entries = read_table(data)
    if not entries:
        return None
    others = read_table(other) or entries
    if rng.random() < 0.3:
        return write_table(_rearranged(entries, others, rng))
    place = rng.randrange(len(entries))
    key, value = entries[place]
    if rng.random() < 0.2:
        key = mutate_bytes(key, rng, rng.choice(others)[0])
    else:
        value = deeper(value, rng, rng.choice(others)[1])
    return write_table([*entries[:place], (key, value), *entries[place + 1 :]])


@functools.cache
def _crc32c_table() -> list[int]:
    table = []
    for number in range(256):
        for _ in range(8):
            number = number >> 1 ^ (0x82F63B78 if number & 1 else 0)
        table.append(number)
    return table


def masked_crc32c(data: bytes) -> int:
    """The checksum of table files and checkpoints."""
    table, crc = _crc32c_table(), 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


# Protocol buffers


def varint(number: int) -> bytes:
    """Write a number seven bits a byte."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def read_varint(data: bytes, place: int) -> tuple[int, int]:
    """Read a number, and the place after it. Raises IndexError at the end of the data, ValueError if it is too long."""
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
        if shift > 63:
            raise ValueError


Field = tuple[int, Any]
"""The key (number << 3 | kind), and an int for a varint, else bytes."""


def read_message(data: bytes) -> list[Field] | None:
    """Split a message into fields. None if it is none."""
    found: list[Field] = []
    place = 0
    try:
        while place < len(data):
            key, place = read_varint(data, place)
            kind = key & 7
            if kind == 0:
                value, place = read_varint(data, place)
                found.append((key, value))
                continue
            if kind == 2:
                size, place = read_varint(data, place)
            elif kind in (1, 5):
                size = 8 if kind == 1 else 4
            else:
                return None
            if key >> 3 == 0 or place + size > len(data):
                return None
            found.append((key, data[place : place + size]))
            place += size
    except (IndexError, ValueError):
        return None
    return found


def write_message(message: Iterable[Field]) -> bytes:
    """Write a message with right lengths."""
    out = bytearray()
    for key, value in message:
        out += varint(key)
        if isinstance(value, int):
            out += varint(value)
        else:
            out += varint(len(value)) + value if key & 7 == 2 else value
    return bytes(out)


def in_message(data: bytes, rng: random.Random, other: bytes, deeper: Mutator) -> bytes | None:
    """Mutate a field of a message, or of a message in it."""
    message = read_message(data)
    if not message:
        return None
    others = read_message(other) or message
    if rng.random() < 0.15:
        return write_message(_rearranged(message, others, rng))
    place = rng.randrange(len(message))
    key, value = message[place]
    if isinstance(value, int):
        value = rng.choice(interesting_numbers(value, len(data), rng)) % (1 << 64)
    else:
        within = in_message(value, rng, b"", deeper) if rng.random() < 0.85 else None
        value = mutate_bytes(value, rng, b"") if within is None else within
        if key & 7 != 2:
            value = value.ljust(8, b"\0")[: 8 if key & 7 == 1 else 4]
    return write_message([*message[:place], (key, value), *message[place + 1 :]])


# JSON

_DEEP, _LONG_NUMBER = "a place for many brackets", "a place for many digits"
_ODD_VALUES: tuple[Any, ...] = (None, True, False, 0, 1, -1, 0.5, 1e308, 10**20, -(2**63), float("nan"), float("-inf"))
_ODD_VALUES += ("", "a", CONTROLS, "é" * 255, "\ud800", "a\0b", "../../a", "/dev/zero", "a" * 100_000, "1", "=1+1")
_ODD_VALUES += ([], {}, [[]], [None], [{}], {"a": {}}, {"id": 1}, [0] * 51, [[1, 2, 3]], _DEEP, _LONG_NUMBER)


def in_json(data: bytes, rng: random.Random, other: bytes, deeper: Mutator) -> bytes | None:
    """Mutate values of a JSON text: the text stays JSON, though its values are odd."""
    try:
        content = json.loads(data)
        theirs = json.loads(other) if other else content
    except (ValueError, RecursionError):
        return None
    holder = [content]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = list(_places(holder))
        parent, key = rng.choice(places)
        way = rng.random()
        if way < 0.5:
            parent[key] = rng.choice(_ODD_VALUES)
        elif way < 0.65:
            source, its_key = rng.choice(list(_places([theirs])))
            parent[key] = copy.deepcopy(source[its_key])
        elif way < 0.75:
            parent[key] = [parent[key]] if rng.random() < 0.5 else str(parent[key])
        elif parent is holder:
            continue
        elif way < 0.88:
            del parent[key]
        elif isinstance(parent, list):
            parent[key:key] = [parent[key]] * rng.choice((1, 2, 300))
        else:
            parent[rng.choice((CONTROLS, "", "id", "a" * 5000))] = parent[key]
        holder = json.loads(json.dumps(holder))  # what stood in two places is two things again
    text = json.dumps(holder[0])
    text = text.replace(f'"{_DEEP}"', "[" * 50_000 + "]" * 50_000).replace(f'"{_LONG_NUMBER}"', "9" * 5000)
    return text.encode()


def _places(value: Any) -> Iterable[tuple[Any, Any]]:
    """Every place in nested lists and dictionaries: the container and the key."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield value, key
        yield from _places(item)


def in_json_lines(data: bytes, rng: random.Random, other: bytes, deeper: Mutator) -> bytes | None:
    """Mutate one of several lines of JSON."""
    lines = data.split(b"\n")
    place = rng.randrange(len(lines))
    changed = in_json(lines[place], rng, rng.choice(other.split(b"\n")), deeper)
    if changed is None:
        return None
    return b"\n".join([*lines[:place], changed, *lines[place + 1 :]])


# Text


def in_text(data: bytes, rng: random.Random, other: bytes, deeper: Mutator) -> bytes | None:
    """Mutate the lines, the numbers or the brackets of an ASCII text, which stays ASCII."""
    if not data.isascii() or not other.isascii():
        return None
    way = rng.random()
    if way < 0.4:
        lines = data.splitlines(keepends=True)
        return b"".join(_rearranged(lines, other.splitlines(keepends=True) or lines, rng)) if lines else None
    return rng.choice((change_number, repeat, move))(data, rng, other)


# TOML

_TOML_VALUE = re.compile(rb"(?<=[=,\[])[ ]*[^=,\[\]\n#]+")
_TOML_VALUES = (
    "-1",
    "nan",
    "inf",
    "1e400",
    "true",
    '"5"',
    '""',
    "[]",
    "[1, 2]",
    "{}",
    "{a = 1}",
    "1979-05-27",
    "0x1F",
    "1_0",
)
_TOML_VALUES += (
    "9" * 400,
    "9" * 5000,
    '"\\u001b[31m"',
    "'''\n'''",
    "07:32:00",
    "1e6",
    "999999.5",
    "-0.0",
    "[" * 50 + "]" * 50,
)


def in_toml(data: bytes, rng: random.Random, other: bytes, deeper: Mutator) -> bytes | None:
    """Mutate values, and the order of the lines, of a TOML text."""
    found = list(_TOML_VALUE.finditer(data))
    if not found:
        return None
    if rng.random() < 0.3:
        lines = data.splitlines(keepends=True)
        return b"".join(_rearranged(lines, other.splitlines(keepends=True) or lines, rng))
    value = rng.choice(found)
    return data[: value.start()] + b" " + rng.choice(_TOML_VALUES).encode() + data[value.end() :]


# Messages of the sandbox


def in_answer(data: bytes, rng: random.Random, other: bytes, deeper: Mutator) -> bytes | None:
    """Mutate the header or the numbers of a message, and keep its lengths right."""
    if len(data) < 8:
        return None
    size, rest = struct.unpack("<II", data[:8])
    if len(data) != 8 + size + rest:
        return None
    header, numbers = data[8 : 8 + size], data[8 + size :]
    if rng.random() < 0.6:
        header = in_json(header, rng, b"", deeper) or header
    else:
        numbers = mutate_bytes(numbers, rng, other[8:])
        if rng.random() < 0.7:
            numbers = numbers[:rest].ljust(rest, b"\0")
    return struct.pack("<II", len(header), len(numbers)) + header + numbers


# XML

_ATTRIBUTES = (
    "0",
    "1",
    "-1",
    "2147483648",
    "99999999999999999999",
    "1,2,3",
    "16384,16384,3",
    "",
    "é",
    "nan",
    CONTROLS[:0],
)
_ATTRIBUTES += (
    "a" * 5000,
    "2,3,1,1",
    "Const",
    "Convolution",
    "GroupConvolution",
    "Add",
    "Reshape",
    "Convert",
    "f32",
    "i8",
)
_ATTRIBUTES += ("FakeQuantize", "u4", "9" * 5000, "1_0", " 1 ", "-1,-1", "0,4294967296")


def in_xml(data: bytes, rng: random.Random, other: bytes, deeper: Mutator) -> bytes | None:
    """Mutate the elements and attributes of an XML text."""
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError):
        return None
    for _ in range(rng.choice((1, 1, 2, 3))):
        elements = list(root.iter())
        element = rng.choice(elements)
        way = rng.random()
        if way < 0.6 and element.attrib:
            name = rng.choice(list(element.attrib))
            if rng.random() < 0.2:
                del element.attrib[name]
            elif rng.random() < 0.4:
                digits = change_number(element.attrib[name].encode(), rng, b"")
                element.attrib[name] = digits.decode("latin-1").translate(_NO_CONTROLS)
            else:
                element.attrib[name] = rng.choice(_ATTRIBUTES)
        elif way < 0.7:
            element.tag = rng.choice(("layer", "layers", "edges", "edge", "data", "net", "a"))
        elif len(element):
            children = _rearranged(list(element), list(rng.choice(elements)) or list(element), rng)
            element[:] = [child for child in children if element not in child.iter()]  # no element is inside itself
    text = ElementTree.tostring(root, xml_declaration=True, encoding="utf-8")
    return None if len(text) > 1 << 22 else text


_NO_CONTROLS = dict.fromkeys(range(32))

"""HEIC photos: real ones, which pillow-heif makes, and headers made byte by byte."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from tests.support.photo_files import exif

_MODES = {(2, 8): "L", (2, 16): "I;16", (3, 8): "BGR", (3, 16): "BGR;16", (4, 8): "BGRA", (4, 16): "BGRA;16"}


def heic(image: NDArray[Any], orientation: int = 1, **options: Any) -> bytes:
    """Encode a photo: (h, w), (h, w, 3) BGR or (h, w, 4) BGRA of uint8 or uint16. options: pillow-heif's."""
    import pillow_heif

    mode = _MODES[2 if image.ndim == 2 else image.shape[2], 8 * image.itemsize]
    photo = pillow_heif.from_bytes(mode=mode, size=(image.shape[1], image.shape[0]), data=image.tobytes())
    if orientation != 1:
        options["exif"] = exif(orientation).tobytes()
    file = io.BytesIO()
    photo.save(file, quality=95, **options)
    return file.getvalue()


def box(name: bytes, *content: bytes) -> bytes:
    inside = b"".join(content)
    return struct.pack(">I4s", 8 + len(inside), name) + inside


def full_box(name: bytes, *content: bytes, version: int = 0) -> bytes:
    return box(name, bytes([version, 0, 0, 0]), *content)


def header(
    sizes: Sequence[tuple[int, int]],
    canvas: tuple[int, int] | None = None,
    parts: Mapping[int, Sequence[int]] | None = None,
    more: Sequence[bytes] = (),
    last_byte: int = 0,
    kinds: Mapping[int, bytes] | None = None,
) -> bytes:
    """A HEIC without pixels.

    Args:
        sizes: The width and height of item 1, 2 and so on.
        canvas: The size of the canvas of item 1, which then is a grid.
        parts: The items that an item is made of.
        more: Further properties, which belong to no item.
        last_byte: How far behind the end of the file the pixels of item 2 end.
        kinds: The kinds of items that are no ``hvc1``.
    """
    count = len(sizes)
    kinds = {**({1: b"grid"} if canvas else {}), **(kinds or {})}
    entries = [struct.pack(">HH4sx", item, 0, kinds.get(item, b"hvc1")) for item in range(1, count + 1)]
    properties = [full_box(b"ispe", struct.pack(">II", *size)) for size in sizes]
    links = b"".join(struct.pack(">HBB", item, 1, item) for item in range(1, count + 1))
    grid = bytes([0, 1, 0, 0]) + struct.pack(">II", *(canvas or (1, 1)))
    references = [
        box(b"dimg", struct.pack(f">HH{len(others)}H", item, len(others), *others))
        for item, others in (parts or {}).items()
    ]
    # Extents with a length, of one item in the box idat and one behind it.
    places = struct.pack(">BBH", 0x44, 0, 2)
    places += struct.pack(">HHHHII", 1, 1, 0, 1, 0, len(grid))
    places += struct.pack(">HHHHII", 2, 0, 0, 1, 0, 1)
    meta = full_box(
        b"meta",
        full_box(b"pitm", struct.pack(">H", 1)),
        full_box(b"iinf", struct.pack(">H", count), *(full_box(b"infe", entry, version=2) for entry in entries)),
        box(b"iprp", box(b"ipco", *properties, *more), full_box(b"ipma", struct.pack(">I", count), links)),
        full_box(b"iref", *references),
        full_box(b"iloc", places, version=1),
        box(b"idat", grid),
    )
    data = box(b"ftyp", b"heic", bytes(4), b"mif1heic") + meta
    if last_byte:
        data = data.replace(places, places[:-8] + struct.pack(">II", len(data) + last_byte - 1, 1))
    return data

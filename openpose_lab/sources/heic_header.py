"""The sizes that a HEIC photo states, read before it is decoded.

libheif decodes frames that are at most slightly larger than the sizes in the file's boxes. So this module reads these
sizes, and the sizes of the canvases for tiles. A picture may repeat one tile many times, so the module also counts the
pixels of all parts.
"""

from __future__ import annotations

import struct

from estimation.photo_headers import DamagedError, Header
from estimation.photo_headers.boxes import Box, few, item_ids, items, number, properties, read_boxes

_CODED = b"hvc1"
_DERIVED = {b"grid": 4, b"iovl": 10}
"""Kinds of pictures that are made of other pictures, and the number of bytes before the size of their canvas."""
_RARE = (b"unci", b"mski", b"tili", b"iden")
"""Kinds of pictures that cameras do not make."""
_ONCE = (b"ipco", b"ipma", b"iref", b"iloc", b"iinf", b"idat", b"pitm")
"""Boxes that a file may contain only once."""
_DEPTH = 8
"""The largest depth of parts within parts."""
_MOST_PARTS = 4096
"""The largest number of parts. 100 megapixels with opacity, in tiles of 256 pixels, have 3052 parts."""
_CHROMA_4_2_0 = 1
"""The code for colours at half the width and height, as cameras store them."""


def read_heic_header(data: bytes) -> tuple[Header, int]:
    """Read the largest size in a HEIC photo.

    Args:
        data: The whole file.

    Returns:
        The size as a header, and the largest number of pixels that one picture decodes, counting all its parts.

    Raises:
        DamagedError: The file is incomplete, has no size, or is of a rare kind.
    """
    try:
        return _read(data)
    except (struct.error, IndexError, OverflowError) as error:  # an offset beyond the end
        raise DamagedError(f"the header is cut short: {error}") from error


def _read(data: bytes) -> tuple[Header, int]:
    boxes = read_boxes(data)
    names = [name for name, _, _ in boxes]
    if any(names.count(name) > 1 for name in _ONCE) or any(item_ids(data, boxes, kind) for kind in _RARE):
        raise DamagedError("the file is of a rare kind")
    if any(end > len(data) for _, end in few(items(data, boxes, _CODED))):
        raise DamagedError("the file is cut short")
    areas = {}
    for item, found in properties(data, boxes).items():
        sizes = [_size(data, name, start) for name, start, _ in found if name in (b"ispe", b"clap")]
        if any(name == b"ispe" for name, _, _ in found):
            areas[item] = max(width * height for width, height in sizes)
    for kind in (_CODED, *_DERIVED):
        if not item_ids(data, boxes, kind) <= areas.keys():
            raise DamagedError("a picture has no size")
    stated = [_size(data, name, start) for name, start, _ in boxes if name in (b"ispe", b"clap")]
    stated += [
        _canvas(data[start:end], before) for kind, before in _DERIVED.items() for start, end in items(data, boxes, kind)
    ]
    if not stated:
        raise DamagedError("no size is stated")
    width, height = max(stated, key=lambda size: size[0] * size[1])
    # libde265, libheif and pillow-heif need 6 bytes per usual pixel, 8 with more than 8 bits, and 10 with opacity.
    large = any(
        name == b"auxC" or (name == b"hvcC" and data[start + 16] & 3 > _CHROMA_4_2_0) for name, start, _ in boxes
    )
    return Header("HEIC", width, height, 1 + large), _pixels_of_parts(areas, _parts(data, boxes))


def _size(data: bytes, name: bytes, start: int) -> tuple[int, int]:
    if name == b"ispe":
        width, height = struct.unpack_from(">II", data, start + 4)
    else:  # a crop, with width and height as fractions
        width, per_width, height, per_height = struct.unpack_from(">4I", data, start)
        width, height = width // max(per_width, 1), height // max(per_height, 1)
    return width, height


def _canvas(content: bytes, before: int) -> tuple[int, int]:
    width, height = struct.unpack_from(">II" if content[1] & 1 else ">HH", content, before)
    return width, height


def _parts(data: bytes, boxes: list[Box]) -> dict[int, list[int]]:
    """Return the parts of each picture, including its opacity."""
    parts: dict[int, list[int]] = {}
    item_bytes, total = 2, 0
    for name, start, _ in boxes:
        if name == b"iref":
            item_bytes = 4 if data[start] else 2
        elif name in (b"dimg", b"auxl"):
            item, count = number(data, start, item_bytes), number(data, start + item_bytes, 2)
            total += count
            if total > _MOST_PARTS:
                raise DamagedError("there are too many parts")
            place = start + item_bytes + 2
            others = [number(data, place + step * item_bytes, item_bytes) for step in range(count)]
            if name == b"dimg":
                parts.setdefault(item, []).extend(others)
            else:
                for other in others:
                    parts.setdefault(other, []).append(item)
    return parts


def _pixels_of_parts(areas: dict[int, int], parts: dict[int, list[int]]) -> int:
    known: dict[int, int] = {}

    def pixels_of(item: int, depth: int) -> int:
        if depth > _DEPTH:
            raise DamagedError("a picture is made of itself, or of parts of parts of parts")
        if item not in known:
            inside = sum(pixels_of(part, depth + 1) for part in parts.get(item, ()))
            known[item] = areas.get(item, 0) + inside
        return known[item]

    return max((pixels_of(item, 0) for item in areas), default=0)

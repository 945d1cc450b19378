"""COCO keypoint results: the people of all photos in one JSON list."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, BinaryIO

from openpose_lab.formats.format import TableFormat

if TYPE_CHECKING:
    from estimation.layouts import Layout
    from openpose_lab.formats.record import Record


def image_ids(names: Sequence[str]) -> list[int]:
    """Return COCO's ids of photos.

    Args:
        names: The names of all photos, in the order of their records.

    Returns:
        The numbers in the names, as in COCO's 000000541055.jpg, if every name is a whole number and all numbers
        differ. Otherwise 1, 2, 3 and so on.
    """
    stems = [PurePath(name).stem for name in names]
    if all(re.fullmatch(r"[0-9]{1,18}", stem) for stem in stems):
        numbers = [int(stem) for stem in stems]
        if len(set(numbers)) == len(numbers):
            return numbers
    return list(range(1, len(names) + 1))


def _write(records: Iterable[Record], layout: Layout, file: BinaryIO, unit: str) -> None:
    """Write the people in pixels, also if ``unit`` is another unit, because COCO results have no other unit."""
    from openpose_lab.formats.coco import to_coco
    from openpose_lab.formats.points import best_first
    from openpose_lab.formats.tables import encodable

    separator = "["
    for record in records:
        image_id = record.index + 1 if record.image_id is None else record.image_id
        for person in to_coco(layout, best_first(record.skeletons), image_id):
            line = json.dumps({**person, "file_name": encodable(record.name)})
            file.write(f"{separator}{line}".encode())
            separator = ",\n"
    file.write(b"[]\n" if separator == "[" else b"]\n")


FORMAT = TableFormat("coco", "also write the people of all photos or frames as COCO results, in pixels", _write)

"""The table of keypoints as tidy CSV, one row per keypoint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from openpose_lab.formats.csv_rows import write_rows
from openpose_lab.formats.format import TableFormat
from openpose_lab.formats.units import UNITS, check_unit

if TYPE_CHECKING:
    from estimation.layouts import Layout
    from openpose_lab.formats.record import Record


def _write(records: Iterable[Record], layout: Layout, file: BinaryIO, unit: str) -> None:
    from openpose_lab.formats.tables import OF_PERSON

    check_unit(unit)
    header = [*OF_PERSON, "part", f"part_x_{UNITS[unit]}", f"part_y_{UNITS[unit]}", "part_score", "part_filled"]
    write_rows(file, header, (_keypoints(record, layout, unit) for record in records))


def _keypoints(record: Record, layout: Layout, unit: str) -> Iterator[tuple[Any, ...]]:
    """Yield one row for each present keypoint."""
    from openpose_lab.formats.tables import OF_PERSON, people_rows

    for row in people_rows(record, layout, unit):
        person, filled, keypoints = row[: len(OF_PERSON)], str(row[len(OF_PERSON)]).split(), row[len(OF_PERSON) + 1 :]
        for part, x, y, score in zip(layout.body_parts, keypoints[::3], keypoints[1::3], keypoints[2::3]):
            if x == x:  # NaN where the part is missing
                yield (*person, part, x, y, score, int(part in filled))


FORMAT = TableFormat("tidy-csv", "also write the keypoints of all people as CSV, one row per keypoint", _write)

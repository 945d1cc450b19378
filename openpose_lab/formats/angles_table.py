"""The table of joint angles as CSV, one row per person. docs/angles.md defines the angles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from openpose_lab.formats.csv_rows import write_rows
from openpose_lab.formats.format import TableFormat
from openpose_lab.formats.units import PIXELS

if TYPE_CHECKING:
    from estimation.layouts import Layout
    from openpose_lab.formats.record import Record

_DECIMALS = 2


def _write(records: Iterable[Record], layout: Layout, file: BinaryIO, unit: str) -> None:
    from estimation.angles import parts_of_angles
    from openpose_lab.formats.tables import OF_PERSON

    header = [*OF_PERSON, "filled_angles", *(f"{name}_deg" for name in parts_of_angles(layout))]
    write_rows(file, header, (_angles(record, layout) for record in records))


def _angles(record: Record, layout: Layout) -> Iterator[tuple[Any, ...]]:
    """Yield the row of each person. Angles do not depend on the unit of keypoints."""
    import numpy as np

    from estimation.angles import joint_angles, parts_of_angles
    from estimation.skeletons import FILLED
    from openpose_lab.formats.points import best_first
    from openpose_lab.formats.tables import OF_PERSON, people_rows

    skeletons = best_first(record.skeletons)
    rows = people_rows(record, layout, PIXELS)
    names, degrees = joint_angles(layout, skeletons.keypoints)
    needed = [[layout.body_parts.index(part) for part in parts] for parts in parts_of_angles(layout).values()]
    filled = skeletons.peak_ids == FILLED
    for row, measured, is_filled in zip(rows, np.round(degrees, _DECIMALS) + 0.0, filled):
        estimated = [name for name, parts in zip(names, needed) if is_filled[parts].any()]
        yield (*row[: len(OF_PERSON)], " ".join(estimated), *measured.tolist())


FORMAT = TableFormat("angles", "also write the joint angles of all people as CSV, one row per person", _write)

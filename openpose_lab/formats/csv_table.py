"""The table of people as CSV, one row per person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, BinaryIO

from openpose_lab.formats.csv_rows import write_rows
from openpose_lab.formats.format import TableFormat

if TYPE_CHECKING:
    from estimation.layouts import Layout
    from openpose_lab.formats.record import Record


def _write(records: Iterable[Record], layout: Layout, file: BinaryIO, unit: str) -> None:
    from openpose_lab.formats.tables import column_types, people_rows

    write_rows(file, column_types(layout, unit), (people_rows(record, layout, unit) for record in records))


FORMAT = TableFormat("csv", "also write the people of all photos or frames as CSV, one row per person", _write)

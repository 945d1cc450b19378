"""The table of people as CSV."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, BinaryIO

from openpose_lab.formats.format import TableFormat

if TYPE_CHECKING:
    from estimation.layouts import Layout
    from openpose_lab.formats.record import Record


def _write(records: Iterable[Record], layout: Layout, file: BinaryIO, unit: str) -> None:
    """Write UTF-8 without a byte order mark, which programs but Excel take for a part of the first column's name."""
    import csv
    import io

    from openpose_lab.formats.tables import column_types, people_columns
    from openpose_lab.spreadsheets import text_cell

    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column_types(layout, unit))
    file.write(text.getvalue().encode())
    for record in records:
        text.seek(0)
        text.truncate()
        for photo, *numbers in zip(*(column.tolist() for column in people_columns(record, layout, unit).values())):
            writer.writerow([text_cell(photo), *("" if number != number else number for number in numbers)])  # NaN
        file.write(text.getvalue().encode())


FORMAT = TableFormat("csv", "also write the people of all photos as CSV, one row a person", _write)

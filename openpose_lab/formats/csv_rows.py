"""Rows as CSV, for the formats that write it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, BinaryIO


def write_rows(file: BinaryIO, header: Iterable[str], blocks: Iterable[Iterable[Sequence[Any]]]) -> None:
    """Write a table as CSV, one block of rows after the other.

    The file is UTF-8 without a byte order mark, which programs but Excel take for a part of the first column's name.

    Args:
        file: the open file.
        header: the names of the columns.
        blocks: rows. Text that a spreadsheet would take for a formula gets an apostrophe; NaN is an empty cell.
    """
    import csv
    import io

    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for rows in chain([[list(header)]], blocks):
        writer.writerows(map(_cells, rows))
        file.write(text.getvalue().encode())
        text.seek(0)
        text.truncate()


def _cells(row: Sequence[Any]) -> list[Any]:
    from openpose_lab.spreadsheets import text_cell

    return [text_cell(value) if isinstance(value, str) else "" if value != value else value for value in row]

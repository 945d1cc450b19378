"""Write rows as CSV, for all formats that use CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, BinaryIO


def write_rows(file: BinaryIO, header: Iterable[str], blocks: Iterable[Iterable[Sequence[Any]]]) -> None:
    """Write a table as CSV, block by block.

    The file is UTF-8 without a byte order mark, because most programs would read the mark as part of the first column's
    name.

    Args:
        file: The open file.
        header: The names of the columns.
        blocks: Blocks of rows. Text that a spreadsheet would run as a formula gets an apostrophe in front. NaN becomes
            an empty cell.
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

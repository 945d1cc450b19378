"""The files that hold the people of all photos or frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from estimation.files import writing_whole
from openpose_lab.formats import FORMATS, TableFormat
from openpose_lab.formats.record import Record

if TYPE_CHECKING:
    from estimation.layouts import Layout


def write_tables(
    tables: Mapping[str, Path], records: Callable[[], Iterator[Record]], layout: Layout, unit: str
) -> None:
    """Write tables, each whole or not at all.

    Args:
        tables: The file of each table format, by the format's name.
        records: A function that returns an iterator over all records. It is called once per table.
        layout: The layout of the skeletons.
        unit: The unit of x and y.

    Raises:
        OpenPoseLabError: A file cannot be written.
    """
    for name, path in tables.items():
        one = FORMATS[name]
        assert isinstance(one, TableFormat)
        with writing_whole(path) as file:
            one.write(records(), layout, file, unit)

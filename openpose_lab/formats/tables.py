"""The table of people: the columns that CSV, Parquet and data frames share. A row is a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimation.layouts import Layout
from estimation.skeletons import FILLED
from openpose_lab.formats.points import DECIMALS, best_first, points
from openpose_lab.formats.record import Record
from openpose_lab.formats.units import UNITS, check_unit

OF_PERSON: dict[str, type] = {
    "photo": object,
    "index": np.int64,
    "timestamp_s": np.float64,
    "width_px": np.int64,
    "height_px": np.int64,
    "person": np.int64,
    "person_id": np.int64,
    "score": np.float64,
}
"""The columns that every table of people begins with, each with its dtype."""


def column_types(layout: Layout, unit: str) -> dict[str, type]:
    """Name the columns: those of the person, the filled parts, then x, y and score of each body part.

    Args:
        layout: the layout of the skeletons.
        unit: the unit of x and y, one of ``UNITS``.

    Returns:
        The dtype of each column by its name. Texts are objects.

    Raises:
        ValueError: no unit has the name.
    """
    check_unit(unit)
    of_part = (f"x_{UNITS[unit]}", f"y_{UNITS[unit]}", "score")
    of_parts = {f"{part}_{what}": np.float64 for part in layout.body_parts for what in of_part}
    return {**OF_PERSON, "filled": object, **of_parts}


def people_columns(record: Record, layout: Layout, unit: str) -> dict[str, NDArray[Any]]:
    """Make the rows of a photo, one a person, the surest first.

    Args:
        record: the photo's people.
        layout: the layout of the skeletons.
        unit: the unit of x and y, one of ``UNITS``.

    Returns:
        The columns of ``column_types`` by name, each (n,). NaN is a missing part, that a photo has no timestamp, or
        that no part was filled.

    Raises:
        ValueError: no unit has the name, or the skeletons have another layout.
    """
    types = column_types(layout, unit)
    people = replace(record, skeletons=best_first(record.skeletons))
    count, parts = people.skeletons.present.shape
    if parts != len(layout.body_parts):
        raise ValueError(f"the skeletons have {parts} body parts, but {layout.name} has {len(layout.body_parts)}")
    of_photo = encodable(people.name), people.index, people.timestamp, people.width, people.height
    of_person = np.arange(count), people.skeletons.person_ids, np.round(people.skeletons.person_scores, DECIMALS)
    filled = np.array([_names(layout, person) for person in people.skeletons.peak_ids == FILLED], dtype=object)
    cells = points(people, unit).reshape(count, 3 * parts)
    values = (*of_photo, *of_person, filled, *cells.T)
    return {name: np.full(count, value, dtype) for (name, dtype), value in zip(types.items(), values)}


def _names(layout: Layout, parts: NDArray[np.bool_]) -> str | float:
    """Join the names of body parts by spaces; NaN stands for none."""
    return " ".join(name for name, chosen in zip(layout.body_parts, parts) if chosen) or np.nan


def people_rows(record: Record, layout: Layout, unit: str) -> Iterator[tuple[Any, ...]]:
    """Give the rows of ``people_columns`` one after the other, as Python's own values."""
    return zip(*(column.tolist() for column in people_columns(record, layout, unit).values()))


def encodable(name: str) -> str:
    """Write what UTF-8 cannot hold, such as a byte of a file name that is no text, as an escape."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")

"""The columns that CSV, Parquet and data frames share. Each row is a person."""

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
"""The first columns of every table of people: the name -> the dtype."""


def column_types(layout: Layout, unit: str) -> dict[str, type]:
    """Return the columns: those of the person, the filled parts, then x, y and score of each body part.

    Args:
        layout: The layout of the skeletons.
        unit: The unit of x and y, one of ``UNITS``.

    Returns:
        The name of each column -> its dtype. Columns of text have the dtype object.

    Raises:
        ValueError: The unit is unknown.
    """
    check_unit(unit)
    of_part = (f"x_{UNITS[unit]}", f"y_{UNITS[unit]}", "score")
    of_parts = {f"{part}_{what}": np.float64 for part in layout.body_parts for what in of_part}
    return {**OF_PERSON, "filled": object, **of_parts}


def people_columns(record: Record, layout: Layout, unit: str) -> dict[str, NDArray[Any]]:
    """Return the rows of a photo, one per person, sorted by person score, highest first.

    Args:
        record: The photo's people.
        layout: The layout of the skeletons.
        unit: The unit of x and y, one of ``UNITS``.

    Returns:
        The name of each column of ``column_types`` -> its values, (n,). NaN stands for a missing part, a missing
        timestamp, or, in the column ``filled``, no filled part.

    Raises:
        ValueError: The unit is unknown, or the skeletons have another layout.
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
    """Join the names of the chosen body parts by spaces. Return NaN if no part is chosen."""
    return " ".join(name for name, chosen in zip(layout.body_parts, parts) if chosen) or np.nan


def people_rows(record: Record, layout: Layout, unit: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of ``people_columns``, with values of Python's own types."""
    return zip(*(column.tolist() for column in people_columns(record, layout, unit).values()))


def encodable(name: str) -> str:
    """Escape what UTF-8 cannot encode, such as an undecodable byte of a file name."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")

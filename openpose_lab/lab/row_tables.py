"""Rows of limbs or people as a small table with only the body parts that occur."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimation.config import COCO_18
from estimation.subset import MISSING, PARTS_NUM, SCORE, row_length

_MOST_ROWS = 12
_LETTERS = {"left": "l", "right": "r"}
_FIGURES = ("score", "parts")
_FIGURES_WIDTHS = (8, 5)  # letters


@dataclass(frozen=True)
class RowTable:
    """A table of several arrays of rows, one below the other, in the same columns.

    Attributes:
        parts: the short names of the body parts that occur.
        lines: for each line a title and its cells. The title is empty except on the first line of an array. The cells
            are those of ``parts``, then score and number of parts; or one text instead of cells.
        has_rows: whether the table shows an array of rows, so that its columns need names.
    """

    parts: list[str]
    lines: list[tuple[str, list[str] | str]]
    has_rows: bool

    def __str__(self) -> str:
        width = max((len(title) for title, _ in self.lines), default=0)
        lines = [" ".join(["", " " * width, *self.parts, "   score parts"]).rstrip()] if self.has_rows else []
        widths = (*map(len, self.parts), *_FIGURES_WIDTHS)
        for title, cells in self.lines:
            if not isinstance(cells, str):
                cells = " ".join(cell.rjust(width) for cell, width in zip(cells, widths))
            lines.append(f" {title.ljust(width)} {cells}")
        return "\n".join(lines)

    def to_html(self) -> str:
        """Return the table as HTML."""
        columns = ["", *self.parts, *_FIGURES]
        head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
        lines = [f"<thead><tr>{head}</tr></thead>"] if self.parts else []
        for title, cells in self.lines:
            if isinstance(cells, str):
                cells_html = f'<td colspan="{len(columns) - 1}" style="text-align: left">{html.escape(cells)}</td>'
            else:
                cells_html = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
            lines.append(f'<tr><th style="text-align: left">{html.escape(title.strip())}</th>{cells_html}</tr>')
        return f"<table>{''.join(lines)}</table>"


def make_table(titled: dict[str, Any], most: int | None = _MOST_ROWS) -> RowTable:
    """Make one table of several arrays of rows.

    Args:
        titled: rows (n, 20) by title, as a merge gets or returns them. Other values are described in words.
        most: the largest number of rows shown per array; None shows all.

    Returns:
        The table. Each array begins with its title.
    """
    arrays = {title: value for title, value in titled.items() if is_subset(value)}
    parts = len(COCO_18.body_parts)
    used = np.zeros(parts, dtype=bool)
    for value in arrays.values():
        used |= (value[:, :parts] != MISSING).any(axis=0)
    slots = np.flatnonzero(used).tolist()
    lines: list[tuple[str, list[str] | str]] = []
    for title, value in titled.items():
        found = _lines(value, most, slots) if title in arrays else [_in_words(value)]
        lines += zip([title, *[""] * len(found)], found)
    return RowTable([short_name(COCO_18.body_parts[slot]) for slot in slots], lines, bool(arrays))


def format_rows(titled: dict[str, Any], most: int | None = _MOST_ROWS) -> str:
    """Format several arrays of rows as text, as ``make_table`` does."""
    return str(make_table(titled, most))


def _lines(rows: Any, most: int | None, slots: list[int]) -> list[list[str] | str]:
    lines: list[list[str] | str] = []
    lines += [row_cells(row, slots) for row in rows[:most].tolist()]
    if len(rows) > len(lines):
        lines.append(f"and {len(rows) - len(lines)} more")
    return lines or ["no rows"]


def row_cells(row: Sequence[float] | NDArray[np.float64], slots: Sequence[int]) -> list[str]:
    """Format the ids of a row in some slots, its score and its number of parts. A dot means -1, no peak."""
    ids = ["." if row[slot] == MISSING else f"{row[slot]:g}" for slot in slots]
    score = "any" if np.isnan(row[SCORE]) else f"{row[SCORE]:.2f}" if abs(row[SCORE]) < 1e6 else f"{row[SCORE]:.3g}"
    return [*ids, score, f"{row[PARTS_NUM]:g}"]


def is_subset(value: Any) -> bool:
    """Return whether a value is an array (n, 20) of numbers, as a merge gets or returns."""
    is_numeric = isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype.kind in "iuf"
    return is_numeric and value.shape[1] == row_length(COCO_18)


def _in_words(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    return str(value) if isinstance(value, str) else "None" if value is None else f"a {type(value).__name__}"


def short_name(part: str) -> str:
    """Shorten a body part's name, such as left_elbow to ``l_elbow``, so that several names fit on a line."""
    return "_".join(_LETTERS.get(word, word) for word in part.split("_"))

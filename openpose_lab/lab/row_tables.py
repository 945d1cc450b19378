"""Rows as a small table for people to read: only the body parts that occur, with their names."""

from __future__ import annotations

from typing import Any

import numpy as np

from estimation.config import COCO_18
from estimation.subset import MISSING, PARTS_NUM, SCORE, row_length

_MOST_ROWS = 12
_LETTERS = {"left": "l", "right": "r"}


def format_rows(titled: dict[str, Any], most: int | None = _MOST_ROWS) -> str:
    """Format several arrays of rows below each other, in the same columns.

    Args:
        titled: rows (n, 20) by title, as a merge gets or returns them. Other values are described in words.
        most: rows of each array that are shown; None shows all.

    Returns:
        The lines, each array beginning with its title.
    """
    arrays = {title: value for title, value in titled.items() if is_subset(value)}
    parts = len(COCO_18.body_parts)
    used = np.zeros(parts, dtype=bool)
    for value in arrays.values():
        used |= (value[:, :parts] != MISSING).any(axis=0)
    slots = np.flatnonzero(used).tolist()
    width = max(map(len, titled))
    names = [_short(COCO_18.body_parts[slot]) for slot in slots]
    lines = [" ".join(["", " " * width, *names, "   score parts"]).rstrip()] if arrays else []
    for title, value in titled.items():
        if title in arrays:
            lines += _lines(title.ljust(width), value[:most], len(value), slots, names)
        else:
            lines.append(f" {title.ljust(width)} {_in_words(value)}")
    return "\n".join(lines)


def _lines(title: str, rows: Any, count: int, slots: list[int], names: list[str]) -> list[str]:
    lines = []
    for row in rows.tolist():
        ids = ["." if row[slot] == MISSING else f"{row[slot]:g}" for slot in slots]
        cells = [text.rjust(len(name)) for text, name in zip(ids, names)]
        score = "any" if np.isnan(row[SCORE]) else f"{row[SCORE]:.2f}" if abs(row[SCORE]) < 1e6 else f"{row[SCORE]:.3g}"
        lines.append(" ".join(["", title, *cells, f"{score:>8} {row[PARTS_NUM]:5g}"]))
        title = " " * len(title)
    if count > len(rows):
        lines.append(f" {title} and {count - len(rows)} more")
    return lines or [f" {title} no rows"]


def is_subset(value: Any) -> bool:
    """Whether a value is an array of rows (n, 20) of numbers, as a merge gets or returns them."""
    is_numeric = isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype.kind in "iuf"
    return is_numeric and value.shape[1] == row_length(COCO_18)


def _in_words(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    return str(value) if isinstance(value, str) else "None" if value is None else f"a {type(value).__name__}"


def _short(part: str) -> str:
    """``l_elbow`` for left_elbow, so that several fit on a line."""
    return "_".join(_LETTERS.get(word, word) for word in part.split("_"))

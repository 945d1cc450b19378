"""Tables of a benchmark: rows with names, times and notes, as text, as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from openpose_lab.benchmark.timing import Timing

Unit = Literal["ms", "s", "photos a second"]
_SHOWN = {"ms": "milliseconds", "s": "seconds", "photos a second": "photos a second"}


@dataclass(frozen=True)
class Row:
    """The measurement of one task.

    Attributes:
        names: The name of the task, one text for each of ``Table.columns``.
        timing: The times. None if the task could not be measured.
        count: The number of items that one run processes, such as photos.
        more: Further figures and notes: a text for some of ``Table.more``.
        figures: The further figures for other programs.
    """

    names: tuple[str, ...]
    timing: Timing | None
    count: int = 1
    more: dict[str, str] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """One part of the benchmark.

    Attributes:
        part: The name of the part, as ``--only`` takes it.
        title: The heading of the table.
        columns: The headings of the names of a row.
        unit: The unit of the printed figures.
        rows: The measurements.
        more: The headings of further figures.
        across: Whether the last name of a row is the heading of a column. Then rows that differ only in this name are
            one line.
        notes: Sentences below the table: how it was measured, and which tasks are left out.
    """

    part: str
    title: str
    columns: tuple[str, ...]
    unit: Unit
    rows: list[Row]
    more: tuple[str, ...] = ()
    across: bool = False
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[list[str]]:
        """Return the cells of the table, line by line. The first line is the head."""
        if not self.across:
            head = [*self.columns, f"{self.unit}, median", "10 to 90 %", *self.more]
            return [head, *([*row.names, *self._figures(row), *self._more(row)] for row in self.rows)]
        across = list(dict.fromkeys(row.names[-1] for row in self.rows))
        cells: dict[tuple[str, ...], dict[str, str]] = {}
        for row in self.rows:
            median, spread = self._figures(row)
            cells.setdefault(row.names[:-1], {})[row.names[-1]] = f"{median} ({spread})" if spread else median
        body = [[*names, *(found.get(one, "") for one in across)] for names, found in cells.items()]
        return [[*self.columns[:-1], *across], *body]

    def json(self) -> dict[str, Any]:
        """Return the part as JSON values for other programs. Times are in seconds."""
        return {
            "title": self.title,
            "notes": self.notes,
            "rows": [
                {
                    **dict(zip(self.columns, row.names)),
                    "count": row.count,
                    "seconds": None if row.timing is None else list(row.timing.seconds),
                    "median": None if row.timing is None else row.timing.median,
                    "low": None if row.timing is None else row.timing.low,
                    "high": None if row.timing is None else row.timing.high,
                    **row.figures,
                }
                for row in self.rows
            ],
        }

    def _figures(self, row: Row) -> tuple[str, str]:
        """Return the median and the spread (10 to 90 %) in the unit of the table."""
        if row.timing is None:
            return "not measured", ""
        low, median, high = (
            self._number(seconds, row.count) for seconds in (row.timing.low, row.timing.median, row.timing.high)
        )
        if self.unit == "photos a second":
            low, high = high, low
        return median, f"{low} to {high}"

    def _number(self, seconds: float, count: int) -> str:
        value = {"ms": 1000 * seconds, "s": seconds}.get(self.unit, count / max(seconds, 1e-9))
        return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"

    def _more(self, row: Row) -> list[str]:
        return [row.more.get(name, "") for name in self.more]


def as_text(table: Table) -> str:
    """Write a table for a terminal."""
    lines = table.lines()
    widths = [max(map(len, column)) for column in zip(*lines)]
    names = len(table.columns) - int(table.across)
    shown = [table.title + (f" ({_SHOWN[table.unit]})" if table.across else "")]
    shown += [_aligned(line, widths, names) for line in lines if table.rows]
    return "\n".join([*shown, *(f"  {note}" for note in table.notes)])


def _aligned(line: Sequence[str], widths: Sequence[int], names: int) -> str:
    cells = [
        cell.ljust(width) if number < names else cell.rjust(width)
        for number, (cell, width) in enumerate(zip(line, widths))
    ]
    return ("  " + "  ".join(cells)).rstrip()


def as_markdown(table: Table) -> str:
    """Write a table for a page of the docs."""
    lines = table.lines()
    shown = [f"### {table.title}", ""]
    if table.rows:
        head, *body = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
        shown += [head, "|" + " -- |" * len(lines[0]), *body, ""]
    if table.across:
        shown += [f"In {_SHOWN[table.unit]}: median (10 to 90 %).", ""]
    return "\n".join([*shown, *(f"- {note}" for note in table.notes)]).rstrip() + "\n"

"""The marks as a table for a spreadsheet, and a page for each student."""

from __future__ import annotations

import csv
import io
import re
import warnings
from pathlib import Path

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from estimation.files import write_whole
from openpose_lab.lab.grading.marking import Record
from openpose_lab.lab.grading.student_page import render_student_page
from openpose_lab.lab.merge_checks import CATEGORIES, NO_ANSWER

_LONGEST_CELL = 1000
_LONGEST_NAME = 150  # bytes, of a file
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(10))}
"""Names that Windows does not give to files."""
_MOST_ALIKE = 5  # are named in the table; the student's page has all


def marks_csv(records: list[Record], points: dict[str, float], alike: dict[str, dict[str, float]]) -> str:
    """The table: a line for each submission."""
    figures = list(dict.fromkeys(name for record in records for name in record.accuracy))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["student", "points", *CATEGORIES, *figures, "ms", "alike", "reason", "source"])
    for record in records:
        marks = {category: points[category] * share for category, share in record.shares().items()}
        writer.writerow(
            [
                plain(record.student),
                f"{sum(marks.values()):.1f}",
                *(f"{mark:.1f}" for mark in marks.values()),
                *(record.accuracy.get(name, "") for name in figures),
                "" if record.milliseconds is None else record.milliseconds,
                plain(_listed_alike(alike[record.student])),
                plain(reason(record)),
                plain(record.source),
            ]
        )
    return text.getvalue()


def _listed_alike(alike: dict[str, float]) -> str:
    """The most alike first, and no more than a few of them."""
    names = [f"{name} ({share:.2f})" for name, share in alike.items()]
    more = [f"and {len(names) - _MOST_ALIKE} more"] if len(names) > _MOST_ALIKE else []
    return "; ".join(names[:_MOST_ALIKE] + more)


def reason(record: Record) -> str:
    """Why there are not all points, in one sentence."""
    if record.problem:
        return record.problem
    telling = {name: told for name, told in record.failures.items() if told[0] != NO_ANSWER.sentence}
    for name, (sentence, _) in telling.items():
        others = f" (and {len(record.failures) - 1} more)" if len(record.failures) > 1 else ""
        return f"{name}: {sentence}{others}"
    return ""


def plain(text: str) -> str:
    """Text on one line that no spreadsheet takes for a formula, or finds too long."""
    text = " ".join(text.split())[:_LONGEST_CELL]
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def safe_names(students: list[str]) -> list[str]:
    """Students' names as file names on every system, no two alike."""
    names: list[str] = []
    for student in students:
        letters = re.sub(r"[^\w.() -]", "_", student).strip(" .")
        name = letters.encode("utf-8", "ignore")[:_LONGEST_NAME].decode("utf-8", "ignore") or "_"
        if name.split(".")[0].upper() in _DEVICES:
            name = f"_{name}"
        while name.lower() in (other.lower() for other in names):
            name += "_"
        names.append(name)
    return names


def write_pages(folder: Path, records: list[Record], points: dict[str, float]) -> None:
    """A page for each student. One that cannot be written is told, and the others are written all the same."""
    for record, name in zip(records, safe_names([record.student for record in records])):
        try:
            write_whole(folder / f"{name}.html", render_student_page(record, points).encode("utf-8", "replace"))
        except OpenPoseLabError as error:
            warnings.warn(str(error), OpenPoseLabWarning, stacklevel=2)

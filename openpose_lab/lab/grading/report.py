"""The marks as a table for a spreadsheet, and a page for each student."""

from __future__ import annotations

import csv
import io
import itertools
import re
import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from estimation.files import write_whole
from openpose_lab.lab.grading.likeness import LARGEST_COMPARED, Alike, decode, find_alike
from openpose_lab.lab.grading.marking import Record
from openpose_lab.lab.grading.student_page import render_student_page
from openpose_lab.lab.merge_checks import CATEGORIES, NO_ANSWER
from openpose_lab.spreadsheets import text_cell

NOT_COMPARED = f"not compared: the file is larger than {LARGEST_COMPARED // 1000} kB"
_LONGEST_CELL = 1000
_LONGEST_NAME = 150  # bytes, of a file
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(10))}
"""Names that Windows does not give to files."""


def marks_csv(records: list[Record], points: dict[str, float], alike: Mapping[str, Alike]) -> str:
    """Write the table.

    Args:
        records: of all students.
        points: the most points for each category.
        alike: by the ``labels`` of the records, the submissions that each is much like.

    Returns:
        CSV with a line for each student. No spreadsheet takes a cell for a formula, whichever separator it expects.
    """
    figures = list(dict.fromkeys(name for record in records for name in record.accuracy))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["id", "student", "points", *CATEGORIES, *figures, "ms", "alike", "reason", "note", "source"])
    for record, label in zip(records, labels(records)):
        marks = {category: points[category] * share for category, share in record.shares().items()}
        writer.writerow(
            [
                plain(record.id),
                plain(record.student),
                f"{sum(marks.values()):.1f}",
                *(f"{mark:.1f}" for mark in marks.values()),
                *(record.accuracy.get(name, "") for name in figures),
                "" if record.milliseconds is None else record.milliseconds,
                plain(NOT_COMPARED if record.prints == "" else _listed_alike(alike[label])),
                plain(reason(record)),
                plain(record.note),
                plain(record.source),
            ]
        )
    return text.getvalue()


def find_all_alike(records: list[Record]) -> dict[str, Alike]:
    """Find the submissions that each submission is much like.

    Args:
        records: of all students.

    Returns:
        By the ``labels`` of the records.
    """
    names = labels(records)
    prints = {name: decode(record.prints) if record.prints else None for name, record in zip(names, records)}
    return find_alike(prints, {name: record.source for name, record in zip(names, records)})


def labels(records: list[Record]) -> list[str]:
    """The students' names; with the ids, where several have one name."""
    often = Counter(record.student for record in records)
    return [one.student if often[one.student] == 1 else f"{one.student}, {one.id}" for one in records]


def _listed_alike(alike: Alike) -> str:
    """The most alike first, and no more than a few of them."""
    names = [f"{name} ({share:.2f})" for name, share in alike.best.items()]
    more = [f"and {alike.count - len(names)} more"] if alike.count > len(names) else []
    return "; ".join(names + more)


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
    return text_cell(" ".join(text.split())[:_LONGEST_CELL])


def safe_names(students: list[str]) -> list[str]:
    """Students' names as file names on every system, no two alike."""
    names: dict[str, str] = {}  # in small letters, and as they are
    for student in students:
        letters = re.sub(r"[^\w.() -]", "_", student).strip(" .")
        name = letters.encode("utf-8", "ignore")[:_LONGEST_NAME].decode("utf-8", "ignore") or "_"
        if name.split(".")[0].upper() in _DEVICES:
            name = f"_{name}"
        number = itertools.count(2)
        single = name
        while name.lower() in names:
            name = f"{single}_{next(number)}"
        names[name.lower()] = name
    return list(names.values())


def write_pages(folder: Path, records: list[Record], points: dict[str, float]) -> None:
    """Write a page for each student. A note names one that cannot be written."""
    for record, name in zip(records, safe_names(labels(records))):
        try:
            write_whole(folder / f"{name}.html", render_student_page(record, points).encode("utf-8", "replace"))
        except OpenPoseLabError as error:
            warnings.warn(str(error), OpenPoseLabWarning, stacklevel=2)

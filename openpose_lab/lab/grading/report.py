"""Writes the marks as a table for a spreadsheet, and as a page for each student."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import unicodedata
import warnings
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from estimation.files import write_whole
from openpose_lab.lab.grading.likeness import LARGEST_COMPARED, Alike, decode, find_alike
from openpose_lab.lab.grading.marking import Record
from openpose_lab.lab.grading.result import result_of
from openpose_lab.lab.grading.student_page import GENERATOR, render_student_page
from openpose_lab.lab.merge_checks import CATEGORIES, NO_ANSWER
from openpose_lab.spreadsheets import text_cell

NOT_COMPARED = f"not compared: the file is larger than {LARGEST_COMPARED // 1000} kB"
_LONGEST_CELL = 1000
_LONGEST_NAME = 150  # bytes of a file name
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(10))}
"""Names that Windows does not allow for files."""


def marks_csv(
    records: list[Record], points: dict[str, float], alike: Mapping[str, Alike], has_pages: bool = True
) -> str:
    """Write the table of marks as CSV.

    Args:
        records: the records of all students.
        points: the most points for each category.
        alike: the similar submissions of each student, by the ``labels`` of the records.
        has_pages: whether each student has a page, which the table then names.

    Returns:
        CSV with a line for each student. No spreadsheet reads a cell as a formula, whichever separator it expects.
    """
    figures = list(dict.fromkeys(name for record in records for name in record.accuracy))
    text = io.StringIO()
    writer = csv.writer(text)
    heads = ["alike", "reason", "note", "page", "source"]
    writer.writerow(["id", "student", "points", *CATEGORIES, *figures, "ms", *heads])
    for record, label, page in zip(records, labels(records), page_names(records)):
        result = result_of(record, points)
        writer.writerow(
            [
                plain(record.id),
                plain(record.student),
                result.points,
                *(category.points for category in result.categories),
                *(record.accuracy.get(name, "") for name in figures),
                "" if record.milliseconds is None else record.milliseconds,
                plain(NOT_COMPARED if record.prints == "" else _listed_alike(alike[label])),
                plain(reason(record)),
                plain(record.note),
                plain(page) if has_pages else "",
                plain(record.source),
            ]
        )
    return text.getvalue()


def marks_json(records: list[Record], points: Mapping[str, float], alike: Mapping[str, Alike]) -> str:
    """Write the results for other programs.

    Args:
        records: the records of all students.
        points: the most points for each category.
        alike: the similar submissions of each student, by the ``labels`` of the records.

    Returns:
        JSON Lines, one object per student.
    """
    lines = [
        json.dumps({**result_of(record, points).to_json(), "alike": dict(alike[label].best)})
        for record, label in zip(records, labels(records))
    ]
    return "".join(f"{line}\n" for line in lines)


def find_pairs(records: list[Record], alike: Mapping[str, Alike]) -> list[tuple[str, str, float]]:
    """Find the pairs of similar submissions.

    Args:
        records: the records of all students.
        alike: the similar submissions of each student, by the ``labels`` of the records.

    Returns:
        The labels and the likeness of each pair, the most similar first. If a submission is similar to many others,
        only its pairs with the most similar few are listed.
    """
    pairs: dict[frozenset[str], tuple[str, str, float]] = {}
    for label in labels(records):
        for other, share in alike[label].best.items():
            pairs.setdefault(frozenset({label, other}), (label, other, share))
    return sorted(pairs.values(), key=lambda pair: -pair[2])


def find_all_alike(records: list[Record]) -> dict[str, Alike]:
    """Find the similar submissions of each submission.

    Args:
        records: the records of all students.

    Returns:
        The similar submissions, by the ``labels`` of the records.
    """
    names = labels(records)
    prints = {name: decode(record.prints) if record.prints else None for name, record in zip(names, records)}
    return find_alike(prints, {name: record.source for name, record in zip(names, records)})


def labels(records: list[Record]) -> list[str]:
    """Return the students' names. If several share a name, the id is added."""
    often = Counter(record.student for record in records)
    return [one.student if often[one.student] == 1 else f"{one.student}, {one.id}" for one in records]


def _listed_alike(alike: Alike) -> str:
    """List the most similar submissions, and the number of the others."""
    names = [f"{name} ({share:.2f})" for name, share in alike.best.items()]
    more = [f"and {alike.count - len(names)} more"] if alike.count > len(names) else []
    return "; ".join(names + more)


def reason(record: Record) -> str:
    """Say in one sentence why points are missing. A failed check that waits for no other is named first."""
    if record.problem:
        return record.problem
    telling = [name for name, (sentence, _) in record.failures.items() if sentence != NO_ANSWER.sentence]
    if not telling:
        return ""
    name = next((name for name in telling if name not in record.waiting), telling[0])
    others = f" (and {len(record.failures) - 1} more)" if len(record.failures) > 1 else ""
    return f"{name}: {record.failures[name][0]}{others}"


def plain(text: str) -> str:
    """Put text on one line that no spreadsheet reads as a formula or finds too long."""
    return text_cell(" ".join(text.split())[:_LONGEST_CELL])


def safe_names(students: list[str]) -> list[str]:
    """Make unique file names of students' names, valid on every system.

    For some systems, names are equal if they differ only in capital letters or in the encoding of an accent.
    """
    names: dict[str, str] = {}  # the names by their form for comparison
    for student in students:
        letters = re.sub(r"[^\w.() -]", "_", unicodedata.normalize("NFC", student)).strip(" .")
        name = letters.encode("utf-8", "ignore")[:_LONGEST_NAME].decode("utf-8", "ignore") or "_"
        if name.split(".")[0].upper() in _DEVICES:
            name = f"_{name}"
        number = itertools.count(2)
        single = name
        while _compared(name) in names:
            name = f"{single}_{next(number)}"
        names[_compared(name)] = name
    return list(names.values())


def _compared(name: str) -> str:
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def page_names(records: list[Record]) -> list[str]:
    """Return a unique file name for each student's page."""
    return [f"{name}.html" for name in safe_names(labels(records))]


def write_pages(folder: Path, records: list[Record], points: dict[str, float]) -> None:
    """Write a page for each student, and remove pages of earlier runs. A note names a page that cannot be written."""
    names = page_names(records)
    for path in sorted(set(folder.glob("*.html")) - {folder / name for name in names}):
        with suppress(OSError):
            if path.is_file() and GENERATOR in path.read_bytes()[:1000].decode("utf-8", "replace"):
                path.unlink()
    for record, label, name in zip(records, labels(records), names):
        try:
            write_whole(folder / name, render_student_page(record, points, label).encode("utf-8", "replace"))
        except OpenPoseLabError as error:
            warnings.warn(str(error), OpenPoseLabWarning, stacklevel=2)

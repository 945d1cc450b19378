"""Writes the program's blocks of a report, as Markdown."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimation.config import COCO_18
from estimation.subset import MISSING, SCORE
from openpose_lab.lab.accuracy import read_photo_rows
from openpose_lab.lab.cases import HANDOUT
from openpose_lab.lab.merge_checks import CATEGORIES, CHECKS
from openpose_lab.lab.report.findings import Drawn, Findings
from openpose_lab.lab.row_tables import row_cells, short_name
from openpose_lab.sources import PhotoFile

_GROUPINGS = {
    "lab": "the project's own `merge`",
    "openpose_cpu": "as OpenPose on a CPU: limb by limb, greedy",
    "openpose_cuda": "as OpenPose on a GPU: all limbs in one list, best first",
    "hungarian": "each kind of limb matched by the Hungarian algorithm",
    "spanning_tree": "the paper's first relaxation: a tree of limbs",
    "best_first": "as PifPaf: person by person, from the peak with the highest score",
    "optimal": "the paper's equations 13 to 15 as an integer programme",
}
"""A description of each grouping that the report compares with the merge."""
_MOST_PEOPLE = 12
"""The most rows of an answer that are shown. The nine rows make one person."""
_MOST_NAME = 60  # the most characters of a picture's name


def make_blocks(found: Findings, pictures: Sequence[str]) -> dict[str, str]:
    """Write each block of the report.

    Args:
        found: The findings.
        pictures: The path of each photo's picture, relative to the report's folder.

    Returns:
        Markdown by the name of the block.
    """
    return {
        "subset": _subset(found),
        "pictures": _pictures(found.photos, pictures),
        "checks": _checks(found),
        "comparison": _comparison(found),
        "file": f"Made from `{_in_code(found.file)}`. Its SHA-256 begins with `{found.sha256[:16]}`.",
    }


def picture_names(photos: Sequence[PhotoFile]) -> list[str]:
    """Make a unique name for each photo's picture: the photo's name in letters, digits and hyphens."""
    names: list[str] = []
    for photo in photos:
        stem = "" if photo.path is None else photo.path.stem
        name = re.sub(r"[^\w]+", "-", stem).strip("-")[:_MOST_NAME] or "photo"
        taken = {other.casefold() for other in names}
        number = 2
        unique = name
        while f"{unique}.jpg".casefold() in taken:
            unique, number = f"{name}-{number}", number + 1
        names.append(f"{unique}.jpg")
    return names


def escaped(text: str) -> str:
    """Escape plain text for Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>!#|~&$])", r"\\\1", text)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Write a table in Markdown. All columns after the first ``left`` have numbers, aligned to the right."""
    rule = ["---" if number < left else "--:" for number in range(len(heads))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rule, *rows))


def became(row: NDArray[np.float64], answer: NDArray[Any]) -> str:
    """Return the person of an answer who has both peaks of a row, as text."""
    peaks = np.flatnonzero(row[:SCORE] != MISSING)
    people = np.flatnonzero((answer[:, peaks] == row[peaks]).all(axis=1)).tolist()
    return " and ".join(map(str, people)) or "none"


def shares(failures: Mapping[str, Any]) -> dict[str, float]:
    """Compute the share of each category's points, from 0 to 1, by the checks that students see.

    The grader counts in the same way, but also with its hidden checks.
    """
    found = {}
    for category in CATEGORIES:
        names = [check.name for check in CHECKS if check.category == category]
        found[category] = sum(name not in failures for name in names) / len(names)
    correct = found["correctness"]
    return {name: share if name == "correctness" else share * correct for name, share in found.items()}


def _subset(found: Findings) -> str:
    answer = None if found.answer is None else found.answer[:_MOST_PEOPLE]
    rows = [HANDOUT] if answer is None else [HANDOUT, answer]
    slots = np.flatnonzero((np.concatenate(rows)[:, :SCORE] != MISSING).any(axis=0)).tolist()
    heads = [*(short_name(COCO_18.body_parts[slot]) for slot in slots), "score", "parts"]
    given = [[str(number), *row_cells(row, slots)] for number, row in enumerate(HANDOUT)]
    text = "Before: the nine rows of the handout. Numbers are ids of peaks. A dot means -1, no peak."
    went = "The last column names the person of the answer who has both peaks of the row."
    if found.answer is None or answer is None:
        problem = escaped(found.problem or found.fault or "merge returned no answer")
        return f"{text}\n\n{table(['row', *heads], given)}\n\n**After: missing.** {problem}"
    given = [[*cells, became(row, found.answer)] for cells, row in zip(given, HANDOUT)]
    lines = [f"{text} {went}", table(["row", *heads, "person"], given)]
    people = [[str(number), *row_cells(row, slots)] for number, row in enumerate(answer)]
    lines.append(f"After: the {_count(len(found.answer), 'row')} that `merge` returns.")
    lines += [table(["person", *heads], people)] if people else []
    if len(found.answer) > len(answer):
        lines.append(f"The report leaves out {_count(len(found.answer) - len(answer), 'more row')}.")
    lines += [f"**This answer is wrong:** {escaped(found.fault)}"] if found.fault else []
    return "\n\n".join(lines)


def _pictures(photos: Sequence[Drawn], files: Sequence[str]) -> str:
    lines = [_picture(drawn, file) for drawn, file in zip(photos, files) if drawn.picture is not None]
    for problem in dict.fromkeys(drawn.problem for drawn in photos if drawn.picture is None):
        names = ", ".join(escaped(drawn.name) for drawn in photos if drawn.problem == problem)
        lines.append(f"**No picture of {names}.** {escaped(problem or '')}")
    return "\n\n".join(lines)


def _picture(drawn: Drawn, file: str) -> str:
    name = escaped(drawn.name)
    people = "1 person" if drawn.people == 1 else f"{drawn.people} people"
    parts = f"{drawn.parts} of {drawn.people * len(COCO_18.body_parts)} parts"
    became_them = f"{_count(drawn.rows, 'row')} of limbs became {people} with {parts}"
    picture = f"![{name} with the skeletons of {people}]({file})"
    return f"{picture}\n\n{name}: {became_them}. Grouping took {_milliseconds(drawn.milliseconds)}."


def _checks(found: Findings) -> str:
    if found.problem:
        return f"**Checks: missing.** {escaped(found.problem)}"
    rows = []
    of_shares = shares(found.failures)
    for category in CATEGORIES:
        names = [check.name for check in CHECKS if check.category == category]
        passed = sum(name not in found.failures for name in names)
        rows.append([category, f"{passed} of {len(names)}", f"{100 * of_shares[category]:.0f} %"])
    lines = [
        table(["category", "checks passed", "share of points"], rows),
        "The share of points follows from these checks. Categories other than correctness are scaled by the "
        "correctness score. The grader also runs hidden checks, so its points can differ.",
    ]
    if found.not_graded:
        lines.append(f"**No points:** {escaped(found.not_graded)}")
    failed = [check for check in CHECKS if check.name in found.failures and check.name not in found.waiting]
    if failed:
        waiting = f"; {len(found.waiting)} more can pass only after these" if found.waiting else ""
        lines.append(f"{_count(len(failed), 'check')} failed{waiting}.")
        told = [(check, found.failures[check.name].sentence) for check in failed]
        lines.append("\n".join(f"- {check.category}, {escaped(check.name)}: {escaped(why)}" for check, why in told))
    return "\n\n".join(lines)


def _comparison(found: Findings) -> str:
    photos = read_photo_rows()
    what = f"{sum(map(len, photos.rows))} rows of limbs from {len(photos.rows)} photos of crowds"
    ranked = [(figure, name, _GROUPINGS.get(name, "")) for name, figure in photos.figures.items()]
    if found.f1 is not None:
        ranked.append((found.f1, "**this merge**", ""))
    ranked.sort(key=lambda one: -one[0])
    lines = [
        f"F1 of the pairs of parts that each grouping puts into one person, on {what}. 1 is the best. "
        "With few photos, small differences are not significant.",
        table(["grouping", "what it does", "F1"], [[name, gloss, f"{f1:.3f}"] for f1, name, gloss in ranked], left=2),
    ]
    if found.f1 is None or found.milliseconds is None:
        lines.append("**This merge is missing** in the table, because an answer is missing or breaks the contract.")
    else:
        usual = f"the project's own `merge` takes about {_milliseconds(found.usual_milliseconds or 0)}"
        system = f"{platform.system()} {platform.machine()}, Python {sys.version_info.major}.{sys.version_info.minor}"
        lines.append(f"Time for all these rows: {_milliseconds(found.milliseconds)}; {usual} here ({escaped(system)}).")
    return "\n\n".join(lines)


def _milliseconds(value: float) -> str:
    return f"{value:.1f} ms" if value < 10 else f"{value:.0f} ms"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _in_code(name: str) -> str:
    return PurePath(name).name.replace("`", "'")

"""The result of one submission: points by category, and the result of each check.

The table, the student's page, JSON and Gradescope's file all show this value, so their points cannot differ.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openpose_lab.lab.grading.marking import ALL_CHECKS, ALL_HIDDEN, Record
from openpose_lab.lab.merge_checks import CATEGORIES

_HIDDEN_NAMES = frozenset(check.name for check in ALL_HIDDEN)


@dataclass(frozen=True)
class CheckResult:
    """The result of one check.

    Attributes:
        name: the name of the check.
        hidden: whether the check is hidden from students.
        passed: whether the submission passes the check. A submission with a problem passes none.
        sentence: the reason for the failure; empty if the check passed or was not run.
        rows: the rows of the failure as a table of several lines, or an empty text.
        waits_for: the more basic check that this one waits for; empty if it waits for none.
    """

    name: str
    hidden: bool
    passed: bool
    sentence: str = ""
    rows: str = ""
    waits_for: str = ""

    @property
    def waiting_sentence(self) -> str:
        """A sentence about the check that this one waits for; empty if it waits for none."""
        if not self.waits_for:
            return ""
        return f"This check can pass only after the check “{self.waits_for}”."


@dataclass(frozen=True)
class CategoryResult:
    """The results of one category.

    Attributes:
        name: one of ``CATEGORIES``.
        points: the points, rounded to a tenth.
        most: the most points.
        checks: the visible checks, then the hidden ones.
    """

    name: str
    points: float
    most: float
    checks: tuple[CheckResult, ...]

    def counts(self, hidden: bool | None = None) -> tuple[int, int]:
        """Count the passed checks, and all checks. ``hidden`` selects hidden or visible checks; None selects all."""
        chosen = [check.passed for check in self.checks if hidden in (None, check.hidden)]
        return sum(chosen), len(chosen)


@dataclass(frozen=True)
class Result:
    """The result of one submission.

    Attributes:
        student: the student's name.
        id: the student's id, from the system or the name of the file.
        source: the place of the submission.
        note: other facts about the submission.
        problem: the reason why no check was run; None if checks were run.
        points: the points of all categories, rounded to a tenth.
        most: the most points.
        categories: the results by category, in the order of ``CATEGORIES``.
        accuracy: accuracy figures on photos, by name.
        milliseconds: the time for the rows of all photos; None if they were not timed.
    """

    student: str
    id: str
    source: str
    note: str
    problem: str | None
    points: float
    most: float
    categories: tuple[CategoryResult, ...]
    accuracy: Mapping[str, float] = field(default_factory=dict)
    milliseconds: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values, as docs/lab_instructor.md describes them."""
        return {
            "id": self.id,
            "student": self.student,
            "source": self.source,
            "note": self.note,
            "problem": self.problem,
            "points": self.points,
            "max_points": self.most,
            "categories": [
                {
                    "name": category.name,
                    "points": category.points,
                    "max_points": category.most,
                    "checks": [
                        {
                            "name": check.name,
                            "hidden": check.hidden,
                            "passed": check.passed,
                            "reason": check.sentence,
                            "rows": check.rows,
                            "waits_for": check.waits_for,
                        }
                        for check in category.checks
                    ],
                }
                for category in self.categories
            ],
            "accuracy": {name: figure if math.isfinite(figure) else None for name, figure in self.accuracy.items()},
            "milliseconds": self.milliseconds,
        }


def result_of(record: Record, points: Mapping[str, float]) -> Result:
    """Compute the points of a submission.

    Args:
        record: the record of the submission.
        points: the most points for each category.

    Returns:
        The result.
    """
    exact = {category: points[category] * share for category, share in record.shares().items()}
    return Result(
        record.student,
        record.id,
        record.source,
        record.note,
        record.problem,
        round(sum(exact.values()), 1),
        sum(points.values()),
        tuple(
            CategoryResult(
                category,
                round(exact[category], 1),
                points[category],
                tuple(_check(check.name, record) for check in ALL_CHECKS if check.category == category),
            )
            for category in CATEGORIES
        ),
        record.accuracy,
        record.milliseconds,
    )


def _check(name: str, record: Record) -> CheckResult:
    passed = not record.problem and name not in record.failures
    sentence, rows = record.failures.get(name, ("", ""))
    return CheckResult(name, name in _HIDDEN_NAMES, passed, sentence, rows, record.waiting.get(name, ""))

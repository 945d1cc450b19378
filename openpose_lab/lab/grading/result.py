"""One submission's result: points by category, and what each check came to.

The table, the student's page, JSON and Gradescope's file show this one value, so their points cannot differ.
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
    """What one check came to.

    Attributes:
        name: the check's name.
        hidden: whether students do not see the check.
        passed: whether the submission passes it. No check of a submission with a problem passes.
        sentence: why it failed; empty if it passed, or was not made.
        rows: the rows concerned as a table of several lines, or an empty text.
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
        """The check that this one waits for, in a sentence; empty if it waits for none."""
        if not self.waits_for:
            return ""
        return f"waits for the check “{self.waits_for}”: while that one fails, this one cannot pass"


@dataclass(frozen=True)
class CategoryResult:
    """What the checks of one category came to.

    Attributes:
        name: one of ``CATEGORIES``.
        points: rounded to a tenth.
        most: the most points.
        checks: the checks that students see, then the hidden ones.
    """

    name: str
    points: float
    most: float
    checks: tuple[CheckResult, ...]

    def counts(self, hidden: bool | None = None) -> tuple[int, int]:
        """Count the checks that passed, and all of them. ``hidden``: only the hidden ones, or only the others."""
        chosen = [check.passed for check in self.checks if hidden in (None, check.hidden)]
        return sum(chosen), len(chosen)


@dataclass(frozen=True)
class Result:
    """What one submission came to.

    Attributes:
        student: the name.
        id: the student's id, as the system or the name of the file states it.
        source: where the submission was found.
        note: other facts about it.
        problem: why nothing could be checked; None if it was.
        points: of all categories, rounded to a tenth.
        most: the most points.
        categories: in the order of ``CATEGORIES``.
        accuracy: figures on photos, by name.
        milliseconds: for the rows of all photos; None if they were not timed.
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
        record: what came of it.
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

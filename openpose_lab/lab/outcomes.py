"""The outcome of a merge's checks, and what changed since the last outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from estimation.grouping.contract import Failure
from openpose_lab.lab.row_tables import format_rows


@dataclass(frozen=True)
class Outcome:
    """The outcome of a merge's checks.

    Attributes:
        failures: the failures by check name.
        waiting: the more basic check, by the name of each failed check that waits for it.
        not_graded: the reason, in one sentence, why the grader would refuse the file; None if it would accept it.
    """

    failures: Mapping[str, Failure] = field(default_factory=dict)
    waiting: Mapping[str, str] = field(default_factory=dict)
    not_graded: str | None = None

    @property
    def own(self) -> list[str]:
        """The names of the failed checks that wait for no other."""
        return [name for name in self.failures if name not in self.waiting]

    @property
    def and_waiting(self) -> str:
        """The number of waiting checks as the end of a sentence; empty if no check waits."""
        count = len(self.waiting)
        return f", and {count} {'wait' if count > 1 else 'waits'} for a more basic one" if count else ""


@dataclass(frozen=True)
class Changes:
    """The names of the checks that changed from one outcome to the next.

    Attributes:
        passing: failed or waited, and pass now.
        failing: passed, and fail now.
        due: waited for a more basic one, and fail now.
        otherwise: failed, and fail now with another explanation.
        waiting: passed or failed, and wait for a more basic one now.
    """

    passing: list[str] = field(default_factory=list)
    failing: list[str] = field(default_factory=list)
    due: list[str] = field(default_factory=list)
    otherwise: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)


def find_changes(before: Outcome, after: Outcome) -> Changes:
    """Find the checks that changed from one outcome to the next."""
    changes = Changes([name for name in before.failures if name not in after.failures])
    for name, failure in after.failures.items():
        if name in after.waiting:
            if name not in before.waiting:
                changes.waiting.append(name)
        elif name not in before.failures:
            changes.failing.append(name)
        elif name in before.waiting:
            changes.due.append(name)
        elif _told(failure) != _told(before.failures[name]):
            changes.otherwise.append(name)
    return changes


def _told(failure: Failure) -> str:
    """Return all text that students see of a failure."""
    return "\n".join([failure.sentence, *([format_rows(failure.rows, None)] if failure.rows else [])])

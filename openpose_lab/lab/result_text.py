"""The result of a merge's checks as text, for a terminal. ``result_html`` has the same for a notebook."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from estimation.grouping.contract import Failure
from estimation.subset import MISSING
from openpose_lab.lab.cases import HANDOUT
from openpose_lab.lab.merge_checks import CATEGORIES, CHECKS, MergeCheck
from openpose_lab.lab.outcomes import Outcome
from openpose_lab.lab.results import Figures, Result
from openpose_lab.lab.row_tables import RowTable, format_rows, is_subset, make_table
from openpose_lab.lab.steps import next_check

MORE = "--all tells how"
"""How to see the failures that are only named, in the program."""
NOT_MEASURED = "not measured, as there is an answer that breaks the contract"
_WIDTH = 110
_THIS = "this merge"
_NAMES = {"lab": "the project's merge"}


def format_result(result: Result, all_of_them: bool = False, more: str = MORE) -> str:
    """Format the failures, the score, what became of the handout's rows, and the figures.

    Args:
        result: of the checks.
        all_of_them: whether every failure is told, not only the simplest of each category.
        more: how to see the others.

    Returns:
        The lines.
    """
    failures, waiting = result.outcome.failures, result.outcome.waiting
    text = format_failures(failures, waiting, all_of_them, result.checks, more)
    text += format_score(failures, waiting, result.checks)
    if table := table_of_handout(result.of_handout.value):
        text += f"\nwhat became of the handout's rows:\n{table}\n"
    return text + (format_figures(result.figures) if result.figures else "")


def format_failures(
    failures: Mapping[str, Failure],
    waiting: Mapping[str, str],
    all_of_them: bool,
    checks: Sequence[MergeCheck] = CHECKS,
    more: str = MORE,
) -> str:
    """Format what went wrong, with the rows concerned. Checks that wait for a more basic one are only counted.

    Args:
        failures: the failures by the checks' names.
        waiting: the more basic check by the name of each check that waits for it.
        all_of_them: whether every failure is told, not only the simplest of each category.
        checks: the checks that were run.
        more: how to see the failures that are only named.

    Returns:
        The lines.
    """
    lines: list[str] = []
    for category in CATEGORIES:
        names = simplest_first(failures, waiting, category, checks)
        for name in names if all_of_them else names[:1]:
            lines += [f"{category}: {name}", format_failure(failures[name])]
            if others := count_waiting(name, waiting):
                lines.append(f"  {others}")
            lines.append("")
        if len(names) > 1 and not all_of_them:
            rest = f"also failed: {', '.join(names[1:])} ({more})"
            lines += [textwrap.fill(rest, _WIDTH, subsequent_indent="  "), ""]
        for name in _sorted(failures, category, checks) if all_of_them else ():
            if name in waiting:
                lines += [f"{category}: {name}", f"  waits for: {waiting[name]}"]
                lines += [format_failure(failures[name])] if failures[name].judged else []
                lines.append("")
    return "".join(f"{line}\n" for line in lines)


def simplest_first(
    failures: Mapping[str, Failure], waiting: Mapping[str, str], category: str, checks: Sequence[MergeCheck]
) -> list[str]:
    """The names of a category's failed checks that wait for no other one, the one with the fewest rows first.

    The check to correct first, of which hints are given, comes before them.
    """
    first = next_check(Outcome(failures, waiting))
    names = [name for name in _sorted(failures, category, checks) if name not in waiting]
    return sorted(names, key=lambda name: name != first)


def _sorted(failures: Mapping[str, Failure], category: str, checks: Sequence[MergeCheck]) -> list[str]:
    failed = [check for check in checks if check.category == category and check.name in failures]
    return [check.name for check in sorted(failed, key=lambda check: (check.random, _size(failures[check.name])))]


def _size(failure: Failure) -> float:
    """The number of rows concerned; no rows at all show little."""
    return len(failure.rows.get("given", ())) or math.inf


def count_waiting(name: str, waiting: Mapping[str, str]) -> str:
    """How many checks wait for one, in words; empty if none does."""
    count = list(waiting.values()).count(name)
    return f"{count} other {'checks wait' if count > 1 else 'check waits'} for this one" if count else ""


def format_failure(failure: Failure) -> str:
    """Format what is wrong, and the rows concerned."""
    text = textwrap.fill(failure.sentence, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    return f"{text}\n{textwrap.indent(format_rows(failure.rows), '  ')}" if failure.rows else text


def format_score(
    failures: Mapping[str, Failure], waiting: Mapping[str, str], checks: Sequence[MergeCheck] = CHECKS
) -> str:
    """Format how many checks of each category are passed, and what those wait for that can only pass later."""
    lines = []
    for category, passed, count, note in score(failures, waiting, checks):
        lines.append(f"{category:12} {passed:2} of {count:2}{note and f'   {note}'}\n")
    return "".join(lines)


def score(
    failures: Mapping[str, Failure], waiting: Mapping[str, str], checks: Sequence[MergeCheck]
) -> list[tuple[str, int, int, str]]:
    """Each category, how many of its checks are passed, how many there are, and a note."""
    lines = []
    for category in CATEGORIES:
        names = [check.name for check in checks if check.category == category]
        failed = [name for name in names if name in failures]
        note = f"waits for: {waiting.get(failed[0])}" if failed else ""
        if not waiting.keys() >= set(failed):
            note = "<- not yet"
        lines.append((category, len(names) - len(failed), len(names), note))
    return lines


def table_of_handout(people: Any) -> RowTable | None:
    """The handout's rows with what became of each, and the people. None if the answer has no people."""
    if not is_subset(people):
        return None
    slots = range(HANDOUT.shape[1] - 2)
    went = []
    for row in HANDOUT:
        peaks = [(slot, row[slot]) for slot in slots if row[slot] != MISSING]
        of = [number for number, person in enumerate(people) if all(person[slot] == peak for slot, peak in peaks)]
        went.append(f"person {of[0]}" if of else "nobody")
    titles = [f"row {number} -> {who}" for number, who in enumerate(went)]
    titles += [f"person {number}" for number in range(len(people))]
    return make_table(dict(zip(titles, (row[np.newaxis] for row in (*HANDOUT, *people)))))


def format_figures(figures: Figures) -> str:
    """Format how right a merge is on real rows and how fast, beside others."""
    lines = ["", title_of(figures)]
    if figures.f1 is None:
        lines.append(f"  {NOT_MEASURED}")
    else:
        lines += [f"  {name:19} {figure:.3f}{'   <-' if own else ''}" for name, figure, own in ranked(figures)]
        lines.append(format_time(figures))
    return "".join(f"{line}\n" for line in lines)


def title_of(figures: Figures) -> str:
    """What the figures are."""
    return f"{figures.rows} rows of {figures.photos} real photos: F1 of the pairs of parts put together"


def ranked(figures: Figures) -> list[tuple[str, float, bool]]:
    """Name and F1 of each grouping, the best first, and whether it is the merge that was checked."""
    all_of_them = {**figures.others, _THIS: figures.f1 or 0.0}
    return [
        (_NAMES.get(name, name), figure, name == _THIS)
        for name, figure in sorted(all_of_them.items(), key=lambda item: -item[1])
    ]


def format_time(figures: Figures) -> str:
    """How fast a merge is."""
    return (
        f"time for all of them: {figures.milliseconds:.0f} ms; "
        f"the project's own merge takes about {figures.others_milliseconds:.0f} ms here"
    )

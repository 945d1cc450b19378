"""The result of a merge's checks as text for a terminal. ``result_html`` makes the same for a notebook."""

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

MORE = "--all shows them"
"""How to see, in the program, the failures that are only named."""
NOT_MEASURED = "not measured, because an answer breaks the contract"
TITLE_OF_HANDOUT = "the handout's rows, and the person that each belongs to"
_WIDTH = 110
_THIS = "this merge"
_NAMES = {"lab": "the project's merge"}


def format_result(result: Result, all_of_them: bool = False, more: str = MORE) -> str:
    """Format the failures, the score, the person of each of the handout's rows, and the figures.

    Args:
        result: the result of the checks.
        all_of_them: whether to show every failure, and not only the simplest of each category.
        more: the sentence that says how to see the other failures.

    Returns:
        The lines.
    """
    failures, waiting = result.outcome.failures, result.outcome.waiting
    text = format_failures(failures, waiting, all_of_them, result.checks, more)
    text += format_score(failures, waiting, result.checks)
    if table := table_of_handout(result.of_handout.value):
        text += f"\n{TITLE_OF_HANDOUT}:\n{table}\n"
    return text + (format_figures(result.figures) if result.figures else "")


def format_failures(
    failures: Mapping[str, Failure],
    waiting: Mapping[str, str],
    all_of_them: bool,
    checks: Sequence[MergeCheck] = CHECKS,
    more: str = MORE,
) -> str:
    """Format the failures and their rows. Checks that wait for a more basic one are only counted.

    Args:
        failures: the failures by check name.
        waiting: the more basic check, by the name of each check that waits for it.
        all_of_them: whether to show every failure, and not only the simplest of each category.
        checks: the checks that were run.
        more: the sentence that says how to see the failures that are only named.

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
    """Return the names of a category's failed checks that wait for no other, sorted by the number of rows.

    The check to correct first, which the hints are about, comes before the others.
    """
    first = next_check(Outcome(failures, waiting))
    names = [name for name in _sorted(failures, category, checks) if name not in waiting]
    return sorted(names, key=lambda name: name != first)


def _sorted(failures: Mapping[str, Failure], category: str, checks: Sequence[MergeCheck]) -> list[str]:
    failed = [check for check in checks if check.category == category and check.name in failures]
    return [check.name for check in sorted(failed, key=lambda check: (check.random, _size(failures[check.name])))]


def _size(failure: Failure) -> float:
    """Return the number of rows of a failure. A failure without rows comes last, because it shows little."""
    return len(failure.rows.get("given", ())) or math.inf


def count_waiting(name: str, waiting: Mapping[str, str]) -> str:
    """Say how many checks wait for one; return an empty text for none."""
    count = list(waiting.values()).count(name)
    return f"{count} other {'checks wait' if count > 1 else 'check waits'} for this one" if count else ""


def format_failure(failure: Failure) -> str:
    """Format the sentence and the rows of a failure."""
    text = textwrap.fill(failure.sentence, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    return f"{text}\n{textwrap.indent(format_rows(failure.rows), '  ')}" if failure.rows else text


def format_score(
    failures: Mapping[str, Failure], waiting: Mapping[str, str], checks: Sequence[MergeCheck] = CHECKS
) -> str:
    """Format how many checks of each category pass, and which check the failed ones wait for."""
    lines = []
    for category, passed, count, note in score(failures, waiting, checks):
        lines.append(f"{category:12} {passed:2} of {count:2}{note and f'   {note}'}\n")
    return "".join(lines)


def score(
    failures: Mapping[str, Failure], waiting: Mapping[str, str], checks: Sequence[MergeCheck]
) -> list[tuple[str, int, int, str]]:
    """Return each category, the number of its checks that pass, the number of its checks, and a note."""
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
    """Make a table of the handout's rows, the person of each, and the people. None if the answer is not a subset."""
    if not is_subset(people):
        return None
    slots = range(HANDOUT.shape[1] - 2)
    went = []
    for row in HANDOUT:
        peaks = [(slot, row[slot]) for slot in slots if row[slot] != MISSING]
        of = [number for number, person in enumerate(people) if all(person[slot] == peak for slot, peak in peaks)]
        went.append(f"person {of[0]}" if of else "no person")
    titles = [f"row {number} -> {who}" for number, who in enumerate(went)]
    titles += [f"person {number}" for number in range(len(people))]
    return make_table(dict(zip(titles, (row[np.newaxis] for row in (*HANDOUT, *people)))))


def format_figures(figures: Figures) -> str:
    """Format a merge's accuracy and time on real rows, beside other groupings."""
    lines = ["", title_of(figures)]
    if figures.f1 is None:
        lines.append(f"  {NOT_MEASURED}")
    else:
        lines += [f"  {name:19} {figure:.3f}{'   <-' if own else ''}" for name, figure, own in ranked(figures)]
        lines.append(format_time(figures))
    return "".join(f"{line}\n" for line in lines)


def title_of(figures: Figures) -> str:
    """Say what the figures measure."""
    return f"{figures.rows} rows of {figures.photos} real photos: F1 of the pairs of parts in one person"


def ranked(figures: Figures) -> list[tuple[str, float, bool]]:
    """Return name and F1 of each grouping, best first, and whether it is the checked merge."""
    all_of_them = {**figures.others, _THIS: figures.f1 or 0.0}
    return [
        (_NAMES.get(name, name), figure, name == _THIS)
        for name, figure in sorted(all_of_them.items(), key=lambda item: -item[1])
    ]


def format_time(figures: Figures) -> str:
    """Say how fast a merge is."""
    return (
        f"time for all rows: {figures.milliseconds:.0f} ms; "
        f"the project's own merge takes about {figures.others_milliseconds:.0f} ms here"
    )

"""The result of a merge's checks as HTML for a notebook: the content of ``result_text``, with the longer parts folded.

The notebook's own colours apply, light or dark. The HTML has no style sheet and no script, because a notebook that is
not trusted removes both.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from estimation.grouping.contract import Failure
from openpose_lab.lab.merge_checks import CATEGORIES
from openpose_lab.lab.result_text import (
    NOT_MEASURED,
    TITLE_OF_HANDOUT,
    count_waiting,
    format_time,
    ranked,
    score,
    simplest_first,
    table_of_handout,
    title_of,
)
from openpose_lab.lab.results import Figures, Result
from openpose_lab.lab.row_tables import make_table

_LEFT = ' style="text-align: left"'


def result_html(result: Result, ending: str) -> str:
    """Make HTML of a result.

    Args:
        result: the result of the checks.
        ending: the sentence that sums it up.

    Returns:
        One HTML element. All texts in it are escaped.
    """
    failures, waiting = result.outcome.failures, result.outcome.waiting
    parts = [f"<p><b>{'✗' if failures or result.outcome.not_graded else '✓'} {escape(ending)}</b></p>"]
    for category in CATEGORIES:
        names = simplest_first(failures, waiting, category, result.checks)
        told = [_failure(category, name, failures[name], count_waiting(name, waiting)) for name in names]
        parts += told[:1]
        if told[1:]:
            parts.append(_folded(f"also failed: {', '.join(names[1:])}", "".join(told[1:])))
    lines = [
        (category, f"{passed} of {count}", note.replace("<-", "←"))
        for category, passed, count, note in score(failures, waiting, result.checks)
    ]
    parts.append(_table(lines))
    if table := table_of_handout(result.of_handout.value):
        parts.append(_folded(TITLE_OF_HANDOUT, table.to_html()))
    parts.append(_figures(result.figures) if result.figures else "")
    return f"<div>{''.join(parts)}</div>"


def _failure(category: str, name: str, failure: Failure, waiting: str) -> str:
    rows = make_table(failure.rows).to_html() if failure.rows else ""
    more = f"<p>{escape(waiting)}</p>" if waiting else ""
    return f"<p><b>{escape(category)}: {escape(name)}</b><br>{escape(failure.sentence)}</p>{rows}{more}"


def _figures(figures: Figures) -> str:
    title = escape(title_of(figures))
    if figures.f1 is None:
        return f"<p>{title}<br>{escape(NOT_MEASURED)}</p>"
    lines = [(name, f"{figure:.3f}", "←" if own else "") for name, figure, own in ranked(figures)]
    return f"<p>{title}</p>{_table(lines)}<p>{escape(format_time(figures))}</p>"


def _table(lines: Iterable[tuple[Any, ...]]) -> str:
    rows = ("".join(f"<td{_LEFT}>{escape(cell)}</td>" for cell in line) for line in lines)
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _folded(summary: str, content: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"

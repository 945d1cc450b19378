"""Renders a student's mark as a page: points by category, and each failure with its rows."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from openpose_lab.lab.grading.marking import Record
from openpose_lab.lab.grading.result import CategoryResult, Result, result_of

GENERATOR = '<meta name="generator" content="openpose-lab grade">'
"""The tag that marks a page as written by this program."""

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; }
th, td { padding: .25rem .9rem .25rem 0; text-align: left; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
pre { overflow-x: auto; padding: .6rem; border: 1px solid #8886; border-radius: .3rem; font-size: .85rem; }
h3 { margin-bottom: .2rem; }
.passed { opacity: .6; }
"""


def render_student_page(record: Record, points: Mapping[str, float], label: str = "") -> str:
    """Render a student's mark as one HTML page without further files.

    The page shows the rows of the hidden checks and names no other student.

    Args:
        record: the result of the submission.
        points: the most points for each category.
        label: the title, which is unique among the pages; by default the student's name.

    Returns:
        The HTML text.
    """
    result, title = result_of(record, points), label or record.student
    body = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(result.id)}: {escape(result.source)}</p>",
        f"<p><strong>{result.points:.1f}</strong> of {result.most:g} points</p>",
        *_format_points(result),
    ]
    if result.problem:
        body.append(f"<p>No check was run: {escape(result.problem)}</p>")
    if result.note:
        body.append(f"<p>Note: {escape(result.note)}</p>")
    for name, figure in result.accuracy.items():
        body.append(f"<p>{escape(name)} on photos: {figure:.3f}</p>")
    if result.milliseconds is not None:
        body.append(f"<p>Time for the rows of all photos: {result.milliseconds:.0f} ms</p>")
    for category in result.categories:
        body += _failures(category)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">{GENERATOR}'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _format_points(result: Result) -> list[str]:
    rows = []
    for category in result.categories:
        passed, checks = category.counts()
        rows.append(
            f'<tr><td>{category.name}</td><td class="number">{passed} of {checks} checks</td>'
            f'<td class="number">{category.points:.1f} of {category.most:g}</td></tr>'
        )
    return ["<table>", *rows, "</table>"]


def _failures(category: CategoryResult) -> list[str]:
    told = [check for check in category.checks if check.sentence]
    lines = [f"<h2>{category.name}</h2>"] if told else []
    for check in told:
        lines += [f"<h3>{escape(check.name)}</h3>", f"<p>{escape(check.sentence)}</p>"]
        lines += [f"<p>{escape(check.waiting_sentence)}</p>"] if check.waits_for else []
        lines += [f"<pre>{escape(check.rows)}</pre>"] if check.rows else []
    return lines

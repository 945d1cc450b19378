"""A student's mark as a page: points by category, and each failure with the rows concerned."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from openpose_lab.lab.grading.marking import ALL_CHECKS, Record
from openpose_lab.lab.merge_checks import CATEGORIES

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


def render_student_page(record: Record, points: Mapping[str, float]) -> str:
    """Render a student's mark as one HTML page without further files.

    The page shows the rows of the hidden checks and names no other student.

    Args:
        record: the result of the submission.
        points: the most points for each category.

    Returns:
        The HTML text.
    """
    shares = record.shares()
    total, most = sum(points[name] * shares[name] for name in CATEGORIES), sum(points.values())
    body = [
        f"<h1>{escape(record.student)}</h1>",
        f"<p>{escape(record.id)}: {escape(record.source)}</p>",
        f"<p><strong>{total:.1f}</strong> of {most:g} points</p>",
        *_format_points(record, points),
    ]
    if record.problem:
        body.append(f"<p>Nothing could be checked: {escape(record.problem)}</p>")
    if record.note:
        body.append(f"<p>Note: {escape(record.note)}</p>")
    for name, figure in record.accuracy.items():
        body.append(f"<p>{escape(name)} on photos: {figure:.3f}</p>")
    if record.milliseconds is not None:
        body.append(f"<p>Time for the rows of all photos: {record.milliseconds:.0f} ms</p>")
    for category in CATEGORIES:
        body += _failures(record, category)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(record.student)}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _format_points(record: Record, points: Mapping[str, float]) -> list[str]:
    rows = []
    for category, share in record.shares().items():
        checks = [check.name for check in ALL_CHECKS if check.category == category]
        passed = 0 if record.problem else sum(name not in record.failures for name in checks)
        rows.append(
            f'<tr><td>{category}</td><td class="number">{passed} of {len(checks)} checks</td>'
            f'<td class="number">{points[category] * share:.1f} of {points[category]:g}</td></tr>'
        )
    return ["<table>", *rows, "</table>"]


def _failures(record: Record, category: str) -> list[str]:
    failed = [check.name for check in ALL_CHECKS if check.category == category and check.name in record.failures]
    lines = [f"<h2>{category}</h2>"] if failed else []
    for name in failed:
        sentence, rows = record.failures[name]
        lines += [f"<h3>{escape(name)}</h3>", f"<p>{escape(sentence)}</p>"]
        lines += [f"<pre>{escape(rows)}</pre>"] if rows else []
    return lines

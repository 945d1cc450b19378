"""Renders a submission's result as Gradescope's results.json. See gradescope-autograders.readthedocs.io, "specs".

Gradescope shows "visible" tests at once, and "after_due_date" tests later. It shows the output and the leaderboard at
once, so these hold nothing about the hidden checks.
"""

from __future__ import annotations

import json
import math
from typing import Any

from openpose_lab.lab.grading.result import CategoryResult, CheckResult, Result

_VISIBLE, _LATER = "visible", "after_due_date"
_TEXT = "text"  # plain text, so that Gradescope renders no HTML or Markdown of a submission
_ADVICE = "Hand in one file, merge.py, that defines the function merge."


def render_results(result: Result) -> bytes:
    """Render a result for Gradescope.

    Args:
        result: the result of one submission.

    Returns:
        The content of results.json. Its score is the points that ``openpose-lab grade`` gives.
    """
    tests = []
    for number, category in enumerate(result.categories, 1):
        tests += _tests(category, number, checked=not result.problem)
    if result.problem:
        tests.insert(0, _failed("The file can be checked", result.problem))
        output = f"No check was run: {result.problem}. {_ADVICE}"
    else:
        counts = [category.counts(hidden=False) for category in result.categories]
        passed, all_of_them = (sum(count) for count in zip(*counts))
        output = (
            f"{passed} of the {all_of_them} checks that you can run yourself with check-merge pass. "
            f"The points also depend on hidden checks, and appear after the due date."
        )
    if result.note:
        output += f"\nNote: {result.note}"
    return _encode({"score": result.points, "output": output, "tests": tests, "leaderboard": _leaderboard(result)})


def render_failure(sentence: str) -> bytes:
    """Render a results.json without a result, for an error of the autograder.

    Args:
        sentence: what happened and what to do.

    Returns:
        The content of results.json.
    """
    return _encode({"score": 0.0, "output": sentence, "tests": [_failed("The autograder can mark this", sentence)]})


def _encode(results: dict[str, Any]) -> bytes:
    results = {**results, "output_format": _TEXT, "stdout_visibility": "hidden"}
    text = json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "replace")  # an error message may hold half a character, which is not valid JSON


def _failed(name: str, output: str) -> dict[str, Any]:
    return {"name": name, "status": "failed", "output": output, "output_format": _TEXT, "visibility": _VISIBLE}


def _tests(category: CategoryResult, number: int, checked: bool) -> list[dict[str, Any]]:
    """Return the test of a category's points, then the tests of its checks."""
    own, hidden = category.counts(hidden=False), category.counts(hidden=True)
    points = {
        "name": f"Points: {category.name}",
        "number": str(number),
        "score": category.points,
        "max_score": category.most,
        "output": (
            f"{own[0]} of {own[1]} checks that you can run yourself pass"
            + (f", and {hidden[0]} of {hidden[1]} hidden checks" if hidden[1] else "")
            + ("" if category.name == "correctness" else "; the points are scaled by the correctness score")
        ),
        "output_format": _TEXT,
        "tags": [category.name],
        "visibility": _LATER,
    }
    checks = enumerate(category.checks if checked else (), 1)
    return [points, *(_test(check, category.name, f"{number}.{place}") for place, check in checks)]


def _test(check: CheckResult, category: str, number: str) -> dict[str, Any]:
    output = check.waiting_sentence or "\n".join(filter(None, (check.sentence, check.rows)))
    return {
        "name": f"{category}: {check.name}",
        "number": number,
        "status": "passed" if check.passed else "failed",
        **({"output": output, "output_format": _TEXT} if output else {}),
        "tags": [category],
        "visibility": _LATER if check.hidden else _VISIBLE,
    }


def _leaderboard(result: Result) -> list[dict[str, Any]]:
    """Return accuracy and time, measured on rows that students have."""
    rows: list[dict[str, Any]] = [
        {"name": name, "value": round(figure, 3), "order": "desc"}
        for name, figure in result.accuracy.items()
        if math.isfinite(figure)
    ]
    if result.milliseconds is not None:
        rows.append({"name": "Time (ms)", "value": result.milliseconds, "order": "asc"})
    return rows

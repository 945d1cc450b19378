"""The figures of a comparison of groupings, as printed tables and as CSV."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator

import numpy as np

from openpose_lab.evaluation.comparison import Result, Sweep, sweeps
from openpose_lab.evaluation.defaults import listed

COLUMNS = {
    "AP": ".3f",
    "AR": ".3f",
    "F1": ".3f",
    "conflicts": ".1f",
    "people": ".1f",
    "ms median": ".2f",
    "ms 95%": ".2f",
}
CSV_COLUMNS = ("kind", "scenes", "crowd", "overlap", "grouping", *COLUMNS, "ms slowest", "gap")


def format_tables(results: list[Result]) -> Iterator[str]:
    """Format the tables. Yield each as one text."""
    photos = [result for result in results if result.scene_set.kind == "photos"]
    if photos:
        yield format_figures(photos[0].scene_set.title, {result.grouping: result.figures for result in photos}, COLUMNS)
    by_overlap = sweeps(results, "overlap")
    for sweep in [sweep for sweep in by_overlap if len(sweep.by_value) > 1] or by_overlap:
        yield _means(sweep)
        if len(sweep.by_value) > 1:
            yield _by_value(f"F1 by overlap, {sweep.fixed}", sweep, "F1")
    for sweep in sweeps(results, "people"):
        if len(sweep.by_value) > 1:
            yield _by_value(f"F1 by people, {sweep.fixed}", sweep, "F1")
            yield _by_value(f"milliseconds by people (median), {sweep.fixed}", sweep, "ms median")
    for result in results:
        if (gap := result.figures.get("gap", 0)) > 1e-6:
            yield (
                f"{result.grouping}, {result.scene_set.title}: stopped at the time limit; the objective is at most "
                f"{gap:.2%} below the optimum"
            )


def _means(sweep: Sweep) -> str:
    """Format a table of means over all overlaps. Groupings without results at every overlap are left out."""
    figures: dict[str, list[dict[str, float]]] = {}
    for result in itertools.chain.from_iterable(sweep.by_value.values()):
        figures.setdefault(result.grouping, []).append(result.figures)
    rows = {
        name: {column: float(np.mean([one[column] for one in found])) for column in COLUMNS if column in found[0]}
        for name, found in figures.items()
        if len(found) == len(sweep.by_value)
    }
    scenes = len(next(iter(sweep.by_value.values()))[0].scene_set.scenes)
    each, means = (" each", ": means") if len(sweep.by_value) > 1 else ("", "")
    return format_figures(
        f"{sweep.fixed}, overlap {listed(tuple(sweep.by_value))}, {scenes} crowds{each}{means}", rows, COLUMNS
    )


def _by_value(title: str, sweep: Sweep, column: str) -> str:
    """Format a table of one figure, with a column for each value of the number that differs."""
    rows: dict[str, dict[str, float]] = {}
    for value, found in sweep.by_value.items():
        for result in found:
            if column in result.figures:
                rows.setdefault(result.grouping, {})[f"{value:g}"] = result.figures[column]
    return format_figures(title, rows, {f"{value:g}": COLUMNS[column] for value in sweep.by_value})


def format_figures(title: str, rows: dict[str, dict[str, float]], formats: dict[str, str]) -> str:
    """Format figures in columns under their headings.

    Args:
        title: The first line.
        rows: The figures of each grouping, by column.
        formats: The format of each column's figures.

    Returns:
        The lines. A missing figure is "-".
    """
    lines = [["grouping", *formats]]
    for name, figures in rows.items():
        cells = (format(figures[column], form) if column in figures else "-" for column, form in formats.items())
        lines.append([name, *cells])
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    laid_out = ("  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) for line in lines)
    return "\n".join([title, *laid_out])


def figures_csv(results: list[Result]) -> bytes:
    """Write all figures of all groupings on all sets of scenes as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS)
    writer.writeheader()
    for result in results:
        kind = result.scene_set
        where = {"kind": kind.kind, "scenes": len(kind.scenes), "crowd": kind.people, "overlap": kind.overlap}
        figures = {column: f"{figure:.6g}" for column, figure in result.figures.items()}
        writer.writerow({**where, "grouping": result.grouping, **figures})
    return text.getvalue().encode()

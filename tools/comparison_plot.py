"""A picture of how groupings compare."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from estimation.errors import OpenPoseLabError
from tools.comparison import PERFECT, Result, sweep

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PLOT_TYPES = (".png", ".svg", ".pdf")
_MARKERS = "osD^vPX*<>"
_PANEL_INCHES, _LEGEND_INCHES = 4.6, 1.6
_DPI = 110


class Style(NamedTuple):
    """How a grouping is drawn in all panels."""

    color: str
    marker: str


def check_plot_type(path: Path) -> None:
    """Raise OpenPoseLabError if the name of ``path`` asks for no format that a plot can have."""
    if path.suffix.lower() not in PLOT_TYPES:
        raise OpenPoseLabError(f"cannot write {path}: the name of a plot must end in one of {' '.join(PLOT_TYPES)}")


def plot(results: list[Result], path: Path) -> bytes:
    """Accuracy against time on photos, accuracy against overlap, time against people: what there is, side by side.

    path: where it is to be written to, whose name decides the format.
    """
    from matplotlib.figure import Figure  # half a second that only this takes

    names = list(dict.fromkeys(result.grouping for result in results if result.grouping != PERFECT))
    styles = {name: Style(f"C{k % 10}", _MARKERS[k % len(_MARKERS)]) for k, name in enumerate(names)}
    panels = _panels(results)
    figure = Figure((_PANEL_INCHES * len(panels) + _LEGEND_INCHES, _PANEL_INCHES), layout="constrained")
    for axes, draw in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels):
        draw(axes, styles)
        axes.grid(alpha=0.3)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center")
    data = io.BytesIO()
    figure.savefig(data, format=path.suffix.lower()[1:], dpi=_DPI)
    return data.getvalue()


def _panels(results: list[Result]) -> list[Callable[[Axes, dict[str, Style]], None]]:
    """What is to be drawn."""
    photos = [result for result in results if result.scene_set.kind == "photos"]
    by_overlap, by_people = sweep(results, "overlap"), sweep(results, "people")
    panels: list[Callable[[Axes, dict[str, Style]], None]] = []
    if photos:
        panels.append(partial(_against_time, photos, "AP"))
    if len(by_overlap) > 1:
        people = next(iter(by_overlap.values()))[0].scene_set.people
        panels.append(partial(_lines, by_overlap, "F1", f"overlap of {people} people", "F1 of pairs of parts"))
    if len(by_people) > 1:
        overlap = next(iter(by_people.values()))[0].scene_set.overlap
        panels.append(
            partial(_lines, by_people, "ms median", f"people, at overlap {overlap:g}", "milliseconds, median")
        )
    if by_overlap and len(by_overlap) == len(by_people) == 1:
        panels.append(partial(_against_time, next(iter(by_overlap.values())), "F1"))
    return panels


def _against_time(results: list[Result], column: str, axes: Axes, styles: dict[str, Style]) -> None:
    """A point for each grouping: up is better, left is faster."""
    for result in results:
        if result.grouping == PERFECT:
            axes.axhline(result.figures[column], color="grey", linestyle=":", label=f"{PERFECT} grouping")
        else:
            style = styles[result.grouping]._asdict()
            axes.plot(
                result.figures["ms median"],
                result.figures[column],
                linestyle="",
                label=_short(result.grouping),
                **style,
            )
    axes.set(title=results[0].scene_set.title, xlabel="milliseconds, median", ylabel=column, xscale="log")


def _lines(
    by_value: dict[float, list[Result]], column: str, xlabel: str, ylabel: str, axes: Axes, styles: dict[str, Style]
) -> None:
    """A line for each grouping."""
    for name, style in styles.items():
        points = [
            (value, result.figures[column])
            for value, found in by_value.items()
            for result in found
            if result.grouping == name
        ]
        axes.plot(*zip(*points), label=_short(name), **style._asdict())
    if column.startswith("ms"):
        axes.set(xscale="log", yscale="log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter("{x:g}")
    axes.set(title=f"{ylabel} by {xlabel.split()[0].strip(',')}", xlabel=xlabel, ylabel=ylabel)


def _short(name: str) -> str:
    """A grouping's name, or that of its file alone."""
    return Path(name).name

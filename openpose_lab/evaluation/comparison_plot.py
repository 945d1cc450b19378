"""A picture that compares groupings."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from estimation.errors import OpenPoseLabError
from estimation.grouping import GROUPINGS
from openpose_lab.evaluation.comparison import PERFECT, Result, Sweep, sweeps

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PLOT_TYPES = (".png", ".svg", ".pdf")
_MARKERS = "osD^vPX*<>"
_PANEL_INCHES, _LEGEND_INCHES = 4.6, 1.6
_DPI = 110
_LOG_RATIO = 20  # if the slowest and the fastest time differ by less, the scale is linear
_LONGEST_LABEL = 24


class Style(NamedTuple):
    """The style of a grouping, the same in all panels."""

    color: str
    marker: str
    linestyle: str


def check_plot_type(path: Path) -> None:
    """Raise OpenPoseLabError if the name of ``path`` ends in none of ``PLOT_TYPES``."""
    if path.suffix.lower() not in PLOT_TYPES:
        raise OpenPoseLabError(f"cannot write {path}: the name of a plot must end in one of {' '.join(PLOT_TYPES)}")


def plot(results: list[Result], path: Path) -> bytes:
    """Plot accuracy against time on photos, accuracy against overlap, and time against people, side by side.

    Panels without results are left out.

    Args:
        results: The results of all groupings.
        path: The file that will be written. Its name decides the format.

    Returns:
        The content of the file.
    """
    from matplotlib.figure import Figure  # imported here, because it takes half a second

    names = list(dict.fromkeys(result.grouping for result in results if result.grouping != PERFECT))
    styles = {
        name: Style(f"C{k % 10}", _MARKERS[k % len(_MARKERS)], "-" if name in GROUPINGS else "--")
        for k, name in enumerate(names)
    }
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
    """Return a function for each panel, which draws it."""
    photos = [result for result in results if result.scene_set.kind == "photos"]
    by_overlap, by_people = sweeps(results, "overlap"), sweeps(results, "people")
    panels: list[Callable[[Axes, dict[str, Style]], None]] = []
    if photos:
        panels.append(partial(_against_time, photos, "AP"))
    if by_overlap and len(by_overlap[0].by_value) > 1:
        panels.append(partial(_lines, by_overlap[0], "F1", "overlap", "F1 of pairs of parts"))
    if by_people and len(by_people[0].by_value) > 1:
        panels.append(partial(_lines, by_people[0], "ms median", "people", "milliseconds, median"))
    if by_overlap and len(by_overlap[0].by_value) == len(by_people[0].by_value) == 1:
        panels.append(partial(_against_time, next(iter(by_overlap[0].by_value.values())), "F1"))
    return panels


def _against_time(results: list[Result], column: str, axes: Axes, styles: dict[str, Style]) -> None:
    """Draw a point for each grouping. Higher is better, and further left is faster."""
    for result in results:
        if result.grouping == PERFECT:
            axes.axhline(result.figures[column], color="grey", linestyle=":", label=f"{PERFECT} grouping")
        else:
            style = styles[result.grouping]._asdict() | {"linestyle": ""}
            axes.plot(result.figures["ms median"], result.figures[column], label=_short(result.grouping), **style)
    axes.set(title=results[0].scene_set.title, xlabel="milliseconds, median", ylabel=column)
    times = [result.figures["ms median"] for result in results if result.grouping != PERFECT]
    if times and max(times) > _LOG_RATIO * min(times):
        _make_log(axes, "x")


def _lines(sweep: Sweep, column: str, varied: str, ylabel: str, axes: Axes, styles: dict[str, Style]) -> None:
    """Draw a line for each grouping."""
    for name, style in styles.items():
        found = {
            value: [result for result in there if result.grouping == name] for value, there in sweep.by_value.items()
        }
        points = [(value, result.figures[column]) for value, there in found.items() for result in there]
        if points:
            axes.plot(*zip(*points), label=_short(name), **style._asdict())
    axes.set(title=f"{ylabel}, by {varied}", xlabel=f"{varied}, at {sweep.fixed}", ylabel=ylabel)
    if column.startswith("ms"):
        _make_log(axes, "xy")


def _make_log(axes: Axes, which: str) -> None:
    """Set a logarithmic scale with plain numbers."""
    for name in which:
        axes.set(**{f"{name}scale": "log"})
        getattr(axes, f"{name}axis").set_major_formatter("{x:g}")


def _short(name: str) -> str:
    """Return a grouping's name. Shorten a long name or path to its end."""
    return name if len(name) <= _LONGEST_LABEL else "..." + name[-_LONGEST_LABEL:]

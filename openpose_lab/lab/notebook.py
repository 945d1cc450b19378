"""The functions of the lab's notebook: peaks and limbs of a photo, and checks and film of a ``merge`` from a cell.

Each function returns a value. A notebook shows it as a picture, a table or a page, and a terminal as text.
docs/lab.ipynb uses all of them.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.errors import OpenPoseLabError
from estimation.files import write_whole
from estimation.grouping import GroupingLike, load_grouping
from estimation.grouping.plugin import LIMITS
from estimation.photo_arrays import as_photo
from estimation.photos import read_photo
from estimation.pipeline import Estimate, estimate_people
from estimation.quality import DEFAULT_QUALITY, choose_views
from estimation.subset import limb_rows
from openpose_lab.lab.cases import Case
from openpose_lab.lab.hints import HINTS, find_checks, hints_for
from openpose_lab.lab.one_case import ALL_CASES, expected_rows, find_cases, limits_of
from openpose_lab.lab.pictures import Canvas, Picture
from openpose_lab.lab.result_html import result_html
from openpose_lab.lab.result_text import format_result
from openpose_lab.lab.results import Result, check_file
from openpose_lab.lab.row_tables import RowTable, is_subset, make_table
from openpose_lab.lab.sandbox.limits import Limits
from openpose_lab.lab.steps import next_check
from openpose_lab.lab.this_process import NOT_TRIED, check_here
from openpose_lab.paths import sample_photo

if TYPE_CHECKING:
    from openpose_lab.lab.explain.data import Told
    from openpose_lab.networks.network import LoadedNetwork

__all__ = ["case", "case_names", "check", "explain", "hint", "look", "show_rows"]

_MORE = "print(check(merge).text(all_of_them=True)) shows them"
_FRAME_HEIGHT = 820  # pixels of the page's frame
Merge = Callable[..., Any]


class CheckResult:
    """The result of the checks and the measures of a merge, as a notebook shows it.

    Attributes:
        result: the failures and figures.
        passed: whether every check passes.
    """

    def __init__(self, result: Result, in_sandbox: bool) -> None:
        self.result, self._in_sandbox = result, in_sandbox
        self.passed = not result.outcome.failures and not result.outcome.not_graded

    def __repr__(self) -> str:
        return self.text()

    def text(self, all_of_them: bool = False) -> str:
        """Format the result for a terminal.

        Args:
            all_of_them: whether to show every failure, and not only the simplest of each category.

        Returns:
            The lines that ``check-merge`` prints, and a sentence that sums them up.
        """
        body = format_result(self.result, all_of_them, _MORE)
        return "\n".join([body, self._ending(), *([self._not_tried()] if self.passed and not self._in_sandbox else [])])

    def _repr_html_(self) -> str:
        shown = result_html(self.result, self._ending())
        return shown if self._in_sandbox or not self.passed else f"{shown}<p>{html.escape(self._not_tried())}</p>"

    def _ending(self) -> str:
        outcome, count = self.result.outcome, len(self.result.checks)
        if not outcome.failures:
            return outcome.not_graded or f"All {count} checks pass."
        return f"{len(outcome.own)} of {count} checks failed{outcome.and_waiting}."

    def _not_tried(self) -> str:
        names = " and ".join(f'"{name}"' for name in NOT_TRIED)
        return f"Not run in the notebook: {names}. check-merge and the grader run them."


def check(merge: Merge | str | Path) -> CheckResult:
    """Check a merge, and measure it on the rows of real photos.

    A function runs in this process, and nothing stops it. If a loop never ends, interrupt the kernel. ``check`` counts
    printed characters and does not show them, because a merge must print nothing. To see prints and to stop at
    breakpoints, call ``merge(case("peak 0").rows)`` in a cell.

    Args:
        merge: the function, or the path of a Python file or notebook with it. A file runs in the sandbox, as with
            ``check-merge``.

    Returns:
        The result. It also shows a merge that fails or breaks the contract, without raising an error.

    Raises:
        OpenPoseLabError: ``merge`` is not a function, or its file cannot be loaded.
    """
    if isinstance(merge, str | Path):
        return CheckResult(check_file(Path(merge), Limits()), in_sandbox=True)
    if not callable(merge):
        raise OpenPoseLabError("check needs the function merge, or the path of a Python file with it")
    grouping = load_grouping(merge)
    if grouping.door != "merge":
        raise OpenPoseLabError("check needs a function merge(subset), but this one is a group(candidates, ...)")
    return CheckResult(check_here(grouping, Limits()), in_sandbox=False)


class ShownHint:
    """A hint, in a notebook and in a terminal."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def __repr__(self) -> str:
        return "\n".join(self._lines)

    def _repr_html_(self) -> str:
        return "".join(f"<p>{html.escape(line)}</p>" for line in self._lines)


_hints_given: dict[str, int] = {}
"""The number of hints given for each check since the notebook's kernel started."""


def hint(merge: Merge | str | Path, name: str | None = None) -> ShownHint:
    """Give a hint for a failed check. Each check has three hints, and each call gives the next one.

    Args:
        merge: as in ``check``.
        name: the name of the check, or a part of it. By default, the check to correct first.

    Returns:
        The failure, and the hint.

    Raises:
        OpenPoseLabError: The name means no check or several, or ``merge`` is not a function or file.
    """
    named = [] if name is None else find_checks(name)
    if name is not None and len(named) != 1:
        which = f"{len(named)} checks have" if named else "no check has"
        raise OpenPoseLabError(f"{which} {name!r} in the name; these are: {', '.join(named or HINTS)}")
    outcome = check(merge).result.outcome
    for passed in _hints_given.keys() - outcome.failures.keys():
        del _hints_given[passed]
    chosen = named[0] if named else next_check(outcome)
    if chosen is None:
        return ShownHint(["All checks pass, so no hint is needed."])
    if chosen not in outcome.failures:
        return ShownHint([f"{chosen}: passed."])
    hints = hints_for(chosen, outcome.failures[chosen])
    count = min(_hints_given.get(chosen, 0), len(hints) - 1)
    _hints_given[chosen] = count + 1
    lines = [f"{chosen}: {outcome.failures[chosen].sentence}"]
    if chosen in outcome.waiting:
        lines.append(f"This check waits for a more basic one. Begin with: {outcome.waiting[chosen]}")
    return ShownHint([*lines, f"Hint {count + 1} of {len(hints)}: {hints[count]}"])


class FilmPage:
    """The page of ``explain``: the stages on a photo, and a grouping row by row.

    Attributes:
        page: the page, one HTML document that loads no other file.
        told: the film.
    """

    def __init__(self, page: str, told: Told, photo: str) -> None:
        self.page, self.told, self._photo = page, told, photo

    def __repr__(self) -> str:
        from openpose_lab.lab.explain.telling import summary

        breach = self.told.film.breach
        text = f"{self.told.title} on {self._photo}: {summary(self.told)}"
        return "\n".join([text, *([breach.sentence] if breach else []), *self.told.film.problems])

    def _repr_html_(self) -> str:
        lines = "<br>".join(html.escape(line) for line in repr(self).splitlines())
        # The frame has none of the notebook's rights. Keys work in it after a click.
        return (
            f"<p>{lines}</p>"
            f'<iframe srcdoc="{html.escape(self.page)}" sandbox="allow-scripts" title="film of the grouping" '
            f'width="100%" height="{_FRAME_HEIGHT}" style="border: 1px solid #8888"></iframe>'
        )

    def save(self, path: str | Path = "explain.html") -> None:
        """Write the page to a file that a browser can open."""
        write_whole(path, self.page.encode())


def explain(photo: SeenPhoto | str | Path | NDArray[np.uint8], merge: GroupingLike) -> FilmPage:
    """Film a grouping on a photo.

    Args:
        photo: the result of ``look``, or a photo as ``look`` takes it.
        merge: the function, a Python file, or the name of a grouping. It runs in this process.

    Returns:
        The page. If the grouping fails or breaks the contract, the page shows the row at which that happens.

    Raises:
        OpenPoseLabError: The photo cannot be read, or the file cannot be loaded.
    """
    from openpose_lab.lab.explain.data import explain as explain_all
    from openpose_lab.lab.explain.page import make_page
    from openpose_lab.lab.explain.stages import see_stages
    from openpose_lab.lab.explain.telling import tell

    seen = photo if isinstance(photo, SeenPhoto) else look(photo)
    title = Path(merge).name if isinstance(merge, str | Path) else getattr(merge, "__name__", "merge")
    told = tell(load_grouping(merge), title, seen.config, seen.found)
    network = _network()
    views = choose_views(None, None, None, None, default=getattr(network, "quality", DEFAULT_QUALITY))
    stages = see_stages(seen.pixels, network, views, seen.config, seen.found.maps)
    data = explain_all(seen.pixels, seen.name, seen.config, seen.found, [told], stages)
    return FilmPage(make_page(data), told, seen.name)


class SeenPhoto:
    """A photo, with the peaks and limbs that the default network found in it. A notebook shows the photo.

    Attributes:
        name: the name of the photo.
        pixels: (h, w, 3) BGR uint8.
        found: the maps, the peaks and the limbs.
        config: the configuration of the network.
        rows: (n, 20) float64, a row for each limb, as ``merge`` gets them.
        limits: the keyword arguments that ``merge`` gets with them.
    """

    def __init__(self, name: str, pixels: NDArray[np.uint8], found: Estimate, config: Config) -> None:
        self.name, self.pixels, self.found, self.config = name, pixels, found, config
        self.rows = limb_rows(config, found.connections)
        self.limits = {name: getattr(config, name) for name in LIMITS}

    def __repr__(self) -> str:
        height, width = self.pixels.shape[:2]
        return f"{self.name}: {width} x {height} pixels, {len(self.found.coordinates)} peaks, {len(self.rows)} limbs"

    def _repr_jpeg_(self) -> bytes:
        return Picture(self._canvas.pixels, self.name)._repr_jpeg_()

    @cached_property
    def _canvas(self) -> Canvas:
        return Canvas.of(self.pixels, self.found.maps, self.config, self.found.coordinates)

    def heatmap(self, part: str) -> Picture:
        """Draw the heatmap of a body part over the photo.

        Args:
            part: such as ``right_wrist``, or ``background``.

        Returns:
            The picture. Its brightness goes from dark, 0, to bright, 1.
        """
        parts = (*self.config.body_parts, "background")
        return Picture(self._canvas.heatmap(_place(part, parts)), f"heatmap of {part} in {self.name}")

    def paf(self, from_part: str, to_part: str) -> Picture:
        """Draw the PAF of the limb between two body parts over the photo, as arrows.

        Args:
            from_part: such as ``right_elbow``.
            to_part: such as ``right_wrist``.

        Returns:
            The picture.
        """
        parts = self.config.body_parts
        limbs = [f"{parts[limb.from_part]} to {parts[limb.to_part]}" for limb in self.config.limbs]
        name = f"{from_part} to {to_part}"
        return Picture(self._canvas.paf(_place(name, limbs)), f"PAF from {name} in {self.name}")

    def peaks(self, *parts: str) -> Picture:
        """Mark the peaks with their ids.

        Args:
            *parts: body parts, such as ``neck``; by default all.

        Returns:
            The picture.
        """
        all_parts = self.config.body_parts
        shown = {_place(part, all_parts) for part in parts or all_parts}
        return Picture(self._canvas.peaks(shown), f"peaks of {', '.join(parts) or 'all parts'} in {self.name}")

    def draw(self, rows: NDArray[np.float64]) -> Picture:
        """Draw rows over the photo: limbs, such as the attribute ``rows``, or people, such as an answer of ``merge``.

        Args:
            rows: (n, 20) float64.

        Returns:
            The picture.
        """
        return Picture(self._canvas.rows(rows), f"{len(rows)} rows in {self.name}")


def _place(name: str, names: tuple[str, ...] | list[str]) -> int:
    if name not in names:
        raise OpenPoseLabError(f"there is no {name}; these are: {', '.join(names)}")
    return names.index(name)


def look(photo: str | Path | NDArray[np.uint8] | None = None) -> SeenPhoto:
    """Find the peaks and limbs in a photo with the default network.

    Args:
        photo: a path, or (h, w, 3) BGR uint8; by default the sample photo.

    Returns:
        The photo, with its peaks and limbs.

    Raises:
        OpenPoseLabError: The photo cannot be read.
    """
    if photo is None or isinstance(photo, str | Path):
        path = sample_photo() if photo is None else Path(photo)
        name, pixels = path.name, read_photo(path)
    else:
        name, pixels = "photo", as_photo(photo)
    network = _network()
    found = estimate_people(pixels, network, grouping=lambda subset: subset[:0])
    return SeenPhoto(name, pixels, found, network.config)


@cache
def _network() -> LoadedNetwork:
    from openpose_lab.networks.loading import load_network

    return load_network()


class RowsShown:
    """Rows as a table, in a notebook and in a terminal."""

    def __init__(self, table: RowTable) -> None:
        self._table = table

    def __repr__(self) -> str:
        return str(self._table)

    def _repr_html_(self) -> str:
        return self._table.to_html()


def show_rows(rows: Any, most: int | None = 12) -> RowsShown:
    """Show rows as a table of the body parts that occur. A dot is -1, no peak.

    Args:
        rows: (n, 20), limbs or people; or a dict with several such arrays by title.
        most: the largest number of rows shown per array; None shows all.

    Returns:
        The table.
    """
    titled = rows if isinstance(rows, dict) else {"rows": rows}
    shown = {title: value[:most] if is_subset(value) else value for title, value in titled.items()}  # fewer columns
    left_out = sum(len(titled[title]) - len(shown[title]) for title in titled if is_subset(titled[title]))
    table = make_table(shown, most=None)
    if left_out:
        table.lines.append(("", f"and {left_out} more"))
    return RowsShown(table)


class ShownCase:
    """One of the cases that ``check`` tries.

    Attributes:
        name: the name of the case.
        rows: (n, 20) float64, the rows given to ``merge``.
        expected: (m, 20) float64, the expected people. A score is NaN if a merge may choose it.
        limits: the keyword arguments for ``merge``.
    """

    def __init__(self, one: Case) -> None:
        self.name, self.rows, self.expected, self.limits = one.name, one.rows, expected_rows(one), limits_of(one)
        self._title = f"{one.name}: {one.why}"

    def __repr__(self) -> str:
        return f"{self._title}\nlimits: {self._limits_text()}\n{self._table()}"

    def _repr_html_(self) -> str:
        lines = html.escape(self._title), html.escape(f"limits: {self._limits_text()}")
        return f"<p>{'<br>'.join(lines)}</p>{self._table().to_html()}"

    def _limits_text(self) -> str:
        return ", ".join(f"{name}={value:g}" for name, value in self.limits.items())

    def _table(self) -> RowTable:
        return make_table({"given": self.rows, "expected": self.expected}, most=None)


def case(name: str) -> ShownCase:
    """Find one of the cases that ``check`` tries.

    Args:
        name: the name of the case, or a part that only this name has.

    Returns:
        Its rows, and the expected people.

    Raises:
        OpenPoseLabError: The name means no case, or several.
    """
    found = find_cases(name)
    if len(found) != 1:
        which = f"{len(found)} cases have" if found else "no case has"
        raise OpenPoseLabError(f"{which} {name!r} in the name; case_names() lists them")
    return ShownCase(found[0])


def case_names() -> list[str]:
    """Return the names of the cases that ``check`` tries."""
    return [one.name for one in ALL_CASES]

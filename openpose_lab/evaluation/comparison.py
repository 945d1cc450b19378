"""Compare groupings on the same scenes: accuracy, conflicts and speed."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimation.config import COCO_18, Config
from estimation.field_maps import FieldMaps
from estimation.grouping import GROUPINGS, Division, Grouping, GroupingLike, divide, load_grouping
from estimation.layouts.human import STANDING
from estimation.pipeline import timed
from estimation.subset import GroupingError, row_length
from estimation.thresholds import out_of_range
from openpose_lab.evaluation.coco_figures import average_precision
from openpose_lab.evaluation.completion import complete
from openpose_lab.evaluation.defaults import Disturbance
from openpose_lab.evaluation.measures import Pairs, count_conflicts, count_pairs
from openpose_lab.evaluation.oracle import oracle_rows
from openpose_lab.evaluation.scenes import Scene, SceneSet, crowd_scenes
from openpose_lab.extras import is_installed
from openpose_lab.formats.coco import COCO_KEYPOINTS, to_coco

CROWD_RANGES = {
    "people": (1, COCO_18.max_peaks_per_part),
    "overlap": (0, 0.9),
    "scenes": (1, 10_000),
    "seed": (0, 2**32),
    "noise": (0, 10),
    "missing": (0, 1),
    "doubled": (0, 1),
    "crossing": (0, 1),
}
"""The lowest and highest value of each number that describes simulated crowds."""
_WHOLE = ("people", "scenes", "seed")
PERFECT = "(perfect)"
"""The row of the oracle grouping. Its figures are the best that a grouping can reach."""


@dataclass
class Result:
    """The result of one grouping on one set of scenes.

    Attributes:
        grouping: The name of the grouping.
        scene_set: The scenes.
        results: All people found, in COCO's form.
        pairs: The counted pairs of peaks.
        conflicts: The number of accepted limbs that join two different people.
        milliseconds: The time of each scene.
        divisions: The division of each scene, with objective and bound if the grouping computes them.
        failed: The reason why the grouping stopped, in one sentence. None if it did not fail.
    """

    grouping: str
    scene_set: SceneSet
    results: list[dict[str, Any]] = field(default_factory=list)
    pairs: Pairs = field(default_factory=Pairs)
    conflicts: int = 0
    milliseconds: list[float] = field(default_factory=list)
    divisions: list[Division] = field(default_factory=list)
    failed: str | None = None

    def add(self, config: Config, scene: Scene, rows: NDArray[np.float64], maps: FieldMaps) -> None:
        """Add the people of one scene, ``rows`` (n, parts + 2), to the counts."""
        skeletons = complete(config, rows, scene.connections.coordinates, maps)
        self.results += to_coco(config, skeletons, scene.image_id)
        self.pairs += count_pairs(rows, scene.owner, self.scene_set.all_known)
        self.conflicts += count_conflicts(rows, scene.connections)

    @cached_property
    def figures(self) -> dict[str, float]:
        """The figures by column of the table, without unknown ones. Read it after the last scene was added."""
        scenes = len(self.scene_set.scenes)
        figures = {}
        if is_installed("pycocotools"):
            most_people = self.scene_set.most_people
            figures["AP"], figures["AR"] = average_precision(self.scene_set.truth, self.results, most_people)
        figures |= {"F1": self.pairs.f1, "conflicts": self.conflicts / scenes, "people": len(self.results) / scenes}
        if self.milliseconds:
            figures["ms median"] = float(np.median(self.milliseconds))
            figures["ms 95%"] = float(np.quantile(self.milliseconds, 0.95))
            figures["ms slowest"] = max(self.milliseconds)
        bounded = [(one.objective, one.bound) for one in self.divisions if one.objective is not None and one.bound]
        if bounded:
            figures["gap"] = 1 - sum(objective for objective, _ in bounded) / sum(bound for _, bound in bounded)
        return figures


def compare_groupings(
    groupings: GroupingLike | Iterable[GroupingLike] | Mapping[str, GroupingLike] | None = None,
    people: int = 10,
    overlap: float = 0.2,
    scenes: int = 20,
    seed: int = 0,
    config: Config | None = None,
) -> dict[str, dict[str, float]]:
    """Compare groupings on simulated crowds, as the program compare-groupings does.

    Args:
        groupings: One or several names, Python files or functions. A mapping gives them names. By default the
            project's groupings.
        people: The number of people in each crowd, 1 to 127.
        overlap: The share of each person's box that a neighbour's box covers, 0 to 0.9.
        scenes: The number of crowds, 1 to 10,000.
        seed: The seed of the random numbers. Another seed gives other crowds.
        config: The configuration, by default ``COCO_18``. Its layout must have all of COCO's keypoints.

    Returns:
        The figures of each grouping: AP and AR (if pycocotools is installed), F1 (of the pairs of peaks in one
        person), conflicts per crowd, people per crowd, and milliseconds. ``PERFECT`` is the oracle grouping.

    Raises:
        GroupingError: A grouping fails or breaks the contract.
        ValueError: Two groupings have the same name, a number is out of its range, or the layout lacks a part.
    """
    config = config or COCO_18
    check_crowds({"people": people, "overlap": overlap, "scenes": scenes, "seed": seed})
    parts = set(config.body_parts)
    if unknown := (set(COCO_KEYPOINTS) - parts) | (parts - set(STANDING)):
        raise ValueError(f"simulated people need COCO's body parts; layout {config.name} differs in {min(unknown)}")
    loaded = {name: load_grouping(one) for name, one in _named(groupings).items()}
    if not loaded or PERFECT in loaded:
        raise ValueError(f"give at least one grouping; the name {PERFECT} is reserved for the oracle grouping")
    crowds = crowd_scenes(config, people, overlap, scenes, seed, Disturbance())
    results = compare(crowds, config, loaded, lambda: None)
    if failed := [result.failed for result in results if result.failed]:
        raise GroupingError(failed[0])
    return {result.grouping: result.figures for result in results}


def check_crowds(numbers: Mapping[str, Any], prefix: str = "") -> None:
    """Raise ValueError if a number is out of its range in ``CROWD_RANGES``. ``prefix`` stands before its name."""
    for name, value in numbers.items():
        lowest, highest = CROWD_RANGES[name]
        whole = name in _WHOLE
        if not lowest <= value <= highest or (whole and not isinstance(value, Integral)):
            kind = " a whole number" if whole else ""
            raise ValueError(out_of_range(f"{prefix}{name} must be{kind}", value, lowest, highest))


def _named(groupings: Any) -> Mapping[str, GroupingLike]:
    if groupings is None:
        return {name: name for name in GROUPINGS}
    if isinstance(groupings, Mapping):
        return groupings
    several = [groupings] if isinstance(groupings, str | Path | Grouping) or callable(groupings) else list(groupings)
    named = {_name_of(one): one for one in several}
    if len(named) < len(several):
        raise ValueError("two groupings have the same name; give a mapping with a different name for each")
    return named


def _name_of(grouping: GroupingLike) -> str:
    if isinstance(grouping, Grouping):
        return str(grouping.source)
    return str(getattr(grouping, "__name__", grouping))


def compare(
    scene_set: SceneSet, config: Config, groupings: dict[str, Grouping], advance: Callable[[], object]
) -> list[Result]:
    """Run every grouping on every scene. After an error, the grouping is not run again; the others continue.

    Args:
        scene_set: The scenes.
        config: The configuration of the limbs.
        groupings: The groupings by name.
        advance: A function that is called after each scene of each grouping.

    Returns:
        The results of each grouping. ``PERFECT`` comes last.
    """
    results, rows = [], {}
    for name, grouping in groupings.items():
        results.append(result := Result(name, scene_set))
        # All scenes of one grouping in a row, so that no grouping finds the processor's caches filled by another.
        for scene in scene_set.scenes:
            if not result.failed:
                rows[name, scene.image_id] = _run(result, grouping, config, scene)
            advance()
    results.append(Result(PERFECT, scene_set))
    for scene in scene_set.scenes:
        rows[PERFECT, scene.image_id] = oracle_rows(config, scene.connections, scene.owner)
        maps = scene.maps()  # read once per scene, because the maps of all scenes may not fit in memory
        for result in results:
            if not result.failed:
                result.add(config, scene, rows[result.grouping, scene.image_id], maps)
    return results


def _run(result: Result, grouping: Grouping, config: Config, scene: Scene) -> NDArray[np.float64]:
    """Group one scene. Return (n, parts + 2) rows of people, no rows if the grouping fails."""
    milliseconds: dict[str, float] = {}
    collected = gc.isenabled()
    gc.disable()  # as timeit does: a collection would scan the objects of the other groupings too
    try:
        with timed("grouping", milliseconds):
            division = divide(grouping, config, scene.connections)
    except GroupingError as error:
        result.failed = f"{error} ({scene.name})"
        return np.empty((0, row_length(config)))
    finally:
        if collected:
            gc.enable()
    result.milliseconds.append(milliseconds["grouping"])
    result.divisions.append(division)
    return division.subset


@dataclass(frozen=True)
class Sweep:
    """Results of crowds that differ only in one number, people or overlap.

    Attributes:
        fixed: The number that all crowds share, in words.
        by_value: The results at each value of the number that differs.
    """

    fixed: str
    by_value: dict[float, list[Result]]


def sweeps(results: list[Result], varied: str) -> list[Sweep]:
    """Sort the results into sweeps in which only ``varied``, people or overlap, differs.

    The sweep with the most values comes first.
    """
    found: dict[str, dict[float, list[Result]]] = {}
    for result in results:
        crowd = result.scene_set
        if crowd.kind == "crowd":
            fixed = f"overlap {crowd.overlap:g}" if varied == "people" else f"{crowd.people} people"
            found.setdefault(fixed, {}).setdefault(getattr(crowd, varied), []).append(result)
    in_order = [Sweep(fixed, dict(sorted(by_value.items()))) for fixed, by_value in found.items()]
    return sorted(in_order, key=lambda sweep: -len(sweep.by_value))

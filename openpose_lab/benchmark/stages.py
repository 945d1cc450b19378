"""Time the stages after the network, on simulated crowds of several sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from estimation.config import COCO_18, Config
from estimation.connections import get_connections
from estimation.coordinates import get_coordinates
from estimation.estimators import estimate
from estimation.field_maps import FieldMaps
from estimation.skeletons import to_skeletons
from openpose_lab.benchmark.table import Row, Table
from openpose_lab.benchmark.timing import Task, count_runs, time_in_turns
from openpose_lab.evaluation.crowds import simulate
from openpose_lab.evaluation.defaults import Disturbance

PEOPLE = (1, 5, 9, 30, 100)
OVERLAP = 0.2
"""Share of each person's box that a neighbour's box covers."""
READ = "reading the maps once"


def benchmark_stages(
    repeat: int,
    people: Sequence[int] = PEOPLE,
    seed: int = 0,
    config: Config = COCO_18,
    tick: Callable[[], object] = lambda: None,
) -> Table:
    """Time each stage after the network.

    Args:
        repeat: The number of times that each stage is timed.
        people: The number of people in each crowd.
        seed: The seed of the crowds. Another seed gives other crowds.
        config: The configuration.
        tick: A function that is called after each run, for a progress bar.

    Returns:
        The times, and a lower bound: the time in which NumPy reads the maps once.
    """
    rows, found = [], []
    for count in people:
        maps = simulate(config, np.random.default_rng(seed), count, OVERLAP, Disturbance()).maps
        stages = _stages(config, maps)
        timings = time_in_turns(stages, repeat, tick=tick)
        rows += [Row((str(count), name), timing) for name, timing in timings.done.items()]
        height, width = maps.heatmaps.shape[:2]
        found.append(f"{count}: {width}x{height}")
    notes = [
        f"simulated crowds, seed {seed}; a neighbour's box covers {OVERLAP:.0%} of each person's box; "
        f"cells of the maps: {', '.join(found)}",
        f"{READ!r} is the time in which NumPy finds the largest value; no stage that reads every cell is faster",
    ]
    return Table("stages", "The stages after the network", ("people", "stage"), "ms", rows, across=True, notes=notes)


def stage_runs(people: Sequence[int], repeat: int) -> int:
    """Compute the number of times that ``benchmark_stages`` calls ``tick``."""
    return len(people) * count_runs(5, repeat)


def _stages(config: Config, maps: FieldMaps) -> dict[str, Task]:
    """Return the stages on the maps of a photo. Each stage gets the results of the stages before it."""
    coordinates = get_coordinates(config, maps.heatmaps)
    connections = get_connections(config, coordinates, maps.pafs)
    subset = estimate(config, connections)
    place = maps.cell_size, maps.offset

    def read() -> None:
        maps.heatmaps.max()
        maps.pafs.max()

    return {
        "coordinates": lambda: _done(get_coordinates(config, maps.heatmaps)),
        "connections": lambda: _done(get_connections(config, coordinates, maps.pafs)),
        "grouping": lambda: _done(estimate(config, connections)),
        "skeletons": lambda: _done(to_skeletons(config, subset, coordinates, *place, photo_size=maps.photo_size)),
        READ: read,
    }


def _done(_: object) -> None:
    """Discard the result of a stage, because only its time is measured."""

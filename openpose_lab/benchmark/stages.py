"""The stages after the network, on simulated crowds of several sizes."""

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
"""Share of the box around each person that a neighbour's covers."""
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
        repeat: How often each stage is timed.
        people: The number of people in each crowd.
        seed: Another number gives other crowds.
        config: The configuration.
        tick: Is called after each run, for a progress bar.

    Returns:
        The times. The lower bound beside them is the time in which NumPy reads the maps once.
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
        f"simulated crowds, seed {seed}, the box of a neighbour covering {OVERLAP:.0%} of each person's; "
        f"cells of the maps: {', '.join(found)}",
        f"{READ!r} is the time NumPy takes to find the largest value: no stage that looks at every cell is faster",
    ]
    return Table("stages", "The stages after the network", ("people", "stage"), "ms", rows, across=True, notes=notes)


def stage_runs(people: Sequence[int], repeat: int) -> int:
    """Compute how often ``benchmark_stages`` calls ``tick``."""
    return len(people) * count_runs(5, repeat)


def _stages(config: Config, maps: FieldMaps) -> dict[str, Task]:
    """The stages on the maps of a photo, each with what the stages before it have found."""
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
    """What a stage found is not what is measured."""

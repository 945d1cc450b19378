"""Time a run with several threads, and each of its stages by itself: how well do the stages overlap?"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from estimation.errors import OpenPoseLabError
from openpose_lab.benchmark.table import Row, Table
from openpose_lab.benchmark.timing import Task, Timing, count_runs, time_in_turns
from openpose_lab.overlap import count_cores


def beside_stages(
    part: str,
    title: str,
    stages: Mapping[str, Callable[[], object]],
    run: Callable[[], float],
    units: tuple[int, str],
    repeat: int,
    tick: Callable[[], object],
) -> Table:
    """Time a run, and each of its stages by itself.

    Args:
        part: The name of the part. After "the", it names the run.
        title: The title of the table.
        stages: The stages in order. Each stage uses the results of the stage before it.
        run: A function that runs all stages with several threads, and returns the time in seconds.
        units: The number of photos or frames, and the word for them.
        repeat: The number of times that each stage and the run are timed.
        tick: A function that is called after each run, for a progress bar.

    Returns:
        The processor seconds of each stage, their sum divided by the number of cores, and the time of the run.

    Raises:
        OpenPoseLabError: A stage or the run fails.
    """
    whole = f"the {part}"
    tasks: dict[str, Task] = {name: partial(_processor_seconds, stage) for name, stage in stages.items()}
    tasks[whole] = run
    timings = time_in_turns(tasks, repeat, tick=tick)
    if timings.failed:
        raise OpenPoseLabError("; ".join(timings.failed.values()))
    cores = count_cores()
    alone = np.sum([timings.done[name].seconds for name in stages], axis=0) / cores
    shares = Timing(tuple(alone.tolist()))
    timing = timings.done[whole]
    ratio, (count, unit) = timing.median / shares.median, units
    rate = count / timing.median
    return Table(
        part,
        title,
        ("what",),
        "s",
        [
            *(Row((f"{name}, processor seconds",), timings.done[name]) for name in stages),
            Row((f"all stages, divided by {cores} cores",), shares),
            Row((whole,), timing, figures={"ratio": ratio, f"{unit} a second": rate}),
        ],
        notes=[f"{whole} takes {ratio:.2f} times its stages divided by the cores: {rate:.1f} {unit} a second"],
    )


def runs_beside_stages(stages: int, repeat: int) -> int:
    """Compute the number of times that ``beside_stages`` calls ``tick``."""
    return count_runs(stages + 1, repeat)


def _processor_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start

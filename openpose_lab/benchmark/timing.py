"""Time tasks in turns, so that a change of the machine's speed affects all tasks equally."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from estimation.errors import OpenPoseLabError, one_line

Task = Callable[[], float | None]
"""A function to time. If it returns a number, this is its time in seconds, and the clock's time is ignored."""


@dataclass(frozen=True)
class Timing:
    """The times of one task.

    Attributes:
        seconds: The time of each run, in the order of the runs. At least one.
    """

    seconds: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.seconds:
            raise ValueError("a timing needs at least one run")

    @property
    def median(self) -> float:
        """The median in seconds."""
        return float(np.median(self.seconds))

    @property
    def low(self) -> float:
        """The 10th percentile in seconds. With few runs, it is the fastest run."""
        return float(np.percentile(self.seconds, 10, method="lower"))

    @property
    def high(self) -> float:
        """The 90th percentile in seconds. With few runs, it is the slowest run."""
        return float(np.percentile(self.seconds, 90, method="higher"))


@dataclass(frozen=True)
class Timings:
    """The times of several tasks.

    Attributes:
        done: The times of each successful task, by its key.
        failed: The error of each other task, in one sentence.
    """

    done: dict[str, Timing]
    failed: dict[str, str]


def time_in_turns(
    tasks: Mapping[str, Task],
    repeat: int,
    *,
    warm_up: bool = True,
    pause: float = 0.0,
    clock: Callable[[], float] = time.perf_counter,
    tick: Callable[[], object] = lambda: None,
) -> Timings:
    """Time tasks in turns: A B C A B C, and so on.

    Args:
        tasks: The tasks by key.
        repeat: The number of times that each task is timed.
        warm_up: Whether each task first runs once without being timed.
        pause: Seconds before each run. The threads of some libraries stay busy for a moment after a call.
        clock: A function that returns the time in seconds.
        tick: A function that is called after each run, for a progress bar.

    Returns:
        The times. After an OpenPoseLabError or an OSError, a task is left out of later turns.
    """
    seconds: dict[str, list[float]] = {key: [] for key in tasks}
    failed: dict[str, str] = {}
    for turn in range(-int(warm_up), repeat):
        for key, task in tasks.items():
            if key not in failed:
                time.sleep(pause)
                try:
                    start = clock()
                    measured = task()
                    own = clock() - start
                except (OpenPoseLabError, OSError) as error:
                    failed[key] = one_line(str(error))
                else:
                    if turn >= 0:
                        seconds[key].append(own if measured is None else measured)
            tick()
    return Timings({key: Timing(tuple(times)) for key, times in seconds.items() if key not in failed}, failed)


def count_runs(tasks: int, repeat: int, warm_up: bool = True) -> int:
    """Compute the number of times that ``time_in_turns`` calls ``tick``."""
    return tasks * (repeat + int(warm_up))

"""Tasks that are timed in turns, so that a change of the machine's speed meets all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from estimation.errors import OpenPoseLabError, one_line

Task = Callable[[], float | None]
"""Something that is timed. If it returns a number, this is its time in seconds in place of the clock's."""


@dataclass(frozen=True)
class Timing:
    """The times of one task.

    Attributes:
        seconds: The time of each run, in the order in which they were made. At least one.
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
        """The 10th percentile in seconds: the fastest run, where there are few."""
        return float(np.percentile(self.seconds, 10, method="lower"))

    @property
    def high(self) -> float:
        """The 90th percentile in seconds: the slowest run, where there are few."""
        return float(np.percentile(self.seconds, 90, method="higher"))


@dataclass(frozen=True)
class Timings:
    """The times of several tasks.

    Attributes:
        done: The times of each task that could be done, by its key.
        failed: The sentence about each other task.
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
        repeat: How often each is timed.
        warm_up: Whether each task runs once more, before the others, without being timed.
        pause: Seconds before each run. The threads of some libraries work on for a moment after a call.
        clock: Gives the time in seconds.
        tick: Is called after each run, for a progress bar.

    Returns:
        The times. A task that raises an OpenPoseLabError or an OSError once is left out of later turns.
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
    """Compute how often ``time_in_turns`` calls ``tick``."""
    return tasks * (repeat + int(warm_up))

import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.benchmark.timing import Timing, count_runs, time_in_turns


class Clock:
    """A clock that tasks advance."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_tasks_run_in_turns_after_one_run_each_that_is_not_timed():
    clock, order = Clock(), []

    def task(name, seconds):
        def run():
            order.append(name)
            clock.now += seconds.pop(0)

        return run

    ticks = []
    tasks = {"a": task("a", [9, 1, 2]), "b": task("b", [8, 3, 4])}
    timings = time_in_turns(tasks, 2, clock=clock, tick=lambda: ticks.append(1))
    assert order == ["a", "b"] * 3
    assert timings.done == {"a": Timing((1, 2)), "b": Timing((3, 4))}
    assert timings.failed == {}
    assert len(ticks) == count_runs(2, 2) == 6


def test_without_a_warm_up_the_first_run_is_timed():
    clock = Clock()
    calls = []
    timings = time_in_turns({"a": lambda: calls.append(1)}, 3, warm_up=False, clock=clock)
    assert len(calls) == len(timings.done["a"].seconds) == count_runs(1, 3, warm_up=False) == 3


def test_a_task_may_tell_its_own_time():
    assert time_in_turns({"a": lambda: 0.25}, 2).done["a"].seconds == (0.25, 0.25)


@pytest.mark.parametrize("fails_at", [0, 1, 2])
def test_a_task_that_fails_is_left_out_and_the_others_go_on(fails_at):
    calls = {"a": 0, "b": 0}

    def failing():
        calls["a"] += 1
        if calls["a"] == fails_at + 1:
            raise OpenPoseLabError("no\nweights")

    def good():
        calls["b"] += 1

    ticks = []
    timings = time_in_turns({"a": failing, "b": good}, 2, tick=lambda: ticks.append(1))
    assert timings.done.keys() == {"b"}
    assert timings.failed == {"a": "no weights"}
    assert calls == {"a": fails_at + 1, "b": 3}
    assert len(ticks) == 6  # the progress bar reaches its end


def test_median_and_spread():
    timing = Timing(tuple(range(11)))
    assert (timing.median, timing.low, timing.high) == (5, 1, 9)
    assert (Timing((3, 1)).low, Timing((3, 1)).median, Timing((3, 1)).high) == (1, 2, 3)


def test_a_timing_has_a_run():
    with pytest.raises(ValueError, match="at least one run"):
        Timing(())

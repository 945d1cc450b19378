"""Work in threads: results in order, few items at once, errors in their places, and an early stop that ends it all."""

import threading
import time
from itertools import count

import pytest

from openpose_lab.overlap import count_cores, map_in_threads

PATIENCE = 30
"""Seconds after which a test that waits for a thread fails."""


@pytest.mark.parametrize("threads", [1, 2, 5, None])
def test_results_come_in_order(threads):
    before = threading.active_count()
    assert list(map_in_threads(lambda number: 2 * number, range(50), threads)) == list(range(0, 100, 2))
    assert threading.active_count() == before


def test_a_slow_call_keeps_its_place():
    others_are_done = threading.Event()

    def work(number):
        if number == 0:
            assert others_are_done.wait(PATIENCE)
        if number == 4:
            others_are_done.set()
        return number

    assert list(map_in_threads(work, range(6), 2)) == list(range(6))


def test_no_item_gives_no_result():
    assert list(map_in_threads(str, [], 3)) == []


def test_calls_run_at_the_same_time():
    two_are_there = threading.Barrier(2)
    assert len(list(map_in_threads(lambda _: two_are_there.wait(PATIENCE), range(4), 2))) == 4


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_few_items_are_taken_ahead(threads):
    taken = []

    def items():
        for number in count():
            taken.append(number)
            yield number

    results = map_in_threads(lambda number: number, items(), threads)
    assert taken == []  # before the first result is asked for
    for number in range(20):
        assert next(results) == number
        assert len(taken) == number + 3 * threads
    results.close()


def test_a_live_result_does_not_wait_for_as_many_items_as_threads():
    threads = 1000
    taken = []

    def items():
        for number in range(threads):
            time.sleep(0.001)
            taken.append(number)
            yield number

    assert next(map_in_threads(lambda number: number, items(), threads, ahead=0)) == 0
    assert len(taken) < threads


def test_items_are_let_go_of():
    """Of an endless source, no more than those under way are in memory."""
    living, most = set(), []

    class Item:
        def __init__(self):
            living.add(id(self))

        def __del__(self):
            living.discard(id(self))

    for number, _ in enumerate(map_in_threads(lambda _: None, (Item() for _ in count()), 2)):
        most.append(len(living))
        if number == 200:
            break
    assert max(most) <= 2 * 3 + 2
    assert not living


def test_an_error_comes_in_the_place_of_its_result():
    results = map_in_threads(lambda number: 6 // number, [1, 2, 0, 3], 2)
    assert [next(results), next(results)] == [6, 3]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_results_before_an_item_that_cannot_be_taken_are_given():
    def items():
        yield from (1, 2, 3)
        raise OSError("the disk is gone")

    results = map_in_threads(lambda number: number, items(), 2)
    assert [next(results), next(results), next(results)] == [1, 2, 3]
    with pytest.raises(OSError, match="the disk is gone"):
        next(results)
    assert list(results) == []


@pytest.mark.parametrize("how", ["close", "error", "interrupt"])
def test_an_early_stop_waits_for_what_has_begun_and_begins_nothing(how):
    before, began, ended, go = threading.active_count(), [], [], threading.Event()

    def work(number):
        began.append(number)
        if number:
            assert go.wait(PATIENCE)
        if number == 1 and how == "error":
            raise ValueError("no")
        ended.append(number)

    def items():
        yield from range(6)
        if how == "interrupt":
            raise KeyboardInterrupt  # as Ctrl-C does in the thread that takes the items
        yield from range(6, 100)

    results = map_in_threads(work, items(), 2)
    if how == "interrupt":
        go.set()
        with pytest.raises(KeyboardInterrupt):
            list(results)
    else:
        next(results)
        go.set()
        if how == "close":
            results.close()
        else:
            with pytest.raises(ValueError, match="no"):
                list(results)
    assert threading.active_count() == before
    assert sorted(set(began) - set(ended)) == ([1] if how == "error" else [])
    assert len(began) < 12


def test_the_count_of_cores():
    assert count_cores() >= 1


@pytest.mark.parametrize("how", ["close", "error"])
def test_calls_may_be_asked_to_end_sooner(how):
    """Without this, the stop would wait for calls that last long."""
    go = threading.Event()

    def work(number):
        if number > 0:
            assert go.wait(PATIENCE)
        return 1 // (number - 3)

    results = map_in_threads(work, count(), 2, on_stop=go.set)
    next(results)
    if how == "close":
        results.close()
        assert go.is_set()
    else:
        go.set()
        with pytest.raises(ZeroDivisionError):
            list(results)


def test_nothing_is_asked_to_end_at_the_end():
    asked = []
    assert list(map_in_threads(str, range(9), 2, on_stop=lambda: asked.append(1))) == list("012345678")
    assert asked == []

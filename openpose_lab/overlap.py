"""Work on several photos at once, in threads."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NoReturn, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

_M_ARENA_MAX = -8
"""The option of glibc's malloc.h."""
AHEAD = 2
"""Results for each thread that may wait for an earlier one, so that a slow photo stops no thread."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def count_cores() -> int:
    """Count the processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def count_threads() -> int:
    """Count the threads that keep the cores busy: one for each, and one that works while another waits for its turn."""
    return count_cores() + 1


def share_heaps() -> None:
    """Let the threads of this process share two heaps, where the C library is glibc.

    By default, glibc gives each thread a heap of its own, and memory that is free in one heap is of no use to the other
    threads. Over photos of many sizes the memory would grow by a tenth. glibc reads this setting once, when a second
    thread begins, so call the function before NumPy is imported.
    """
    import ctypes

    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def map_in_threads(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    threads: int | None = None,
    on_stop: Callable[[], object] = lambda: None,
    ahead: int = AHEAD,
) -> Generator[Result, None, None]:
    """Call a function with each item, several at once.

    Memory does not grow with the number of items: an item is taken when its result will soon be asked for.

    Args:
        function: The function. Threads call it.
        items: The items. The caller's thread takes them.
        threads: How many calls run at once; by default ``count_threads``.
        on_stop: Is called when the caller stops before the end, or an error is raised. It may let calls end sooner.
        ahead: How many results for each thread may wait for an earlier one. 0 is for live sources: then a result that
            is there comes before another item is waited for.

    Yields:
        The results in the order of the items. An error of a call, or of taking an item, is raised in place of its
        result. When the caller stops before the end, the calls that have begun are waited for, and no other begins.
    """
    from concurrent.futures import ThreadPoolExecutor  # it takes some milliseconds, and one photo needs none

    threads = threads or count_threads()
    under_way: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for call in _calls(function, items):
                under_way.append(pool.submit(call))
                while len(under_way) == threads * (1 + ahead) or (under_way and not ahead and under_way[0].done()):
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        except BaseException:
            for future in reversed(under_way):  # the newest first, so that no call begins after one that is left out
                future.cancel()
            on_stop()
            raise


def _calls(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Callable[[], Result]]:
    try:
        for item in items:
            yield partial(function, item)
    except Exception as error:
        yield partial(_raise, error)


def _raise(error: Exception) -> NoReturn:
    raise error

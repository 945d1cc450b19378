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
"""The number of finished results per thread that may wait for an earlier one. So a slow photo does not stop threads."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def count_cores() -> int:
    """Count the processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def count_threads() -> int:
    """Count the threads that keep all cores busy: one per core, and one more for when another thread waits."""
    return count_cores() + 1


def share_heaps() -> None:
    """Let the threads of this process share two heaps. This has an effect only with the C library glibc.

    By default, glibc gives each thread its own heap, and other threads cannot use free memory of this heap. With photos
    of many sizes, memory would then grow by 10 %. glibc reads this setting once, when the second thread starts. So call
    this function before NumPy is imported.
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
    """Call a function with each item in threads, several at once.

    Memory does not grow with the number of items, because each item is taken only shortly before its result is needed.

    Args:
        function: The function. It runs in the threads.
        items: The items. The caller's thread iterates over them.
        threads: The number of calls that run at once. By default, ``count_threads()``.
        on_stop: A function that is called if the caller stops early or an error is raised. It may make calls end
            sooner.
        ahead: The number of finished results per thread that may wait for an earlier one. Use 0 for live sources: a
            finished result is then yielded before the next item is waited for.

    Yields:
        The results in the order of the items. If a call fails, or an item cannot be taken, its error is raised in place
        of its result. If the caller stops early, no new call starts, and the running calls are completed first.
    """
    from concurrent.futures import ThreadPoolExecutor  # imported here, because it takes milliseconds to import

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
            for future in reversed(under_way):  # newest first, so that no call starts after a cancelled one
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

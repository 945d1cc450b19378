"""``explain --watch``: write the page again after each save of the grouping's file; the open page reloads itself."""

from __future__ import annotations

import _thread
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from estimation.errors import OpenPoseLabError
from openpose_lab.commands.program import shown

if TYPE_CHECKING:
    from openpose_lab.lab.explain.data import Told
    from openpose_lab.lab.explain.page_file import Page
    from openpose_lab.lab.watched_file import WatchedFile

_SLOW_SECONDS = 5


def keep_up(file: Path, page: Page, tell: Callable[[], list[Told]]) -> None:
    """Write the page, and write it again after each save of the file, until Ctrl-C.

    The grouping runs in this process without a time limit. A save interrupts it, so a student who corrects an endless
    loop need not press Ctrl-C.

    Args:
        file: The grouping's Python file.
        page: The page.
        tell: A function that loads the groupings and makes their films.

    Raises:
        OpenPoseLabError: The page cannot be written.
    """
    from openpose_lab.lab.watched_file import WatchedFile

    watched = WatchedFile(file)
    print(f"{shown(page.path)} is written again after each save of {shown(file)}. Press Ctrl-C to stop.\n", flush=True)
    with page.watched():
        while not getattr(sys.stdout, "failure", None):  # the output is closed, as after `| head`
            content = watched.content
            if content and content.gone:
                _note(page, f"{shown(file)} is missing; the page is updated when the file is back")
            elif content and content.problem:
                _note(page, content.problem)
            else:
                try:
                    with _told_if_slow(page):
                        told = _unless_saved(watched, tell)
                except OpenPoseLabError as error:
                    _note(page, str(error))
                else:
                    if told:
                        page.write(told)
                        _report(told)
            watched.wait()


def _unless_saved(watched: WatchedFile, tell: Callable[[], list[Told]]) -> list[Told]:
    """Return the result of ``tell``, or an empty list if a save interrupts it. ``wait`` then returns at once."""
    saved: list[bool] = []

    def interrupt() -> None:
        saved.append(True)
        _thread.interrupt_main()

    told: list[Told] = []
    try:
        with watched.calling(interrupt):
            told = tell()
        _pending_signals_arrive()
    except KeyboardInterrupt:
        if not saved:
            raise
    if not saved:
        return told
    watched.forget()
    return []


@contextmanager
def _told_if_slow(page: Page) -> Iterator[None]:
    """Report that the grouping gives no answer if the block takes longer than ``_SLOW_SECONDS``."""
    sentence = f"no answer after {_SLOW_SECONDS} seconds; wait, or correct the file and save it"
    timer = threading.Timer(_SLOW_SECONDS, _note, [page, sentence])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _pending_signals_arrive() -> None:
    """Let Python handle pending signals, which it does when a function begins."""


def _note(page: Page, sentence: str) -> None:
    """Print a sentence and show it on the open page, because the page shows an older version of the file."""
    page.note(sentence)
    print(f"{time.strftime('%H:%M:%S')} {sentence}", flush=True)


def _report(told: list[Told]) -> None:
    now = time.strftime("%H:%M:%S")
    for one in told:
        breach = one.film.breach
        print(f"{now} {one.title}: {breach.sentence if breach else f'{len(one.film.rows)} people'}", flush=True)

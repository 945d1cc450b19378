"""``explain --watch``: the page is written again each time the grouping's file is saved, and loads itself again."""

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
    """Write the page, and again each time the file is saved, until Ctrl-C.

    The grouping runs in this process without a limit of time. A save interrupts it, so that an endless loop that has
    been corrected needs no Ctrl-C.

    Args:
        file: the grouping's Python file.
        page: the page.
        tell: loads the groupings and makes their films.

    Raises:
        OpenPoseLabError: The page cannot be written.
    """
    from openpose_lab.lab.watched_file import WatchedFile

    watched = WatchedFile(file)
    print(f"{shown(page.path)} is written again each time {shown(file)} is saved. Ctrl-C ends this.\n", flush=True)
    with page.watched():
        while not getattr(sys.stdout, "failure", None):  # nobody reads on, as after `| head`
            content = watched.content
            if content and content.gone:
                _note(page, f"{shown(file)} is gone; the page follows when it is back")
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
    """Return what ``tell`` returns, or nothing as soon as the file is saved. ``wait`` then returns at once."""
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
    """Say that a grouping has not come back, if the block takes long."""
    sentence = f"there is no answer after {_SLOW_SECONDS} seconds; wait, or correct the file and save it"
    timer = threading.Timer(_SLOW_SECONDS, _note, [page, sentence])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _pending_signals_arrive() -> None:
    """Let Python handle signals: it does so where a function begins."""


def _note(page: Page, sentence: str) -> None:
    """Print a sentence and show it on the open page, which has the answer of an older version of the file."""
    page.note(sentence)
    print(f"{time.strftime('%H:%M:%S')} {sentence}", flush=True)


def _report(told: list[Told]) -> None:
    now = time.strftime("%H:%M:%S")
    for one in told:
        breach = one.film.breach
        print(f"{now} {one.title}: {breach.sentence if breach else f'{len(one.film.rows)} people'}", flush=True)

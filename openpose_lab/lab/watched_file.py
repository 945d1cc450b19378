"""Watches the content of a file that a person edits.

The file is read again and again. This works on every system, on network drives, and with editors that delete a file
and write a new one.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from estimation.errors import OpenPoseLabError
from estimation.files import read_input

POLL_SECONDS = 0.1
"""Time between two looks at the file."""
_COARSE_SECONDS = 3.0
"""How long the file is read at each look after a change. Some file systems store times in steps of 2 seconds, so a
second change may have the same time."""
_MOST_BYTES = 16 << 20


@dataclass(frozen=True)
class Content:
    """The result of one look at a file.

    Attributes:
        data: the bytes of the file; empty if it cannot be read.
        problem: the reason why it cannot be read, in one sentence; empty if it can.
        gone: whether the file does not exist.
    """

    data: bytes = b""
    problem: str = ""
    gone: bool = False


class WatchedFile:
    """A file that reports when its content changes.

    Args:
        path: the file.

    Attributes:
        content: the content when this object was made, or when ``wait`` last returned; None after ``forget``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, ...] = ()
        self._since = time.monotonic()
        self._latest = Content()
        self.content: Content | None = self._look()

    def forget(self) -> None:
        """Let ``wait`` return soon, even if the content does not change."""
        self.content = None

    def wait(self) -> Content:
        """Wait until the content has changed and is the same in two looks, because an editor may still be writing."""
        seen = None
        while True:
            time.sleep(POLL_SECONDS)
            now = self._look()
            if now != self.content and now == seen:
                self.content = now
                return now
            seen = now

    @contextmanager
    def calling(self, changed: Callable[[], object]) -> Iterator[None]:
        """Call ``changed`` once, in another thread, if the content changes inside the block."""
        ended = threading.Event()

        def look() -> None:
            while not ended.wait(POLL_SECONDS):
                if self._look() != self.content:
                    changed()
                    return

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _look(self) -> Content:
        """Read the file, or return its last content if its times and size are unchanged for ``_COARSE_SECONDS``."""
        stamp: tuple[int, ...] = ()
        try:
            status = os.stat(self._path)
            stamp = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
        except OSError:
            pass
        if stamp != self._stamp:
            self._stamp, self._since = stamp, time.monotonic()
        elif stamp and time.monotonic() - self._since > _COARSE_SECONDS:
            return self._latest
        try:
            self._latest = Content(read_input(self._path, "merge", _MOST_BYTES))
        except OpenPoseLabError as error:
            self._latest = Content(problem=str(error), gone=not os.path.lexists(self._path))
        return self._latest

"""Silence C libraries, so that their prints do not disturb the project's own messages."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_lock = threading.Lock()
_blocks = 0  # the number of silent blocks in all threads
_standard_error = -1  # a copy of the descriptor while it is silent


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Drop everything that is written to file descriptor 2 inside the block. Exceptions still reach the caller.

    All threads share the descriptor, and blocks in several threads may overlap. The first block to begin redirects the
    descriptor, and the last block to end restores it. Programs print to a copy of the descriptor
    (``openpose_lab/commands/streams.py``).
    """
    _begin()
    try:
        yield
    finally:
        _end()


def _begin() -> None:
    global _blocks, _standard_error
    with _lock:
        if _blocks == 0:
            _flush()
            try:
                _standard_error = os.dup(2)
            except OSError:  # closed, as in a program without a console
                _standard_error = -1
            else:
                _redirect()
        _blocks += 1


def _end() -> None:
    global _blocks
    with _lock:
        _blocks -= 1
        if _blocks == 0 and _standard_error >= 0:
            _flush()
            os.dup2(_standard_error, 2)
            os.close(_standard_error)


def _redirect() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _flush() -> None:
    if sys.stderr is not None:
        with suppress(OSError):  # a full disk
            sys.stderr.flush()

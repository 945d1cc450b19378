"""Keeping C libraries from writing over the project's own messages."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_blocks = 0  # that are silent now, in all threads
_standard_error = -1  # a copy of the descriptor while it is silent


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Drop what any code writes to file descriptor 2 inside the block; exceptions come through.

    The descriptor belongs to the whole process. Blocks in several threads may overlap: the first to begin redirects
    it, the last to end restores it. ``kept_stderr`` keeps ``sys.stderr`` from being dropped too.
    """
    _begin()
    try:
        yield
    finally:
        _end()


@contextmanager
def kept_stderr() -> Iterator[None]:
    """Let ``sys.stderr`` write to a copy of descriptor 2 inside the block, which ``silent_stderr`` does not redirect.

    Programs use it, so that no message and no progress bar is lost while a thread reads a photo. Where ``sys.stderr``
    is not descriptor 2, as in a notebook, nothing has to be done.
    """
    before = sys.stderr
    try:
        if before.fileno() != 2:
            raise OSError
        copy = os.fdopen(os.dup(2), "w", encoding=before.encoding, errors=before.errors, buffering=1)
    except (OSError, AttributeError, ValueError):
        yield
        return
    sys.stderr = copy
    try:
        yield
    finally:
        sys.stderr = before
        copy.close()


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
        sys.stderr.flush()

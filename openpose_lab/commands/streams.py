"""Safe standard streams: they print any text, and a failed write raises nothing."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from estimation.errors import visible


class Console(io.TextIOWrapper):
    """A standard stream of a program.

    It prints control characters as escapes, because paths, files and plug-ins may contain characters that control a
    terminal. A failed write raises nothing: ``failure`` keeps the first error, and later text is dropped.

    Args:
        descriptor: The file descriptor. It stays open when the stream is closed.
        kept: The control characters that are printed unchanged.
        like: The stream that this one replaces.
    """

    def __init__(self, descriptor: int, kept: str, like: io.TextIOWrapper) -> None:
        self._raw = _Lasting(open(descriptor, "wb", buffering=0, closefd=False))  # noqa: SIM115 (closed with it)
        self._kept = kept
        super().__init__(
            io.BufferedWriter(self._raw),  # type: ignore[type-var]
            encoding=like.encoding,
            errors="backslashreplace",  # a path may have letters that the terminal cannot show
            line_buffering=like.line_buffering or like.write_through,  # PYTHONUNBUFFERED sets write_through
        )

    @property
    def failure(self) -> OSError | None:
        """The error of the first write that failed, or None."""
        return self._raw.failure

    def end(self) -> None:
        """Write the buffered text. Later text, for example from a thread, is dropped."""
        self.flush()
        self._raw.failure = self.failure or OSError("the program has ended")

    def write(self, text: str) -> int:
        """Write text with its control characters as escapes."""
        super().write(visible(text, self._kept))
        return len(text)


class _Lasting(io.RawIOBase):
    """A raw stream that keeps the first error of a write, and drops later writes."""

    def __init__(self, stream: io.RawIOBase) -> None:
        self._stream = stream
        self.failure: OSError | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def write(self, data: bytes) -> int | None:  # type: ignore[override]
        if self.failure is None:
            try:
                return self._stream.write(data)
            except OSError as error:
                self.failure = error
        return len(data)


@contextmanager
def standard_streams() -> Iterator[None]:
    """Make ``sys.stdout`` and ``sys.stderr`` safe inside the block.

    Streams that are not file descriptors of the process, as in a notebook, are not replaced. ``sys.stderr`` writes to
    a copy of its descriptor. ``silent_stderr`` does not redirect the copy, so messages and progress bars still appear
    while a thread reads a photo.
    """
    before = sys.stdout, sys.stderr
    _open_closed()
    copy = os.dup(2)
    output = _safe(sys.stdout, 1, 1, "\n\t")
    errors = _safe(sys.stderr, 2, copy, "\n\t\r")  # a carriage return begins each drawing of a progress bar
    sys.stdout, sys.stderr = output, errors
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        for stream in (output, errors):
            if isinstance(stream, Console):
                stream.end()
        os.close(copy)


def _open_closed() -> None:
    """Open the standard descriptors that are closed, so that no other file gets their numbers."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the system gives the lowest free number, which is this one


def _safe(stream: TextIO | None, number: int, descriptor: int, kept: str) -> TextIO:
    if stream is None:  # the program that started this one has closed it
        stream = open(number, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 (the descriptor stays open)
    try:
        if stream.fileno() == number and isinstance(stream, io.TextIOWrapper):
            stream.flush()
            return Console(descriptor, kept, stream)
    except (AttributeError, OSError, ValueError):  # as in a notebook
        pass
    return stream

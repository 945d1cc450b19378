"""What every program here does alike: whatever goes wrong is said in one sentence, with a non-zero exit."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from tqdm import tqdm

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from estimation.quiet import kept_stderr

_STOPS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
"""Signals that ask a program to stop, beside Ctrl-C's. SIGBREAK is Windows's."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""Errors of the standard output when it goes to a full disk. Files are written by ``write_whole``, which names them."""


class Stopped(KeyboardInterrupt):
    """A signal asks the program to stop. Code that cleans up after Ctrl-C cleans up after it, too.

    Args:
        number: The signal's number.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def signals_raise() -> Iterator[None]:
    """Let signals that would end the program raise Stopped in its main thread. Only the first one does.

    A signal that is ignored stays ignored: ``nohup`` relies on it.
    """
    received: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        if not received:  # another one must not interrupt the cleaning up; `timeout` sends two
            received.append(number)
            raise Stopped(number)

    fatal = [number for number in _STOPS if signal.getsignal(number) is signal.SIG_DFL]
    for number in fatal:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in fatal:
            signal.signal(number, signal.SIG_DFL)


def run(name: str, main: Callable[[Sequence[str]], None], arguments: Sequence[str]) -> int:
    """Run a program's main function on its arguments.

    Whatever a person can put right is told in one sentence that begins with the program's name.

    Returns:
        The exit status for ``sys.exit``.
    """
    for stream_name in ("stdout", "stderr"):
        if getattr(sys, stream_name) is None:  # closed by whoever started the program
            setattr(sys, stream_name, open(os.devnull, "w"))  # noqa: SIM115 (open until the end)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a path may have letters the terminal has not
    with kept_stderr(), warnings.catch_warnings():
        warnings.simplefilter("default", OpenPoseLabWarning)
        others = warnings.showwarning
        told = set()

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if (str(message), category) in told:  # Python forgets, whenever somebody sets a filter
                return
            told.add((str(message), category))
            if issubclass(category, OpenPoseLabWarning):
                tqdm.write(f"{name}: note: {message}", sys.stderr)  # above a progress bar, if there is one
            else:
                others(message, category, *where, **more)

        warnings.showwarning = show
        return _run(name, main, arguments)


def _run(name: str, main: Callable[[Sequence[str]], None], arguments: Sequence[str]) -> int:
    try:
        with signals_raise():
            main(arguments)
        sys.stdout.flush()
    except OpenPoseLabError as error:
        return _fail(name, str(error), 1)
    except KeyboardInterrupt as stop:
        return _fail(name, "stopped", 128 + (stop.number if isinstance(stop, Stopped) else signal.SIGINT))
    except MemoryError:
        return _fail(name, "not enough memory; try a smaller --height, or close other programs", 1)
    except BrokenPipeError:  # the reader of our output, such as head, has seen enough
        _discard_output()
        return 0
    except OSError as error:
        if error.errno not in _NO_ROOM or error.filename is not None:
            raise
        _discard_output()
        return _fail(name, f"the output cannot be written: {error.strerror}", 1)
    return 0


def _discard_output() -> None:
    """Send what is left of the standard output nowhere: Python flushes it once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(name: str, sentence: str, status: int) -> int:
    print(f"{name}: {sentence}", file=sys.stderr)
    return status


def quoted(path: Path) -> str:
    """Write a path for a command line, on Windows too.

    Args:
        path: The path.

    Returns:
        The path, in double quotes if it has a space.
    """
    return f'"{path}"' if " " in str(path) else str(path)


def shown(path: Path) -> Path:
    """The path from the current folder, if it leads down from there."""
    absolute = path.absolute()
    return absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else path

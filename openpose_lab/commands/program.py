"""What every program here does alike: whatever goes wrong is said in one sentence, with a non-zero exit."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from estimation.quiet import kept_stderr


def run(name: str, main: Callable[[Sequence[str]], None], arguments: Sequence[str]) -> int:
    """Run a program's main function on its arguments.

    Whatever a person can put right is told in one sentence that begins with the program's name.

    Returns:
        The exit status for ``sys.exit``.
    """
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
        main(arguments)
        sys.stdout.flush()
    except OpenPoseLabError as error:
        return _fail(name, str(error), 1)
    except KeyboardInterrupt:
        return _fail(name, "stopped", 130)
    except MemoryError:
        return _fail(name, "not enough memory; try a smaller --height, or close other programs", 1)
    except BrokenPipeError:  # the reader of our output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes it once more at its end
        return 0
    return 0


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

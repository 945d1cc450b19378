"""What every program here does alike: whatever goes wrong is said in one sentence, with a non-zero exit."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

from estimation.errors import OpenPoseLabError


def run(name: str, main: Callable[[], None]) -> int:
    """Run a program's main function; the exit status for ``sys.exit``."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a path may have letters the terminal has not
    try:
        main()
        sys.stdout.flush()
    except OpenPoseLabError as error:
        return _fail(name, str(error), 1)
    except KeyboardInterrupt:
        return _fail(name, "stopped", 130)
    except MemoryError:
        return _fail(name, "not enough memory; try a smaller --height, or close other programs", 1)
    except BrokenPipeError:  # the reader of our output, such as head, has seen enough
        sys.stderr.close()
        return 0
    return 0


def _fail(name: str, sentence: str, status: int) -> int:
    print(f"{name}: {sentence}", file=sys.stderr)
    return status

"""Run a program: every failure becomes one sentence and a non-zero exit status.

``run`` handles Ctrl-C. So programs import slow modules inside ``run``, where Ctrl-C also stops an import.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning, one_line
from openpose_lab.commands.streams import Console, standard_streams
from openpose_lab.paths import in_clone

if TYPE_CHECKING:
    from threading import Timer

DEBUG = "OPENPOSE_LAB_DEBUG"
"""An environment variable. If it is set, programs show tracebacks, and the warnings and logs of libraries."""
FAULT = 70
"""The exit status after a bug in the program: EX_SOFTWARE of sysexits.h."""

_STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
"""Signals that ask a program to stop. Ctrl-C sends SIGINT; only Windows has SIGBREAK."""
_READER_IS_GONE = (errno.EPIPE, errno.EINVAL)
"""Errors of the standard output after its reader, such as ``head``, has ended. Windows gives EINVAL."""
_PROJECT = Path(__file__).parents[2]
_OWN_FOLDERS = ("estimation", "models", "openpose_lab", "scripts")
_STUDENTS_FILE = ("estimation", "merge.py")


class Stopped(KeyboardInterrupt):
    """A signal asks the program to stop. Code that cleans up after Ctrl-C also cleans up after this exception.

    Args:
        number: The signal's number.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def signals_raise() -> Iterator[list[int]]:
    """Let signals that would end the program raise Stopped in its main thread.

    Only the first signal raises, because ``timeout`` sends two and the second would interrupt the cleaning up. Ctrl-C
    raises each time, because an import may swallow the first. An ignored signal stays ignored, as ``nohup`` needs.
    Python drops an exception in ``__del__`` and in the callback of a weak reference. Stopped is then raised again.

    Yields:
        The numbers of the signals received so far.
    """
    received: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        received.append(number)
        if number == signal.SIGINT or len(received) == 1:
            raise Stopped(number)

    def raise_again(dropped: Any) -> None:
        from threading import Timer

        if isinstance(dropped.exc_value, Stopped):
            timers.append(Timer(0.01, again, [dropped.exc_value.number]))
            timers[-1].start()  # it sends the signal after this function has ended
        else:
            hook(dropped)

    def again(number: int) -> None:
        received.clear()
        _send(number)

    timers: list[Timer] = []
    hook = sys.unraisablehook
    usual = (signal.SIG_DFL, signal.default_int_handler)
    before = {number: handler for number in _STOPS if (handler := signal.getsignal(number)) in usual}
    for number in before:
        signal.signal(number, stop)
    sys.unraisablehook = raise_again
    try:
        yield received
    finally:
        try:
            for timer in timers:
                timer.cancel()
                timer.join()  # the handlers below would let its signal end the process
        finally:
            sys.unraisablehook = hook
            for number, handler in before.items():
                signal.signal(number, handler)


def _send(number: int) -> None:
    """Send a signal to this process. Except on Windows, this also ends a wait of the main thread."""
    if os.name == "posix":
        os.kill(os.getpid(), number)
    else:
        signal.raise_signal(number)


@contextmanager
def first_signal_waits() -> Iterator[Callable[[], bool]]:
    """Let a program complete its outputs after the first Ctrl-C, and end when it is ready.

    A second Ctrl-C raises Stopped at once. Other signals never do, because ``timeout`` sends two.

    Yields:
        A function that returns whether a signal was received.

    Raises:
        Stopped: At the end of the block, if a signal was received.
    """
    received: list[int] = []

    def wait(number: int, frame: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1 and number == signal.SIGINT:
            raise Stopped(number)

    before = {number: signal.signal(number, wait) for number in _STOPS if callable(signal.getsignal(number))}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if received:
        raise Stopped(received[0])


def start(name: str, main: Callable[[Sequence[str]], None], arguments: Sequence[str]) -> int:
    """Run a program with ``run``, as the only task of this process.

    Returns:
        The exit status for ``sys.exit``.
    """
    let_interrupts_end()
    status = run(name, main, arguments)
    if "ray" in sys.modules:  # its threads sometimes abort the process while Python ends, after the work is done
        os._exit(status)
    return status


def let_interrupts_end() -> None:
    """Let Ctrl-C end the process at once. Otherwise Ctrl-C before or after ``run`` would print a traceback."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def run(name: str, main: Callable[[Sequence[str]], None], arguments: Sequence[str]) -> int:
    """Run a program's main function on its arguments.

    A mistake that the user can correct is printed as one sentence that begins with the program's name.

    Returns:
        The exit status for ``sys.exit``.
    """
    with standard_streams(), _notes(name):
        output = sys.stdout  # claim_outputs may replace sys.stdout
        status = _run(name, main, arguments)
        failure = None
        try:
            output.flush()
        except OSError as error:  # only of a stream that is no Console, because a Console raises nothing
            failure = error
        if isinstance(output, Console):
            failure = output.failure
        if failure is None or failure.errno in _READER_IS_GONE:
            return status
        return _fail(name, f"the output cannot be written: {failure.strerror}", status or 1)


def _run(name: str, main: Callable[[Sequence[str]], None], arguments: Sequence[str]) -> int:
    received: list[int] = []
    try:
        with signals_raise() as received:
            main(arguments)
    except OpenPoseLabError as error:
        return _fail(name, str(error), 1)
    except KeyboardInterrupt as stop:
        return _stopped(name, stop.number if isinstance(stop, Stopped) else signal.SIGINT)
    except SystemExit as end:  # argparse raises it after it has printed the reason
        return end.code if isinstance(end.code, int) else 0 if end.code is None else _fail(name, str(end.code), 1)
    except Exception as error:
        if received:  # a C module turns a signal during its import into an ImportError
            return _stopped(name, received[0])
        if os.environ.get(DEBUG):
            raise
        return _fail(name, *_told(error))
    return 0


def _stopped(name: str, number: int) -> int:
    return _fail(name, "stopped", 128 + number)


def _told(error: Exception) -> tuple[str, int]:
    """Return the sentence for an unexpected exception, and the exit status."""
    if isinstance(error, MemoryError):
        return "not enough memory; try --quality fast or a smaller --height, or close other programs", 1
    if isinstance(error, OSError) and error.strerror:
        what = "the system reports an error" if error.filename is None else f"cannot use {shown(error.filename)}"
        return f"{what}: {error.strerror}", 1
    if isinstance(error, ImportError) and error.name and error.name.partition(".")[0] not in _OWN_FOLDERS:
        advice = "install the project's packages again, and run the Python of that environment"
        return f"the package {error.name} cannot be loaded ({one_line(str(error), 150)}); {advice}", 1
    what = one_line(f"{type(error).__name__}: {error}", 150)
    return f"this is a bug in the program: {what}{_place(error)}; please report it. Set {DEBUG}=1 to see more", FAULT


def _place(error: Exception) -> str:
    """Return the project's innermost line in an exception's traceback, such as `` (estimation/x.py, line 3)``."""
    from traceback import walk_tb

    lines = [(Path(frame.f_code.co_filename), number) for frame, number in walk_tb(error.__traceback__)]
    own = [(path.relative_to(_PROJECT), number) for path, number in lines if path.is_relative_to(_PROJECT)]
    own = [(path, number) for path, number in own if path.parts[0] in _OWN_FOLDERS]
    return f" ({own[-1][0]}, line {own[-1][1]})" if own else ""


def _fail(name: str, sentence: str, status: int) -> int:
    print(f"{name}: {one_line(sentence)}", file=sys.stderr)
    return status


@contextmanager
def _notes(name: str) -> Iterator[None]:
    """Print each warning for the user once, as one line. Drop the warnings and logs of libraries."""
    import logging  # in here, where Ctrl-C is handled

    last_resort = logging.lastResort  # the handler that prints if logging was not set up
    if not os.environ.get(DEBUG):
        logging.lastResort = logging.NullHandler()
    with warnings.catch_warnings():
        warnings.simplefilter("default", OpenPoseLabWarning)
        others = warnings.showwarning
        told = set()

        def show(
            message: Warning | str, category: type[Warning], filename: str, lineno: int, *more: Any, **rest: Any
        ) -> None:
            if (str(message), category) in told:  # Python's own record is emptied when a filter is set
                return
            told.add((str(message), category))
            if issubclass(category, OpenPoseLabWarning):
                _print_note(name, str(message))
            elif os.environ.get(DEBUG) or sys.warnoptions:
                others(message, category, filename, lineno, *more, **rest)
            elif _is_users(filename):
                text = one_line(str(message), 200)
                _print_note(name, f"{shown(filename)}, line {lineno}: {category.__name__}: {text}")

        warnings.showwarning = show
        try:
            yield
        finally:
            logging.lastResort = last_resort


def _print_note(name: str, text: str) -> None:
    line = f"{name}: note: {text}"
    if "tqdm" not in sys.modules:  # importing it takes 40 ms
        print(line, file=sys.stderr)
        return
    from tqdm import tqdm

    tqdm.write(line, sys.stderr)  # prints above an open progress bar


def _is_users(filename: str) -> bool:
    """Return whether a Python file is the user's, such as a grouping, and not the project's or a library's."""
    from sysconfig import get_path

    path = Path(filename)
    if path == _PROJECT.joinpath(*_STUDENTS_FILE):
        return True
    others = [get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    others += [str(_PROJECT / name) for name in _OWN_FOLDERS]
    return path.is_file() and not any(path.is_relative_to(other) for other in others)


def claim_outputs(outputs: Sequence[Path], inputs: Iterable[tuple[str, Path | None]]) -> None:
    """Check with ``check_outputs`` the files that a program will write.

    If one of them is the standard output, the program's messages go to the standard error from now on.
    """
    from estimation.files import check_outputs, is_standard_output  # in here, because it imports OpenCV, which is slow

    check_outputs(outputs, inputs)
    if any(map(is_standard_output, outputs)):
        sys.stdout = sys.stderr  # until ``run`` ends


def how_started() -> str:
    """Return how this program was started, such as ``.venv/bin/python -m openpose_lab``, to name other commands."""
    started = sys.orig_argv[: len(sys.orig_argv) - len(sys.argv) + 1]
    by_path = len(started) > 1 and os.path.isfile(os.path.join(started[-1], "__main__.py"))
    if started[-2:] == ["-m", "openpose_lab"] or by_path:
        return " ".join(quoted(Path(word)) for word in started)
    return "python -m openpose_lab" if in_clone() else "openpose-lab"


def quoted(path: Path) -> str:
    """Quote a path for a command line, also on Windows.

    Args:
        path: The path.

    Returns:
        The path, in double quotes if it contains a space.
    """
    text = one_line(str(path))
    return f'"{text}"' if " " in text else text


def shown(path: str | os.PathLike[str]) -> str:
    """Return a path for messages: on one line, and relative if it is inside the current folder."""
    try:
        here = Path.cwd()
        absolute = here / path
    except OSError:  # the current folder was deleted
        return one_line(os.fspath(path))
    return one_line(str(absolute.relative_to(here)) if absolute.is_relative_to(here) else os.fspath(path))

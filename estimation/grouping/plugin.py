"""Find and run a grouping. If it fails, one sentence says what went wrong.

A grouping is a function with one of two names, its "door". ``merge(subset)`` is the lab's: it turns rows of limbs into
rows of people. ``group(candidates, coordinates, config)`` gets all scored candidates, also those that were not
accepted, and returns rows of people.
"""

from __future__ import annotations

import codecs
import contextlib
import inspect
import io
import os
import sys
import textwrap
import threading
import tokenize
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from types import CodeType, MappingProxyType, ModuleType
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from estimation.built_in_groupings import GROUPINGS
from estimation.config import Config
from estimation.connections import Connections
from estimation.errors import OpenPoseLabError, OpenPoseLabWarning, visible
from estimation.grouping.contract import (
    KEEPS_INPUT,
    PRINTS_NOTHING,
    REPLY_CHECKS,
    RETURNS,
    ContractError,
    Reply,
    check_answer,
    is_too_large,
    plain_answer,
)
from estimation.grouping.division import Division
from estimation.subset import GroupingError, limb_rows, slots_of_rows

_SIGNATURES = {"group": "group(candidates, coordinates, config)", "merge": "merge(subset)"}
LIMITS = ("min_num_body_parts", "min_score")
"""The options of ``merge`` that are also thresholds of ``Config``."""
DOORS = tuple(_SIGNATURES)
"""The functions that a plug-in may define, in the order of the search."""
Input = Connections | NDArray[np.float64]
"""The input of a grouping: the connections for ``group``, rows of limbs for ``merge``."""
_LARGEST_FILE = 8 << 20  # bytes
_KEPT = 100  # characters of printed text that are kept
_UTF_32_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, *_UTF_32_MARKS)
"""The first bytes of files that editors save as UTF-16 or UTF-32, such as Notepad's "Unicode"."""
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_GROUP_ARGUMENTS = 3  # candidates, coordinates, config


@dataclass(frozen=True)
class FileKind:
    """A kind of plug-in.

    Attributes:
        name: the name of its file in messages.
        error: the exception for its mistakes.
    """

    name: str
    error: type[OpenPoseLabError]


GROUPING_FILE = FileKind("grouping file", GroupingError)


class DescribedError(Exception):
    """An error of a plug-in with a finished description, such as an error in another process."""


@dataclass(frozen=True)
class Grouping:
    """A function that groups limbs into people.

    Attributes:
        door: ``merge`` or ``group``; it decides the input of the function.
        function: the function.
        source: the file that the function was loaded from.
    """

    door: str
    function: Callable[..., Any]
    source: Path


GroupingLike = str | Path | Callable[..., Any] | Grouping
"""The argument of ``load_grouping``."""


def load_grouping(grouping: GroupingLike = "lab", doors: Sequence[str] = DOORS) -> Grouping:
    """Load a grouping from its Python file, which is executed, or from a function.

    Args:
        grouping: a name in ``GROUPINGS``, the path of a Python file, a function or a loaded grouping. A file may import
            other files of its folder. The name of a function, ``merge`` or ``group``, decides its door. A function with
            another name is a ``group`` if it has three required arguments, and otherwise a ``merge``. A loaded grouping
            is returned unchanged.
        doors: the functions to look for in the file, in this order. The first one that the file defines is used.

    Returns:
        The grouping.

    Raises:
        GroupingError: if the file is missing, does not run, or defines no such function.
    """
    if isinstance(grouping, Grouping):
        return grouping
    if callable(grouping):
        return _from_function(grouping)
    path = find_file(grouping)
    module = execute(path, GROUPING_FILE)
    for door in doors:
        function = vars(module).get(door)  # getattr would call the module's own __getattr__
        if callable(function):
            return Grouping(door, function, path)
    lacks = "neither a function merge nor a function group" if len(doors) > 1 else f"no function {doors[0]}"
    define = " in it, or ".join(_SIGNATURES[door] for door in reversed(doors))
    raise GroupingError(f"the grouping file {path} has {lacks}; define {define}{' in it' if len(doors) == 1 else ''}")


def find_file(grouping: str | Path) -> Path:
    """Find the file of a grouping.

    Args:
        grouping: a name in ``GROUPINGS``, or the path of a Python file.

    Returns:
        The path.

    Raises:
        GroupingError: if the file does not exist, or is not a Python file.
    """
    path = GROUPINGS.get(str(grouping)) or Path(grouping)
    if not os.path.isfile(path):
        raise GroupingError(
            f"there is no grouping {path}; give the path of a Python file with a function merge or group, "
            f"or one of {', '.join(GROUPINGS)}"
        )
    check_form(path, GROUPING_FILE)
    return path


def check_form(path: Path, kind: FileKind) -> None:
    """Raise the kind's error if a plug-in's file is too large for a Python file, or its name does not end in .py."""
    if path.suffix != ".py":
        raise kind.error(f"the {kind.name} {path} must be a Python file; its name must end in .py")
    if path.stat().st_size > _LARGEST_FILE:
        raise kind.error(
            f"the {kind.name} {path} is larger than {_LARGEST_FILE >> 20} MB, too large for a Python file; "
            "check the path"
        )


def check_syntax(path: Path) -> None:
    """Raise GroupingError if a grouping's file is not valid Python. The file is not executed."""
    with _told_as_not_loaded(path, GROUPING_FILE):
        compile(read_source(path), path, "exec")


def read_source(path: Path) -> bytes:
    """Read a plug-in's file. Raises DescribedError if Python does not read its encoding.

    Python's own error for such a file names only a byte. This error names the encoding, and says what to do.
    """
    data = path.read_bytes()
    if data.startswith(_WIDE_MARKS) or b"\0" in data[:2]:  # Python code nearly always begins with an ASCII letter
        wide = "UTF-32" if data.startswith(_UTF_32_MARKS) or data[1:4] == bytes(3) or data[:3] == bytes(3) else "UTF-16"
        raise DescribedError(f"the file is {wide}, but Python reads UTF-8; in your editor, save it with encoding UTF-8")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError:  # compiling the file, or the code below, reports the error with its line
        encoding = "utf-8"
    try:
        with contextlib.suppress(LookupError):  # the codec does not decode text, such as rot13
            data.decode(encoding)
    except UnicodeDecodeError as error:
        line, name = data[: error.start].count(b"\n") + 1, encoding.removesuffix("-sig").upper()
        raise DescribedError(
            f"line {line}: byte 0x{data[error.start]:02x} is not {name}; in your editor, save it with encoding UTF-8"
        ) from error
    return data


def _from_function(function: Callable[..., Any]) -> Grouping:
    code = getattr(function, "__code__", None)
    source = Path(code.co_filename if isinstance(code, CodeType) else f"<{type(function).__name__}>")
    required = [one for one in parameters_of(function).values() if one.default is one.empty and one.kind in _POSITIONAL]
    by_arguments = "group" if len(required) == _GROUP_ARGUMENTS else "merge"
    name = getattr(function, "__name__", "")
    return Grouping(name if name in DOORS else by_arguments, function, source)


def run_grouping(
    grouping: Grouping, config: Config, connections: Connections, shown: TextIO | None = None
) -> NDArray[np.float64]:
    """Run a grouping as ``divide`` does, and return only its rows, (n, parts + 2) float64."""
    return divide(grouping, config, connections, shown).subset


def divide(grouping: Grouping, config: Config, connections: Connections, shown: TextIO | None = None) -> Division:
    """Run a grouping on copies of the limbs of one photo, and check its answer.

    Args:
        grouping: the grouping.
        config: the configuration that the limbs were found with.
        connections: the limbs.
        shown: a stream for the grouping's prints. By default, they are dropped.

    Returns:
        The checked rows, (n, parts + 2) float64, with objective and bound if the grouping returned them.

    Raises:
        GroupingError: if the grouping raises, or its answer breaks the contract.

    Warns:
        OpenPoseLabWarning: if the grouping prints, or changes its input. The input is a copy, so other groupings do
            not see the change.
    """
    return _divide(grouping, config, input_of(grouping, config, connections), shown)


def run_merge(
    grouping: Grouping, config: Config, rows: NDArray[np.float64], shown: TextIO | None = None
) -> NDArray[np.float64]:
    """Run a ``merge`` on a copy of rows of limbs, and check its answer, as ``divide`` does.

    Args:
        grouping: the ``merge``.
        config: the configuration of the rows. Its limits, such as ``min_score``, are passed to ``merge`` if they differ
            from the defaults and ``merge`` accepts them.
        rows: (n, parts + 2) float64, rows of limbs.
        shown: a stream for the grouping's prints. By default, they are dropped.

    Returns:
        The checked rows, (m, parts + 2) float64.
    """
    return _divide(grouping, config, rows, shown).subset


def input_of(grouping: Grouping, config: Config, connections: Connections) -> Input:
    """Return the input for a grouping: rows of limbs for ``merge``, the connections for ``group``."""
    return limb_rows(config, connections) if grouping.door == "merge" else connections


def slots_of_input(given: Input) -> NDArray[np.intp]:
    """Return the body part of each peak in a grouping's input, and ``MISSING`` for other ids: (P,)."""
    return given.coordinates.part if isinstance(given, Connections) else slots_of_rows(given)


def call_grouping(
    grouping: Grouping,
    config: Config,
    given: Input,
    options: Mapping[str, float] = MappingProxyType({}),
    shown: TextIO | None = None,
) -> Reply:
    """Call a grouping with copies of its input.

    Args:
        grouping: the grouping.
        config: the configuration of the limbs.
        given: the input from ``input_of``.
        options: further keyword arguments for the function.
        shown: a stream for the grouping's prints. By default, they are dropped.

    Returns:
        The unchecked reply. Its error names the line in the grouping's own file.
    """
    if isinstance(given, Connections):
        originals: tuple[Any, ...] = given.candidates, given.coordinates
        copies = deepcopy(originals)
        arguments = (*copies, config)
    else:
        originals, copies = (given,), (given.copy(),)
        arguments = copies
        options = {**_limits(grouping.function, config), **options}
    printed, value = Printed(shown), None
    cause: BaseException | None = None
    try:
        with guarded(printed):
            value = _own(grouping.function(*arguments, **options))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: a plug-in must not end the program
        cause = error
    return Reply(
        value,
        describe_error(cause, _source_file(grouping)) if cause else None,
        any(map(differ, originals, copies)),
        printed.length,
        printed.beginning,
        cause,
    )


def _own(answer: Any) -> Any:
    """Copy the answer, because a grouping may return the same array each time."""
    if isinstance(answer, Division):
        return replace(answer, subset=_own(answer.subset))
    answer = plain_answer(answer)
    return answer.copy() if isinstance(answer, np.ndarray) and not is_too_large(answer) else answer


def _divide(grouping: Grouping, config: Config, given: Input, shown: TextIO | None) -> Division:
    reply = call_grouping(grouping, config, given, shown=shown)
    if failed := REPLY_CHECKS[RETURNS](grouping.door, reply):
        raise GroupingError(f"{_name_of(grouping)} {failed}") from reply.cause
    for name in (PRINTS_NOTHING, KEEPS_INPUT):
        if sentence := REPLY_CHECKS[name](grouping.door, reply):
            warnings.warn(f"{_name_of(grouping)} {sentence}", OpenPoseLabWarning, stacklevel=3)
    division = reply.value if isinstance(reply.value, Division) else None
    try:
        subset = check_answer(config, division.subset if division else reply.value, slots_of_input(given))
        return replace(division, subset=subset) if division else Division(subset)
    except ContractError as error:
        sentence = f"{_name_of(grouping)} broke the contract: {error}"
        raise ContractError(sentence, error.answer, error.broken) from error


def _name_of(grouping: Grouping) -> str:
    """Name the grouping for a message: its function and its file. A function of a notebook's cell has no file."""
    source = _source_file(grouping)
    return f"{grouping.door} in {source}" if os.path.isfile(source) else grouping.door


def _limits(function: Callable[..., Any], config: Config) -> dict[str, float]:
    changed = {name: getattr(config, name) for name in LIMITS if getattr(config, name) != getattr(Config, name)}
    return {name: value for name, value in changed.items() if takes(function, name)}


def takes(function: Callable[..., Any], name: str) -> bool:
    """Return whether a function takes a keyword argument, by its name or by ``**``."""
    parameters = parameters_of(function)
    return name in parameters or any(one.kind is one.VAR_KEYWORD for one in parameters.values())


def parameters_of(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of a function by name. For some functions in C, Python does not know them: none."""
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}


def differ(original: Any, copy: Any) -> bool:
    """Return whether two arrays differ. For other objects, compare all their attributes as arrays."""
    if isinstance(original, np.ndarray):
        return not np.array_equal(original, copy)
    return any(not np.array_equal(value, vars(copy).get(name, ())) for name, value in vars(original).items())


@contextlib.contextmanager
def settings_kept() -> Iterator[None]:
    """Restore the settings of ``np.seterr`` and ``warnings.simplefilter`` at the end of the block."""
    with np.errstate(), warnings.catch_warnings():
        yield


_one_at_a_time = threading.RLock()
"""One plug-in runs at a time, as all threads share warning filters and standard output. A grouping may call another."""
_exit = os._exit
_plugin = threading.local()
"""``process``: the id of the process in which this thread runs a plug-in."""


def _exit_unless_in_plugin(status: int) -> None:
    """Raise SystemExit if a plug-in's own process calls ``os._exit``. A process that a plug-in forked ends as usual."""
    if getattr(_plugin, "process", None) == os.getpid():
        raise SystemExit(f"os._exit({status})")
    _exit(status)


@contextlib.contextmanager
def exit_refused() -> Iterator[None]:
    """Make ``os._exit`` raise SystemExit in this thread until the block ends."""
    os._exit = _exit_unless_in_plugin  # type: ignore[assignment]  # not restored: another thread may run a plug-in
    before, _plugin.process = getattr(_plugin, "process", None), os.getpid()
    try:
        yield
    finally:
        _plugin.process = before


@contextlib.contextmanager
def _output_of_this_thread(target: io.TextIOBase) -> Iterator[None]:
    """Send this thread's prints to ``target`` until the block ends. Other threads print as before."""
    outer = sys.stdout
    shared = outer if isinstance(outer, _SharedOutput) else _SharedOutput(outer)
    sys.stdout = shared
    before, shared.target.stream = getattr(shared.target, "stream", None), target
    try:
        yield
    finally:
        shared.target.stream = before
        if sys.stdout is shared:  # else another thread has redirected it since
            sys.stdout = outer


class _SharedOutput(io.TextIOBase):
    """A standard output that each thread can redirect for itself. Other threads print to the original."""

    def __init__(self, original: Any) -> None:  # None where there is no standard output
        self._original = original
        self.target = threading.local()

    def write(self, text: str) -> int:
        stream = self._of_thread() or self._original
        return stream.write(text) if stream else len(text)

    def flush(self) -> None:
        if self._original:
            self._original.flush()

    def isatty(self) -> bool:
        return bool(self._of_thread() is None and self._original and self._original.isatty())

    def fileno(self) -> int:
        if self._of_thread() or not self._original:
            return super().fileno()  # which raises
        number: int = self._original.fileno()
        return number

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(self._original, "encoding", None) or "utf-8"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or self._of_thread():
            raise AttributeError(name)
        return getattr(self._original, name)

    def _of_thread(self) -> io.TextIOBase | None:
        return getattr(self.target, "stream", None)


class Printed(io.TextIOBase):
    """A stream that counts characters, keeps the first of them, and writes all of them to ``shown``, if given."""

    def __init__(self, shown: TextIO | None) -> None:
        self.length, self.beginning = 0, ""
        self._shown = shown

    def write(self, text: str) -> int:
        """Count and keep some text."""
        self.length += len(text)
        self.beginning += text[: _KEPT - len(self.beginning)]
        if self._shown:
            self._shown.write(visible(text, "\n\t"))
        return len(text)


@contextlib.contextmanager
def guarded(printed: io.TextIOBase) -> Iterator[None]:
    """Protect the program while the block runs a plug-in.

    One plug-in runs at a time. Its settings are undone at the end, ``os._exit`` raises an error, and its prints go to
    ``printed``.
    """
    with _one_at_a_time, settings_kept(), exit_refused(), _output_of_this_thread(printed):
        yield


def execute(path: Path, kind: FileKind) -> ModuleType:
    """Execute a plug-in's file, which may import files beside it.

    Args:
        path: the file.
        kind: the kind of plug-in.

    Returns:
        The module.

    Raises:
        OpenPoseLabError: the kind's error, if the file does not run.
    """
    module = ModuleType(f"{kind.name.split()[0]}_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses, for example, look up their module here
    folder = path.parent.resolve()
    others = set(sys.modules)
    appended = str(folder) not in sys.path
    if appended:
        sys.path.append(str(folder))
    try:
        with _told_as_not_loaded(path, kind), guarded(Printed(sys.stdout)):
            exec(compile(read_source(path), path, "exec"), module.__dict__)
    finally:
        if appended and str(folder) in sys.path:  # the file may have removed it, or added others
            del sys.path[len(sys.path) - 1 - sys.path[::-1].index(str(folder))]
        for name in set(sys.modules) - others:  # the next file may have other neighbours of these names
            source = getattr(sys.modules[name], "__file__", None)
            if source and Path(source).parent == folder:
                del sys.modules[name]
    return module


@contextlib.contextmanager
def _told_as_not_loaded(path: Path, kind: FileKind) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise kind.error(f"the {kind.name} {path} cannot be loaded: {describe_error(error, path)}") from error


def _source_file(grouping: Grouping) -> Path:
    """Return the file that defines the function. A grouping's file may import it from another file."""
    code = getattr(grouping.function, "__code__", None)
    return Path(code.co_filename) if isinstance(code, CodeType) else grouping.source


def describe_error(error: BaseException, source: Path) -> str:
    """Describe an error on one line, with the last line number in the plug-in's own file that led to it."""
    if isinstance(error, DescribedError):
        return str(error)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == source]
    if isinstance(error, SyntaxError):
        lines, text = [error.lineno], error.msg
    else:
        text = _text_of(error)
    what = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return f"line {lines[-1]}: {what}" if lines and lines[-1] else what


def _text_of(error: BaseException) -> str:
    try:
        return textwrap.shorten(str(error), 300, placeholder=" ...")
    except KeyboardInterrupt:
        raise
    except BaseException:  # the text of the exception raises an exception
        return ""

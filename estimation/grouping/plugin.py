"""Finding and running a grouping, whoever wrote it, so that whatever it does, one sentence says what went wrong.

There are two doors. ``merge(subset)`` is the lab's: rows of limbs in, rows of people out. ``group(candidates,
coordinates, config)`` sees every scored candidate before any is thrown away, and returns the same rows.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import sys
import textwrap
import traceback
import warnings
from collections.abc import Callable, Container, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.connections import Connections
from estimation.errors import OpenPoseLabWarning
from estimation.grouping.checks import check_people
from estimation.grouping.division import Division
from estimation.subset import GroupingError, limb_rows, slots_of_rows

LAB_MERGE = Path(__file__).parent.parent / "merge.py"
"""The file that students edit."""
_OTHERS = ("openpose_cpu", "openpose_cuda", "hungarian", "spanning_tree", "best_first", "optimal")
_FILES = {name: Path(__file__).parent / f"{name}.py" for name in _OTHERS}
GROUPINGS = {"lab": LAB_MERGE, **{name: path for name, path in _FILES.items() if path.is_file()}}
"""The project's own groupings by name, a file each; the lab's handout has but the first, whose author its reader is."""
_SIGNATURES = {"group": "group(candidates, coordinates, config)", "merge": "merge(subset)"}
_LIMITS = ("min_num_body_parts", "min_score")  # of merge, and of Config
DOORS = tuple(_SIGNATURES)
"""The functions that a plug-in may have, in the order in which they are looked for."""


@dataclass(frozen=True)
class Grouping:
    """A function that makes people of limbs.

    door: ``merge`` or ``group``, which says what it is given. source: the file it is in.
    """

    door: str
    function: Callable[..., Any]
    source: Path


def load_grouping(grouping: str | Path = "lab", doors: Sequence[str] = DOORS) -> Grouping:
    """A grouping by its name in ``GROUPINGS``, or by its Python file, which is executed to get it.

    A file may import files beside it. doors: the functions that are looked for, the first that is there is taken.
    Raises GroupingError, in one sentence, if the file is missing, does not run, or has no such function.
    """
    path = GROUPINGS.get(str(grouping)) or Path(grouping)
    if not os.path.isfile(path):
        raise GroupingError(
            f"there is no grouping {path}; give the path of a Python file with a function merge or group, "
            f"or one of {', '.join(GROUPINGS)}"
        )
    if path.suffix != ".py":
        raise GroupingError(f"the grouping file {path} must be a Python file whose name ends in .py")
    module = _execute(path)
    for door in doors:
        function = getattr(module, door, None)
        if callable(function):
            return Grouping(door, function, path)
    lacks = "neither a function merge nor a function group" if len(doors) > 1 else f"no function {doors[0]}"
    define = " in it, or ".join(_SIGNATURES[door] for door in reversed(doors))
    raise GroupingError(f"the grouping file {path} has {lacks}; define {define}{' in it' if len(doors) == 1 else ''}")


def run_grouping(
    grouping: Grouping, config: Config, connections: Connections, shown: TextIO | None = None
) -> NDArray[np.float64]:
    """Run a grouping and return its rows alone: ``divide(...).subset``."""
    return divide(grouping, config, connections, shown).subset


def divide(grouping: Grouping, config: Config, connections: Connections, shown: TextIO | None = None) -> Division:
    """Run a grouping on copies of the limbs of one photo, and check its answer.

    Args:
        grouping: the grouping.
        config: the configuration that the limbs were found with.
        connections: the limbs.
        shown: where to write what the grouping prints; by default nowhere.

    Returns:
        The checked rows, (people, parts + 2) float64, with objective and bound if the grouping gave them.

    Raises:
        GroupingError: in one sentence, if the grouping raises or its answer breaks the contract.

    Warns:
        OpenPoseLabWarning: in one sentence, if the grouping prints, or changes what it is given. Without the copies,
            every other grouping would see the change.
    """
    if grouping.door == "merge":
        return Division(run_merge(grouping, config, limb_rows(config, connections), shown))
    given = connections.candidates, connections.coordinates
    copies = deepcopy(given)
    division = _call(grouping, config, connections.coordinates.part, (*copies, config), {}, shown)
    if any(_differ(vars(one), vars(other)) for one, other in zip(given, copies)):
        _warn(grouping, "changes the candidates or the peaks it is given; work on copies: candidates.score.copy()")
    return division


def run_merge(
    grouping: Grouping, config: Config, rows: NDArray[np.float64], shown: TextIO | None = None
) -> NDArray[np.float64]:
    """Do the same for rows of limbs, (n, parts + 2) float64, through the lab's door.

    The limits of ``config`` for ``merge`` are passed on where they differ from the defaults and ``merge`` accepts them.
    """
    subset = rows.copy()
    division = _call(grouping, config, slots_of_rows(rows), (subset,), _limits(grouping.function, config), shown)
    if _differ({"rows": rows}, {"rows": subset}):
        _warn(grouping, "changes the rows it is given; work on a copy: subset = subset.copy()")
    return division.subset


def _limits(function: Callable[..., Any], config: Config) -> dict[str, float]:
    changed = {name: getattr(config, name) for name in _LIMITS if getattr(config, name) != getattr(Config, name)}
    return {name: value for name, value in changed.items() if name in parameters_of(function)}


def parameters_of(function: Callable[..., Any]) -> Container[str]:
    """The names of a function's parameters; none if Python cannot tell, as with some functions in C."""
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return ()


def _differ(before: dict[str, Any], after: dict[str, Any]) -> bool:
    return any(not np.array_equal(value, after.get(name, ())) for name, value in before.items())


def _warn(grouping: Grouping, what: str) -> None:
    warnings.warn(f"{grouping.door} in {_source_file(grouping)} {what}", OpenPoseLabWarning, stacklevel=3)


def _call(
    grouping: Grouping,
    config: Config,
    slot_of_id: NDArray[np.intp],
    given: tuple[Any, ...],
    limits: dict[str, float],
    shown: TextIO | None,
) -> Division:
    printed = _Printed(shown)
    try:
        with settings_kept(), contextlib.redirect_stdout(printed):
            answer = grouping.function(*given, **limits)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: a plug-in must not end the program
        described = describe_error(error, _source_file(grouping))
        raise GroupingError(f"{grouping.door} in {_source_file(grouping)} failed: {described}") from error
    if printed.anything:
        _warn(grouping, "prints; take that out again when you need it no more")
    division = answer if isinstance(answer, Division) else Division(answer)
    try:
        return replace(division, subset=check_people(config, division.subset, slot_of_id))
    except GroupingError as error:
        raise GroupingError(f"{grouping.door} in {_source_file(grouping)} broke the contract: {error}") from error


@contextlib.contextmanager
def settings_kept() -> Iterator[None]:
    """What a plug-in sets for itself, as ``np.seterr`` and ``warnings.simplefilter`` do, holds for nobody else."""
    with np.errstate(), warnings.catch_warnings():
        yield


class _Printed(io.TextIOBase):
    """Notes whether anything is printed, and shows it or not."""

    def __init__(self, shown: TextIO | None) -> None:
        self.anything = False
        self._shown = shown

    def write(self, text: str) -> int:
        self.anything = True
        if self._shown:
            self._shown.write(text)
        return len(text)


def _execute(path: Path) -> ModuleType:
    module = ModuleType(f"grouping_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where dataclasses, for one, look up the module they are in
    folder = path.parent.resolve()
    others = set(sys.modules)
    sys.path.append(str(folder))
    try:
        with settings_kept():
            exec(compile(path.read_bytes(), path, "exec"), module.__dict__)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise GroupingError(f"the grouping file {path} cannot be loaded: {describe_error(error, path)}") from error
    finally:
        with contextlib.suppress(ValueError):  # the file may have removed it
            sys.path.remove(str(folder))  # the file's own entries stay
        for name in set(sys.modules) - others:  # its neighbours are not those of the next file, whatever their names
            source = getattr(sys.modules[name], "__file__", None)
            if source and Path(source).parent == folder:
                del sys.modules[name]
    return module


def _source_file(grouping: Grouping) -> Path:
    """Where the function really is: a file may have it from its neighbour."""
    code = getattr(grouping.function, "__code__", None)
    return Path(code.co_filename) if isinstance(code, CodeType) else grouping.source


def describe_error(error: BaseException, source: Path) -> str:
    """The error on one line, with the last line of the plug-in's own file that led to it."""
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
    except BaseException:  # an exception whose own text fails
        return ""

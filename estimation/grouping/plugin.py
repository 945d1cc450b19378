"""Loading and running somebody else's ``merge`` so that whatever it does, one sentence says what went wrong."""

from __future__ import annotations

import os
import sys
import textwrap
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.subset import GroupingError, check_people

Merge = Callable[[NDArray[np.float64]], Any]

LAB_MERGE = Path(__file__).parent.parent / "merge.py"
"""The file that students edit."""


def load_merge(path: str | Path = LAB_MERGE) -> Merge:
    """The function ``merge`` of a Python file, which is executed to get it; it may import files beside it.

    Raises GroupingError, in one sentence, if the file is missing, does not run, or has no such function.
    """
    path = Path(path)
    if not os.path.isfile(path):
        raise GroupingError(f"there is no grouping file {path}; give the path of a Python file with a function merge")
    if path.suffix != ".py":
        raise GroupingError(f"the grouping file {path} must be a Python file whose name ends in .py")
    module = ModuleType(f"grouping_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where dataclasses, for one, look up the module they are in
    sys.path.append(str(path.parent.resolve()))
    try:
        exec(compile(path.read_bytes(), path, "exec"), module.__dict__)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: a plug-in must not end the program
        raise GroupingError(f"the grouping file {path} cannot be loaded: {_describe(error, path)}") from error
    finally:
        sys.path.pop()
    merge = getattr(module, "merge", None)
    if not callable(merge):
        raise GroupingError(f"the grouping file {path} has no function merge; define merge(subset) in it")
    function: Merge = merge
    return function


def run_merge(merge: Merge, rows: NDArray[np.float64], config: Config) -> NDArray[np.float64]:
    """The answer of ``merge`` to a copy of ``rows``, checked.

    rows: (limbs, parts + 2) float64. Returns (people, parts + 2) float64.
    Raises GroupingError, in one sentence, if it raises or its answer breaks the contract.
    """
    try:
        people = merge(rows.copy())
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        source = _source_file(merge)
        raise GroupingError(f"merge in {source} failed: {_describe(error, source)}") from error
    try:
        return check_people(config, people, rows)
    except GroupingError as error:
        raise GroupingError(f"merge in {_source_file(merge)} broke the contract: {error}") from error


def _source_file(merge: Merge) -> Path:
    code = getattr(merge, "__code__", None)
    return Path(code.co_filename if code else f"<{type(merge).__name__}>")


def _describe(error: BaseException, source: Path) -> str:
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
    except Exception:  # an exception whose own text fails
        return ""

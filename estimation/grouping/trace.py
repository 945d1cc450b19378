"""The trace of a grouping: the people after each of its steps.

A grouping calls ``step`` after each limb that it looked at. The call does something only inside ``recording``, as in
``python -m openpose_lab explain``. A wrong call never stops a grouping: the trace skips the step, and keeps a sentence
that says why.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from math import inf
from numbers import Real
from typing import Any

from estimation.config import COCO_18, Config
from estimation.subset import MISSING, SCORE, GroupingError, row_length

MAX_STEPS = 5000
"""Most steps that a trace keeps, to bound the memory and the size of the page for a crowd."""
_MAX_PROBLEMS = 5
_MAX_NOTE = 400  # letters


@dataclass(frozen=True)
class Step:
    """One step of a grouping.

    Attributes:
        peaks: ids of the peaks that the grouping looked at.
        peak_sets: the peaks of each person after the step.
        note: the decision in words, or "".
    """

    peaks: tuple[int, ...]
    peak_sets: tuple[frozenset[int], ...]
    note: str = ""


class Trace:
    """The recorded ``steps``, and ``problems``: sentences about the steps that were skipped."""

    def __init__(self, config: Config = COCO_18, peak_count: int | None = None) -> None:
        self.steps: list[Step] = []
        self.problems: list[str] = []
        self._row_length = row_length(config)
        self._peak_count = inf if peak_count is None else peak_count
        self._calls = 0

    def record(self, limb_row: Any, people: Any, note: Any = "") -> None:
        """Keep a copy of one step, or a sentence that says why it is skipped."""
        self._calls += 1
        if len(self.steps) == MAX_STEPS:
            self._complain(f"only the first {MAX_STEPS} steps are kept")
            return
        try:
            self.steps.append(self._step(limb_row, people, note))
        except GroupingError as error:
            self._complain(f"call {self._calls} of step is left out: {error}")

    def _complain(self, problem: str) -> None:
        if problem not in self.problems and len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(problem)

    def _step(self, limb_row: Any, people: Any, note: Any) -> Step:
        if not isinstance(note, str):
            raise GroupingError(f"its note must be text but is {_shown(note)}")
        peaks = self._ids(limb_row, "the limb")
        sets = [frozenset(self._ids(person, f"person {k}")) for k, person in enumerate(_listed(people, "the people"))]
        short = note if len(note) <= _MAX_NOTE else textwrap.shorten(note, _MAX_NOTE, placeholder=" ...")
        return Step(tuple(peaks), tuple(person for person in sets if person), short)

    def _ids(self, value: Any, what: str) -> list[int]:
        """Return the peak ids of a row of the lab's subset, of the values of a dict, or of any iterable."""
        entries = _listed(value.values() if isinstance(value, Mapping) else value, what)
        if len(entries) == self._row_length:  # no person has as many peaks as a row has columns
            entries = [entry for entry in entries[:SCORE] if entry != MISSING]
        ids = []
        for entry in entries:
            if not isinstance(entry, Real):
                raise GroupingError(f"{what} must be a row or ids of peaks but holds {_shown(entry)}")
            number = float(entry)
            if not number.is_integer() or not 0 <= number < self._peak_count:
                raise GroupingError(f"{what} holds {_shown(entry)}, but the input has no peak with that id")
            ids.append(int(number))
        return ids


def _listed(value: Any, what: str) -> list[Any]:
    try:
        return list(value)
    except Exception as error:  # a generator of the grouping may raise any exception
        reason = "" if isinstance(error, TypeError) else f" ({type(error).__name__})"
        raise GroupingError(f"{what} must be a list or another iterable but is {_shown(value)}{reason}") from error


def _shown(value: Any) -> str:
    if isinstance(value, Real):
        return f"{float(value):.15g}"
    return (
        textwrap.shorten(repr(value), 60, placeholder=" ...")
        if value is None or isinstance(value, str)
        else (f"a {type(value).__name__}")
    )


_active: ContextVar[Trace | None] = ContextVar("trace", default=None)


def step(limb_row: Any, people: Iterable[Any], note: str = "") -> None:
    """Record one step of a grouping. Outside ``recording`` nothing happens.

    Args:
        limb_row: the limb that the grouping looked at: a row of the lab's subset, or ids of peaks.
        people: the people after the step. Each person is a row, ids of peaks, or a dict with peak ids as values. A
            generator is started only if the step is recorded.
        note: the decision in words. By default, the note is derived from the people before and after the step.
    """
    trace = _active.get()
    if trace is not None:
        trace.record(limb_row, people, note)


def is_recording() -> bool:
    """Return whether steps are recorded. Groupings ask this before they describe a step that takes time to describe."""
    return _active.get() is not None


@contextmanager
def recording(config: Config = COCO_18, peak_count: int | None = None) -> Iterator[Trace]:
    """Record every ``step`` inside the block.

    Args:
        config: the configuration of the rows.
        peak_count: the number of peaks. Steps with an id of ``peak_count`` or more are skipped. By default, any id is
            allowed.

    Yields:
        The trace, which grows with each step.
    """
    trace = Trace(config, peak_count)
    token = _active.set(trace)
    try:
        yield trace
    finally:
        _active.reset(token)

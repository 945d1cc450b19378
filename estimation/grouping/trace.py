"""What a grouping did, step by step: any grouping may tell, and ``recording`` keeps it.

A grouping calls ``step`` whenever it has looked at a limb. Nothing happens, unless it runs inside ``recording``, as it
does for ``python -m openpose_lab explain``. A call that makes no sense is left out with a sentence that says so. It
never stops a grouping.
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
"""Steps that are kept of one grouping, so that a crowd fills neither memory nor page."""
_MAX_PROBLEMS = 5
_MAX_NOTE = 400  # letters


@dataclass(frozen=True)
class Step:
    """One step of a grouping.

    Attributes:
        peaks: ids of the peaks that the grouping looked at.
        peak_sets: the peaks of each person after the step.
        note: the decision in plain words, or "".
    """

    peaks: tuple[int, ...]
    peak_sets: tuple[frozenset[int], ...]
    note: str = ""


class Trace:
    """The steps that were recorded, and in ``problems`` a sentence for what was left out."""

    def __init__(self, config: Config = COCO_18, peak_count: int | None = None) -> None:
        self.steps: list[Step] = []
        self.problems: list[str] = []
        self._row_length = row_length(config)
        self._peak_count = inf if peak_count is None else peak_count
        self._calls = 0

    def record(self, limb_row: Any, people: Any, note: Any = "") -> None:
        """Keep a copy of one step, or a sentence that says why not."""
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
        """The ids in a row of the lab's subset, in the values of a dict, or in anything that can be listed."""
        entries = _listed(value.values() if isinstance(value, Mapping) else value, what)
        if len(entries) == self._row_length:  # nobody has so many peaks, so this is a row
            entries = [entry for entry in entries[:SCORE] if entry != MISSING]
        ids = []
        for entry in entries:
            if not isinstance(entry, Real):
                raise GroupingError(f"{what} must be a row or ids of peaks but holds {_shown(entry)}")
            number = float(entry)
            if not number.is_integer() or not 0 <= number < self._peak_count:
                raise GroupingError(f"{what} holds {_shown(entry)}, but no peak with that id was given")
            ids.append(int(number))
        return ids


def _listed(value: Any, what: str) -> list[Any]:
    try:
        return list(value)
    except Exception as error:  # a generator of the grouping's own may raise anything
        reason = "" if isinstance(error, TypeError) else f" ({type(error).__name__})"
        raise GroupingError(f"{what} must be something that can be listed but is {_shown(value)}{reason}") from error


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
        limb_row: what was looked at: a row of the lab's subset, or ids of peaks.
        people: the people after the step, each a row, ids of peaks, or a dict with such ids as its values. A generator
            is not started unless the step is recorded.
        note: the decision in plain words. By default it is worked out from the people before and after.
    """
    trace = _active.get()
    if trace is not None:
        trace.record(limb_row, people, note)


def is_recording() -> bool:
    """Whether steps are recorded. Groupings ask if a step is costly to describe."""
    return _active.get() is not None


@contextmanager
def recording(config: Config = COCO_18, peak_count: int | None = None) -> Iterator[Trace]:
    """Record every ``step`` inside the block.

    Args:
        config: the configuration of the rows.
        peak_count: the number of peaks, from which on ids do not exist. By default any id may exist.

    Yields:
        The trace, which grows with each step.
    """
    trace = Trace(config, peak_count)
    token = _active.set(trace)
    try:
        yield trace
    finally:
        _active.reset(token)

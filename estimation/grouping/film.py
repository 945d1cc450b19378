"""A grouping as a film: the people after each step, and what was decided.

A grouping that tells its steps is recorded. A ``merge`` that tells none is replayed: it is called on the best row, on
the best two, and so on. Any other grouping has one frame, its answer.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.connections import Connections
from estimation.errors import OpenPoseLabWarning
from estimation.grouping.decisions import NumberedPeaks, decide, sum_up
from estimation.grouping.plugin import Grouping, run_grouping, run_merge, takes
from estimation.grouping.trace import Step, recording
from estimation.subset import SCORE, GroupingError, ids_of, limb_rows, peak_sets

RECORDED, REPLAYED, BEFORE_AND_AFTER = "recorded", "replayed", "before and after"
_NO_PRUNING = {"min_num_body_parts": 0, "min_score": -1e9}


@dataclass(frozen=True)
class Frame:
    """One step, and the people after it.

    Attributes:
        peaks: ids of the peaks that the grouping looked at; none in the last frame, the answer.
        numbered: the peaks of each person. A person keeps their number from frame to frame.
        kind: the kind of decision, as in ``decisions``.
        note: the decision in words, the grouping's own if it gave any.
    """

    peaks: tuple[int, ...]
    numbered: NumberedPeaks
    kind: str
    note: str


@dataclass(frozen=True, eq=False)
class Film:
    """The frames of one grouping on one photo. The last is its answer; before the first there are no people.

    Attributes:
        source: ``recorded``, ``replayed`` or ``before and after``.
        rows: the answer, (n, parts + 2) float64, in the order of the last frame's people.
        problems: sentences about steps that could not be recorded or replayed.
    """

    source: str
    frames: tuple[Frame, ...]
    rows: NDArray[np.float64]
    problems: tuple[str, ...] = ()


def make_film(
    grouping: Grouping,
    config: Config,
    connections: Connections,
    done: Callable[[int], object] = lambda rows: None,
    like: Film | None = None,
) -> Film:
    """Run a grouping and film it.

    Args:
        grouping: the grouping.
        config: the configuration that the limbs were found with.
        connections: the limbs of one photo.
        done: called with 1 after each row that is replayed.
        like: another film of the same peaks. People who are in both answers have the same number in both.

    Returns:
        The film.

    Raises:
        GroupingError: in one sentence, if the grouping fails on all the limbs.
    """
    coordinates = connections.coordinates
    with warnings.catch_warnings(), recording(config, len(coordinates)) as trace:
        warnings.simplefilter("ignore", OpenPoseLabWarning)  # said when it ran for its answer
        rows = run_grouping(grouping, config, connections)
        steps, source, problems = trace.steps, RECORDED, list(trace.problems)
    if not steps:
        source = BEFORE_AND_AFTER
        if grouping.door == "merge":
            try:
                steps = replay(grouping, config, limb_rows(config, connections), done)
                source = REPLAYED
            except GroupingError as error:
                problems.append(f"it cannot be replayed on fewer rows: {error}")
    answer = Step((), tuple(peak_sets(ids_of(rows))))
    numbered = _renumber(_follow([*steps, answer]), {} if like is None else like.frames[-1].numbered)
    frames = _frames(config, coordinates.part.tolist(), steps, numbered)
    return Film(source, frames, rows, tuple(problems))


def replay(
    grouping: Grouping, config: Config, rows: NDArray[np.float64], done: Callable[[int], object] = lambda rows: None
) -> list[Step]:
    """Make the steps of a ``merge`` that tells none: its answers to the best row, the best two, and so on.

    Args:
        grouping: the ``merge``, which runs without pruning.
        config: the configuration of the rows.
        rows: (n, parts + 2) float64, limbs in any order.
        done: called with 1 after each row.

    Returns:
        One step a row.

    Raises:
        GroupingError: if ``merge`` fails on some of the rows.
    """
    whole = replace(grouping, function=_without_pruning(grouping.function))
    ordered = order_by_score(rows)
    steps = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OpenPoseLabWarning)
        for count, peaks in enumerate(peak_sets(ids_of(ordered)), start=1):
            subset = run_merge(whole, config, ordered[:count])
            steps.append(Step(tuple(sorted(peaks)), tuple(peak_sets(ids_of(subset)))))
            done(1)
    return steps


def order_by_score(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rows by falling score; the ids settle ties."""
    order = np.lexsort((*ids_of(rows).T[::-1], -rows[:, SCORE]))
    ordered: NDArray[np.float64] = rows[order]
    return ordered


def _without_pruning(function: Callable[..., object]) -> Callable[..., object]:
    limits = {name: value for name, value in _NO_PRUNING.items() if takes(function, name)}
    return partial(function, **limits) if limits else function


def _follow(steps: Sequence[Step]) -> list[dict[int, frozenset[int]]]:
    """The people after each step, by a number that stays theirs as long as they keep most of their peaks."""
    followed: list[dict[int, frozenset[int]]] = []
    before: dict[int, frozenset[int]] = {}
    count = 0
    for step in steps:
        numbers = _match_numbers(step.peak_sets, before)
        after = {}
        for index, peaks in enumerate(step.peak_sets):
            number = numbers.get(index)
            if number is None:
                count += 1
                number = count
            after[number] = peaks
        followed.append(after)
        before = after
    return followed


def _match_numbers(peak_sets: Sequence[frozenset[int]], others: NumberedPeaks) -> dict[int, int]:
    """Index of a peak set -> number of the person among the others who shares most peaks, one-to-one."""
    number_of = {peaks: number for number, peaks in others.items()}
    matched = {index: number_of[peaks] for index, peaks in enumerate(peak_sets) if peaks in number_of}
    taken = set(matched.values())
    owner = {peak: number for number, peaks in others.items() if number not in taken for peak in peaks}
    shared = Counter(
        (index, owner[peak])
        for index, peaks in enumerate(peak_sets)
        if index not in matched
        for peak in peaks
        if peak in owner
    )
    for (index, number), _ in sorted(shared.items(), key=lambda pair: (-pair[1], pair[0][1], pair[0][0])):
        if index not in matched and number not in taken:
            matched[index] = number
            taken.add(number)
    return matched


def _renumber(followed: list[dict[int, frozenset[int]]], like: NumberedPeaks) -> list[dict[int, frozenset[int]]]:
    """Number the people from 1: first those of the answer, best first, then the others as they come.

    A person of ``like`` who is among these, in the answer or left out of it, keeps the number.
    """
    answer, before = followed[-1], followed[-2] if len(followed) > 1 else {}
    numbers = _numbers_there(answer, like)
    there = {number: peaks for number, peaks in like.items() if number not in numbers.values()}
    numbers |= _numbers_there({number: peaks for number, peaks in before.items() if number not in answer}, there)
    count = max(like, default=0)
    for numbered in (answer, *followed):
        for number in numbered:
            if number not in numbers:
                count += 1
                numbers[number] = count
    return [{numbers[number]: peaks for number, peaks in numbered.items()} for numbered in followed]


def _numbers_there(numbered: NumberedPeaks, like: NumberedPeaks) -> dict[int, int]:
    """Number of a person -> their number among ``like``, for the people who are in both."""
    numbers = list(numbered)
    return {numbers[index]: number for index, number in _match_numbers(list(numbered.values()), like).items()}


def _frames(
    config: Config, part: list[int], steps: Sequence[Step], numbered: list[dict[int, frozenset[int]]]
) -> tuple[Frame, ...]:
    frames: list[Frame] = []
    before: NumberedPeaks = {}
    for step, after in zip(steps, numbered):
        decision = decide(config, part, step.peaks, before, after)
        frames.append(Frame(step.peaks, after, decision.kind, step.note or decision.note))
        before = after
    last = sum_up(before, numbered[-1])
    return (*frames, Frame((), numbered[-1], last.kind, last.note))

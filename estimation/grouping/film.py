"""A grouping as a film: who exists after each step, and what was decided.

A grouping that tells its steps is recorded. A ``merge`` that tells none is replayed: it is called on the best row, on
the best two, and so on. Of any other grouping there is the time before it and its answer.
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
from estimation.grouping.decisions import People, decide, sum_up
from estimation.grouping.plugin import Grouping, parameters_of, run_grouping, run_merge
from estimation.grouping.trace import Step, recording
from estimation.subset import MISSING, SCORE, GroupingError, ids_of, limb_rows

RECORDED, REPLAYED, BEFORE_AND_AFTER = "recorded", "replayed", "before and after"
_NO_PRUNING = {"min_num_body_parts": 0, "min_score": -1e9}


@dataclass(frozen=True)
class Frame:
    """One step, and everybody after it.

    peaks: ids of the peaks that were looked at; none in the last frame, the answer.
    people: a person keeps their number from frame to frame. kind: what was decided, as in ``decisions``.
    note: the same in words, the grouping's own if it gave any.
    """

    peaks: tuple[int, ...]
    people: People
    kind: str
    note: str


@dataclass(frozen=True, eq=False)
class Film:
    """The frames of one grouping on one photo, the last of them its answer. Before the first there is nobody.

    source: ``recorded``, ``replayed`` or ``before and after``.
    rows: the answer, (people, parts + 2) float64; in the people of the last frame they come in the same order.
    problems: sentences about what could not be recorded or replayed.
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
    """Run the grouping and tell what it does.

    done: called with 1 after each row that is replayed.
    like: another film of the same peaks; whoever is in its answer too, has the same number.
    Raises GroupingError, in one sentence, if the grouping fails on all the limbs.
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
    answer = Step((), tuple(_people(rows)))
    numbered = _renumber(_follow([*steps, answer]), {} if like is None else like.frames[-1].people)
    frames = _frames(config, coordinates.part.tolist(), steps, numbered)
    return Film(source, frames, rows, tuple(problems))


def replay(
    grouping: Grouping, config: Config, rows: NDArray[np.float64], done: Callable[[int], object] = lambda rows: None
) -> list[Step]:
    """The steps of a ``merge`` that tells none: its answers to the best row, the best two, and so on, without pruning.

    rows: (n, parts + 2) float64, limbs in any order.
    """
    whole = replace(grouping, function=_without_pruning(grouping.function))
    ordered = best_first(rows)
    steps = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OpenPoseLabWarning)
        for count, (peaks,) in enumerate(map(_people, ordered[:, None]), start=1):
            people = run_merge(whole, config, ordered[:count])
            steps.append(Step(tuple(sorted(peaks)), tuple(_people(people))))
            done(1)
    return steps


def best_first(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rows by falling score; the ids settle ties."""
    order = np.lexsort((*ids_of(rows).T[::-1], -rows[:, SCORE]))
    ordered: NDArray[np.float64] = rows[order]
    return ordered


def _without_pruning(function: Callable[..., object]) -> Callable[..., object]:
    limits = {name: value for name, value in _NO_PRUNING.items() if name in parameters_of(function)}
    return partial(function, **limits) if limits else function


def _people(rows: NDArray[np.float64]) -> list[frozenset[int]]:
    return [frozenset(row[row != MISSING].astype(int).tolist()) for row in ids_of(rows)]


def _follow(steps: Sequence[Step]) -> list[dict[int, frozenset[int]]]:
    """Everybody after each step, by a number that stays theirs as long as they keep most of their peaks."""
    followed: list[dict[int, frozenset[int]]] = []
    before: dict[int, frozenset[int]] = {}
    count = 0
    for step in steps:
        numbers = _match(step.people, before)
        after = {}
        for index, peaks in enumerate(step.people):
            number = numbers.get(index)
            if number is None:
                count += 1
                number = count
            after[number] = peaks
        followed.append(after)
        before = after
    return followed


def _match(people: Sequence[frozenset[int]], others: People) -> dict[int, int]:
    """Index of a person -> number of the one among the others who shares most peaks, one-to-one."""
    number_of = {peaks: number for number, peaks in others.items()}
    matched = {index: number_of[peaks] for index, peaks in enumerate(people) if peaks in number_of}
    taken = set(matched.values())
    owner = {peak: number for number, peaks in others.items() if number not in taken for peak in peaks}
    shared = Counter(
        (index, owner[peak])
        for index, peaks in enumerate(people)
        if index not in matched
        for peak in peaks
        if peak in owner
    )
    for (index, number), _ in sorted(shared.items(), key=lambda pair: (-pair[1], pair[0][1], pair[0][0])):
        if index not in matched and number not in taken:
            matched[index] = number
            taken.add(number)
    return matched


def _renumber(followed: list[dict[int, frozenset[int]]], like: People) -> list[dict[int, frozenset[int]]]:
    """The same with numbers from 1: first those of the answer, best first, then the others as they come.

    like: whoever is among these people at the end, in the answer or left out of it, has the number they have there.
    """
    answer, before = followed[-1], followed[-2] if len(followed) > 1 else {}
    numbers = _numbers_there(answer, like)
    there = {number: peaks for number, peaks in like.items() if number not in numbers.values()}
    numbers |= _numbers_there({number: peaks for number, peaks in before.items() if number not in answer}, there)
    count = max(like, default=0)
    for people in (answer, *followed):
        for number in people:
            if number not in numbers:
                count += 1
                numbers[number] = count
    return [{numbers[number]: peaks for number, peaks in people.items()} for people in followed]


def _numbers_there(people: People, like: People) -> dict[int, int]:
    """Number of a person -> their number among ``like``, of those who are there too."""
    numbers = list(people)
    return {numbers[index]: number for index, number in _match(list(people.values()), like).items()}


def _frames(
    config: Config, part: list[int], steps: Sequence[Step], numbered: list[dict[int, frozenset[int]]]
) -> tuple[Frame, ...]:
    frames: list[Frame] = []
    before: People = {}
    for step, people in zip(steps, numbered):
        decision = decide(config, part, step.peaks, before, people)
        frames.append(Frame(step.peaks, people, decision.kind, step.note or decision.note))
        before = people
    last = sum_up(before, numbered[-1])
    return (*frames, Frame((), numbered[-1], last.kind, last.note))

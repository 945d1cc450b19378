"""The film of a grouping: the people after each step, and the decision of each step.

A grouping that calls ``step`` is recorded. A ``merge`` that does not call it is replayed: it runs on the best row, on
the best two rows, and so on. The film of any other grouping has one frame, its answer.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.connections import Connections
from estimation.errors import OpenPoseLabWarning
from estimation.grouping.contract import ContractError
from estimation.grouping.decisions import BREAKS, NOT_TRIED, NumberedPeaks, decide, sum_up
from estimation.grouping.plugin import Grouping, run_grouping, run_merge, takes
from estimation.grouping.trace import Step, recording
from estimation.subset import SCORE, GroupingError, ids_of, limb_rows, peak_sets

RECORDED, REPLAYED, BEFORE_AND_AFTER = "recorded", "replayed", "before and after"
_MOST_ROWS = 200
"""Most rows that a film keeps of an answer that breaks the contract."""
_NO_PRUNING = {"min_num_body_parts": 0, "min_score": -1e9}


@dataclass(frozen=True)
class Frame:
    """One step, and the people after the step.

    Attributes:
        peaks: ids of the peaks that the grouping looked at. The last frame, the answer, has none.
        numbered: the peaks of each person. A person keeps their number from frame to frame.
        kind: the kind of decision, as in ``decisions``.
        note: the decision in words. If the grouping gave a note, this is that note.
        broken: the numbers of the people who break the contract.
    """

    peaks: tuple[int, ...]
    numbered: NumberedPeaks
    kind: str
    note: str
    broken: frozenset[int] = frozenset()


@dataclass(frozen=True, eq=False)
class Breach:
    """A failure of the grouping, or an answer that breaks the contract.

    Attributes:
        sentence: the failure in words.
        frame: index of the first frame where it happens. It is the last frame if it happens only with all limbs.
        answer: (n, parts + 2) float64, the first rows of the answer in that frame. It has no rows if the answer is not
            an array of this form.
        broken: indices of the rows that break the contract.
        left_out: the number of further rows in the answer.
    """

    sentence: str
    frame: int
    answer: NDArray[np.float64]
    broken: tuple[int, ...]
    left_out: int


@dataclass(frozen=True, eq=False)
class Film:
    """The frames of one grouping on one photo. The last frame is its answer. Before the first there are no people.

    Attributes:
        source: ``recorded``, ``replayed`` or ``before and after``.
        rows: the answer, (n, parts + 2) float64, in the order of the last frame's people. With a breach, it is empty.
        problems: sentences about steps that could not be recorded or replayed.
        breach: the reason if there is no answer. Its frame has a person for each row of ``breach.answer``, in the same
            order.
    """

    source: str
    frames: tuple[Frame, ...]
    rows: NDArray[np.float64]
    problems: tuple[str, ...] = ()
    breach: Breach | None = None


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
        done: a function that is called with 1 after each row that is replayed.
        like: another film of the same peaks. People in both answers get the same number in both films.

    Returns:
        The film. If the grouping fails or breaks the contract, the frames show where.
    """
    coordinates = connections.coordinates
    failure: GroupingError | None = None
    rows = limb_rows(config, connections)[:0]
    with warnings.catch_warnings(), recording(config, len(coordinates)) as trace:
        warnings.simplefilter("ignore", OpenPoseLabWarning)  # they were shown when it ran for its answer
        try:
            rows = run_grouping(grouping, config, connections)
        except GroupingError as error:
            failure = error
        steps, source, problems = trace.steps, RECORDED, list(trace.problems)
    failures: dict[int, GroupingError] = {}
    if not steps:
        source = BEFORE_AND_AFTER
        if grouping.door == "merge":
            limbs = order_by_score(limb_rows(config, connections))
            try:
                for step in _replay(grouping, config, limbs):
                    steps.append(step)
                    done(1)
                source = REPLAYED
            except GroupingError as error:
                if failure:
                    source, failures[len(steps)] = REPLAYED, error
                    steps += _break_off(steps, limbs, error, len(coordinates))
                else:
                    problems.append(f"it cannot be replayed on fewer rows: {error}")
                    steps = []
    if failure:
        failures[len(steps)] = failure
    sets = peak_sets(ids_of(rows)) if failure is None else _known_peaks(failure, len(coordinates))
    answer = Step((), tuple(sets))
    numbered = _renumber(_follow([*steps, answer]), {} if like is None else like.frames[-1].numbered)
    frames = _frames(config, coordinates.part.tolist(), steps, numbered, failures)
    breach = _breach(str(failure), *next(iter(failures.items()))) if failure else None
    return Film(source, frames, rows, tuple(problems), breach)


def _breach(sentence: str, frame: int, first: GroupingError) -> Breach:
    """Make the breach, with the answer of the first frame that breaks the contract."""
    answer = _answer_of(first)
    return Breach(sentence, frame, answer[:_MOST_ROWS], _broken_rows(first), max(len(answer) - _MOST_ROWS, 0))


def _answer_of(error: GroupingError) -> NDArray[np.float64]:
    if isinstance(error, ContractError) and error.answer is not None:
        return error.answer
    return np.empty((0, 0))


def _broken_rows(error: GroupingError) -> tuple[int, ...]:
    return tuple(row for row in error.broken if row < _MOST_ROWS) if isinstance(error, ContractError) else ()


def _break_off(steps: list[Step], limbs: NDArray[np.float64], error: GroupingError, peak_count: int) -> list[Step]:
    """Return the step at which a replay failed, and a step without changes for each row after it."""
    people = tuple(_known_peaks(error, peak_count)) or (steps[-1].peak_sets if steps else ())
    which = "row" if not steps else f"{len(steps) + 1} rows"
    later = f"Not tried, because the best {which} failed already."
    notes = [f"With the best {which}: {error}"]
    return [
        Step(tuple(sorted(peaks)), people, notes.pop() if notes else later)
        for peaks in peak_sets(ids_of(limbs[len(steps) :]))
    ]


def _known_peaks(error: GroupingError, peak_count: int) -> list[frozenset[int]]:
    """Return the ids of existing peaks in each row of the answer that caused an error."""
    answer = _answer_of(error)[:_MOST_ROWS]
    return [
        frozenset(int(value) for value in row if 0 <= value < peak_count and value == int(value))
        for row in (ids_of(answer).tolist() if len(answer) else ())
    ]


def _replay(grouping: Grouping, config: Config, limbs: NDArray[np.float64]) -> Iterator[Step]:
    """Make the steps of a ``merge`` that does not call ``step``: its answers to the best row, the best two, and so on.

    Args:
        grouping: the ``merge``, which runs without pruning.
        config: the configuration of the rows.
        limbs: (n, parts + 2) float64, in the order of the steps.

    Yields:
        One step per row.

    Raises:
        GroupingError: if ``merge`` fails on some of the rows.
    """
    whole = replace(grouping, function=_without_pruning(grouping.function))
    for count, peaks in enumerate(peak_sets(ids_of(limbs)), start=1):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OpenPoseLabWarning)
            subset = run_merge(whole, config, limbs[:count])
        yield Step(tuple(sorted(peaks)), tuple(peak_sets(ids_of(subset))))


def order_by_score(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sort rows by falling score. Ids break ties."""
    order = np.lexsort((*ids_of(rows).T[::-1], -rows[:, SCORE]))
    ordered: NDArray[np.float64] = rows[order]
    return ordered


def _without_pruning(function: Callable[..., object]) -> Callable[..., object]:
    limits = {name: value for name, value in _NO_PRUNING.items() if takes(function, name)}
    return partial(function, **limits) if limits else function


def _follow(steps: Sequence[Step]) -> list[dict[int, frozenset[int]]]:
    """Number the people after each step. A person keeps their number while they keep most of their peaks."""
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
    """Match each peak set (index) to the one of the others (number) who shares the most peaks with it, one-to-one."""
    number_of = {peaks: number for number, peaks in others.items()}
    matched: dict[int, int] = {}
    for index, peaks in enumerate(peak_sets):
        if peaks in number_of:
            matched[index] = number_of.pop(peaks)  # only once: an answer that breaks the contract may repeat a person
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
    """Number the people from 1: first the people of the answer, best first, then the others in order of appearance.

    People who are also in ``like`` get their numbers from there, even if they are not in the answer.
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
    """Map the number of each person to their number in ``like``, for the people who are in both."""
    numbers = list(numbered)
    return {numbers[index]: number for index, number in _match_numbers(list(numbered.values()), like).items()}


def _frames(
    config: Config,
    part: list[int],
    steps: Sequence[Step],
    numbered: list[dict[int, frozenset[int]]],
    failures: Mapping[int, GroupingError],
) -> tuple[Frame, ...]:
    """Make the frames. ``failures`` are by step. The steps after the first failure were not tried."""
    frames: list[Frame] = []
    before: NumberedPeaks = {}
    for index, (step, after) in enumerate(zip(steps, numbered)):
        if index in failures:
            frames.append(Frame(step.peaks, after, BREAKS, step.note, _numbers_broken(failures[index], after)))
        elif index > min(failures, default=len(steps)):
            frames.append(Frame(step.peaks, after, NOT_TRIED, step.note))
        else:
            decision = decide(config, part, step.peaks, before, after)
            frames.append(Frame(step.peaks, after, decision.kind, step.note or decision.note))
        before = after
    if failure := failures.get(len(steps)):
        end = Frame((), numbered[-1], BREAKS, str(failure), _numbers_broken(failure, numbered[-1]))
    else:
        last = sum_up(before, numbered[-1])
        end = Frame((), numbered[-1], last.kind, last.note)
    return (*frames, end)


def _numbers_broken(error: GroupingError, people: NumberedPeaks) -> frozenset[int]:
    """Return the numbers of the people in the broken rows of an answer. ``people`` has one person per row, in order."""
    numbers = list(people)
    return frozenset(numbers[row] for row in _broken_rows(error) if row < len(numbers))

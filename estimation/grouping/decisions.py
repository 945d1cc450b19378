"""Compare the people before and after one step of a grouping, and say in one sentence what the step decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from estimation.config import Config

NumberedPeaks = Mapping[int, frozenset[int]]
"""The peaks of each person, by the person's number."""
NEW, ADDS, JOINS, INSIDE, CONFLICT, LEFT, CHANGES, ANSWER, BREAKS, NOT_TRIED = (
    "new",
    "adds",
    "joins",
    "inside",
    "conflict",
    "left out",
    "changes",
    "answer",
    "breaks",
    "not tried",
)
"""The kinds of decisions:

- new: the peaks start a person.
- adds: peaks join one person.
- joins: several people become one person.
- inside: one person already has all the peaks.
- conflict: a person would get several peaks of one body part.
- left out: no peak gets another owner.
- changes: peaks get other owners in any other way.
- answer: the people that the grouping returns.
- breaks: the grouping fails at this step, or its answer breaks the contract.
- not tried: an earlier step breaks.
"""
_LISTED = 6  # a sentence lists at most this many peaks or people, and counts the others


@dataclass(frozen=True)
class Decision:
    """A decision. kind: one of the kinds above. note: the sentence."""

    kind: str
    note: str


def decide(
    config: Config, part: Sequence[int], peaks: Sequence[int], before: NumberedPeaks, after: NumberedPeaks
) -> Decision:
    """Describe the decision of one step.

    Args:
        config: the configuration, which names the body parts.
        part: the body part of every peak, by the peak's id.
        peaks: the ids of the peaks that the grouping looked at.
        before: the people before the step.
        after: the people after the step.

    Returns:
        The kind of decision, and the sentence.
    """
    names = _Names(config, part)
    owned, owns = _owners(before), _owners(after)
    others = sorted({owned[peak] for peak in peaks if peak in owned})
    here = {owns.get(peak) for peak in peaks}
    joined = len(here) == 1 and None not in here
    if twice := _twice(part, set(peaks).union(*(before[number] for number in others))):
        fate = _sentence(names.fate(_moved(owned, owns, peaks), owned, owns))
        return Decision(CONFLICT, f"Conflict: {_subject(others)} would have {names.rivals(twice)}. {fate}")
    if joined and len(others) == 1 and set(peaks) <= before[others[0]]:
        return Decision(INSIDE, _sentence(f"{names.peaks(peaks)} are in {_name_people(others)} already"))
    moved = _moved(owned, owns, ())
    if not moved:
        return Decision(LEFT, _sentence(f"{names.peaks(peaks)}: nothing changes"))
    if joined and set(moved) <= set(after[owns[peaks[0]]]):
        number = owns[peaks[0]]
        if not others:
            return Decision(NEW, _sentence(f"{names.peaks(peaks)} start person {number}"))
        if len(others) == 1:
            return Decision(ADDS, _sentence(f"{names.peaks(moved)} joins person {number}"))
        return Decision(JOINS, _sentence(f"{names.peaks(peaks)} join {_name_people(others)} into person {number}"))
    return Decision(CHANGES, _sentence(names.fate(moved, owned, owns)))


def sum_up(before: NumberedPeaks, after: NumberedPeaks) -> Decision:
    """Describe the answer, and the people of the last step who are not in it."""
    owned, owns = _owners(before), _owners(after)
    answer = f"The answer: {_count(len(after), 'person', 'people')}"
    dropped = [number for number in sorted(before) if number not in after]
    if dropped:
        who = [f"person {number} ({_count(len(before[number]), 'part', 'parts')})" for number in dropped]
        answer += f". Left out: {_list(who)}"
    changed = [peak for peak in owned | owns if owned.get(peak) != owns.get(peak) and owned.get(peak) not in dropped]
    if before and changed:
        answer += f". {_count(len(changed), 'peak has', 'peaks have')} another owner than after the last row"
    return Decision(ANSWER, f"{answer}.")


class _Names:
    """Names peaks in sentences."""

    def __init__(self, config: Config, part: Sequence[int]) -> None:
        self._parts, self._part = [name.replace("_", " ") for name in config.body_parts], part

    def peak(self, peak: int) -> str:
        return f"{self._parts[self._part[peak]]} {peak}"

    def peaks(self, peaks: Iterable[int]) -> str:
        return _list([self.peak(peak) for peak in peaks])

    def rivals(self, twice: dict[int, list[int]]) -> str:
        """List the body parts with several peaks, and these peaks."""
        return _list(
            [
                f"the {self._parts[part]} {'twice' if len(peaks) == 2 else f'{len(peaks)} times'} ({_list(peaks)})"
                for part, peaks in twice.items()
            ]
        )

    def fate(self, peaks: Sequence[int], before: Mapping[int, int], after: Mapping[int, int]) -> str:
        """Say which person each of these peaks belongs to now."""
        return _list([self._fate(peak, before.get(peak), after.get(peak)) for peak in peaks])

    def _fate(self, peak: int, before: int | None, after: int | None) -> str:
        name = self.peak(peak)
        if after is None:
            return f"{name} stays alone" if before is None else f"{name} is taken from person {before}"
        if before == after:
            return f"{name} stays with person {after}"
        return f"{name} goes to person {after}"


def _owners(numbered: NumberedPeaks) -> dict[int, int]:
    """Return the number of the person who owns each peak."""
    return {peak: number for number, peaks in numbered.items() for peak in peaks}


def _moved(before: Mapping[int, int], after: Mapping[int, int], first: Sequence[int]) -> list[int]:
    """Return the peaks ``first``, and all other peaks with another owner than before."""
    changed = sorted(peak for peak in {*before, *after} if before.get(peak) != after.get(peak))
    return list(dict.fromkeys([*first, *changed]))


def _twice(part: Sequence[int], peaks: set[int]) -> dict[int, list[int]]:
    """Return the body parts that have several of these peaks, with the peaks."""
    of_part: dict[int, list[int]] = defaultdict(list)
    for peak in sorted(peaks):
        of_part[part[peak]].append(peak)
    return {one: found for one, found in of_part.items() if len(found) > 1}


def _subject(numbers: list[int]) -> str:
    return (
        _name_people(numbers) if len(numbers) == 1 else f"{_name_people(numbers)} together" if numbers else "a person"
    )


def _name_people(numbers: list[int]) -> str:
    return f"person {numbers[0]}" if len(numbers) == 1 else f"people {_list(numbers)}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _list(items: Sequence[object]) -> str:
    """List items in words, as "1, 2 and 3". Items beyond ``_LISTED`` are counted."""
    words = [str(item) for item in items]
    if len(words) > _LISTED:
        words = [*words[: _LISTED - 1], f"{len(words) - _LISTED + 1} more"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

"""The contract of a grouping, as one list of named checks.

``ANSWER_CHECKS`` check one answer. ``REPLY_CHECKS`` check the call: exceptions, changes of the input, prints.
``CALL_CHECKS`` compare the answers of several calls. All callers share the checks: ``conformance`` runs a grouping in
this process, and the lab runs a merge in its sandbox.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.subset import MISSING, PARTS_NUM, SCORE, GroupingError, peak_sets, peaks_of, row_length, slots_of_rows

Rows = NDArray[np.float64]
"""(n, parts + 2): limbs or people, one a row."""
Peaks = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]
"""Row, slot and id of every peak in rows, as ``peaks_of`` gives them."""
Given = TypeVar("Given")
"""The input of a grouping: rows for ``merge``, ``Connections`` for ``group``."""

RETURNS = "returns people, and does not fail"
KEEPS_INPUT = "leaves its input as it was"
PRINTS_NOTHING = "prints nothing"
NO_PEOPLE_IN_NOTHING = "no rows, no people"
SAME_AGAIN = "the same again the second time"
ANY_ORDER = "any rows in any order"
FINISHED_STAY = "merging again changes nothing"

_Fault = tuple[str, Sequence[int]]
"""A sentence, and the rows that it is about."""
_ORDERS = 3  # other orders of the rows that ``any_order`` tries
_LARGEST_ANSWER = 64 << 20  # bytes: 400,000 people


@dataclass(frozen=True, eq=False)
class Reply:
    """The outcome of one call of a grouping.

    Attributes:
        value: the return value, unchecked.
        error: the exception in one sentence, if one was raised.
        changed: whether the call changed its input.
        printed: the number of characters printed.
        beginning: the first of these characters.
        cause: the exception, if it was raised in this process.
    """

    value: Any = None
    error: str | None = None
    changed: bool = False
    printed: int = 0
    beginning: str = ""
    cause: BaseException | None = None


@dataclass(frozen=True, eq=False)
class Failure:
    """The failure of a check.

    Attributes:
        sentence: the failure in words.
        rows: the inputs and answers of the check, by short titles such as "given" and "came back".
        judged: whether the check compared people. If False, the call failed, or its answer is not rows of people.
    """

    sentence: str
    rows: dict[str, Any] = field(default_factory=dict)
    judged: bool = True


class Caller(Protocol[Given]):
    """The interface that the checks need: it calls one grouping."""

    @property
    def config(self) -> Config:
        """The configuration of the rows."""
        ...

    @property
    def nothing(self) -> Given:
        """The input for no limbs."""
        ...

    def call(self, given: Given, **options: float) -> Reply:
        """Call the grouping. The reply to an earlier call with the same input may be returned instead."""
        ...

    def again(self, given: Given, **options: float) -> Reply:
        """Call the grouping anew, without the reply to an earlier call."""
        ...


class ContractError(GroupingError):
    """An answer breaks the contract.

    Attributes:
        answer: (n, parts + 2) float64, the answer; None if the answer has another form.
        broken: indices of the rows that the sentence is about.
    """

    def __init__(self, sentence: str, answer: Rows | None = None, broken: Sequence[int] = ()) -> None:
        super().__init__(sentence)
        self.answer, self.broken = answer, tuple(broken)


def check_answer(config: Config, answer: Any, slot_of_id: NDArray[np.intp]) -> Rows:
    """Check a grouping's answer.

    Args:
        config: the configuration of the limbs.
        answer: the value that the grouping returned.
        slot_of_id: (P,) the body part of each peak in the grouping's input, ``MISSING`` for other ids.

    Returns:
        The answer, (n, parts + 2) float64.

    Raises:
        ContractError: if the answer breaks the contract. Its sentence names the row, the wrong value and the expected
            value.
    """
    rows: Rows = _as_rows(answer)
    if found := _find_fault(config, rows, slot_of_id):
        _, (sentence, broken) = found
        has_form = not _is_rows(config, rows) and rows.dtype.kind == "f"
        raise ContractError(sentence, rows if has_form else None, broken)
    return rows


def find_fault(config: Config, answer: Any, slot_of_id: NDArray[np.intp]) -> tuple[str, str] | None:
    """Find the first of ``ANSWER_CHECKS`` that an answer fails.

    Args:
        config: the configuration of the limbs.
        answer: the value that the grouping returned.
        slot_of_id: (P,) as in ``check_answer``.

    Returns:
        The name of the check and its sentence, or None if the answer passes all checks.
    """
    found = _find_fault(config, _as_rows(answer), slot_of_id)
    return (found[0], found[1][0]) if found else None


def _find_fault(config: Config, rows: Any, slot_of_id: NDArray[np.intp]) -> tuple[str, _Fault] | None:
    """Return the first of ``ANSWER_CHECKS`` that rows fail: its name, and its sentence with the broken rows."""
    for name, check in _CHECKS_OF_FORM.items():
        if fault := check(config, rows):
            return name, fault
    peaks = peaks_of(rows)
    for name, check_peaks in _CHECKS_OF_PEAKS.items():
        if fault := check_peaks(config, rows, slot_of_id, peaks):
            return name, fault
    return None


def plain_answer(answer: Any) -> Any:
    """Convert an array of a subclass, such as a matrix or a memory map, into a plain array.

    Args:
        answer: the value that a grouping returned.

    Returns:
        The plain array, with NaN for masked numbers. A value that is not an array is returned unchanged.
    """
    if type(answer) is np.ndarray or not isinstance(answer, np.ndarray):
        return answer
    if isinstance(answer, np.ma.MaskedArray) and answer.dtype.kind in "iuf" and not is_too_large(answer):
        return np.ma.filled(answer.astype(np.float64), np.nan)
    return np.asarray(answer)


def is_too_large(answer: NDArray[Any]) -> bool:
    """Return whether an array is too large for an answer. ``np.broadcast_to`` makes huge arrays without memory."""
    return answer.nbytes > _LARGEST_ANSWER


def _as_rows(answer: Any) -> Any:
    """Convert an array of numbers into a plain float64 array. Return any other value unchanged."""
    answer = plain_answer(answer)
    if not isinstance(answer, np.ndarray) or answer.dtype.kind not in "iuf" or is_too_large(answer):
        return answer
    if answer.dtype == np.float64:
        return answer
    with np.errstate(over="ignore"):  # a long double that is too large becomes infinite
        return np.asarray(answer, dtype=np.float64)


def _is_rows(config: Config, rows: Any) -> _Fault | None:
    columns = row_length(config)
    if not isinstance(rows, np.ndarray):
        found = "None; is a return missing?" if rows is None else f"a {type(rows).__name__}"
        return f"the answer must be an array of shape (people, {columns}) but is {found}", ()
    if rows.ndim != 2 or rows.shape[1] != columns or is_too_large(rows):
        return f"the answer must have shape (people, {columns}) but has {rows.shape}", ()
    return None


def _is_numbers(config: Config, rows: NDArray[Any]) -> _Fault | None:
    if rows.dtype.kind not in "iuf":
        return f"the answer must hold plain numbers but its dtype is {rows.dtype}", ()
    if np.isfinite(rows).all():
        return None
    row, column = np.argwhere(~np.isfinite(rows))[0]
    return f"row {row} has {rows[row, column]} in column {column} instead of a finite number", (int(row),)


def _knows_its_peaks(config: Config, rows: Rows, slot_of_id: NDArray[np.intp], peaks: Peaks) -> _Fault | None:
    row, slot, found = peaks
    known = np.append(slot_of_id, MISSING)  # this last entry stands for all unknown ids
    ids = np.minimum(np.maximum(found, 0), len(slot_of_id)).astype(np.intp)
    strangers = np.flatnonzero((ids != found) | (known[ids] != slot))
    if not len(strangers):
        return None
    k = strangers[0]
    where = f"row {row[k]} has {found[k]:.15g} as {config.body_parts[slot[k]]}"
    broken = (int(row[k]),)
    if found[k] != np.round(found[k]):
        return f"{where}, but the id of a peak is a whole number, or {MISSING} where a part is missing", broken
    if ids[k] != found[k] or known[ids[k]] == MISSING:
        return f"{where}, but the input has no peak with that id", broken
    return f"{where}, but the peak with that id is a {config.body_parts[known[ids[k]]]}", broken


def _shares_no_peak(config: Config, rows: Rows, slot_of_id: NDArray[np.intp], peaks: Peaks) -> _Fault | None:
    row, slot, found = peaks
    shared = np.flatnonzero(np.bincount(found.astype(np.intp)) > 1)
    if not len(shared):
        return None
    of_peak = found == shared[0]
    *others, last = map(str, row[of_peak])
    sentence = (
        f"peak {shared[0]} ({config.body_parts[slot[of_peak][0]]}) is in rows {', '.join(others)} and {last}, "
        "but a peak belongs to one person"
    )
    return sentence, row[of_peak].tolist()


def _counts_its_parts(config: Config, rows: Rows, slot_of_id: NDArray[np.intp], peaks: Peaks) -> _Fault | None:
    parts_num = np.bincount(peaks[0], minlength=len(rows))
    wrong = np.flatnonzero(rows[:, PARTS_NUM] != parts_num)
    if not len(wrong):
        return None
    k = wrong[0]
    sentence = f"row {k} says parts_num {rows[k, PARTS_NUM]:g} but holds {parts_num[k]} ids that are not {MISSING}"
    return sentence, wrong.tolist()


def _has_no_empty_row(config: Config, rows: Rows, slot_of_id: NDArray[np.intp], peaks: Peaks) -> _Fault | None:
    empty = np.flatnonzero(rows[:, PARTS_NUM] == 0)
    return (f"row {empty[0]} holds no peak, but a person has at least one", empty.tolist()) if len(empty) else None


_CHECKS_OF_FORM: dict[str, Callable[[Config, Any], _Fault | None]] = {
    "rows of the right length": _is_rows,
    "plain, finite numbers": _is_numbers,
}
_CHECKS_OF_PEAKS: dict[str, Callable[[Config, Rows, NDArray[np.intp], Peaks], _Fault | None]] = {
    "ids that exist, in their own slots": _knows_its_peaks,
    "no peak in two people": _shares_no_peak,
    "counts that are true": _counts_its_parts,
    "no empty person": _has_no_empty_row,
}
ANSWER_CHECKS = (*_CHECKS_OF_FORM, *_CHECKS_OF_PEAKS)
"""The names of the checks of one answer. Each check relies on the checks before it. It returns None, or a sentence and
the rows that break it."""


def _returns(door: str, reply: Reply) -> str | None:
    return f"failed: {reply.error}" if reply.error else None


def _keeps_input(door: str, reply: Reply) -> str | None:
    if not reply.changed:
        return None
    if door == "merge":
        return "changes the rows it is given; work on a copy: subset = subset.copy()"
    return "changes the candidates or the peaks it is given; work on copies: candidates.score.copy()"


def _prints_nothing(door: str, reply: Reply) -> str | None:
    return "prints; remove its print calls" if reply.printed else None


REPLY_CHECKS: dict[str, Callable[[str, Reply], str | None]] = {
    RETURNS: _returns,
    KEEPS_INPUT: _keeps_input,
    PRINTS_NOTHING: _prints_nothing,
}
"""The checks of one reply. Each takes the door, ``merge`` or ``group``, and the reply. It returns None, or a sentence
without its subject, the grouping."""


def no_people_in_nothing(caller: Caller[Given], given: Given) -> Failure | None:
    """Check that a grouping returns no people if there are no limbs. ``given`` is not used."""
    reply, failure = ask(caller, caller.nothing)
    if failure:
        return failure
    if len(reply.value):
        return Failure(
            f"without limbs there must be no people, but there are {len(reply.value)}",
            {"given": caller.nothing, "came back": reply.value},
        )
    return None


def same_again(caller: Caller[Given], given: Given, **options: float) -> Failure | None:
    """Check that a grouping finds the same people when it is called a second time."""
    first, failure = ask(caller, given, **options)
    if failure:
        return failure
    second = caller.again(given, **options)
    if failure := find_no_people(caller.config, given, second):
        return failure
    if difference := _difference(caller.config, first, second):
        return Failure(
            f"a second call with the same input gives other people: {difference}. Keep nothing from the call before",
            {"given": given, "came back": first.value, "then": second.value},
        )
    return None


def any_order(caller: Caller[Rows], rows: Rows, **options: float) -> Failure | None:
    """Check that a merge finds the same people for every order of the rows."""
    reply, failure = ask(caller, rows, **options)
    if failure:
        return failure
    for other_rows in reordered(rows, _ORDERS):
        other, failure = ask(caller, other_rows, **options)
        if failure:
            return failure
        if difference := _difference(caller.config, reply, other):
            return Failure(
                f"the same rows in another order give other people: {difference}. {_own_order(rows)}",
                {"given": rows, "came back": reply.value, "reordered": other_rows, "then": other.value},
            )
    return None


def _own_order(rows: Rows) -> str:
    """Say what to do if the order of the rows changes the people."""
    scores = rows[:, SCORE]
    if len(np.unique(scores)) < len(scores):
        return "Rows have equal scores: break the tie by their ids, not by the position of the row"
    return "Sort the rows yourself: the best score first, and equal scores by the ids, not by position"


def finished_people_stay(caller: Caller[Rows], rows: Rows, **options: float) -> Failure | None:
    """Check that a merge returns the same people if its input is its own answer.

    If the answer breaks the contract, this check passes, and the other checks report it.
    """
    reply, failure = ask(caller, rows, **options)
    if failure or find_fault(caller.config, reply.value, slots_of_rows(rows)):
        return failure
    again, failure = ask(caller, _as_rows(reply.value), **options)
    if failure:
        return failure
    if difference := _difference(caller.config, reply, again):
        return Failure(
            f"with its own answer as input, it gives other people, but nothing is left to merge: {difference}",
            {"given": rows, "came back": reply.value, "and of that": again.value},
        )
    return None


CALL_CHECKS: dict[str, Callable[[Caller[Any], Any], Failure | None]] = {
    NO_PEOPLE_IN_NOTHING: no_people_in_nothing,
    SAME_AGAIN: same_again,
    ANY_ORDER: any_order,
    FINISHED_STAY: finished_people_stay,
}
"""The checks that compare answers. Each calls the grouping. Their input has limbs."""
ROWS_ONLY = frozenset({ANY_ORDER, FINISHED_STAY})
"""The checks that only ``merge`` must pass. The input of ``group`` has a fixed order, and its answer is no input."""

CONTRACT = (*ANSWER_CHECKS, *REPLY_CHECKS, *CALL_CHECKS)
"""The names of all checks."""


def ask(caller: Caller[Given], given: Given, **options: float) -> tuple[Reply, Failure | None]:
    """Call a grouping. Return its reply, and a failure if the reply does not hold rows of people."""
    reply = caller.call(given, **options)
    return reply, find_no_people(caller.config, given, reply)


def find_no_people(config: Config, given: Any, reply: Reply) -> Failure | None:
    """Return a failure if the reply does not hold rows of people, and else None."""
    if reply.error:
        return Failure(f"there was no answer: {reply.error}", {"given": given}, judged=False)
    if peak_sets_of_answer(config, reply.value) is None:
        rows = {"given": given, "came back": reply.value}
        return Failure("the answer does not hold rows of people", rows, judged=False)
    return None


def peak_sets_of_answer(config: Config, answer: Any) -> set[frozenset[int]] | None:
    """Read the people of an answer that may break the contract.

    Args:
        config: the configuration of the limbs.
        answer: the value that the grouping returned. Counts, scores and excess columns may have any finite value.

    Returns:
        The peaks of each person, or None if the answer is no array of rows of finite numbers.
    """
    parts = len(config.body_parts)
    if not isinstance(answer, np.ndarray):
        return None
    if answer.size == 0:
        return set()
    if answer.ndim != 2 or answer.shape[1] < parts or answer.dtype.kind not in "iuf":
        return None
    if is_too_large(answer) or not np.isfinite(_as_rows(answer)).all():  # comparisons with NaN are False
        return None
    return set(peak_sets(answer[:, :parts]))


def reordered(rows: Rows, count: int) -> list[Rows]:
    """Return the rows in ``count`` other orders, the reverse order first."""
    rng = np.random.default_rng(len(rows))
    return [rows[::-1], *(rng.permutation(rows) for _ in range(count - 1))]


def _moved(people: set[frozenset[int]], others: set[frozenset[int]]) -> set[int]:
    """Return the peaks that differ between each person and the one of the others who shares the most peaks."""
    moved: set[int] = set()
    for person in people:
        nearest = max(others, key=lambda other: len(person & other))
        moved |= person ^ nearest
    return moved


def _difference(config: Config, first: Reply, second: Reply) -> str:
    """Describe how the people of two replies differ. The text is empty if they are equal."""
    expected, found = (peak_sets_of_answer(config, reply.value) or set() for reply in (first, second))
    if expected == found:
        return ""
    if len(expected) != len(found):
        return f"there are {len(found)} instead of {len(expected)}"
    peaks = sorted(_moved(expected - found, found - expected))
    listed = ", ".join(map(str, peaks[:5])) + (", ..." if len(peaks) > 5 else "")
    return f"{len(expected - found)} of {len(expected)} differ (look at peaks {listed})"

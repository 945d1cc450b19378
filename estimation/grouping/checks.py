"""The contract that every grouping's answer keeps, as one list of named checks.

Programs, tests and graders all go through ``check_people``. A check is given the config, the answer, and the slot
of every peak id; it says in one sentence what is wrong, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.subset import MISSING, PARTS_NUM, GroupingError, peaks_of, row_length

Check = Callable[[Config, Any, NDArray[np.intp]], str | None]


def check_people(config: Config, people: Any, slot_of_id: NDArray[np.intp]) -> NDArray[np.float64]:
    """A grouping's answer, as (people, parts + 2) float64, if it keeps the contract.

    people: what the grouping returned. slot_of_id: (P,) the body part of each peak it was given, ``MISSING`` for an id
    that it was not. Raises GroupingError with one sentence: which row, what was found, what was expected.
    """
    if isinstance(people, np.ndarray) and people.dtype.kind in "iuf":
        people = np.asarray(people, dtype=np.float64)  # a plain array, of a matrix too
    for check in CHECKS.values():
        if complaint := check(config, people, slot_of_id):
            raise GroupingError(complaint)
    checked: NDArray[np.float64] = people
    return checked


def _is_rows(config: Config, people: Any, slot_of_id: NDArray[np.intp]) -> str | None:
    columns = row_length(config)
    if not isinstance(people, np.ndarray):
        found = "None" if people is None else f"a {type(people).__name__}"
        return f"the answer must be an array of shape (people, {columns}) but is {found}"
    if people.ndim != 2 or people.shape[1] != columns:
        return f"the answer must have shape (people, {columns}) but has {people.shape}"
    return None


def _is_numbers(config: Config, people: NDArray[Any], slot_of_id: NDArray[np.intp]) -> str | None:
    if people.dtype.kind not in "iuf":
        return f"the answer must hold plain numbers but its dtype is {people.dtype}"
    if np.isfinite(people).all():
        return None
    row, column = np.argwhere(~np.isfinite(people))[0]
    return f"row {row} has {people[row, column]} in column {column}, where a number must be"


def _knows_its_peaks(config: Config, people: NDArray[Any], slot_of_id: NDArray[np.intp]) -> str | None:
    row, slot, found = peaks_of(people)
    known = np.append(slot_of_id, MISSING)  # the last belongs to no slot
    ids = np.clip(found, 0, len(slot_of_id)).astype(np.intp)
    strangers = np.flatnonzero((ids != found) | (known[ids] != slot))
    if not len(strangers):
        return None
    k = strangers[0]
    where = f"row {row[k]} has {found[k]:.15g} as {config.body_parts[slot[k]]}"
    if found[k] != np.round(found[k]):
        return f"{where}, where the id of a peak must be, a whole number, or {MISSING}"
    if ids[k] != found[k] or known[ids[k]] == MISSING:
        return f"{where}, but no peak with that id was given"
    return f"{where}, but the peak with that id is a {config.body_parts[known[ids[k]]]}"


def _shares_no_peak(config: Config, people: NDArray[Any], slot_of_id: NDArray[np.intp]) -> str | None:
    row, slot, found = peaks_of(people)
    shared = np.flatnonzero(np.bincount(found.astype(np.intp)) > 1)
    if not len(shared):
        return None
    of_peak = found == shared[0]
    return (
        f"peak {shared[0]} ({config.body_parts[slot[of_peak][0]]}) is in rows "
        f"{' and '.join(map(str, row[of_peak]))}, but a peak belongs to one person"
    )


def _counts_its_parts(config: Config, people: NDArray[Any], slot_of_id: NDArray[np.intp]) -> str | None:
    parts_num = np.bincount(peaks_of(people)[0], minlength=len(people))
    wrong = np.flatnonzero(people[:, PARTS_NUM] != parts_num)
    if not len(wrong):
        return None
    k = wrong[0]
    return f"row {k} says parts_num {people[k, PARTS_NUM]:g} but holds {parts_num[k]} ids that are not {MISSING}"


def _has_nobody_empty(config: Config, people: NDArray[Any], slot_of_id: NDArray[np.intp]) -> str | None:
    empty = np.flatnonzero(people[:, PARTS_NUM] == 0)
    return f"row {empty[0]} holds no peak, but a person has at least one" if len(empty) else None


CHECKS: dict[str, Check] = {
    "rows of the right length": _is_rows,
    "plain, finite numbers": _is_numbers,
    "ids that exist, in their own slots": _knows_its_peaks,
    "no peak in two people": _shares_no_peak,
    "counts that are true": _counts_its_parts,
    "no empty person": _has_nobody_empty,
}
"""In the order in which they are made: each may rely on those before it."""

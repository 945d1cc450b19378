"""The lab's row: one person, whole or partial, as 18 peak ids, a score and a count of parts.

Columns 0 to 17 hold the id of the peak in each body part's slot, or ``MISSING``; then come
``SCORE`` and ``PARTS_NUM``. Only this module and merge.py, which the lab asks to work on rows, know that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.errors import OpenPoseLabError

if TYPE_CHECKING:  # merge.py imports this module, and is to be tried in a blink
    from estimation.connections import Connections

MISSING = -1
SCORE = -2
PARTS_NUM = -1
_EXTRA_COLUMNS = 2


class GroupingError(OpenPoseLabError):
    """A grouping failed, or its answer breaks the contract."""


def ids_of(subset: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, parts): the columns with peak ids, as a view."""
    return subset[:, :SCORE]


def row_length(config: Config) -> int:
    """Columns of a row: 20 for COCO's 18 parts."""
    return len(config.body_parts) + _EXTRA_COLUMNS


def limb_rows(config: Config, connections: Connections) -> NDArray[np.float64]:
    """One row per accepted connection: two ids, the score A + B + PAF, and a count of 2.

    Returns (n, parts + 2) float64, limb by limb in the config's order, best first.
    """
    found, chosen = connections.candidates, connections.accepted
    rows = np.full((len(chosen), row_length(config)), float(MISSING))
    np.put_along_axis(rows, config.limb_parts[found.limb[chosen]], found.peaks[chosen].astype(np.float64), axis=1)
    rows[:, SCORE] = found.peak_scores[chosen].sum(axis=1) + found.score[chosen]
    rows[:, PARTS_NUM] = 2
    return rows


def check_people(config: Config, people: Any, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """A grouping's answer, as (n, parts + 2) float64, if it keeps the contract.

    people: what the grouping returned. rows: what it was given.
    Raises GroupingError with one sentence: which row, what was found, what was expected.
    """
    columns = row_length(config)
    if not isinstance(people, np.ndarray):
        raise GroupingError(f"the answer must be an array of shape (people, {columns}) but is {_describe(people)}")
    if people.ndim != 2 or people.shape[1] != columns:
        raise GroupingError(f"the answer must have shape (people, {columns}) but has {people.shape}")
    if people.dtype.kind not in "iuf":
        raise GroupingError(f"the answer must hold plain numbers but its dtype is {people.dtype}")
    people = np.asarray(people, dtype=np.float64)
    if not np.isfinite(people).all():
        row, column = np.argwhere(~np.isfinite(people))[0]
        raise GroupingError(f"row {row} has {people[row, column]} in column {column}, where a number must be")

    row, slot, found = _peaks(people)
    _, given_slot, given = _peaks(rows)
    slot_of_id = np.full(int(given.max(initial=MISSING)) + 2, MISSING)
    slot_of_id[given.astype(np.intp)] = given_slot
    ids = np.clip(found, 0, len(slot_of_id) - 1).astype(np.intp)  # the last belongs to no slot
    if len(strangers := np.flatnonzero((ids != found) | (slot_of_id[ids] != slot))):
        k = strangers[0]
        raise GroupingError(
            f"row {row[k]} has id {found[k]:g} as {config.body_parts[slot[k]]}, "
            f"but no limb that was given has that id there"
        )
    if len(shared := np.flatnonzero(np.bincount(ids) > 1)):
        of_peak = found == shared[0]
        raise GroupingError(
            f"peak {shared[0]} ({config.body_parts[slot[of_peak][0]]}) is in rows "
            f"{' and '.join(map(str, row[of_peak]))}, but a peak belongs to one person"
        )
    parts_num = np.bincount(row, minlength=len(people))
    if len(wrong := np.flatnonzero(people[:, PARTS_NUM] != parts_num)):
        k = wrong[0]
        raise GroupingError(
            f"row {k} says parts_num {people[k, PARTS_NUM]:g} but holds {parts_num[k]} ids that are not {MISSING}"
        )
    if len(empty := np.flatnonzero(parts_num == 0)):
        raise GroupingError(f"row {empty[0]} holds no peak, but a person has at least one")
    checked: NDArray[np.float64] = people
    return checked


def _peaks(subset: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Row, slot and id of every peak in the rows."""
    ids = ids_of(subset)
    row, slot = np.nonzero(ids != MISSING)
    return row, slot, ids[row, slot]


def _describe(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"

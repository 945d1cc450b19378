"""The lab's row: one person, whole or partial, as 18 peak ids, a score and a count of parts.

Columns 0 to 17 are the slots of the body parts. Each slot holds the id of a peak, or ``MISSING``. The
last two columns are ``SCORE`` and ``PARTS_NUM``. Only this module and merge.py depend on this order.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.errors import OpenPoseLabError

if TYPE_CHECKING:  # merge.py imports this module, so it must load fast
    from estimation.connections import Connections

MISSING = -1
SCORE = -2
PARTS_NUM = -1
_EXTRA_COLUMNS = 2


class GroupingError(OpenPoseLabError):
    """A grouping failed, or its answer breaks the contract."""


def ids_of(subset: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the columns with peak ids, (n, parts), as a view."""
    return subset[:, :SCORE]


def row_length(config: Config) -> int:
    """Return the number of columns of a row: 20 for COCO's 18 parts."""
    return len(config.body_parts) + _EXTRA_COLUMNS


def limb_rows(config: Config, connections: Connections) -> NDArray[np.float64]:
    """Make one row per accepted connection: two peak ids, the score, and a count of 2.

    The score is A + B + PAF: the scores of both peaks, and the PAF score between them.

    Args:
        config: the configuration that the connections were found with.
        connections: the limbs of one photo.

    Returns:
        (n, parts + 2) float64, sorted by kind of limb, in the config's order; within one kind, best first.
    """
    found, chosen = connections.candidates, connections.accepted
    rows = np.full((len(chosen), row_length(config)), float(MISSING))
    rows[np.arange(len(chosen))[:, None], config.limb_parts[found.limb[chosen]]] = found.peaks[chosen]
    rows[:, SCORE] = found.peak_scores[chosen].sum(axis=1) + found.score[chosen]
    rows[:, PARTS_NUM] = 2
    return rows


def peaks_of(subset: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return row, slot and id of every peak in the rows: three arrays of equal length."""
    ids = ids_of(subset)
    row, slot = np.nonzero(ids != MISSING)
    return row, slot, ids[row, slot]


def peak_sets(ids: NDArray[Any]) -> list[frozenset[int]]:
    """Read the peaks of each row.

    Args:
        ids: (n, parts), the columns that ``ids_of`` gives. Entries that are not whole numbers are skipped.

    Returns:
        The ids in each row, in the order of the rows.
    """
    return [
        frozenset(int(peak) for peak in row if peak != MISSING and isfinite(peak) and peak == int(peak))
        for row in ids.tolist()
    ]


def rows_of_peaks(subset: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Return the row of each peak id from 0 to ``count`` - 1, or ``MISSING`` if no row holds it: (count,)."""
    row, _, ids = peaks_of(subset)
    rows = np.full(count, MISSING)
    rows[ids.astype(np.intp)] = row
    return rows


def slots_of_rows(rows: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the slot of each peak id, or ``MISSING`` if no row holds it: (highest id + 1,)."""
    _, slot, ids = peaks_of(rows)
    slot_of_id = np.full(int(ids.max(initial=MISSING)) + 1, MISSING)
    slot_of_id[ids.astype(np.intp)] = slot
    return slot_of_id

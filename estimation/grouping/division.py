"""The result of a grouping: the people of one photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Division:
    """A division of the peaks among people. A function ``group`` may return a ``Division`` instead of plain rows.

    Attributes:
        subset: (n, parts + 2) float64, rows of people.
        objective: the sum of the PAF scores between peaks of one person, or None if the grouping does not compute it.
        bound: an upper bound of the objective of every division, or None. If it equals the objective, this division
            is proven to be the best.
    """

    subset: NDArray[np.float64]
    objective: float | None = None
    bound: float | None = None

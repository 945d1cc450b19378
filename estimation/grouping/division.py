"""What a grouping makes of the limbs of one photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Division:
    """A division of the peaks among people. ``group`` may return one in place of plain rows.

    Attributes:
        subset: (n, parts + 2) float64, rows of people.
        objective: the sum of the PAF scores between peaks of one person, if the grouping knows it.
        bound: what no division can exceed, if the grouping knows it. It equals the objective where the division is
            proven to be the best.
    """

    subset: NDArray[np.float64]
    objective: float | None = None
    bound: float | None = None

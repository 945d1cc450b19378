"""Oracle grouping: it uses the ground-truth owner of every peak. Its figures show the best that grouping can reach."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.connections import Connections
from estimation.grouping.assembly import to_subset
from openpose_lab.evaluation.measures import NOBODY


def oracle_rows(config: Config, connections: Connections, owner: NDArray[np.intp]) -> NDArray[np.float64]:
    """Make the rows of the oracle grouping.

    Args:
        config: The configuration of the limbs.
        connections: The limbs, and the peaks that they join.
        owner: (P,) the owner of each peak, -1 without an owner.

    Returns:
        (n, parts + 2) float64, the rows of people.
    """
    part = connections.coordinates.part.tolist()
    people: dict[int, dict[int, int]] = {}
    for peak, person in enumerate(owner.tolist()):
        if person != NOBODY:
            people.setdefault(person, {})[part[peak]] = peak
    found = connections.candidates, connections.coordinates
    return to_subset(config, list(people.values()), *found, min_parts=1, min_mean_score=0)

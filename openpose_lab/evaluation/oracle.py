"""The grouping of one who knows whose every peak is: what grouping alone can reach."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.connections import Connections
from estimation.grouping.assembly import to_subset
from openpose_lab.evaluation.measures import NOBODY


def perfect_people(config: Config, connections: Connections, owner: NDArray[np.intp]) -> NDArray[np.float64]:
    """The rows of a grouping that makes no mistake with the peaks it is given."""
    part = connections.coordinates.part.tolist()
    people: dict[int, dict[int, int]] = {}
    for peak, person in enumerate(owner.tolist()):
        if person != NOBODY:
            people.setdefault(person, {})[part[peak]] = peak
    found = connections.candidates, connections.coordinates
    return to_subset(config, list(people.values()), *found, min_parts=1, min_mean_score=0)

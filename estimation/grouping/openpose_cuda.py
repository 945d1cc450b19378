"""OpenPose's grouping on a GPU: all limbs in one list, best first, joined wherever no body part is doubled.

Source: OpenPose 1.5 and later, body part connector, CUDA version. The order is by PAF score + a tenth of both peaks'.
What its code tells apart is one rule here: a new person, a part that is added, two halves that are joined, and
a limb that is dropped because a person has that part already. Unlike OpenPose's, limbs from ear to shoulder never
start a person.
Cost: sorting the candidates, O(C log C).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.connections import Candidates
from estimation.coordinates import Coordinates
from estimation.grouping.assembly import Assembly, to_subset


def group(candidates: Candidates, coordinates: Coordinates, config: Config) -> NDArray[np.float64]:
    """Group the limbs into rows of ``estimation.subset``, (n, parts + 2) float64."""
    assembly = Assembly(coordinates)
    strength = candidates.score + config.peak_weight * candidates.peak_scores.sum(axis=1)
    assembly.join(config, candidates, np.argsort(-strength, kind="stable"))
    return to_subset(config, assembly.people(), candidates, coordinates)

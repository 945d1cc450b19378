"""OpenPose's grouping on a GPU: join all limbs, best first, unless a person would get a body part twice.

Source: OpenPose 1.5 and later, body part connector, CUDA version. Limbs are sorted by PAF score + 0.1 * (sum of both
peak scores). OpenPose's code has four cases: a limb starts a person, adds a part, joins two halves of a person, or is
dropped because the person already has the part. Here one rule covers all four cases. Unlike in OpenPose, limbs from ear
to shoulder never start a person.
Cost: O(C log C), to sort the C candidates.
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

"""OpenPose's grouping on a CPU: match one limb after another, one-to-one, and add each to a person.

Source: OpenPose, body part connector, CPU version. A limb adds its second part to the person who owns its first part.
If the first part has no owner, the limb starts a person. Two existing people are never joined, so a person with a
missed neck stays in pieces. The limbs from ear to shoulder only add missing parts.
Cost: O(C log C), to sort the C candidates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.connections import Candidates, accept_one_to_one
from estimation.coordinates import Coordinates
from estimation.grouping.assembly import Assembly, to_subset


def group(candidates: Candidates, coordinates: Coordinates, config: Config) -> NDArray[np.float64]:
    """Group the limbs into rows of ``estimation.subset``, (n, parts + 2) float64."""
    assembly = Assembly(coordinates)
    chosen = accept_one_to_one(candidates)  # limb by limb, in the config's order
    for (a, b), limb in zip(candidates.peaks[chosen].tolist(), candidates.limb[chosen].tolist()):
        # OpenPose's limbs from ear to shoulder may put a peak into two people. Here they only add missing parts.
        if not config.limbs[limb].redundant or assembly.alone(a) != assembly.alone(b):
            assembly.connect(a, b)
    return to_subset(config, assembly.people(), candidates, coordinates)

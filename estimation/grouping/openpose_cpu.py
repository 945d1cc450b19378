"""OpenPose's grouping on a CPU: limb by limb, each one-to-one, from the first part of a limb to the second.

Source: OpenPose, body part connector, CPU version. A limb adds its second part to whoever has the first, or starts a
person if nobody has. Two people who are there already are never joined, so somebody whose neck was
missed stays in pieces. The limbs from ear to shoulder only fill parts that are missing.
Cost: sorting the candidates, O(C log C).
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
        # From ear to shoulder OpenPose may put a peak into two people; here it only fills what is missing.
        if not config.limbs[limb].redundant or assembly.alone(a) != assembly.alone(b):
            assembly.connect(a, b)
    return to_subset(config, assembly.people(), candidates, coordinates)

"""The handout's first relaxation: only the limbs of a tree over the body parts, matched one by one.

Source: Cao et al., CVPR 2017, section 2.3. In a tree limbs cannot contradict each other, so whatever is matched is
joined. The limbs from ear to shoulder are no part of the tree; they come last, and join what a missed part left
in pieces.
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
    """People, as rows of ``estimation.subset``."""
    assembly = Assembly(coordinates)
    chosen = accept_one_to_one(candidates)
    redundant = np.array([config.limbs[limb].redundant for limb in candidates.limb[chosen]], dtype=bool)
    assembly.join(config, candidates, chosen[~redundant])
    assembly.join(config, candidates, np.sort(chosen[redundant]))  # candidates come best first
    return to_subset(config, assembly.people(), candidates, coordinates)

"""Match each kind of limb optimally, then join all matched limbs, best first.

Source: the exact solution of the paper's equations 13 to 15 for each limb (Kuhn 1955), as in trt_pose, SLEAP and
DeepLabCut. For each limb, the sum of the PAF scores is maximal, with each peak in at most one limb of a kind. Limbs of
different kinds are matched separately, so they may conflict. In a conflict, the weaker limb is dropped.
Cost: O(n^3) for n peaks of a part.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from estimation.config import Config
from estimation.connections import Candidates
from estimation.coordinates import Coordinates
from estimation.grouping.assembly import Assembly, to_subset


def group(candidates: Candidates, coordinates: Coordinates, config: Config) -> NDArray[np.float64]:
    """Group the limbs into rows of ``estimation.subset``, (n, parts + 2) float64."""
    assembly = Assembly(coordinates)
    assembly.join(config, candidates, np.sort(match_limbs(candidates, len(config.limbs))))  # candidates come best first
    return to_subset(config, assembly.people(), candidates, coordinates)


def match_limbs(candidates: Candidates, limb_count: int) -> NDArray[np.intp]:
    """Match peaks one-to-one, with the largest sum of scores for each limb.

    Args:
        candidates: all candidates.
        limb_count: the number of limbs in the config.

    Returns:
        (m,) intp, indices of the matched candidates, limb by limb.
    """
    chosen = [np.empty(0, dtype=np.intp)]
    for limb in range(limb_count):
        of_limb = np.flatnonzero(candidates.limb == limb)
        first, row = np.unique(candidates.peaks[of_limb, 0], return_inverse=True)
        second, column = np.unique(candidates.peaks[of_limb, 1], return_inverse=True)
        scores = np.zeros((len(first), len(second)))
        index = np.full(scores.shape, -1)
        scores[row, column] = candidates.score[of_limb]
        index[row, column] = of_limb
        matched = index[linear_sum_assignment(scores, maximize=True)]
        chosen.append(matched[matched >= 0])
    return np.concatenate(chosen)

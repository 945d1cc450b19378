"""Each kind of limb matched as well as can be, then joined best first.

Source: the paper's equations 13 to 15 solved exactly for every limb (Kuhn 1955), as trt_pose, SLEAP and DeepLabCut do.
The sum of the PAF scores of a limb is as large as it can be with every peak in one limb of a kind. Where limbs of
different kinds contradict each other, which the matching cannot see, the weaker is dropped.
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
    """Indices of the candidates that give every limb the largest sum of scores, one-to-one."""
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

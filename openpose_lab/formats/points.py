"""Keypoints as the formats write them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from estimation.skeletons import Skeletons

_DECIMALS = 4  # of a pixel, and of a score


def rounded_points(skeletons: Skeletons) -> NDArray[np.float64]:
    """(n, parts, 3) float64: x, y in photo pixels and score, rounded; 0 where a part is missing."""
    points = np.concatenate([np.nan_to_num(skeletons.keypoints), skeletons.scores[:, :, None]], axis=2)
    return np.round(points, _DECIMALS)

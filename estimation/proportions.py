"""How people are built: where a standing person's parts are, and how tall somebody is of whom some parts are seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STANDING = {
    "nose": (0.00, 0.10),
    "neck": (0.00, 0.22),
    "right_shoulder": (-0.12, 0.22),
    "right_elbow": (-0.16, 0.37),
    "right_wrist": (-0.17, 0.50),
    "left_shoulder": (0.12, 0.22),
    "left_elbow": (0.16, 0.37),
    "left_wrist": (0.17, 0.50),
    "right_hip": (-0.08, 0.52),
    "right_knee": (-0.09, 0.75),
    "right_ankle": (-0.09, 0.96),
    "left_hip": (0.08, 0.52),
    "left_knee": (0.09, 0.75),
    "left_ankle": (0.09, 0.96),
    "right_eye": (-0.03, 0.06),
    "left_eye": (0.03, 0.06),
    "right_ear": (-0.07, 0.08),
    "left_ear": (0.07, 0.08),
    "mid_hip": (0.00, 0.52),
    "head": (0.00, 0.02),
    "chest": (0.00, 0.37),
    "left_big_toe": (0.13, 0.99),
    "left_small_toe": (0.17, 0.97),
    "left_heel": (0.07, 1.01),
    "right_big_toe": (-0.13, 0.99),
    "right_small_toe": (-0.17, 0.97),
    "right_heel": (-0.07, 1.01),
}
"""A person seen from the front, x and y in units of their height."""

_MEAN_WIDTH = 2 / np.pi
"""What is seen of somebody's width on average over the sides they are seen from."""


def standing(body_parts: tuple[str, ...]) -> NDArray[np.float64]:
    """(parts, 2): where a standing person's parts are, seen from no side in particular, in units of their height."""
    return np.array([STANDING[part] for part in body_parts]) * (_MEAN_WIDTH, 1)


def heights(cells: NDArray[np.float64], body_parts: tuple[str, ...]) -> NDArray[np.float64]:
    """(n,): how tall people would be if they stood, in cells, and at least one, by how far their parts are spread.

    cells: (n, parts, 2), NaN where a part is missing.
    """
    known = ~np.isnan(cells)
    seen, normal = _spread(cells, known), _spread(np.broadcast_to(standing(body_parts), cells.shape), known)
    return np.maximum(np.divide(seen, normal, out=np.zeros_like(seen), where=normal > 0), 1)


def _spread(points: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n,): root of the summed squares of the distances from the mean of the known points."""
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    mean = np.sum(points, axis=1, keepdims=True, where=known) / count
    spread: NDArray[np.float64] = np.sqrt(np.sum(np.square(points - mean), axis=(1, 2), where=known))
    return spread

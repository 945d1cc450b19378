"""The height of a person, estimated from their visible keypoints."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from estimation.layouts import Layout

_MEAN_WIDTH = 2 / np.pi
"""The mean width of a person over all viewing directions, as a share of their width from the front."""


def standing(layout: Layout) -> NDArray[np.float64]:
    """Place the parts of a standing person, averaged over all viewing directions.

    Args:
        layout: the layout of the parts.

    Returns:
        (parts, 2) float64 x and y, in units of the person's height.

    Raises:
        ValueError: if the layout has no proportions.
    """
    if layout.proportions is None:
        raise ValueError(f"the layout {layout.name} has no proportions")
    return np.array(layout.proportions) * (_MEAN_WIDTH, 1)


def heights(layout: Layout, cells: NDArray[np.float64]) -> NDArray[np.float64]:
    """Estimate body height from the visible keypoints.

    The height is the spread of the keypoints, divided by the spread of the same parts of a standing person of height
    1. In a layout without proportions, the height is the longer side of the box around the keypoints.

    Args:
        layout: the layout of the keypoints.
        cells: (n, parts, 2) x and y in map cells, NaN where a part is missing.

    Returns:
        (n,) float64 in cells, at least 1.
    """
    known = ~np.isnan(cells)
    if layout.proportions is None:
        low, high = (np.where(known, cells, bound) for bound in (np.inf, -np.inf))
        sides = (high.max(axis=1, initial=-np.inf) - low.min(axis=1, initial=np.inf)).max(axis=1, initial=1)
        return np.asarray(np.maximum(sides, 1))
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    seen, normal = _spread(cells, known, count), _spread(standing(layout), known, count)
    return np.maximum(np.divide(seen, normal, out=np.zeros_like(seen), where=normal > 0), 1)


def _spread(points: NDArray[np.float64], known: NDArray[np.bool_], count: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the root of the summed squared distances of the known points from their mean, (n,).

    count: (n, 1), the number of known points of each person.
    """
    mean = np.where(known, points, 0).sum(axis=1, keepdims=True) / count
    spread: NDArray[np.float64] = np.sqrt(np.square(np.where(known, points - mean, 0)).sum(axis=(1, 2)))
    return spread

"""The person score: how sure the pipeline is of each person. Average precision orders people by it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.coordinates import Coordinates
from estimation.proportions import heights
from estimation.subset import ids_of


def score_people(config: Config, subset: NDArray[np.float64], coordinates: Coordinates) -> NDArray[np.float64]:
    """Sum each person's peak scores, each weighed by t / (t + ``config.half_tolerance``).

    t is the part's sigma times the person's height, in cells. A network places every peak to about the same part of a
    cell. That is coarse for the eye of a small person and fine for the hip of a large one.

    Args:
        config: its layout gives the sigmas, and the proportions if it has any.
        subset: (n, parts + 2) rows of people.
        coordinates: the peaks that the rows name.

    Returns:
        (n,) float64. The rows' own scores, which groupings are free to choose, do not count.
    """
    return weigh_scores(config, peak_scores_of(subset, coordinates), cells_of(subset, coordinates))


def weigh_scores(config: Config, peak_scores: NDArray[np.float64], cells: NDArray[np.float64]) -> NDArray[np.float64]:
    """Score people as ``score_people`` does, from their peaks.

    Args:
        config: the layout, and ``half_tolerance``.
        peak_scores: (n, parts); 0 where a part is missing.
        cells: (n, parts, 2), x and y in map cells; NaN where a part is missing.

    Returns:
        (n,) float64.
    """
    tolerance = heights(config.layout, cells)[:, None] * np.array(config.layout.sigmas)
    return np.asarray((peak_scores * tolerance / (tolerance + config.half_tolerance)).sum(axis=1))


def peak_scores_of(subset: NDArray[np.float64], coordinates: Coordinates) -> NDArray[np.float64]:
    """(n, parts) float64: the scores of the peaks of each row; 0 where a part is missing."""
    scores = np.append(coordinates.score, 0.0)  # MISSING is -1, and finds the last
    return scores[ids_of(subset).astype(np.intp)]


def cells_of(subset: NDArray[np.float64], coordinates: Coordinates) -> NDArray[np.float64]:
    """(n, parts, 2) float64: x and y of the peaks of each row, in map cells; NaN where a part is missing."""
    cells = np.append(coordinates.xy, [[np.nan, np.nan]], axis=0)  # MISSING is -1, and finds the last
    return cells[ids_of(subset).astype(np.intp)]

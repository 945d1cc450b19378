"""The person score: how certain the pipeline is of each person. Average precision ranks people by it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.coordinates import Coordinates
from estimation.proportions import heights
from estimation.subset import ids_of


def score_people(config: Config, subset: NDArray[np.float64], coordinates: Coordinates) -> NDArray[np.float64]:
    """Sum each person's peak scores, each weighted by t / (t + ``config.half_tolerance``).

    The tolerance t is the part's sigma times the person's height, in cells. A network's error is about the same
    fraction of a cell for every peak. Compared to t, this error is large for the eye of a small person, and small for
    the hip of a large person.

    Args:
        config: the configuration. Its layout gives the sigmas and, if known, the proportions of a standing body, from
            which the person's height is estimated.
        subset: (n, parts + 2) rows of people.
        coordinates: the peaks that the rows name.

    Returns:
        (n,) float64. The scores in the rows have no effect, because each grouping may compute them in its own way.
    """
    return weigh_scores(config, peak_scores_of(subset, coordinates), cells_of(subset, coordinates))


def weigh_scores(config: Config, peak_scores: NDArray[np.float64], cells: NDArray[np.float64]) -> NDArray[np.float64]:
    """Score people as ``score_people`` does, from the scores and positions of their peaks.

    Args:
        config: the configuration.
        peak_scores: (n, parts) float64; 0 where a part is missing.
        cells: (n, parts, 2) float64, x and y in map cells; NaN where a part is missing.

    Returns:
        (n,) float64.
    """
    tolerance = heights(config.layout, cells)[:, None] * np.array(config.layout.sigmas)
    return np.asarray((peak_scores * tolerance / (tolerance + config.half_tolerance)).sum(axis=1))


def peak_scores_of(subset: NDArray[np.float64], coordinates: Coordinates) -> NDArray[np.float64]:
    """Return the peak scores of each row, (n, parts) float64; 0 where a part is missing."""
    scores = np.append(coordinates.score, 0.0)  # MISSING is -1, so it reads this last entry
    return scores[ids_of(subset).astype(np.intp)]


def cells_of(subset: NDArray[np.float64], coordinates: Coordinates) -> NDArray[np.float64]:
    """Return x and y of the peaks of each row, (n, parts, 2) float64 in map cells; NaN where a part is missing."""
    cells = np.append(coordinates.xy, [[np.nan, np.nan]], axis=0)  # MISSING is -1, so it reads this last entry
    return cells[ids_of(subset).astype(np.intp)]

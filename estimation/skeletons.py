"""The result: people, each as named keypoints in the pixels of the photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from estimation.coordinates import Coordinates
from estimation.field_maps import cells_to_pixels
from estimation.proportions import heights
from estimation.subset import MISSING, ids_of

TOLERANCE = {
    "nose": 0.026,
    "eye": 0.025,
    "ear": 0.035,
    "shoulder": 0.079,
    "elbow": 0.072,
    "wrist": 0.062,
    "hip": 0.107,
    "knee": 0.087,
    "ankle": 0.089,
}
"""How far apart two people mark the same part, as a share of the person's size (COCO's sigmas)."""
_OTHERS = 0.079  # the parts that COCO does not have
HALF_SIZE = 5.0
"""Cells of tolerance at which half of a part's certainty counts. From 3 to 8 does as well on photos (docs)."""


@dataclass(frozen=True, eq=False)
class Skeletons:
    """The n people of one photo, in the order the grouping gave them.

    keypoints: (n, parts, 2) float64, x and y in photo pixels, whole numbers at pixel centres;
        NaN where the part is missing.
    scores: (n, parts) float64, the heatmap score of each keypoint; 0 where it is missing.
    person_scores: (n,) float64, how sure we are of each person; orders people for average precision.
    ids: (n, parts) intp, rows of the ``Coordinates`` they come from; -1 where missing.
    """

    keypoints: NDArray[np.float64]
    scores: NDArray[np.float64]
    person_scores: NDArray[np.float64]
    ids: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.person_scores)

    @property
    def present(self) -> NDArray[np.bool_]:
        """(n, parts) bool: which keypoints were found."""
        present: NDArray[np.bool_] = self.ids != MISSING
        return present


def to_skeletons(
    people: NDArray[np.float64],
    coordinates: Coordinates,
    cell_size: ArrayLike,
    offset: ArrayLike = 0,
    person_scores: NDArray[np.float64] | None = None,
) -> Skeletons:
    """Look up the peaks of the lab's rows and move them to photo pixels.

    people: (n, parts + 2) rows as merge returns them.
    cell_size: pixels per map cell, one number or (x, y), as in ``FieldMaps``. offset: in cells, as there.
    person_scores: (n,), by default those of ``score_people``.
    """
    keypoints = cells_to_pixels(cells_of(people, coordinates) + np.asarray(offset), cell_size)
    if person_scores is None:
        person_scores = score_people(people, coordinates)
    return Skeletons(keypoints, _scores_of(people, coordinates), person_scores, ids_of(people).astype(np.intp))


def score_people(people: NDArray[np.float64], coordinates: Coordinates) -> NDArray[np.float64]:
    """How sure we are of each person, (n,): the sum of their parts' scores, each times t / (t + ``HALF_SIZE``), where t
    is the part's tolerance in cells, for a person of their height.

    A peak is found to a part of a cell, whoever it belongs to: that is much for the eye of a small person, little for
    the hip of a large one.
    """
    tall = heights(cells_of(people, coordinates), coordinates.body_parts)
    tolerance = tall[:, None] * [TOLERANCE.get(part.split("_")[-1], _OTHERS) for part in coordinates.body_parts]
    return np.asarray((_scores_of(people, coordinates) * tolerance / (tolerance + HALF_SIZE)).sum(axis=1))


def _scores_of(people: NDArray[np.float64], coordinates: Coordinates) -> NDArray[np.float64]:
    """(n, parts) the scores of the peaks of each person; 0 where a part is missing."""
    ids = ids_of(people).astype(np.intp)
    scores = np.zeros(ids.shape)
    scores[ids != MISSING] = coordinates.score[ids[ids != MISSING]]
    return scores


def cells_of(people: NDArray[np.float64], coordinates: Coordinates) -> NDArray[np.float64]:
    """(n, parts, 2) where the peaks of each person are, in cells; NaN where a part is missing."""
    ids = ids_of(people).astype(np.intp)
    cells = np.full((*ids.shape, 2), np.nan)
    cells[ids != MISSING] = coordinates.xy[ids[ids != MISSING]]
    return cells

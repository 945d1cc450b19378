"""The result: people, each as named keypoints in the pixels of the photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from estimation.coordinates import Coordinates
from estimation.field_maps import cells_to_pixels
from estimation.subset import MISSING, PARTS_NUM, SCORE, ids_of

HALF_SIZE = 20.0
"""Cells that a person has to be long for half their score to count. From 12 to 30 does as well on photos (docs)."""


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
    ids = ids_of(people).astype(np.intp)
    present = ids != MISSING
    scores = np.zeros(ids.shape)
    scores[present] = coordinates.score[ids[present]]
    keypoints = cells_to_pixels(_cells(people, coordinates) + np.asarray(offset), cell_size)
    return Skeletons(
        keypoints, scores, score_people(people, coordinates) if person_scores is None else person_scores, ids
    )


def score_people(people: NDArray[np.float64], coordinates: Coordinates) -> NDArray[np.float64]:
    """How sure we are of each person, (n,): the score that the grouping gives them, by the root of the number of their
    parts, times s / (s + ``HALF_SIZE``) for people who are s cells long or wide.

    A grouping's score is a sum over the parts. Of two people with the same mean, the one who is seen whole is the surer
    one, but not as many times as they have more parts. And a peak is found to a part of a cell, whoever it belongs to:
    that is much of a small person, little of a large one.
    """
    cells = _cells(people, coordinates)
    highest, lowest = np.nanmax(cells, axis=1, initial=-np.inf), np.nanmin(cells, axis=1, initial=np.inf)
    size = np.maximum(np.max(highest - lowest, axis=1), 1)  # of a single peak, a cell
    return np.asarray(people[:, SCORE] / np.sqrt(people[:, PARTS_NUM]) * size / (size + HALF_SIZE))


def _cells(people: NDArray[np.float64], coordinates: Coordinates) -> NDArray[np.float64]:
    """(n, parts, 2) where the peaks of each person are, in cells; NaN where a part is missing."""
    ids = ids_of(people).astype(np.intp)
    cells = np.full((*ids.shape, 2), np.nan)
    cells[ids != MISSING] = coordinates.xy[ids[ids != MISSING]]
    return cells

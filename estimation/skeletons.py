"""The result: people, each as named keypoints in the pixels of the photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from estimation.coordinates import Coordinates
from estimation.field_maps import cells_to_pixels
from estimation.subset import MISSING, SCORE, ids_of


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


def to_skeletons(people: NDArray[np.float64], coordinates: Coordinates, cell_size: ArrayLike) -> Skeletons:
    """Look up the peaks of the lab's rows and move them to photo pixels.

    people: (n, parts + 2) rows as merge returns them.
    cell_size: pixels per map cell, one number or (x, y), as in ``FieldMaps``.
    """
    ids = ids_of(people).astype(np.intp)
    present = ids != MISSING
    keypoints = np.full((*ids.shape, 2), np.nan)
    keypoints[present] = cells_to_pixels(coordinates.xy[ids[present]], cell_size)
    scores = np.zeros(ids.shape)
    scores[present] = coordinates.score[ids[present]]
    return Skeletons(keypoints, scores, people[:, SCORE].astype(np.float64), ids)

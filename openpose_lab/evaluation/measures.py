"""Accuracy of a grouping, peak by peak, for peaks with known owners."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estimation.connections import Connections
from estimation.coordinates import Coordinates
from estimation.subset import MISSING, rows_of_peaks

NOBODY = MISSING
"""The owner of a peak that belongs to no person."""


@dataclass(frozen=True)
class Pairs:
    """Counts of pairs of peaks. The counts of several photos can be added.

    Attributes:
        right: Pairs of peaks that the grouping put into one person, and that belong to one person.
        made: Pairs of peaks that the grouping put into one person.
        true: Pairs of peaks that belong to one person.
    """

    right: int = 0
    made: int = 0
    true: int = 0

    def __add__(self, other: Pairs) -> Pairs:
        return Pairs(self.right + other.right, self.made + other.made, self.true + other.true)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall, 1 at best. It is also 1 without any pairs."""
        return 2 * self.right / (self.made + self.true) if self.made + self.true else 1.0


def count_pairs(subset: NDArray[np.float64], owner: NDArray[np.intp], all_known: bool) -> Pairs:
    """Count the pairs of peaks of one photo.

    Args:
        subset: (n, parts + 2) rows of people.
        owner: (P,) the owner of each peak, -1 without an owner.
        all_known: If true, a peak without an owner is false, and every pair with it is wrong. If false, it may belong
            to a person who is not annotated, and is left out.

    Returns:
        The pairs.
    """
    row = rows_of_peaks(subset, len(owner))
    if not all_known:
        row, owner = row[owner != NOBODY], owner[owner != NOBODY]
    taken, owned = row != NOBODY, owner != NOBODY
    both = taken & owned
    _, together = np.unique(np.stack([row[both], owner[both]]), axis=1, return_counts=True)
    sizes = together, np.bincount(row[taken]), np.bincount(owner[owned])
    return Pairs(*(int((size * (size - 1) // 2).sum()) for size in sizes))


def count_conflicts(subset: NDArray[np.float64], connections: Connections) -> int:
    """Count the accepted limbs that join two different people. The grouping decided against such a limb."""
    row = rows_of_peaks(subset, len(connections.coordinates))
    first, second = row[connections.candidates.peaks[connections.accepted]].T
    return int(np.sum((first != second) & (first != NOBODY) & (second != NOBODY)))


def owners(coordinates: Coordinates, keypoints: NDArray[np.float64], reach: NDArray[np.float64]) -> NDArray[np.intp]:
    """Match peaks to the nearest keypoints, one to one.

    Args:
        coordinates: The P peaks.
        keypoints: (n, parts, 2) in map cells, NaN where missing.
        reach: (n, parts) the largest distance of a peak from its keypoint, in cells.

    Returns:
        (P,) the owner of each peak, which is the person with its keypoint. -1 without a keypoint.
    """
    from scipy.optimize import linear_sum_assignment  # imported here, because it takes a third of a second
    from scipy.spatial.distance import cdist

    owner = np.full(len(coordinates), NOBODY)
    for part in range(keypoints.shape[1]):
        peaks = np.flatnonzero(coordinates.part == part)
        people = np.flatnonzero(~np.isnan(keypoints[:, part, 0]))
        distance = cdist(coordinates.xy[peaks], keypoints[people, part]) / reach[people, part]
        peak, person = linear_sum_assignment(np.minimum(distance, 1))  # all distances out of reach are equally bad
        near = distance[peak, person] < 1
        owner[peaks[peak[near]]] = people[person[near]]
    return owner

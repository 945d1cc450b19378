"""A baseline tracker: each person gets the identity of the nearest person seen before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from estimation.proportions import heights
from estimation.skeletons import NO_IDENTITY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from estimation.layouts import Layout
    from estimation.skeletons import Skeletons

_FARTHEST = 0.5  # largest distance that a person may move between two detections, in body heights


class NearestTracker:
    """A tracker that pairs people with people seen before, the nearest pair first.

    The place of a person is the mean of their keypoints.
    """

    def __init__(self, layout: Layout, memory: float) -> None:
        """Make a tracker for one video.

        Args:
            layout: The layout of the skeletons.
            memory: Seconds without a detection after which a person is forgotten.
        """
        self._layout, self._memory = layout, memory
        self._places, self._seen = np.empty((0, 2)), np.empty(0)

    def update(self, skeletons: Skeletons, timestamp: float) -> NDArray[np.intp]:
        """Return the identity of every person, (n,) intp."""
        places = np.nanmean(skeletons.keypoints, axis=1)
        distance = np.linalg.norm(self._places[:, None] - places[None], axis=2)
        distance /= heights(self._layout, skeletons.keypoints)
        distance[timestamp - self._seen > self._memory + 1e-6] = np.inf
        identities = np.full(len(skeletons), NO_IDENTITY, dtype=np.intp)
        for _ in range(min(distance.shape)):
            known, person = np.unravel_index(np.argmin(distance), distance.shape)
            if distance[known, person] > _FARTHEST:
                break
            identities[person] = known
            distance[known], distance[:, person] = np.inf, np.inf
        strangers = np.flatnonzero(identities == NO_IDENTITY)
        identities[strangers] = len(self._seen) + np.arange(len(strangers))
        self._places = np.concatenate([self._places, places[strangers]])
        self._seen = np.concatenate([self._seen, np.empty(len(strangers))])
        self._places[identities], self._seen[identities] = places, timestamp
        return identities

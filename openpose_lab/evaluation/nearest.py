"""The simplest tracker that remembers: each person is the nearest one of those seen before. A baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from estimation.proportions import heights
from estimation.skeletons import NO_IDENTITY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from estimation.layouts import Layout
    from estimation.skeletons import Skeletons

_FARTHEST = 0.5  # body heights that a person may move between two sights of them


class NearestTracker:
    """Pairs people with those seen before, the nearest pair first, by the means of their keypoints."""

    def __init__(self, layout: Layout, memory: float) -> None:
        """Make a tracker for one video.

        Args:
            layout: The layout of the skeletons.
            memory: Seconds after which a person who is not seen is forgotten.
        """
        self._layout, self._memory = layout, memory
        self._places, self._seen = np.empty((0, 2)), np.empty(0)

    def update(self, skeletons: Skeletons, timestamp: float) -> NDArray[np.intp]:
        """Give every person an identity, (n,)."""
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

"""The tracker ``none``: every person of every frame has ``NO_IDENTITY``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from estimation.skeletons import NO_IDENTITY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from estimation.layouts import Layout
    from estimation.skeletons import Skeletons


class NoTracker:
    """A tracker that gives no identities."""

    def __init__(self, layout: Layout) -> None:
        """Make a tracker for one video. ``layout`` is not used."""

    def update(self, skeletons: Skeletons, timestamp: float) -> NDArray[np.intp]:
        """Give every person ``NO_IDENTITY``, (n,)."""
        return np.full(len(skeletons), NO_IDENTITY, dtype=np.intp)


TRACKER = NoTracker

"""What a tracker is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from estimation.skeletons import Skeletons


class Tracker(Protocol):
    """Gives identities to the people of successive frames.

    A tracker has one video. A class of a plug-in is called with the layout, if it takes one, and makes one tracker.
    """

    def update(self, skeletons: Skeletons, timestamp: float) -> ArrayLike:
        """Give identities to the people of the next frame.

        Args:
            skeletons: The n people of the frame, in pixels. They are a copy of the frame's.
            timestamp: Seconds from the start of the video.

        Returns:
            (n,) whole numbers from 0, one identity a person, each at most once; ``NO_IDENTITY`` (-1) for a person
            who has none yet.
        """
        ...

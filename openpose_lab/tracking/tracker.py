"""The protocol of a tracker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from estimation.skeletons import Skeletons


class Tracker(Protocol):
    """A tracker gives identities to the people of successive frames.

    A tracker works on one video. A plug-in's class is called once for each video, with the layout if it takes an
    argument.
    """

    def update(self, skeletons: Skeletons, timestamp: float) -> ArrayLike:
        """Give identities to the people of the next frame.

        Args:
            skeletons: A copy of the n people of the frame, in pixels.
            timestamp: Seconds from the start of the video.

        Returns:
            (n,) whole numbers: the identity of each person, from 0, or ``NO_IDENTITY`` (-1) for a person without an
            identity. Two people of a frame never have the same identity.
        """
        ...

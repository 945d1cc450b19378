"""Give identities to the skeletons in a stream of frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from estimation.skeletons import Skeletons
    from openpose_lab.sources.frame import Frame
    from openpose_lab.tracking.plugin import CheckedTracker

_FRAME_RATE = 25.0  # frames a second where frames have no timestamps


def identify(stream: Iterable[tuple[Frame, Skeletons]], tracker: CheckedTracker) -> Iterator[tuple[Frame, Skeletons]]:
    """Give identities to the people of a video.

    Args:
        stream: The frames in order, each with its people. A frame without a timestamp lasts 1/25 of a second.
        tracker: A tracker from ``load_tracker``.

    Yields:
        Each frame and its people, with their ``person_ids``.

    Raises:
        TrackerError: The tracker fails or breaks the contract.
    """
    for frame, skeletons in stream:
        timestamp = frame.index / _FRAME_RATE if frame.timestamp is None else frame.timestamp
        yield frame, replace(skeletons, person_ids=tracker.update(skeletons, timestamp))

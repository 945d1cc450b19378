"""The keypoints of people with an identity over a whole video: read from records, changed, and written back.

Records are read twice, one at a time. ``gather`` reads the keypoints, and ``apply`` writes the changed keypoints into
the same records. Memory holds only the keypoints of people with an identity: 300 bytes per frame for a person with 18
body parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError
from estimation.skeletons import FILLED, NO_IDENTITY, Skeletons
from estimation.subset import MISSING
from openpose_lab.formats.record import Record

_T = TypeVar("_T", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Motion:
    """The keypoints of people with an identity: r rows, ordered by identity and then by frame.

    A row is a person in a frame. A frame's number is its position in the sequence of records, from 0.

    Attributes:
        times: (frames,) float64, the timestamp of each frame in seconds.
        frames: (r,) intp, the frame of each row.
        identities: (r,) intp, the identity of each row.
        keypoints: (r, parts, 2) float64, x and y in pixels of the frame. NaN if a part is missing.
        scores: (r, parts) float64, the score of each keypoint. 0 if it is missing.
        person_scores: (r,) float64, the score of the person in the frame.
        filled: (r, parts) bool, whether a keypoint was interpolated.
    """

    times: NDArray[np.float64]
    frames: NDArray[np.intp]
    identities: NDArray[np.intp]
    keypoints: NDArray[np.float64]
    scores: NDArray[np.float64]
    person_scores: NDArray[np.float64]
    filled: NDArray[np.bool_]

    def people(self) -> Iterator[slice]:
        """Yield the rows of each identity, as a slice."""
        starts = np.flatnonzero(np.diff(self.identities, prepend=NO_IDENTITY))
        for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(self.identities)]):
            yield slice(start, end)


def gather(records: Iterable[Record]) -> Motion:
    """Collect the keypoints of all people with an identity.

    Args:
        records: The frames of a video, in order, each with a timestamp.

    Returns:
        The keypoints, ordered by identity and frame.

    Raises:
        OpenPoseLabError: A frame has no timestamp.
        ValueError: Two people of a frame have the same identity.
    """
    times: list[float] = []
    frames: list[NDArray[np.intp]] = []
    people: list[tuple[NDArray[Any], ...]] = []
    for place, record in enumerate(records):
        if record.timestamp is None:
            raise OpenPoseLabError(f"{record.name} has no timestamp; smooth or fill only the frames of a video")
        known = record.skeletons.select(record.skeletons.person_ids != NO_IDENTITY)
        if len(np.unique(known.person_ids)) < len(known):
            raise ValueError(f"two people of {record.name} have the same identity: {known.person_ids.tolist()}")
        times.append(record.timestamp)
        frames.append(np.full(len(known), place, np.intp))
        filled = known.peak_ids == FILLED
        people.append((known.person_ids, known.keypoints, known.scores, known.person_scores, filled))
    if not people:
        none = np.zeros(0, np.intp)
        return Motion(
            np.zeros(0), none, none, np.zeros((0, 0, 2)), np.zeros((0, 0)), np.zeros(0), np.zeros((0, 0), np.bool_)
        )
    frame = np.concatenate(frames)
    identity, *others = (np.concatenate(arrays) for arrays in zip(*people))
    people.clear()  # a long video's keypoints are large, so memory holds only two copies of them
    order = np.lexsort((frame, identity))
    return Motion(np.array(times, np.float64), frame[order], identity[order], *(array[order] for array in others))


def apply(motion: Motion, records: Iterable[Record]) -> Iterator[Record]:
    """Write keypoints back into the records that they were read from.

    The order, the scores and the peaks of the people stay. A filled keypoint gets the peak id ``FILLED``. People who
    were missing in a frame are added at the end. A keypoint outside the photo moves to the photo's nearest pixel,
    because a filter may overshoot.

    Args:
        motion: The changed keypoints.
        records: The same records that ``gather`` read.

    Yields:
        The changed records, in the same order.
    """
    order = np.argsort(motion.frames, kind="stable")  # by frame, then by identity
    ends = np.searchsorted(motion.frames[order], np.arange(len(motion.times)), "right").tolist()
    start = 0
    for record, end in zip(records, ends):
        rows = order[start:end]
        start = end
        if len(rows):
            record = replace(record, skeletons=_replaced(record, motion, rows))
        yield record


def refined(
    read: Callable[[], Iterable[Record]], *, gap_seconds: float | None = None, smooth: bool = False
) -> Iterator[Record]:
    """Fill gaps and smooth keypoints, if requested.

    Gaps are filled first. So the filter rounds the corners at the ends of the gaps, and works on longer runs of frames.

    Args:
        read: A function that returns the records of all frames in order. It is called twice.
        gap_seconds: The longest gap that is filled, in seconds. None fills no gap.
        smooth: Whether to smooth keypoints.

    Returns:
        An iterator over the changed records.

    Raises:
        OpenPoseLabError: A frame has no timestamp.
        ValueError: Two people of a frame have the same identity.
    """
    from openpose_lab.tracking.gaps import fill_gaps
    from openpose_lab.tracking.smoothing import smooth as smoothed

    motion = gather(read())
    if gap_seconds is not None:
        motion = fill_gaps(motion, gap_seconds)
    if smooth:
        motion = smoothed(motion)
    return apply(motion, read())


def _replaced(record: Record, motion: Motion, motion_rows: NDArray[np.intp]) -> Skeletons:
    """Return a frame's skeletons with the keypoints of some rows of ``motion``. Add new people at the end."""
    skeletons, identities = record.skeletons, motion.identities[motion_rows]
    people = len(skeletons)
    place = {identity: row for row, identity in enumerate(skeletons.person_ids.tolist())}
    new = [identity for identity in identities.tolist() if identity not in place]
    place |= {identity: people + number for number, identity in enumerate(new)}
    rows = [place[identity] for identity in identities.tolist()]

    def extended(array: NDArray[_T], value: float) -> NDArray[_T]:
        return np.concatenate([array, np.full((len(new), *array.shape[1:]), value, array.dtype)])

    keypoints, peak_ids = extended(skeletons.keypoints, np.nan), extended(skeletons.peak_ids, MISSING)
    scores, person_scores = extended(skeletons.scores, 0), extended(skeletons.person_scores, 0)
    keypoints[rows] = np.clip(motion.keypoints[motion_rows], 0, (record.width - 1, record.height - 1))
    peak_ids[rows] = np.where(motion.filled[motion_rows], FILLED, peak_ids[rows])
    scores[rows], person_scores[rows] = motion.scores[motion_rows], motion.person_scores[motion_rows]
    identities = np.concatenate([skeletons.person_ids, np.array(new, np.intp)])
    return Skeletons(keypoints, scores, person_scores, peak_ids, identities)

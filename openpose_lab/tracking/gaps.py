"""Fill gaps: interpolate a keypoint on a straight line between two frames in which it was detected."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from openpose_lab.tracking.motion import Motion

_ROUNDING = 1e-3
"""The largest rounding error of timestamps, in seconds. Matroska and WebM store milliseconds."""


def fill_gaps(motion: Motion, seconds: float) -> Motion:
    """Interpolate keypoints that are missing between two frames.

    A gap is the time from the last frame in which a person's part was detected to the next such frame. In the gap, the
    keypoint moves on a straight line at constant speed, and its score changes at a constant rate. Nothing is filled
    before a part's first detection or after its last. A person who is missing in a frame is added to it if at least one
    part can be filled.

    Args:
        motion: The keypoints.
        seconds: The longest gap that is filled, in seconds. A gap may exceed it by a millisecond, because timestamps
            may be rounded to milliseconds.

    Returns:
        The keypoints, together with the filled ones. ``filled`` marks these.

    Raises:
        ValueError: ``seconds`` is negative or NaN.
    """
    if not seconds >= 0:
        raise ValueError(f"the longest gap must be 0 seconds or more but is {seconds}")
    blocks = [_filled(motion, person, seconds) for person in motion.people()]
    if not blocks:
        return motion
    return Motion(motion.times, *(np.concatenate(arrays) for arrays in zip(*blocks)))


def _filled(motion: Motion, person: slice, seconds: float) -> tuple[NDArray[Any], ...]:
    """Return the arrays of one identity, in the order of ``Motion``'s fields, with filled keypoints and rows."""
    rows = motion.frames[person]
    frames = np.arange(rows[0], rows[-1] + 1)
    seen = rows - rows[0]
    parts = motion.filled.shape[1]
    values, filled = np.full((len(frames), parts, 3), np.nan), np.zeros((len(frames), parts), np.bool_)
    values[seen] = np.concatenate([motion.keypoints[person], motion.scores[person][:, :, None]], axis=2)
    filled[seen] = motion.filled[person]
    missing = np.isnan(values[:, :, 0])

    place = np.arange(len(frames))[:, None]
    before = np.maximum.accumulate(np.where(missing, -1, place), axis=0)
    after = np.minimum.accumulate(np.where(missing, len(frames), place)[::-1], axis=0)[::-1]
    between = missing & (before >= 0) & (after < len(frames))
    before, after = np.where(between, before, 0), np.where(between, after, 0)
    times = motion.times[frames]
    gap = times[after] - times[before]
    frame, part = np.nonzero(between & (gap > 0) & (gap <= seconds + _ROUNDING))

    start, end, length = before[frame, part], after[frame, part], gap[frame, part]
    share = np.clip((times[frame] - times[start]) / length, 0, 1)[:, None]  # clipped, because times may be out of order
    values[frame, part] = values[start, part] + share * (values[end, part] - values[start, part])
    filled[frame, part] = True
    kept = ~np.isnan(values[:, :, 0]).all(axis=1)
    kept[seen] = True
    identities = np.full(kept.sum(), motion.identities[person][0])
    person_scores = np.interp(frames, rows, motion.person_scores[person])
    scores = np.nan_to_num(values[kept, :, 2])
    return frames[kept], identities, values[kept, :, :2], scores, person_scores[kept], filled[kept]

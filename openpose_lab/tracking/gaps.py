"""Filling gaps: keypoints between two frames in which a person's part is seen, on a straight line."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from openpose_lab.tracking.motion import Motion

_ROUNDING = 1e-3
"""Seconds by which timestamps may be rounded: Matroska and WebM count milliseconds."""


def fill_gaps(motion: Motion, seconds: float) -> Motion:
    """Interpolate keypoints that are missing between two frames.

    A gap is the time from the last frame in which a person's part is seen to the next one. Keypoints in it lie on a
    straight line between the two, at even speed. Scores change evenly, too. Nothing is filled before the first frame or
    after the last in which a part is seen. A person whom a frame lacks is added to it if a part can be filled.

    Args:
        motion: the keypoints.
        seconds: the longest gap that is filled, in seconds. Timestamps that are rounded to milliseconds count as exact.

    Returns:
        The keypoints with those that were filled, which ``filled`` marks.

    Raises:
        ValueError: ``seconds`` is negative or not a number.
    """
    if not seconds >= 0:
        raise ValueError(f"the longest gap must be 0 seconds or more but is {seconds}")
    blocks = [_filled(motion, person, seconds) for person in motion.people()]
    if not blocks:
        return motion
    return Motion(motion.times, *(np.concatenate(arrays) for arrays in zip(*blocks)))


def _filled(motion: Motion, person: slice, seconds: float) -> tuple[NDArray[Any], ...]:
    """The arrays of an identity in the order of ``Motion``, with the keypoints and rows that were filled."""
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
    share = np.clip((times[frame] - times[start]) / length, 0, 1)[:, None]  # clipped, as times may be mixed up
    values[frame, part] = values[start, part] + share * (values[end, part] - values[start, part])
    filled[frame, part] = True
    kept = ~np.isnan(values[:, :, 0]).all(axis=1)
    kept[seen] = True
    identities = np.full(kept.sum(), motion.identities[person][0])
    person_scores = np.interp(frames, rows, motion.person_scores[person])
    scores = np.nan_to_num(values[kept, :, 2])
    return frames[kept], identities, values[kept, :, :2], scores, person_scores[kept], filled[kept]

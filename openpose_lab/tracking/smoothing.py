"""Smooth each keypoint with a Butterworth low-pass filter of 6 Hz and order 4, for whole and for live videos.

6 Hz and order 4 are usual in studies of human movement (Winter, Biomechanics and Motor Control of Human Movement).
The filter reduces the amplitude of a movement of 6 Hz to 0.71 (-3 dB), and keeps a movement of 1 Hz. Both ways to apply
it have order 4 in total:

* ``smooth``, for whole videos, runs a filter of order 2 forwards and then backwards, so that nothing is delayed. Two
  runs also lower the frequency at which the amplitude is 0.71. Winter's correction undoes this: it divides the warped
  frequency of the filter by (2 ** (1 / 2) - 1) ** (1 / 4) = 0.802. Sports2D and Pose2Sim halve the order in the same
  way but do not correct the frequency, so they smooth a little more.
* ``CausalSmoother``, for live video, cannot use later frames. It runs a filter of order 4 forwards once. This delays
  slow movements by 56 ms at 25 frames a second, and by up to 69 ms at higher rates.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from estimation.skeletons import NO_IDENTITY, Skeletons
from openpose_lab.tracking.motion import Motion

CUTOFF_HZ = 6.0
ORDER = 4
_LONGEST_STEP = 10
"""The longest pause inside a run of frames, in usual steps between frames. A longer pause ends the run."""
_UNEVEN = 0.1
"""A run is resampled if a frame is further than this share of a step from its even time."""
_SHORTEST_STEP_S = 5e-4
"""Frames with a shorter step are resampled. This bounds memory for damaged videos with frames a microsecond apart."""
_LONGEST_PAUSE_S = 0.25
"""The filter of a live keypoint starts again after a longer pause without a detection."""


def check_rate(frames_per_second: float) -> None:
    """Check that the frame rate is high enough for smoothing.

    Args:
        frames_per_second: The number of frames that are read per second of video.

    Raises:
        OpenPoseLabError: The rate is 12 frames a second or less, so it cannot show a movement of 6 Hz.
    """
    if not _is_fast_enough(frames_per_second):
        raise OpenPoseLabError(_too_slow(frames_per_second))


def smooth(motion: Motion) -> Motion:
    """Smooth the keypoints of each person without delay.

    Each run of frames in which a part was detected is filtered separately. Runs of one or two frames stay unchanged.
    A run is extended at both ends by its own reflection in its end point, for 12 frames or a quarter of a second,
    whichever is longer. A run with unevenly spaced frames is resampled to the usual step on straight lines, filtered,
    and resampled to its own times.

    Args:
        motion: The keypoints.

    Returns:
        The smoothed keypoints. The keypoints are unchanged if the video has 12 frames a second or less.

    Warns:
        OpenPoseLabWarning: The video has 12 frames a second or less.
    """
    step = _usual_step(motion.times)
    if step is None:
        return motion
    if not _is_fast_enough(1 / step):
        warnings.warn(OpenPoseLabWarning(_too_slow(1 / step)), stacklevel=2)
        return motion
    step = max(step, _SHORTEST_STEP_S)
    sections, padding = _two_way_sections(step), max(12, round(0.25 / step))
    keypoints = motion.keypoints.copy()
    for person in motion.people():
        own, times = keypoints[person], motion.times[motion.frames[person]]
        for rows, parts in _runs(motion.frames[person], times, own, _LONGEST_STEP * step):
            own[rows, parts] = _without_delay(sections, padding, step, times[rows], own[rows, parts])
    return replace(motion, keypoints=keypoints)


class CausalSmoother:
    """A smoother for the keypoints of a live video, frame by frame.

    At a constant frame rate, the filter equals ``scipy.signal.butter(4, 6, fs=rate)``. The frame rate may change: the
    filter's step is the time since the person's part was last detected. A step of a twelfth of a second or more is
    divided into smaller steps on a straight line. The filter starts again for new people, and for a part that was not
    detected for more than a quarter of a second. People without an identity are not smoothed.
    """

    def __init__(self) -> None:
        from scipy import signal

        # The filter of 1 radian a second as dx/dt = a x + b u, y = c x; u is a keypoint, y the smoothed one.
        self._a, self._b, self._c, _ = signal.tf2ss(*signal.butter(ORDER, 1, analog=True))
        self._rest = -np.linalg.solve(self._a, self._b)[:, 0]  # the steady state x for u = 1
        self._people: dict[int, _State] = {}

    def update(self, skeletons: Skeletons, timestamp: float, photo_size: tuple[int, int] | None = None) -> Skeletons:
        """Smooth the people of the next frame.

        Args:
            skeletons: The people. All their identities differ.
            timestamp: The time of the frame in seconds.
            photo_size: Width and height of the frame in pixels. If given, a smoothed keypoint outside the frame moves
                to the nearest pixel.

        Returns:
            The people with smoothed keypoints.
        """
        keypoints = skeletons.keypoints.copy()
        for row, identity in enumerate(skeletons.person_ids.tolist()):
            if identity != NO_IDENTITY:
                state = self._people.setdefault(identity, _State(keypoints.shape[1]))
                keypoints[row] = self._next(state, skeletons.keypoints[row], timestamp)
        self._people = {
            identity: state
            for identity, state in self._people.items()
            if 0 <= timestamp - state.times.max() <= _LONGEST_PAUSE_S
        }
        if photo_size is not None:
            keypoints = np.clip(keypoints, 0, np.array(photo_size) - 1)
        return replace(skeletons, keypoints=keypoints)

    def _next(self, state: _State, keypoints: NDArray[np.float64], timestamp: float) -> NDArray[np.float64]:
        seen = ~np.isnan(keypoints[:, 0])
        since = timestamp - state.times
        goes_on = seen & (since > 0) & (since <= _LONGEST_PAUSE_S)
        for step in np.unique(since[goes_on]).tolist():
            self._advance(state, goes_on & (since == step), keypoints, step)
        begins = seen & ~goes_on
        state.x[:, begins] = self._rest[:, None, None] * keypoints[begins]
        state.last[seen], state.times[seen] = keypoints[seen], timestamp
        smoothed: NDArray[np.float64] = np.where(seen[:, None], np.tensordot(self._c[0], state.x, 1), np.nan)
        return smoothed

    def _advance(self, state: _State, parts: NDArray[np.bool_], keypoints: NDArray[np.float64], step: float) -> None:
        """Advance the filter of some parts by a step in seconds, by the trapezoidal rule, which scipy uses too."""
        count = math.floor(2 * CUTOFF_HZ * step) + 1
        warped = math.tan(math.pi * CUTOFF_HZ * step / count)
        one = np.eye(ORDER)
        to_next = np.linalg.inv(one - warped * self._a)
        old, new = to_next @ (one + warped * self._a), (to_next @ self._b)[:, 0] * warped
        line = np.linspace(state.last[parts], keypoints[parts], count + 1)
        for before, after in pairwise(line):
            state.x[:, parts] = np.tensordot(old, state.x[:, parts], 1) + new[:, None, None] * (before + after)


class _State:
    """The filter's state for one person of a live video.

    Attributes:
        x: (4, parts, 2), the state of the filter.
        last: (parts, 2), the keypoints at their last detection, in pixels.
        times: (parts,), the time of the last detection in seconds.
    """

    def __init__(self, parts: int) -> None:
        self.x = np.zeros((ORDER, parts, 2))
        self.last = np.zeros((parts, 2))
        self.times = np.full(parts, -np.inf)


def _is_fast_enough(frames_per_second: float) -> bool:
    return frames_per_second > 2 * CUTOFF_HZ * (1 + 1e-6)


def _too_slow(frames_per_second: float) -> str:
    return (
        f"keypoints are not smoothed: a filter of {CUTOFF_HZ:g} Hz needs more than {2 * CUTOFF_HZ:g} frames a second, "
        f"but the video has {frames_per_second:.3g}; use more of its frames, or do not smooth"
    )


def _usual_step(times: NDArray[np.float64]) -> float | None:
    """Return the seconds between successive frames of the source. None if all frames have the same time."""
    steps = np.diff(times)
    steps = steps[steps > 0]
    if not len(steps):
        return None
    # The mean, because timestamps may be rounded: 0.033, 0.067, 0.1. Steps over skipped frames are longer.
    return float(steps[steps < 1.5 * np.median(steps)].mean())


def _two_way_sections(step: float) -> Any:
    """Return the filter of half the order. Run forwards and backwards, it is the filter of the whole order."""
    from scipy import signal

    correction = (2 ** (1 / 2) - 1) ** (1 / ORDER)  # Winter's, for two passes
    warped = math.tan(math.pi * CUTOFF_HZ * step) / correction
    return signal.butter(ORDER // 2, math.atan(warped) / (math.pi * step), fs=1 / step, output="sos")


def _runs(
    frames: NDArray[np.intp], times: NDArray[np.float64], keypoints: NDArray[np.float64], longest_step: float
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the runs of a person's parts, all runs of one length together.

    Yields:
        (m, n), the rows of m runs of n frames, and (m, 1), the part of each run. Runs of one or two frames are left
        out, because they are straight lines, which the filter does not change.
    """
    steps = np.diff(times, prepend=-np.inf)
    breaks = (np.diff(frames, prepend=-2) != 1) | (steps <= 0) | (steps > longest_step)
    seen = ~np.isnan(keypoints[:, :, 0].T)
    begins = seen & (breaks | ~np.roll(seen, 1, axis=1))
    ends = seen & np.roll(breaks | ~seen, -1, axis=1)
    ends[:, -1] = seen[:, -1]
    part, start = np.nonzero(begins)
    _, end = np.nonzero(ends)
    length = end - start + 1
    for count in np.unique(length[length > 2]).tolist():
        chosen = length == count
        yield start[chosen][:, None] + np.arange(count), part[chosen][:, None]


def _without_delay(
    sections: Any, padding: int, step: float, times: NDArray[np.float64], keypoints: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Filter m runs of n frames forwards and backwards, at even times.

    Args:
        sections: The filter, as second-order sections.
        padding: The number of frames by which each end of a run is extended.
        step: The usual step between frames in seconds.
        times: (m, n), seconds.
        keypoints: (m, n, 2), pixels.

    Returns:
        (m, n, 2), the smoothed keypoints in pixels.
    """
    # The filter does not change straight lines. So the line from the first to the last point is subtracted before it,
    # and added after it. Then the run starts and ends at rest, and a keypoint that does not move stays exact.
    share = ((times - times[:, :1]) / (times[:, -1:] - times[:, :1]))[:, :, None]
    line = keypoints[:, :1] + share * (keypoints[:, -1:] - keypoints[:, :1])
    rest = keypoints - line
    count = times.shape[1]
    is_even = np.abs(share[:, :, 0] * (count - 1) - np.arange(count)).max(axis=1) <= _UNEVEN
    is_even &= np.round((times[:, -1] - times[:, 0]) / step) == count - 1
    rest[is_even] = _both_ways(sections, padding, rest[is_even])
    for run in np.flatnonzero(~is_even).tolist():
        even = np.linspace(times[run, 0], times[run, -1], max(round((times[run, -1] - times[run, 0]) / step), 2) + 1)
        resampled = _both_ways(sections, padding, _at(even, times[run], rest[run])[None])
        rest[run] = _at(times[run], even, resampled[0])
    smoothed: NDArray[np.float64] = line + rest
    return smoothed


def _both_ways(sections: Any, padding: int, runs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Filter (m, n, 2) values at even times. Each run is extended by its reflection in its first and last point."""
    from scipy import signal

    if not len(runs):
        return runs
    longer = np.pad(runs, ((0, 0), (padding, padding), (0, 0)), "reflect", reflect_type="odd")
    filtered: NDArray[np.float64] = signal.sosfiltfilt(sections, longer, axis=1, padlen=0)
    return filtered[:, padding:-padding]


def _at(
    times: NDArray[np.float64], known_times: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Interpolate (n, columns) values from known times to other times, on straight lines."""
    return np.stack([np.interp(times, known_times, column) for column in columns.T], axis=1)

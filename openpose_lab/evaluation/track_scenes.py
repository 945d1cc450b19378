"""Simulated videos: people cross, are hidden, leave and come back. The skeletons have the errors of a network's.

Every person's path is known, so a tracker can be scored identity by identity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.skeletons import Skeletons
from openpose_lab.evaluation.crowds import TURNS, bent_poses

Floats = NDArray[np.float64]

FRAME_RATE = 25.0
"""Frames per second."""
PICTURE = (640, 480)
"""Width and height in pixels."""
BODY_WIDTH = 0.34
"""Width of a standing person from hand to hand, as a share of their height."""
SPEEDS = (0.02, 0.5)
"""Range of the speed at which people pass each other, in body widths per frame."""
HIDDEN = (5, 40)
"""Range of the time for which people are hidden, in frames."""
HEIGHTS = (80.0, 250.0)
"""Range of people's heights in pixels."""

_CROSSINGS = 3
_LEAD = 60  # frames before the first crossing and after the last
_GAP = 300  # frames between two crossings: enough to be hidden, to leave and to come back
_AWAY = (0, 80)  # range of frames that a person spends outside, without the ways out and back
_OUTSIDE = 60.0  # distance from the picture's edge at which a person outside waits, in pixels
_STRAY = 12  # most frames by which a crossing is earlier or later than its round
_FARTHEST = 170.0  # pixels from the crossing at which a fast person stops, so that they stay in the picture
_LATER = (5, 40)  # range of frames from a crossing until something else hides the person in front
_STEP_SECONDS = (0.8, 1.3)  # range of the time of two steps
_TURN_SECONDS = (6.0, 10.0)  # range of the time in which a person turns to one side and back
_DROPPED, _JITTER, _MISSED = 0.1, 3.0, 0.05  # share of dropped keypoints, deviation in pixels, share of missed people
_FEWEST_PARTS = 4  # merge removes people with fewer parts
_IN_PICTURE = 0.5  # least share of keypoints in the picture of a visible person


@dataclass(frozen=True, eq=False)
class Hiding:
    """One interval in which a person is hidden: frames ``first`` to ``last``, both included."""

    person: int
    first: int
    last: int


@dataclass(frozen=True, eq=False)
class TrackScene:
    """A simulated video of T frames.

    Attributes:
        keypoints: (T, people, parts, 2) the ground truth in pixels, NaN outside the picture.
        visible: (T, people) bool: in the picture and not hidden.
        frames: The people found in each of the T frames, in any order.
        owners: A list of T arrays (n,): the index of the person that each skeleton of ``frames`` shows.
        hidings: Every interval in which a person is hidden.
        centres: (T, people, 2) the middle of each person in pixels, also outside the picture.
        heights: (people,) the height of each person in pixels.
    """

    keypoints: Floats
    visible: NDArray[np.bool_]
    frames: list[Skeletons]
    owners: list[NDArray[np.intp]]
    hidings: list[Hiding]
    centres: Floats
    heights: Floats

    def timestamp(self, frame: int) -> float:
        """Return the time of a frame in seconds from the start."""
        return frame / FRAME_RATE


def simulate_video(
    config: Config,
    seed: int,
    speeds: tuple[float, float] = SPEEDS,
    hidden: tuple[int, int] = HIDDEN,
    people: int = 6,
    heights: tuple[float, float] = HEIGHTS,
) -> TrackScene:
    """Simulate a video.

    In each of three rounds, the people meet in pairs. At each meeting, one person hides the other. A little later,
    something else hides the person in front. Each person leaves the picture once, between two rounds, and comes back.

    Args:
        config: A configuration of human body parts.
        seed: The seed of the random numbers.
        speeds: The range of speeds at crossings, in body widths per frame.
        hidden: The range of the time for which people are hidden, in frames.
        people: The number of people, an even number.
        heights: The range of heights in pixels.

    Returns:
        The video.
    """
    rng = np.random.default_rng([seed, people])
    count = 2 * _LEAD + (_CROSSINGS - 1) * _GAP
    tall = rng.uniform(*heights, people)
    centres, hidings = _paths(rng, tall, count, speeds, hidden)
    keypoints = np.stack([_walk(config, rng, count) * height for height in tall], axis=1) + centres[:, :, None]
    within = (keypoints >= 0) & (keypoints <= np.array(PICTURE) - 1.0)
    inside = within[..., 0] & within[..., 1]
    visible: NDArray[np.bool_] = inside.mean(axis=2) >= _IN_PICTURE
    for hiding in hidings:
        visible[hiding.first : hiding.last + 1, hiding.person] = False
    keypoints = np.where(inside[..., None], keypoints, np.nan)
    frames, owners = zip(*(_found(rng, *frame) for frame in zip(keypoints, visible)))
    return TrackScene(keypoints, visible, list(frames), list(owners), hidings, centres, tall)


def _paths(
    rng: np.random.Generator, heights: Floats, count: int, speeds: tuple[float, float], hidden: tuple[int, int]
) -> tuple[Floats, list[Hiding]]:
    """Return (T, people, 2), the middle of each person in pixels, and the intervals in which people are hidden."""
    people = len(heights)
    times, places, velocities = (np.empty((_CROSSINGS, people, *more)) for more in ((), (2,), (2,)))
    hidings = []
    for crossing in range(_CROSSINGS):
        for first, second in rng.permutation(people).reshape(-1, 2):
            pair = [first, second]
            middle = _LEAD + crossing * _GAP + int(rng.integers(-_STRAY, _STRAY + 1))
            times[crossing, pair] = middle
            half = heights[pair].max() / 2
            place = np.array([rng.uniform(0.3, 0.7) * PICTURE[0], rng.uniform(half, PICTURE[1] - half)])
            away = rng.normal(0, 0.1, (2, 2)) * heights[pair].min()
            places[crossing, pair] = np.clip(place + away, 0, np.array(PICTURE) - 1)
            direction = rng.choice([-1.0, 1.0]) * np.array([1.0, rng.choice([-1.0, -1.0, 1.0])])  # two of three head-on
            slope = rng.normal(0, 0.15, 2)
            for person, way, rise in zip(pair, direction, slope):
                speed = rng.uniform(*speeds) * BODY_WIDTH * heights[person]
                velocities[crossing, person] = way * speed * np.cos(rise), speed * np.sin(rise)
            behind, before = rng.permutation(pair)
            for person in (behind, before):
                length = int(rng.integers(hidden[0], hidden[1] + 1))
                wait = -rng.integers(length) if person == behind else rng.integers(*_LATER)
                begin = middle + int(wait)
                hidings.append(Hiding(int(person), begin, min(begin + length, count) - 1))
    frame = np.arange(count, dtype=float)
    paths = np.stack([_path(rng, frame, times[:, k], places[:, k], velocities[:, k]) for k in range(people)], axis=1)
    return paths, hidings


def _path(rng: np.random.Generator, frame: Floats, times: Floats, places: Floats, velocities: Floats) -> Floats:
    """Return (T, 2), a path through the crossings. Between two crossings, it leaves the picture and comes back."""
    leaves_after = rng.integers(len(times) - 1)
    pieces = [_passing(frame, *crossing) for crossing in zip(times, places, velocities)]
    path = pieces[0]
    for number in range(1, len(times)):
        begin, end = times[number - 1] + 45, times[number] - 45
        if number - 1 == leaves_after:
            middle_x = (places[number - 1, 0] + places[number, 0]) / 2
            outside = (-_OUTSIDE if middle_x < PICTURE[0] / 2 else PICTURE[0] + _OUTSIDE), places[number - 1, 1]
            away = rng.uniform(*_AWAY)
            middle = (begin + end) / 2
            path = _blend(path, np.broadcast_to(outside, path.shape), frame, begin, middle - away / 2)
            path = _blend(path, pieces[number], frame, middle + away / 2, end)
        else:
            path = _blend(path, pieces[number], frame, begin, end)
    return path


def _passing(frame: Floats, time: float, place: Floats, velocity: Floats) -> Floats:
    """Return (T, 2), a path through a place at a time with a velocity. It slows down away from the place."""
    speed = max(float(np.hypot(*velocity)), 1e-6)
    scale = min(_FARTHEST / speed, 80.0)
    path: Floats = place + velocity * (scale * np.tanh((frame - time) / scale))[:, None]
    return path


def _blend(first: Floats, second: Floats, frame: Floats, begin: float, end: float) -> Floats:
    """Change smoothly from one path to another, from frame ``begin`` to frame ``end``."""
    share = np.clip((frame - begin) / (end - begin), 0, 1)
    weight = (share**2 * (3 - 2 * share))[:, None]
    return first * (1 - weight) + second * weight


def _walk(config: Config, rng: np.random.Generator, count: int) -> Floats:
    """Return (T, parts, 2), a person who walks and turns, in units of their height from their middle."""
    seconds = np.arange(count)[:, None] / FRAME_RATE
    spread = np.array(TURNS)
    rest, swing = rng.normal(0, 0.5, len(spread)) * spread, rng.normal(0, 0.7, len(spread)) * spread
    phase = rng.uniform(0, 2 * np.pi, len(spread))
    angles = rest + swing * np.sin(2 * np.pi * seconds / rng.uniform(*_STEP_SECONDS) + phase)
    turning = np.sin(2 * np.pi * seconds[:, 0] / rng.uniform(*_TURN_SECONDS) + rng.uniform(0, 2 * np.pi))
    view = rng.uniform(0, np.pi) + rng.uniform(0, 0.8) * turning
    return bent_poses(config, angles, view) - (0.0, 0.5)


def _found(
    rng: np.random.Generator, keypoints: Floats, visible: NDArray[np.bool_]
) -> tuple[Skeletons, NDArray[np.intp]]:
    """Simulate the detections in one frame of people (people, parts, 2). Return the skeletons and their owners."""
    points = keypoints + rng.normal(0, _JITTER, keypoints.shape)
    points[rng.random(points.shape[:2]) < _DROPPED] = np.nan
    points = np.clip(points, 0, np.array(PICTURE) - 1.0)
    known = ~np.isnan(points[..., 0])
    seen = visible & (rng.random(len(points)) >= _MISSED) & (known.sum(axis=1) >= _FEWEST_PARTS)
    people = rng.permutation(np.flatnonzero(seen))
    points, known = points[people], known[people]
    scores = np.where(known, 0.8, 0.0)
    return Skeletons(points, scores, known.mean(axis=1), np.where(known, 0, -1)), people

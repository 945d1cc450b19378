"""Simulated videos: people who cross, are hidden, leave and come back, and what a network might find of them.

Every person's path is known, so that a tracker can be judged identity by identity.
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
"""Frames a second."""
PICTURE = (640, 480)
"""Width and height in pixels."""
BODY_WIDTH = 0.34
"""How wide a standing person is, as a share of their height: from hand to hand."""
SPEEDS = (0.02, 0.5)
"""Body widths a frame at which people pass each other."""
HIDDEN = (5, 40)
"""Frames for which people are hidden."""
HEIGHTS = (80.0, 250.0)
"""How tall people are in pixels."""

_CROSSINGS = 3
_LEAD = 60  # frames before the first crossing and after the last
_GAP = 300  # frames from crossing to crossing: time to be hidden, to leave and to come back
_AWAY = (0, 80)  # frames for which a person who leaves stays away; the ways out and back take more
_OUTSIDE = 60.0  # pixels from the picture's edge at which a person who left waits
_STRAY = 12  # frames by which a crossing is earlier or later than the others of its round
_FARTHEST = 170.0  # pixels from the crossing in which a fast person comes to a stop, so that the picture is not left
_LATER = (5, 40)  # frames from a crossing until the person in front is hidden by something else
_STEP_SECONDS = (0.8, 1.3)  # the time of two steps
_TURN_SECONDS = (6.0, 10.0)  # the time in which a person turns there and back
_DROPPED, _JITTER, _MISSED = 0.1, 3.0, 0.05
_FEWEST_PARTS = 4  # as merge keeps
_IN_PICTURE = 0.5  # share of the keypoints from which on a person is in the picture


@dataclass(frozen=True, eq=False)
class Hiding:
    """One time that a person is hidden: frames ``first`` to ``last``, both included."""

    person: int
    first: int
    last: int


@dataclass(frozen=True, eq=False)
class TrackScene:
    """A simulated video of T frames.

    Attributes:
        keypoints: (T, people, parts, 2), the truth in pixels, NaN outside the picture.
        visible: (T, people) bool: in the picture and not hidden.
        frames: T, the people found in each frame, in any order.
        owners: T, (n,) the person that each of them is.
        hidings: every time that a person is hidden.
        centres: (T, people, 2), the middle of each person in pixels, also outside the picture.
        heights: (people,) in pixels.
    """

    keypoints: Floats
    visible: NDArray[np.bool_]
    frames: list[Skeletons]
    owners: list[NDArray[np.intp]]
    hidings: list[Hiding]
    centres: Floats
    heights: Floats

    def timestamp(self, frame: int) -> float:
        """Seconds from the start."""
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

    In each of three rounds the people meet in pairs. At each meeting one of the two is hidden, and the other one is
    hidden by something else a little later. Each person leaves the picture once between two rounds and comes back.

    Args:
        config: a configuration of human body parts.
        seed: the seed of the random numbers.
        speeds: the range of speeds at crossings, in body widths a frame.
        hidden: the range of frames for which people are hidden.
        people: the number of people, even.
        heights: the range of heights in pixels.

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
    """(T, people, 2) the middle of each person, and when they are hidden."""
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
    """(T, 2): a path through the crossings, and out of the picture and back between two of them."""
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
    """(T, 2): a path with a velocity at a time, which slows down farther away."""
    speed = max(float(np.hypot(*velocity)), 1e-6)
    scale = min(_FARTHEST / speed, 80.0)
    path: Floats = place + velocity * (scale * np.tanh((frame - time) / scale))[:, None]
    return path


def _blend(first: Floats, second: Floats, frame: Floats, begin: float, end: float) -> Floats:
    """From one path to another, smoothly."""
    share = np.clip((frame - begin) / (end - begin), 0, 1)
    weight = (share**2 * (3 - 2 * share))[:, None]
    return first * (1 - weight) + second * weight


def _walk(config: Config, rng: np.random.Generator, count: int) -> Floats:
    """(T, parts, 2): a person who walks and turns, in heights from their middle."""
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
    """What is found of the people (people, parts, 2) of a frame, and who each is."""
    points = keypoints + rng.normal(0, _JITTER, keypoints.shape)
    points[rng.random(points.shape[:2]) < _DROPPED] = np.nan
    points = np.clip(points, 0, np.array(PICTURE) - 1.0)
    known = ~np.isnan(points[..., 0])
    seen = visible & (rng.random(len(points)) >= _MISSED) & (known.sum(axis=1) >= _FEWEST_PARTS)
    people = rng.permutation(np.flatnonzero(seen))
    points, known = points[people], known[people]
    scores = np.where(known, 0.8, 0.0)
    return Skeletons(points, scores, known.mean(axis=1), np.where(known, 0, -1)), people

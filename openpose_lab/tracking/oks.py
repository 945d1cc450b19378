"""The default tracker: people of successive frames are matched by the OKS of their predicted and found keypoints.

OKS (object keypoint similarity) is COCO's: the mean over keypoints of exp(-d^2 / (2 s^2 (2 sigma)^2)), with the
layout's sigmas and the size s of the person. Here it has two factors, because only one of them ages while a person is
hidden:

- The pose: the OKS after the one skeleton is moved onto the other. A person who comes back is about as tall as before,
  so a difference in size counts on top.
- The move: how far the person is from where they were expected. A Kalman filter of damped velocity predicts the place
  and how uncertain it is. This tolerance grows with each moment that the person is hidden.

All lengths are shares of the body's height and all times are seconds, so that the tracker fits any picture size, frame
rate and layout.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from estimation.proportions import heights
from estimation.skeletons import NO_IDENTITY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from estimation.layouts import Layout
    from estimation.skeletons import Skeletons

    Floats = NDArray[np.float64]

MEMORY = 1.7
"""Seconds after which a person who is not seen is forgotten. One who comes back later gets a new identity."""
BIRTH = 3
"""Frames in which a person must be seen before they get an identity."""
_MOST_MISSED = 1000  # frames: the bound where timestamps stand still
_ROUNDS = 2  # of estimating the move: the second leaves out keypoints that belong to a neighbour
_OUTLIER = 0.01  # the weight that such a keypoint keeps: if all are unlike, all count alike
_NOISE = 1.5  # pixels by which a keypoint is off at least, however small the person


@dataclass(frozen=True)
class Settings:
    """The numbers of the tracker. Lengths are in body heights.

    Attributes:
        memory: As ``MEMORY``.
        birth: As ``BIRTH``.
        patience: Frames in a row in which a person without an identity may be missed.
        size: The person's size s of OKS, the root of the area that they cover.
        place: Standard deviation of how far a person is from where the velocity says, beside what the filter knows.
        jitter: Standard deviation of a measured place.
        start_speed: Standard deviation of the velocity of a person seen once, per second.
        push: Standard deviation of the change of velocity in a second.
        damping: Seconds in which an unseen person's velocity falls to 37 %.
        learning: Share of the difference by which a keypoint's remembered place in the body moves in a frame.
        growth: Standard deviation of the logarithm of how much larger a person becomes between two sights of them.
        doubt_weight: The exponent of the penalty for an uncertain place.
        least: The similarity from which on two skeletons may be the same person.
    """

    memory: float = MEMORY
    birth: int = BIRTH
    patience: int = 1
    size: float = 0.35
    place: float = 0.05
    jitter: float = 0.02
    start_speed: float = 1.5
    push: float = 2.0
    damping: float = 1.5
    learning: float = 0.4
    doubt_weight: float = 0.3
    least: float = 0.001
    growth: float = 0.2


@dataclass
class _Tracks:
    """The N people that are remembered.

    identity (N,), ``NO_IDENTITY`` before birth; hits (N,) frames in which they were seen; missed (N,) frames in a row
    in which they were not; seen (N,) when they were last seen; height (N,) in pixels; place and velocity (N, 2);
    spread (N, 3), the variances of place, place with velocity, and velocity, in each direction; pose
    (N, parts, 2), keypoints from the place, NaN where never seen.
    """

    identity: NDArray[np.intp]
    hits: NDArray[np.intp]
    missed: NDArray[np.intp]
    seen: Floats
    height: Floats
    place: Floats
    velocity: Floats
    spread: Floats
    pose: Floats

    def __len__(self) -> int:
        return len(self.identity)

    def kept(self, which: NDArray[Any]) -> _Tracks:
        return _Tracks(*(getattr(self, field.name)[which] for field in fields(self)))

    def joined(self, other: _Tracks) -> _Tracks:
        return _Tracks(*(np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self)))


class OksTracker:
    """Matches people by predicted OKS, as the module says."""

    def __init__(self, layout: Layout, settings: Settings | None = None) -> None:
        """Make a tracker for one video.

        Args:
            layout: The layout of the skeletons.
            settings: By default those of the project.
        """
        self._layout = layout
        self._settings = settings or Settings()
        self._tolerance = np.square(2 * np.array(layout.sigmas))  # (2 sigma)^2
        self._next = 0
        self._clock = 0.0
        self._before: float | None = None
        self._tracks = self._births(np.empty((0, len(layout.body_parts), 2)), np.empty(0))

    def update(self, skeletons: Skeletons, timestamp: float) -> NDArray[np.intp]:
        """Give identities to the people of the next frame.

        Args:
            skeletons: The n people.
            timestamp: Seconds. If it is not later than the one before, no time has passed.

        Returns:
            (n,) intp: identities from 0; ``NO_IDENTITY`` for a person seen in too few frames yet.
        """
        elapsed = self._elapsed(timestamp)
        settings = self._settings
        recent = self._clock - self._tracks.seen <= settings.memory + 1e-6
        tracks = self._tracks.kept(recent & (self._tracks.missed <= _MOST_MISSED))
        self._predict(tracks, elapsed)
        found = np.isfinite(skeletons.keypoints[..., 0]) & np.isfinite(skeletons.keypoints[..., 1])
        usable = np.flatnonzero(found.any(axis=1))  # a person without keypoints has no place
        points = np.where(found[usable, :, None], skeletons.keypoints[usable], np.nan)
        size = heights(self._layout, points)

        cost, move = self._costs(tracks, points, size)
        known, person = self._assign(tracks, cost)
        tracks.missed += 1
        self._correct(tracks, known, points[person], size[person], move[known, person])
        born = known[(tracks.identity[known] == NO_IDENTITY) & (tracks.hits[known] >= settings.birth)]
        tracks.identity[born] = self._next + np.arange(len(born))
        self._next += len(born)

        identities = np.full(len(skeletons), NO_IDENTITY, dtype=np.intp)
        identities[usable[person]] = tracks.identity[known]
        is_stranger = np.ones(len(points), dtype=bool)
        is_stranger[person] = False
        strangers = np.flatnonzero(is_stranger)
        fresh = self._births(points[strangers], size[strangers])
        if settings.birth <= 1:
            fresh.identity[:] = self._next + np.arange(len(fresh))
            self._next += len(fresh)
            identities[usable[strangers]] = fresh.identity
        waits = (tracks.identity != NO_IDENTITY) | (tracks.missed <= settings.patience)
        self._tracks = tracks.kept(waits).joined(fresh)
        return identities

    def _elapsed(self, timestamp: float) -> float:
        """Seconds since the frame before. The clock never goes back, and stands still where it must not be trusted."""
        if not np.isfinite(timestamp):
            return 0.0
        elapsed = 0.0 if self._before is None else max(float(timestamp) - self._before, 0.0)
        self._before = float(timestamp)
        self._clock += elapsed
        return elapsed

    def _predict(self, tracks: _Tracks, elapsed: float) -> None:
        """Move all tracks by their velocities, and widen the variances."""
        settings = self._settings
        kept = np.exp(-elapsed / settings.damping)
        reach = settings.damping * (1 - kept)  # seconds that a damped velocity goes as far as in the time elapsed
        push = np.square(settings.push * tracks.height)
        tracks.place += tracks.velocity * reach
        tracks.velocity *= kept
        place, both, velocity = tracks.spread.T
        tracks.spread = np.stack(
            [
                place + 2 * reach * both + reach**2 * velocity + push * elapsed**3 / 3,
                kept * (both + reach * velocity) + push * elapsed**2 / 2,
                kept**2 * velocity + push * elapsed,
            ],
            axis=1,
        )

    def _costs(self, tracks: _Tracks, points: Floats, size: Floats) -> tuple[Floats, Floats]:
        """How unlike N tracks and M people are.

        Returns:
            (N, M) minus the logarithm of the similarity, and (N, M, 2) pixels from the expected place.
        """
        settings = self._settings
        common = ~np.isnan(tracks.pose[:, None, :, 0]) & ~np.isnan(points[None, :, :, 0])  # N, M, parts
        remembered = np.where(common[..., None], tracks.pose[:, None], 0)
        found = np.where(common[..., None], points[None] - tracks.place[:, None, None], 0)
        apart = found - remembered
        height = np.maximum(tracks.height[:, None], size[None])
        tolerance = np.square(settings.size * height)[..., None] * self._tolerance + _NOISE**2
        weight = common / tolerance
        for _ in range(_ROUNDS):
            move = _mean(apart, weight)
            like = np.exp(-_squared(apart - move[:, :, None]) / (2 * tolerance)) * common
            weight = (like + _OUTLIER * common) / tolerance
        pose = like.sum(axis=2) / np.maximum(common.sum(axis=2), 1)
        certain = np.square(settings.place * height)
        variance = certain + tracks.spread[:, :1]
        grown = np.log(_variances(found, common) / _variances(remembered, common)) / 2
        cost = (
            -np.log(np.maximum(pose, 1e-9))
            + np.square(grown / settings.growth) / 2
            + _squared(move) / (2 * variance)
            + settings.doubt_weight * np.log(variance / certain)
        )
        return np.where(common.any(axis=2), cost, np.inf), move

    def _assign(self, tracks: _Tracks, cost: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The tracks that are seen again, and the person that each is."""
        from scipy.optimize import linear_sum_assignment  # a third of a second that only this takes

        limit = -np.log(self._settings.least)
        known, person = [], []
        free = np.ones(cost.shape[1], dtype=bool)
        # those who have an identity choose first: a new person must not take theirs
        for group in (tracks.identity != NO_IDENTITY, tracks.identity == NO_IDENTITY):
            rows, columns = np.flatnonzero(group), np.flatnonzero(free)
            if not len(rows) or not len(columns):
                continue
            part = np.minimum(cost[np.ix_(rows, columns)], limit)
            row, column = linear_sum_assignment(part)
            like = part[row, column] < limit
            known.append(rows[row[like]])
            person.append(columns[column[like]])
            free[person[-1]] = False
        empty = [np.empty(0, dtype=np.intp)]
        return np.concatenate(known or empty), np.concatenate(person or empty)

    def _correct(self, tracks: _Tracks, known: NDArray[np.intp], points: Floats, size: Floats, move: Floats) -> None:
        """Correct the tracks ``known`` by the keypoints (k, parts, 2) that were found."""
        settings = self._settings
        place, both, velocity = tracks.spread[known].T
        noise = np.square(settings.jitter * tracks.height[known]) + 1
        gain, gain_velocity = place / (place + noise), both / (place + noise)
        tracks.place[known] += gain[:, None] * move
        tracks.velocity[known] += gain_velocity[:, None] * move
        tracks.spread[known] = np.stack(
            [(1 - gain) * place, (1 - gain) * both, velocity - gain_velocity * both], axis=1
        )
        found = points - tracks.place[known][:, None]
        old = tracks.pose[known]
        learned = np.where(np.isnan(old), found, old + settings.learning * (found - old))
        tracks.pose[known] = np.where(np.isnan(found), old, learned)
        tracks.hits[known] += 1
        rate = np.maximum(1 / tracks.hits[known], 0.1)
        tracks.height[known] += rate * (size - tracks.height[known])
        tracks.seen[known] = self._clock
        tracks.missed[known] = 0

    def _births(self, points: Floats, size: Floats) -> _Tracks:
        """Tracks of people who were not seen before, of keypoints (k, parts, 2) with at least one each."""
        count, settings = len(points), self._settings
        found = ~np.isnan(points)
        place = np.where(found, points, 0).sum(axis=1) / np.maximum(found.sum(axis=1), 1)
        variances = np.square(np.outer(size, [settings.jitter, 0, settings.start_speed]))
        return _Tracks(
            identity=np.full(count, NO_IDENTITY, dtype=np.intp),
            hits=np.ones(count, dtype=np.intp),
            missed=np.zeros(count, dtype=np.intp),
            seen=np.full(count, self._clock),
            height=size.copy(),
            place=place,
            velocity=np.zeros((count, 2)),
            spread=variances + np.array([1.0, 0.0, 0.0]),
            pose=points - place[:, None],
        )


def _variances(points: Floats, known: NDArray[np.bool_]) -> Floats:
    """(N, M): how far the known points (N, M, parts, 2) lie from their mean, squared, and that of noise with it."""
    apart = _squared(points - _mean(points, known)[:, :, None]) * known
    variances: Floats = apart.sum(axis=2) / np.maximum(known.sum(axis=2), 1) + 2 * _NOISE**2
    return variances


def _squared(points: Floats) -> Floats:
    """(...): the squared length of points (..., 2)."""
    lengths: Floats = points[..., 0] ** 2 + points[..., 1] ** 2
    return lengths


def _mean(points: Floats, weight: NDArray[Any]) -> Floats:
    """(N, M, 2): the weighted mean of points (N, M, parts, 2); 0 where all weights are 0."""
    total = np.maximum(weight.sum(axis=2), 1e-12)
    mean: Floats = (weight[:, :, None] @ points)[:, :, 0] / total[..., None]
    return mean


TRACKER = OksTracker

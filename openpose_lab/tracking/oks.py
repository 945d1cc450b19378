"""The default tracker: it matches people of successive frames by the OKS of predicted and detected keypoints.

OKS (object keypoint similarity) is COCO's measure: the mean over keypoints of exp(-d^2 / (2 s^2 (2 sigma)^2)), with the
distance d, the part's tolerance sigma and the person's size s. This tracker splits the similarity into two factors, as
only the second becomes less certain while a person is hidden:

- The pose: the OKS after one skeleton is moved onto the other. This factor is also lowered if the two sizes differ,
  because a person who returns is about as tall as before.
- The move: the distance between the person and their predicted place. A Kalman filter, with a velocity that falls with
  time, predicts the place and its variance. The variance grows while the person is hidden, so larger moves are
  tolerated.

In ``Settings``, lengths are shares of the body height, and times are seconds. So the same settings fit every picture
size, frame rate and layout. Only ``birth`` and ``patience`` count frames.
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
"""Seconds for which the tracker remembers a person who is not detected. After that, the person gets a new identity."""
BIRTH = 3
"""Frames in which a person must be detected before they get an identity."""
_MOST_MISSED = 1000  # the memory in frames, for videos with timestamps that do not change
_ROUNDS = 2  # rounds of estimating the move; the second ignores keypoints that belong to a neighbour
_OUTLIER = 0.01  # the weight of an ignored keypoint; if all keypoints are ignored, all count equally
_NOISE = 1.5  # the smallest error of a keypoint, in pixels, for people of every size


@dataclass(frozen=True)
class Settings:
    """The settings of the tracker. Lengths are in body heights.

    Attributes:
        memory: As ``MEMORY``.
        birth: As ``BIRTH``.
        patience: Successive frames in which a person without an identity may be missed.
        size: The person's size s in the OKS: the square root of the area that they cover.
        place: Standard deviation of the predicted place, in addition to the filter's own variance.
        jitter: Standard deviation of a measured place.
        start_speed: Standard deviation of a new person's velocity, per second.
        push: Standard deviation of the change of velocity in a second.
        damping: Seconds in which the predicted velocity falls to 37 %.
        learning: Each detection moves the stored pose towards the new pose by this share of the difference.
        growth: Standard deviation of the logarithm of a person's growth between two detections.
        doubt_weight: The similarity is multiplied by (``place`` squared / variance of the predicted place) to this
            power, so an uncertain prediction is penalized.
        least: The smallest similarity of two skeletons that may be the same person.
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
    """The N people that the tracker remembers.

    Attributes:
        identity: (N,), the identity, ``NO_IDENTITY`` before birth.
        hits: (N,), the number of frames in which the person was detected.
        missed: (N,), the number of successive frames in which the person was not detected.
        seen: (N,), the time of the last detection in seconds of the tracker's clock.
        height: (N,), the body height in pixels.
        place: (N, 2), the reference point of the person, x and y in pixels: at first the mean of the keypoints, then
            the filter's estimate.
        velocity: (N, 2), pixels per second.
        spread: (N, 3), the variance of the place, the covariance of place and velocity, and the variance of the
            velocity, the same for x and y.
        pose: (N, parts, 2), keypoints relative to the place, in pixels. NaN if a part was never detected.
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
    """A tracker that matches people by predicted OKS: see the module's docstring."""

    def __init__(self, layout: Layout, settings: Settings | None = None) -> None:
        """Make a tracker for one video.

        Args:
            layout: The layout of the skeletons.
            settings: The settings. None stands for the defaults.
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
            timestamp: The time of the frame in seconds. If it is not later than the previous one, no time has passed.

        Returns:
            (n,) intp: identities from 0. ``NO_IDENTITY`` for a person who was detected in too few frames so far.
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
        """Return the seconds since the previous frame. 0 if the timestamp goes back or is not finite."""
        if not np.isfinite(timestamp):
            return 0.0
        elapsed = 0.0 if self._before is None else max(float(timestamp) - self._before, 0.0)
        self._before = float(timestamp)
        self._clock += elapsed
        return elapsed

    def _predict(self, tracks: _Tracks, elapsed: float) -> None:
        """Move all tracks by their velocities, and increase the variances."""
        settings = self._settings
        kept = np.exp(-elapsed / settings.damping)
        # The falling velocity moves a person as far in ``elapsed`` seconds as their present velocity would in ``reach``
        # seconds.
        reach = settings.damping * (1 - kept)
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
        """Compute the cost of matching each of N tracks with each of M people.

        Returns:
            (N, M), the negative logarithm of the similarity, and (N, M, 2), the offset from the predicted place in
            pixels.
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
        """Return the rows of the matched tracks, and the row of the person that matches each."""
        from scipy.optimize import linear_sum_assignment  # here, because the import takes a third of a second

        limit = -np.log(self._settings.least)
        known, person = [], []
        free = np.ones(cost.shape[1], dtype=bool)
        # Tracks with an identity are matched first, so that a new track cannot take their person.
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
        """Update the k matched tracks ``known`` with the detected keypoints (k, parts, 2)."""
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
        """Create tracks for k new people from keypoints (k, parts, 2). Each person has at least one keypoint."""
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
    """Return (N, M), the variance of the known points (N, M, parts, 2) around their mean, plus that of the noise."""
    apart = _squared(points - _mean(points, known)[:, :, None]) * known
    variances: Floats = apart.sum(axis=2) / np.maximum(known.sum(axis=2), 1) + 2 * _NOISE**2
    return variances


def _squared(points: Floats) -> Floats:
    """Return (...), the squared lengths of vectors (..., 2)."""
    lengths: Floats = points[..., 0] ** 2 + points[..., 1] ** 2
    return lengths


def _mean(points: Floats, weight: NDArray[Any]) -> Floats:
    """Return (N, M, 2), the weighted mean of points (N, M, parts, 2). It is 0 if all weights are 0."""
    total = np.maximum(weight.sum(axis=2), 1e-12)
    mean: Floats = (weight[:, :, None] @ points)[:, :, 0] / total[..., None]
    return mean


TRACKER = OksTracker

"""PAFs and peaks -> limbs: score every pair of peaks that could be a limb, and accept the best pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.coordinates import Coordinates

_BLOCK = 8_000  # samples read at once: they fit into the processor's cache, and limit the memory for a crowd
_FEW = 300  # pairs; for so few, scoring all is faster than filtering first


@dataclass(frozen=True, eq=False)
class Candidates:
    """Pairs of peaks that the PAF supports, best first.

    Attributes:
        limb: (C,) intp, index into ``config.limbs``.
        peaks: (C, 2) intp, ids of the peaks: from, to.
        peak_scores: (C, 2) float64, heatmap scores of the two peaks.
        score: (C,) float64, as in ``score_candidates``: the mean of the PAF's component along the limb, minus a penalty
            for long limbs. It is at least ``config.short_limb_score`` for limbs shorter than ``config.short_limb``.
        agreement: (C,) float64, 0 to 1. The PAF is read at points along the limb (``quadrature`` gives their weights,
            with sum 1). Agreement is the weight of the points where the PAF's component along the limb is above
            ``config.sample_threshold``. It is 1 for limbs shorter than ``config.short_limb``.
    """

    limb: NDArray[np.intp]
    peaks: NDArray[np.intp]
    peak_scores: NDArray[np.float64]
    score: NDArray[np.float64]
    agreement: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.limb)

    def select(self, indices: NDArray[np.intp]) -> Candidates:
        """Return the candidates with these indices, in this order. Pass the indices best first."""
        return Candidates(
            self.limb[indices],
            self.peaks[indices],
            self.peak_scores[indices],
            self.score[indices],
            self.agreement[indices],
        )


@dataclass(frozen=True, eq=False)
class Connections:
    """The limbs of one photo: all candidates, and which of them were accepted.

    The lab reads it as a list: ``connections[k]`` is the (m, 5) float64 array of limb k's accepted
    connections, with the columns id1, id2, score1, score2, PAF score.

    Attributes:
        candidates: every pair that passed the thresholds. Groupings with a function ``group`` choose from these.
        accepted: (m,) intp, indices into ``candidates``, sorted by limb, then best first. Among the accepted candidates
            of one kind of limb, each peak occurs at most once.
        coordinates: the peaks that the candidates join.
        limb_count: the number of kinds of limb in the config, such as 19.
    """

    candidates: Candidates
    accepted: NDArray[np.intp]
    coordinates: Coordinates
    limb_count: int

    def __len__(self) -> int:
        return self.limb_count

    def __getitem__(self, limb: int) -> NDArray[np.float64]:
        chosen = self.accepted[self.candidates.limb[self.accepted] == range(self.limb_count)[limb]]
        found = self.candidates
        return np.column_stack([found.peaks[chosen], found.peak_scores[chosen], found.score[chosen]])

    def __iter__(self) -> Iterator[NDArray[np.float64]]:
        return (self[limb] for limb in range(self.limb_count))


def get_connections(config: Config, coordinates: Coordinates, pafs: NDArray[np.float32]) -> Connections:
    """Score every pair of peaks that a limb could join, and accept the best pairs one-to-one.

    Args:
        config: the configuration that the peaks were found with.
        coordinates: the peaks.
        pafs: (h, w, channels) float, on the same cells as the heatmaps of the peaks.

    Returns:
        The candidates, and which of them were accepted.

    Raises:
        ValueError: if the PAFs have too few channels, or a peak lies outside the PAFs.
    """
    channels = config.layout.paf_count
    if pafs.ndim != 3 or pafs.shape[2] < channels:
        raise ValueError(f"pafs must be (h, w, {channels} or more) but got {pafs.shape}")
    if (coordinates.xy > (pafs.shape[1] - 0.5, pafs.shape[0] - 0.5)).any():
        raise ValueError(f"pafs of shape {pafs.shape} do not cover all peaks; they must be as large as the heatmaps")
    candidates = score_candidates(config, coordinates, pafs)
    return Connections(candidates, accept_one_to_one(candidates), coordinates, len(config.limbs))


def score_candidates(config: Config, coordinates: Coordinates, pafs: NDArray[np.float32]) -> Candidates:
    """Score all pairs of peaks, and keep those that pass the thresholds of ``config``.

    The score is the handout's equation 11: the PAF's component along the limb, averaged over the points of
    equation 12. A penalty from the paper's published code (by Zhe Cao) lowers the score of long limbs.

    Args:
        config: the configuration that the peaks were found with.
        coordinates: the peaks.
        pafs: (h, w, channels) float.

    Returns:
        The pairs that passed, best first.
    """
    pafs = np.ascontiguousarray(pafs, dtype=np.float32)  # convert here once, not in every block
    limb, peaks = _pairs_that_may_pass(config, coordinates, pafs)
    score, agreement, length = _integrate(config, coordinates, pafs, limb, peaks, config.limb_samples)
    good = _passing(config, score, agreement)
    # With few samples, a long line may miss the gaps between people, so long pairs that passed get more samples.
    long = good[length[good] > config.limb_samples]
    if len(long):
        score[long], agreement[long], _ = _integrate(
            config, coordinates, pafs, limb[long], peaks[long], config.long_limb_samples
        )
        good = _passing(config, score, agreement)
    order = good[np.argsort(-score[good], kind="stable")]  # with equal scores, the order by limb and ids stays
    ends = peaks[order]
    peak_scores, scores, shares = coordinates.score[ends], score[order], agreement[order]
    return Candidates(limb[order], ends, *(values.astype(np.float64) for values in (peak_scores, scores, shares)))


def _passing(config: Config, score: NDArray[np.float32], agreement: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the indices of the pairs that pass both thresholds. ``agreement`` is float32, so 1e-6 allows for its
    rounding."""
    return np.flatnonzero((agreement > config.min_agreement - 1e-6) & (score > 0))


def _pairs_that_may_pass(
    config: Config, coordinates: Coordinates, pafs: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """List the pairs of peaks that a limb could join: limb (C,), peaks (C, 2).

    The samples in the middle of a limb have the largest weights. If too many of them disagree, the pair fails, and the
    other samples need not be read. In a crowd, this drops most pairs.
    """
    # Samples that disagree may have at most this weight together. 1e-4 is a margin for rounding.
    spared = 1 - config.min_agreement + 1e-4
    u, weight = _middle(config.limb_samples, spared)
    blocks = []
    for limb, peaks in _blocks_of_pairs(config, coordinates, max(1, _BLOCK // len(u))):
        if len(limb) > _FEW:
            along, length = _read_limbs(config, coordinates, pafs, limb, peaks, u)
            disagrees = weight @ (along <= config.sample_threshold)
            left = np.flatnonzero((disagrees < spared) | (length < config.short_limb))
            limb, peaks = limb[left], peaks[left]
        blocks.append((limb, peaks))
    limbs, pairs = zip(*blocks)
    return np.concatenate(limbs), np.concatenate(pairs)


def _blocks_of_pairs(
    config: Config, coordinates: Coordinates, size: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """For each kind of limb, pair every peak of its first body part with every peak of its second.

    Yield these pairs in blocks: limb (C,), peaks (C, 2). Memory depends only on the size of a block, not on
    ``max_peaks_per_part``.
    """
    count = np.bincount(coordinates.part, minlength=len(config.body_parts))
    first = np.cumsum(count) - count  # ids are sorted by part
    pairs = count[config.limb_parts].prod(axis=1)
    end, total = np.cumsum(pairs), int(pairs.sum())
    for start in range(0, max(total, 1), size):  # without pairs: one empty block
        pair = np.arange(start, min(start + size, total))
        limb = np.searchsorted(end, pair, side="right")
        parts = config.limb_parts[limb]
        from_and_to = np.divmod(pair - (end - pairs)[limb], count[parts[:, 1]])
        yield limb, first[parts] + np.transpose(from_and_to)


def _integrate(
    config: Config,
    coordinates: Coordinates,
    pafs: NDArray[np.float32],
    limb: NDArray[np.intp],
    peaks: NDArray[np.intp],
    samples: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return score, agreement and length in cells, (C,) each, of C pairs of peaks. ``limb`` is the kind of each."""
    along, length = sample_limbs(config, coordinates, pafs, limb, peaks, samples)
    _, weight = quadrature(samples)

    agreement = (along > config.sample_threshold) @ weight
    prior = np.minimum(config.max_limb_length * pafs.shape[0] / np.maximum(length, 1e-6) - 1, 0)
    score = along @ weight + prior  # equation 11

    short = length < config.short_limb
    score = np.where(short, np.maximum(score, config.short_limb_score), score)
    return score, np.where(short, 1, agreement), length


def sample_counts(config: Config, coordinates: Coordinates, peaks: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the number of PAF samples from which the score of each pair of peaks is computed.

    Args:
        config: the configuration of the limbs.
        coordinates: the peaks.
        peaks: (C, 2) ids of the pairs.

    Returns:
        (C,) intp.
    """
    ends = coordinates.xy[peaks]
    long = np.hypot(*(ends[:, 1] - ends[:, 0]).T) > config.limb_samples
    return np.where(long, config.long_limb_samples, config.limb_samples)


def sample_limbs(
    config: Config,
    coordinates: Coordinates,
    pafs: NDArray[np.float32],
    limb: NDArray[np.intp],
    peaks: NDArray[np.intp],
    samples: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Read the values that equation 11 averages: the PAF's component along each pair of peaks.

    Args:
        config: the configuration of the limbs.
        coordinates: the peaks.
        pafs: (h, w, channels) float.
        limb: (C,) the kind of limb of each pair.
        peaks: (C, 2) ids of the pairs.
        samples: the number of points on each pair, placed by ``quadrature``.

    Returns:
        The components, (C, samples) float32, and the length of each pair in cells, (C,) float32.
    """
    u, _ = quadrature(samples)
    along, length = np.empty((len(limb), samples), dtype=np.float32), np.empty(len(limb), dtype=np.float32)
    size = max(1, _BLOCK // samples)
    for start in range(0, len(limb), size):
        block = slice(start, start + size)
        values, length[block] = _read_limbs(config, coordinates, pafs, limb[block], peaks[block], u)
        along[block] = values.T
    return along, length


@lru_cache
def _middle(count: int, weight: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return positions and weights of the middle samples of ``quadrature``.

    They are the fewest samples with weights that add up to more than ``weight``.
    """
    u, weights = quadrature(count)
    edge = 0
    while weights[edge + 1 : -edge - 1].sum() > weight:
        edge += 1
    return u[edge : count - edge], weights[edge : count - edge]


def _read_limbs(
    config: Config,
    coordinates: Coordinates,
    pafs: NDArray[np.float32],
    limb: NDArray[np.intp],
    peaks: NDArray[np.intp],
    u: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Read the PAF's component along each limb at the positions ``u``: 0 is the start of the limb, 1 is its end.

    Returns the components, (samples, C), and the lengths in cells, (C,). This axis order is fast to compute.
    """
    xy = coordinates.xy.T
    start, end = xy.take(peaks[:, 0], axis=1), xy.take(peaks[:, 1], axis=1)
    vector = end - start  # (2, C), x and y
    length = np.hypot(*vector)
    direction = vector / np.maximum(length, np.float32(1e-6))
    points = start[:, None] + u[:, None] * vector[:, None]  # equation 12, (2, samples, C)
    values = _interpolate(pafs, points, config.paf_channels.T.take(limb, axis=1)[:, None])
    values *= direction[:, None]
    return values[0] + values[1], length


@cache
def quadrature(count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the positions and weights of the samples on a limb.

    They are those of Gauss-Legendre quadrature, a method of numerical integration. Take a line through several
    people. Evenly spaced samples can hit a limb of each person and miss all gaps between them. The unequal steps of
    this quadrature make this unlikely.

    Args:
        count: the number of samples.

    Returns:
        Positions, (count,) float32 from 0 to 1 between the limb's ends, and weights, (count,) float32 with the sum 1.
    """
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return ((nodes + 1) / 2).astype(np.float32), (weights / 2).astype(np.float32)


def _interpolate(
    pafs: NDArray[np.float32], points: NDArray[np.float32], channels: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Interpolate the PAF bilinearly at points, and return its x and y components, (2, samples, C) float32.

    points: (2, samples, C), x and y in cells. channels: (2, 1, C), the channels of the x and the y component.
    """
    height, width, depth = pafs.shape
    last = np.array([[[width - 1]], [[height - 1]]], dtype=np.float32)
    points = np.minimum(np.maximum(points, 0), last)
    before = np.floor(np.minimum(points, np.maximum(last - 1, 0)))
    share_after = points - before
    share_before = 1 - share_after
    right, down = depth * min(1, width - 1), depth * width * min(1, height - 1)

    left, top = before.astype(np.int32)
    at = (top * width + left) * depth + channels
    values = np.ascontiguousarray(pafs, dtype=np.float32).reshape(-1)
    upper = values.take(at) * share_before[0] + values[right:].take(at) * share_after[0]
    lower = values[down:].take(at) * share_before[0] + values[down + right :].take(at) * share_after[0]
    return np.asarray(upper * share_before[1] + lower * share_after[1])


def accept_one_to_one(candidates: Candidates) -> NDArray[np.intp]:
    """Match peaks greedily and one-to-one for each kind of limb (equations 13 to 15).

    Greedy matching accepts the best candidate, drops all others of this kind that share a peak with it, and repeats.
    This function works on all kinds at once: each round accepts every candidate that is the best remaining one at both
    of its peaks.

    Args:
        candidates: all candidates, best first.

    Returns:
        (m,) intp, indices of the accepted candidates, sorted by limb, then best first.
    """
    if not len(candidates):
        return np.empty(0, dtype=np.intp)
    peak_count = int(candidates.peaks.max()) + 1
    end = candidates.limb[:, None] * peak_count + candidates.peaks  # a peak may serve one limb of each kind
    best_of_end = np.empty(int(end.max()) + 1, dtype=np.intp)
    used = np.zeros(len(best_of_end), dtype=bool)
    accepted = []
    left = np.arange(len(candidates) - 1, -1, -1)  # worst first
    while len(left):
        ends = end[left]
        best_of_end[ends] = left[:, None]  # the best is written last, so it stays
        is_best = best_of_end[ends] == left[:, None]
        taken = left[is_best[:, 0] & is_best[:, 1]]
        accepted.append(taken)
        used[end[taken]] = True
        is_used = used[ends]
        left = left[~(is_used[:, 0] | is_used[:, 1])]
    chosen = np.sort(np.concatenate(accepted))
    return chosen[np.argsort(candidates.limb[chosen], kind="stable")]

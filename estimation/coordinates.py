"""Heatmaps -> peaks: where each body part may be, to a fraction of a map cell."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.errors import OpenPoseLabWarning

_NEIGHBOURS = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=np.uint8)
_NAMED = 4  # parts that a note names
_LOG_FLOOR = np.float32(1e-6)  # a heatmap may dip below zero, where there is no logarithm


@dataclass(frozen=True, eq=False)
class Coordinates:
    """The peaks of one photo. A peak's id is its row; rows go by part, then down the map, then across.

    Attributes:
        xy: (P, 2) float32, x and y in map cells; whole numbers are cell centres.
        score: (P,) float32, the heatmap's value at the peak.
        part: (P,) intp, index into ``body_parts``.
        body_parts: the names of the parts.
    """

    xy: NDArray[np.float32]
    score: NDArray[np.float32]
    part: NDArray[np.intp]
    body_parts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.score)

    def __getitem__(self, body_part: str) -> list[tuple[float, float, float, int]]:
        """The peaks of one part as the lab lists them: ``[(x, y, score, id), ...]``."""
        if body_part not in self.body_parts:
            raise KeyError(f"{body_part!r} is no body part; these are: {', '.join(self.body_parts)}")
        ids = np.flatnonzero(self.part == self.body_parts.index(body_part))
        return [(*self.xy[i].tolist(), self.score[i].item(), i) for i in ids.tolist()]


def get_coordinates(config: Config, heatmaps: NDArray[np.float32], threshold: float | None = None) -> Coordinates:
    """Find the peaks of every body part.

    A peak is a cell above all of its 8 neighbours; a flat top counts as one peak. The position
    is refined to a fraction of a cell, the score is the cell's own value. Of a part with more than
    ``config.max_peaks_per_part`` peaks, the best are kept, and a note says so.

    Args:
        config: the layout and the thresholds.
        heatmaps: (h, w, at least as many channels as body parts) float, row then column.
        threshold: peaks at or below it are dropped; by default ``config.peak_threshold``.

    Returns:
        The peaks.

    Raises:
        ValueError: if the heatmaps have another shape.
    """
    part_count = len(config.body_parts)
    if heatmaps.ndim != 3 or heatmaps.shape[2] < part_count or 0 in heatmaps.shape:
        raise ValueError(f"heatmaps must be (h, w, {part_count} or more) but got {heatmaps.shape}")
    maps = np.ascontiguousarray(heatmaps, dtype=np.float32)
    cells = _find_peaks(maps, part_count, config.peak_threshold if threshold is None else threshold)
    cells = cells[(cells % maps.shape[2]).argsort(kind="stable")]
    score, part = maps.reshape(-1)[cells], cells % maps.shape[2]

    found = np.bincount(part, minlength=part_count)
    if found.max() > config.max_peaks_per_part:
        warnings.warn(OpenPoseLabWarning(_too_many(config, found)), stacklevel=2)
        best = _best(part, score, config.max_peaks_per_part)
        cells, score, part = cells[best], score[best], part[best]
    row, column, _ = np.unravel_index(cells, maps.shape)
    return Coordinates(refine(maps, row, column, part), score, part, config.body_parts)


def _find_peaks(maps: NDArray[np.float32], part_count: int, threshold: float) -> NDArray[np.intp]:
    """Flat indices into ``maps``, (h, w, channels), of the peaks in the first ``part_count`` channels, in order."""
    values, neighbours = maps.reshape(-1), cv2.dilate(maps, _NEIGHBOURS).reshape(-1)
    high = maps > threshold
    high[:, :, part_count:] = False
    above = np.flatnonzero(high)  # few; the rest is looked at no more
    lead = values[above] - neighbours[above]
    peaks: NDArray[np.intp] = above[lead > 0]
    level = above[lead == 0]
    if len(level):
        flat = np.zeros(maps.shape, dtype=bool)
        flat.reshape(-1)[level] = True
        for part in np.flatnonzero(flat.any(axis=(0, 1))):
            flat[:, :, part] = _plateau_centres(maps[:, :, part], flat[:, :, part])
        peaks = np.sort(np.concatenate([peaks, np.flatnonzero(flat)]))
    return peaks


def _plateau_centres(heatmap: NDArray[np.float32], flat: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """One cell, the most central, of each flat top of one heatmap.

    flat: (h, w) bool, the cells that equal their highest neighbour. A connected group of them is
    a top unless it goes on in cells that do have a higher neighbour (a terrace on a slope).
    """
    labels, group_map = cv2.connectedComponents(flat.astype(np.uint8))  # 0 is what is not flat
    count = labels - 1
    row, column = np.nonzero(flat)
    group = group_map[row, column] - 1
    beside = cv2.dilate(np.where(flat, -np.inf, heatmap), np.ones((3, 3), np.uint8))[row, column]
    terrace = np.bincount(group, beside == heatmap[row, column], count) > 0

    size = np.bincount(group, minlength=count)
    mean_row, mean_column = np.bincount(group, row, count) / size, np.bincount(group, column, count) / size
    distance = np.square(row - mean_row[group]) + np.square(column - mean_column[group])
    nearest_first = np.lexsort((distance, group))
    centre = nearest_first[np.searchsorted(group[nearest_first], np.flatnonzero(~terrace))]
    centres = np.zeros_like(flat)
    centres[row[centre], column[centre]] = True
    return centres


def _too_many(config: Config, found: NDArray[np.intp]) -> str:
    """Say of which parts there are too many peaks. found: (parts,), the number of peaks of each."""
    most = np.argsort(-found, kind="stable")[: np.count_nonzero(found > config.max_peaks_per_part)]
    named = ", ".join(f"{config.body_parts[part]} ({found[part]})" for part in most[:_NAMED].tolist())
    others = f" and of {len(most) - _NAMED} other parts" if len(most) > _NAMED else ""
    return (
        f"there are more than {config.max_peaks_per_part} peaks of {named}{others}; the weakest are left out, so "
        f"people may be missing; to keep all, set max_peaks_per_part={found.max()}"
    )


def _best(part: NDArray[np.intp], score: NDArray[np.float32], limit: int) -> NDArray[np.intp]:
    """Indices of the peaks, sorted by part, that are among their part's ``limit`` best, in the same order."""
    by_score = np.lexsort((-score, part))
    rank = np.arange(len(part)) - np.searchsorted(part, part)  # by_score goes by part, too
    return np.sort(by_score[rank < limit])


def refine(
    maps: NDArray[np.float32], row: NDArray[np.intp], column: NDArray[np.intp], part: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Sub-cell positions of peaks, (P, 2) float32 as x, y in cells.

    The logarithm of the ideal heatmap (the handout's equation 7) is a parabola along each axis,
    so the vertex of the parabola through a peak and its two neighbours, in logarithms, is the
    exact centre of such a peak. At the map's edge, where a neighbour is missing, the curvature across
    stands in for the curvature along; in a corner, the cell's centre stands.
    """
    height, width, depth = maps.shape
    place, last = np.array([column, row]), np.array([[width - 1], [height - 1]])
    has_before, has_after = place > 0, place < last  # (2, P): along x, and along y
    cell, step = (row * width + column) * depth + part, np.array([[depth], [width * depth]])
    near = np.concatenate([cell[None], cell - step * has_before, cell + step * has_after])
    logs = np.log(np.maximum(maps.reshape(-1)[near], _LOG_FLOOR))
    centre, before, after = logs[0], logs[1:3], logs[3:]
    curvature = before - 2 * centre + after
    slope = (before - after) / 2
    known = has_before & has_after
    if not known.all():
        curvature = np.where(known, curvature, curvature[::-1])
        slope = np.where(has_before, slope, centre - after + curvature / 2)
        slope = np.where(has_after, slope, before - centre - curvature / 2)
        known = (known | known[::-1]) & (has_before | has_after)
    offset = np.divide(slope, curvature, out=np.zeros_like(curvature), where=known & (curvature < 0))
    offset = offset.clip(-0.5, 0.5)  # it is the cell that is highest
    xy: NDArray[np.float32] = (place + offset).T.astype(np.float32)
    return xy

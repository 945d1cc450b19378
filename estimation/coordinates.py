"""Heatmaps -> peaks: where each body part may be, to a fraction of a map cell."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from estimation.config import Config

_NEIGHBOURS = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=np.uint8)
_LOG_FLOOR = 1e-6  # a heatmap may dip below zero, where there is no logarithm


@dataclass(frozen=True, eq=False)
class Coordinates:
    """The peaks of one photo. A peak's id is its row; rows go by part, then down the map, then across.

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


def get_coordinates(
    config: Config, heatmaps: NDArray[np.float32], threshold: float | None = None
) -> Coordinates:
    """Find the peaks of every body part.

    heatmaps: (h, w, at least as many channels as body parts) float, row then column.
    threshold: peaks at or below it are dropped; by default ``config.peak_threshold``.

    A peak is a cell above all of its 8 neighbours; a flat top counts as one peak. The position
    is refined to a fraction of a cell, the score is the cell's own value.
    """
    part_count = len(config.body_parts)
    if heatmaps.ndim != 3 or heatmaps.shape[2] < part_count:
        raise ValueError(f"heatmaps must be (h, w, {part_count} or more) but got {heatmaps.shape}")
    maps = np.ascontiguousarray(heatmaps[:, :, :part_count], dtype=np.float32)
    peaks = _find_peaks(maps, config.peak_threshold if threshold is None else threshold)
    row, column, part = np.unravel_index(np.flatnonzero(peaks), maps.shape)
    score = maps[row, column, part]

    order = np.argsort(part, kind="stable")
    if np.bincount(part, minlength=1).max() > config.max_peaks_per_part:
        order = _keep_best(order, part, score, config.max_peaks_per_part)
    row, column, part, score = row[order], column[order], part[order], score[order]
    return Coordinates(refine(maps, row, column, part), score, part, config.body_parts)


def _find_peaks(maps: NDArray[np.float32], threshold: float) -> NDArray[np.bool_]:
    """(h, w, parts) bool: the cells that are peaks."""
    highest_neighbour = cv2.dilate(maps, _NEIGHBOURS).reshape(maps.shape)
    above = maps > threshold
    peaks = above & (maps > highest_neighbour)
    flat = above & (maps == highest_neighbour)
    if flat.any():
        for part in np.flatnonzero(flat.any(axis=(0, 1))):
            peaks[:, :, part] |= _plateau_centres(maps[:, :, part], flat[:, :, part])
    return peaks


def _plateau_centres(heatmap: NDArray[np.float32], flat: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """One cell, the most central, of each flat top of one heatmap.

    flat: (h, w) bool, the cells that equal their highest neighbour. A connected group of them is
    a top unless it goes on in cells that do have a higher neighbour (a terrace on a slope).
    """
    centres = np.zeros_like(flat)
    eight = np.ones((3, 3), dtype=bool)
    groups, count = ndimage.label(flat, structure=eight)
    for group in range(1, count + 1):
        member = groups == group
        cells = np.argwhere(member)
        beside = ndimage.binary_dilation(member, structure=eight) & ~member
        if not (heatmap[beside] == heatmap[member][0]).any():
            distance = np.square(cells - cells.mean(axis=0)).sum(axis=1)
            centres[tuple(cells[distance.argmin()])] = True
    return centres


def _keep_best(
    order: NDArray[np.intp], part: NDArray[np.intp], score: NDArray[np.float32], limit: int
) -> NDArray[np.intp]:
    """Those of ``order`` (peaks sorted by part) that are among their part's ``limit`` best, in the same order."""
    best_first = np.lexsort((-score, part))
    first_of_part = np.searchsorted(part[best_first], part[best_first])
    rank = np.empty_like(order)
    rank[best_first] = np.arange(len(order)) - first_of_part
    return order[rank[order] < limit]


def refine(
    maps: NDArray[np.float32], row: NDArray[np.intp], column: NDArray[np.intp], part: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Sub-cell positions of peaks, (P, 2) float32 as x, y in cells.

    The logarithm of the ideal heatmap (the handout's equation 7) is a parabola along each axis,
    so the vertex of the parabola through a peak and its two neighbours, in logarithms, is the
    exact centre of such a peak. At the map's edge, where a neighbour is missing, the cell's
    centre stands.
    """
    height, width = maps.shape[:2]

    def log_of(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.float32]:
        logs: NDArray[np.float32] = np.log(np.maximum(maps[rows, columns, part], _LOG_FLOOR))
        return logs

    def vertex(
        before: NDArray[np.float32], after: NDArray[np.float32], inside: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        curvature = before - 2 * centre + after
        known = inside & (curvature < 0)
        return np.divide((before - after) / 2, curvature, out=np.zeros_like(centre), where=known)

    centre = log_of(row, column)
    left, right = log_of(row, np.maximum(column - 1, 0)), log_of(row, np.minimum(column + 1, width - 1))
    up, down = log_of(np.maximum(row - 1, 0), column), log_of(np.minimum(row + 1, height - 1), column)
    x = column + vertex(left, right, (column > 0) & (column < width - 1))
    y = row + vertex(up, down, (row > 0) & (row < height - 1))
    return np.stack([x, y], axis=1).astype(np.float32)

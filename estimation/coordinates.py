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
_NAMED = 4  # the warning names at most this many parts
_LOG_FLOOR = np.float32(1e-6)  # heatmap values may be zero or negative, where the logarithm is undefined


@dataclass(frozen=True, eq=False)
class Coordinates:
    """The peaks of one photo. A peak's id is its row. Rows are sorted by part, then by map row, then by map column.

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
        """Return the peaks of one part in the lab's form: ``[(x, y, score, id), ...]``."""
        if body_part not in self.body_parts:
            raise KeyError(f"{body_part!r} is not a body part; the body parts are: {', '.join(self.body_parts)}")
        ids = np.flatnonzero(self.part == self.body_parts.index(body_part))
        return [(*self.xy[i].tolist(), self.score[i].item(), i) for i in ids.tolist()]


def get_coordinates(config: Config, heatmaps: NDArray[np.float32], threshold: float | None = None) -> Coordinates:
    """Find the peaks of every body part.

    A peak is a cell with a higher value than its 8 neighbours. A flat top, a group of equal cells,
    counts as one peak. ``refine`` computes the position to a fraction of a cell. The score is the
    value of the cell. If a part has more than ``config.max_peaks_per_part`` peaks, the function
    keeps the highest and warns.

    Args:
        config: the layout and the thresholds.
        heatmaps: (h, w, channels) float, row then column. Channel k belongs to body part k; further
            channels are ignored.
        threshold: peaks of this value or less are dropped; by default ``config.peak_threshold``.

    Returns:
        The peaks.

    Raises:
        ValueError: if the heatmaps have another shape.

    Warns:
        OpenPoseLabWarning: if a part has too many peaks.
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
    """Return the flat indices into ``maps``, sorted, of the peaks in the first ``part_count`` channels."""
    values, neighbours = maps.reshape(-1), cv2.dilate(maps, _NEIGHBOURS).reshape(-1)
    high = maps > threshold
    high[:, :, part_count:] = False
    above = np.flatnonzero(high)  # few cells, so the next steps are fast
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
    """Return a (h, w) bool mask with one cell for each flat top of a heatmap: the cell nearest to its centre.

    flat: (h, w) bool, the cells that have the same value as their highest neighbour. A connected group of such cells
    is a flat top if all cells around it are lower. Otherwise, a cell beside the group has the same value. That
    cell has a higher neighbour, so it is not in ``flat``. Such a group is a terrace on a slope, not a top.
    """
    labels, group_map = cv2.connectedComponents(flat.astype(np.uint8))  # label 0: cells that are not flat
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
    """Write the warning about too many peaks. found: (parts,), the number of peaks of each part."""
    most = np.argsort(-found, kind="stable")[: np.count_nonzero(found > config.max_peaks_per_part)]
    named = ", ".join(f"{config.body_parts[part]} ({found[part]})" for part in most[:_NAMED].tolist())
    others = f" and of {len(most) - _NAMED} other parts" if len(most) > _NAMED else ""
    return (
        f"the heatmaps hold more than {config.max_peaks_per_part} peaks of {named}{others}, so the weakest are dropped "
        f"and people may be missing; to keep all, set max_peaks_per_part={found.max()}"
    )


def _best(part: NDArray[np.intp], score: NDArray[np.float32], limit: int) -> NDArray[np.intp]:
    """Return the indices of the ``limit`` highest peaks of each part, sorted. The peaks are sorted by part."""
    by_score = np.lexsort((-score, part))
    # ``by_score`` changes the order only within a part, so peak ``by_score[k]`` has the same part as peak k. Its
    # rank is k minus the index of the first peak of this part.
    rank = np.arange(len(part)) - np.searchsorted(part, part)
    return np.sort(by_score[rank < limit])


def refine(
    maps: NDArray[np.float32], row: NDArray[np.intp], column: NDArray[np.intp], part: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Refine the positions of peaks to a fraction of a cell.

    The logarithm of the ideal heatmap exp(-d^2 / sigma^2) (the handout's equation 7) is a parabola along each axis. So
    the function fits a parabola to the logarithms of a peak and its two neighbours. For an ideal
    peak, the highest point of this parabola is the exact centre. At the map's edge, one axis lacks a
    neighbour and uses the curvature of the other axis. In a corner, both axes lack a neighbour, and
    the position is the cell's centre.

    Args:
        maps: (h, w, channels) float32.
        row: (P,) the map row of each peak.
        column: (P,) the map column of each peak.
        part: (P,) the channel of each peak.

    Returns:
        (P, 2) float32, x and y in cells, each at most half a cell from the centre of the peak's cell.
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
    offset = offset.clip(-0.5, 0.5)  # this cell has the highest value, so the parabola's highest point lies in it
    xy: NDArray[np.float32] = (place + offset).T.astype(np.float32)
    return xy

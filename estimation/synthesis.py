"""Skeletons -> ideal maps: what a perfect network would answer, for tests, benchmarks and training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.field_maps import FieldMaps

SIGMA = 7 * np.sqrt(2) / 8
"""Equation 7's sigma in cells: CMU trains with exp(-d^2 / (2 * 7^2)), d in pixels, at stride 8."""
LIMB_WIDTH = 1.0
"""Equation 9's sigma_l in cells: CMU's half width of a limb."""


def synthesize(
    config: Config,
    keypoints: NDArray[np.floating],
    shape: tuple[int, int],
    sigma: float = SIGMA,
    limb_width: float = LIMB_WIDTH,
    cell_size: tuple[float, float] = (8.0, 8.0),
) -> FieldMaps:
    """Make ideal maps of people.

    Args:
        config: the configuration.
        keypoints: (n, parts, 2) float, x and y in map cells, whole numbers at cell centres, NaN where missing.
        shape: height and width of the maps in cells.
        sigma: spread of a heatmap peak in cells.
        limb_width: half width of a limb in cells.
        cell_size: pixels per map cell, (x, y).

    Returns:
        The maps.
    """
    return FieldMaps(
        synthesize_heatmaps(config, keypoints, shape, sigma),
        synthesize_pafs(config, keypoints, shape, limb_width),
        cell_size,
    )


def synthesize_heatmaps(
    config: Config, keypoints: NDArray[np.floating], shape: tuple[int, int], sigma: float = SIGMA
) -> NDArray[np.float32]:
    """The heatmaps alone, (h, w, parts + 1): equation 7, the maximum over people, and a background that is what is
    left."""
    keypoints = np.asarray(keypoints, dtype=np.float32)
    heatmaps = np.zeros((*shape, len(config.body_parts) + 1), dtype=np.float32)
    # exp(-(dx^2 + dy^2) / s^2) is the product of a column and a row; a missing part, NaN, leaves no peak
    rows = np.nan_to_num(np.exp(-np.square((np.arange(shape[0]) - keypoints[..., 1:]) / sigma)))
    columns = np.nan_to_num(np.exp(-np.square((np.arange(shape[1]) - keypoints[..., :1]) / sigma)))
    for down, across in zip(rows, columns):  # (parts, h) and (parts, w) of one person
        window = np.s_[_extent(down), _extent(across), :-1]
        person = np.einsum("ph,pw->hwp", down[:, window[0]], across[:, window[1]])
        np.maximum(heatmaps[window], person, out=heatmaps[window])
    heatmaps[:, :, -1] = 1 - heatmaps[:, :, :-1].max(axis=2)
    return heatmaps


def _extent(profiles: NDArray[np.float32]) -> slice:
    """Where any of the profiles (parts, cells) is more than nothing: a person is seldom as large as the map."""
    cells = np.flatnonzero(profiles.max(axis=0) > 1e-9)
    return slice(cells[0], cells[-1] + 1) if len(cells) else slice(0, 0)


def synthesize_pafs(
    config: Config, keypoints: NDArray[np.floating], shape: tuple[int, int], limb_width: float = LIMB_WIDTH
) -> NDArray[np.float32]:
    """The PAFs alone, (h, w, channels): equation 9 for each limb, equation 10's average where limbs of a kind
    overlap."""
    total = np.zeros((*shape, len(config.limbs), 2), dtype=np.float32)
    count = np.zeros((*shape, len(config.limbs)), dtype=np.int32)
    for person in np.asarray(keypoints, dtype=np.float32):
        start, end = person[config.limb_parts[:, 0]], person[config.limb_parts[:, 1]]
        length = np.linalg.norm(end - start, axis=1)
        drawn = np.flatnonzero(length > 0)  # no direction without length; NaN is not above 0 either
        if not len(drawn):
            continue
        unit = (end[drawn] - start[drawn]) / length[drawn, None]
        ends = np.concatenate([start[drawn], end[drawn]])
        rows, columns = (
            slice(min(size, max(0, int(low - limb_width))), max(0, min(size, int(high + limb_width) + 2)))
            for low, high, size in zip(ends.min(axis=0)[::-1], ends.max(axis=0)[::-1], shape)
        )
        y, x = (axis[..., None].astype(np.float32) for axis in np.mgrid[rows, columns])
        dx, dy = x - start[drawn, 0], y - start[drawn, 1]
        along = dx * unit[:, 0] + dy * unit[:, 1]
        across = dx * unit[:, 1] - dy * unit[:, 0]
        on_limb = (along >= 0) & (along <= length[drawn]) & (np.abs(across) <= limb_width)
        total[rows, columns, drawn] += on_limb[..., None] * unit
        count[rows, columns, drawn] += on_limb
    pafs = np.zeros((*shape, config.layout.paf_count), dtype=np.float32)
    pafs[:, :, config.paf_channels] = total / np.maximum(count, 1)[..., None]
    return pafs

"""Skeletons -> ideal maps, the output of a perfect network. Tests, benchmarks and training use them."""

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
    """Make the ideal maps of people.

    Args:
        config: the configuration of the keypoints.
        keypoints: (n, parts, 2) float, x and y in map cells, whole numbers at cell centres, NaN where missing.
        shape: height and width of the maps in cells.
        sigma: spread of a heatmap peak in cells.
        limb_width: half width of a limb in cells.
        cell_size: pixels per map cell, (x, y).

    Returns:
        The ideal heatmaps and PAFs.
    """
    return FieldMaps(
        synthesize_heatmaps(config, keypoints, shape, sigma),
        synthesize_pafs(config, keypoints, shape, limb_width),
        cell_size,
    )


def synthesize_heatmaps(
    config: Config, keypoints: NDArray[np.floating], shape: tuple[int, int], sigma: float = SIGMA
) -> NDArray[np.float32]:
    """Make only the ideal heatmaps.

    Equation 7 gives the heatmap of one person; where people overlap, the maximum counts. The background is 1 minus the
    highest heatmap value of a cell.

    Args:
        config: the configuration of the keypoints.
        keypoints: (n, parts, 2) float, as in ``synthesize``.
        shape: height and width of the maps in cells.
        sigma: spread of a heatmap peak in cells.

    Returns:
        (h, w, parts + 1) float32, with the background last.
    """
    keypoints = np.asarray(keypoints, dtype=np.float32)
    heatmaps = np.zeros((*shape, len(config.body_parts) + 1), dtype=np.float32)
    # exp(-(dx^2 + dy^2) / s^2) is the product of a column and a row. A missing part is NaN, which becomes 0: no peak.
    rows = np.nan_to_num(np.exp(-np.square((np.arange(shape[0]) - keypoints[..., 1:]) / sigma)))
    columns = np.nan_to_num(np.exp(-np.square((np.arange(shape[1]) - keypoints[..., :1]) / sigma)))
    for down, across in zip(rows, columns):  # (parts, h) and (parts, w) of one person
        window = np.s_[_extent(down), _extent(across), :-1]
        person = np.einsum("ph,pw->hwp", down[:, window[0]], across[:, window[1]])
        np.maximum(heatmaps[window], person, out=heatmaps[window])
    heatmaps[:, :, -1] = 1 - heatmaps[:, :, :-1].max(axis=2)
    return heatmaps


def _extent(profiles: NDArray[np.float32]) -> slice:
    """Return the range of cells where a profile (parts, cells) is not 0. Most people fill only a part of the map."""
    cells = np.flatnonzero(profiles.max(axis=0) > 1e-9)
    return slice(cells[0], cells[-1] + 1) if len(cells) else slice(0, 0)


def synthesize_pafs(
    config: Config, keypoints: NDArray[np.floating], shape: tuple[int, int], limb_width: float = LIMB_WIDTH
) -> NDArray[np.float32]:
    """Make only the ideal PAFs.

    Equation 9 gives the PAF of one limb. Where limbs of one kind overlap, equation 10 averages them.

    Args:
        config: the configuration of the keypoints.
        keypoints: (n, parts, 2) float, as in ``synthesize``.
        shape: height and width of the maps in cells.
        limb_width: half width of a limb in cells.

    Returns:
        (h, w, channels) float32.
    """
    total = np.zeros((*shape, len(config.limbs), 2), dtype=np.float32)
    count = np.zeros((*shape, len(config.limbs)), dtype=np.int32)
    for person in np.asarray(keypoints, dtype=np.float32):
        start, end = person[config.limb_parts[:, 0]], person[config.limb_parts[:, 1]]
        length = np.linalg.norm(end - start, axis=1)
        drawn = np.flatnonzero(length > 0)  # a limb of length 0 has no direction; NaN > 0 is False too
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

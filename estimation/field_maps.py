"""The output of a network: heatmaps, PAFs, and the positions of their cells in the photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class FieldMaps:
    """The maps of one photo.

    Attributes:
        heatmaps: (h, w, parts + 1) float32, row then column. Channel k is the confidence of body part k (the paper's
            S). The last channel is the background.
        pafs: (h, w, 2 * limbs) float32, part affinity fields (the paper's L). They are unit vectors, x to the right
            and y down. ``Config.paf_channels`` gives the two channels of each limb.
        cell_size: width and height of one map cell in photo pixels.
        offset: x and y in cells, added to every position in the maps. It corrects a network that places peaks too far
            to the left and too high.
        photo_size: width and height of the photo in pixels, or None without a photo. The last cells may reach beyond
            the photo.
    """

    heatmaps: NDArray[np.float32]
    pafs: NDArray[np.float32]
    cell_size: tuple[float, float]
    offset: tuple[float, float] = (0.0, 0.0)
    photo_size: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.heatmaps.ndim != 3 or self.pafs.ndim != 3:
            raise ValueError(
                f"heatmaps and pafs must be (h, w, channels) but got {self.heatmaps.shape} and {self.pafs.shape}"
            )
        if self.heatmaps.shape[:2] != self.pafs.shape[:2]:
            raise ValueError(
                f"heatmaps and pafs must have the same height and width but got "
                f"{self.heatmaps.shape[:2]} and {self.pafs.shape[:2]}"
            )


def cells_to_pixels(xy: ArrayLike, cell_size: ArrayLike) -> NDArray[np.float64]:
    """Convert positions in the maps to positions in the photo.

    ``pixel = (cell + 0.5) * cell_size - 0.5``: the centre of cell 0 lies half a cell from the photo's edge, and the
    centre of pixel 0 lies half a pixel from it. Without the two halves, average precision falls to nearly half.

    Args:
        xy: (..., 2) as x, y in cells, where whole numbers are cell centres.
        cell_size: pixels per cell, one number or (x, y).

    Returns:
        (..., 2) float64 in pixels, where whole numbers are pixel centres.
    """
    return (np.asarray(xy, dtype=np.float64) + 0.5) * np.asarray(cell_size, dtype=np.float64) - 0.5


def cells_to_photo(
    xy: ArrayLike, cell_size: ArrayLike, offset: ArrayLike = 0, photo_size: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Convert positions in the maps to positions inside the photo.

    A peak may lie outside the photo, because the last cells may reach beyond it, and a peak lies up to half a cell from
    the centre of its cell. Such a peak moves to the nearest pixel of the photo. This gives a higher average precision
    than dropping it (docs/accuracy.md).

    Args:
        xy: (..., 2) as x, y in cells, where whole numbers are cell centres; NaN stays NaN.
        cell_size: pixels per cell, one number or (x, y).
        offset: x and y in cells, added to every position, as in ``FieldMaps``.
        photo_size: width and height of the photo in pixels. With None, positions may lie outside the photo.

    Returns:
        (..., 2) float64 in pixels, where whole numbers are pixel centres. x is from 0 to width - 1, y from 0 to
        height - 1.
    """
    pixels = cells_to_pixels(np.asarray(xy, dtype=np.float64) + np.asarray(offset), cell_size)
    if photo_size is None:
        return pixels
    return np.clip(pixels, 0, np.asarray(photo_size, dtype=np.float64) - 1)


def pixels_to_cells(xy: ArrayLike, cell_size: ArrayLike) -> NDArray[np.float64]:
    """Invert ``cells_to_pixels``, with the same shapes and conventions."""
    return (np.asarray(xy, dtype=np.float64) + 0.5) / np.asarray(cell_size, dtype=np.float64) - 0.5

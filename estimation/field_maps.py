"""What a network gives: heatmaps and PAFs, and where their cells lie in the photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class FieldMaps:
    """The maps of one photo.

    heatmaps: (h, w, parts + 1) float32, row then column; channel k is body part k's confidence
        (the paper's S), the last channel is the background.
    pafs: (h, w, 2 * limbs) float32, part affinity fields (the paper's L), in unit vectors with
        x to the right and y down; ``Config.paf_channels`` says which channels are whose.
    cell_size: width and height of one map cell in photo pixels.
    offset: x and y in cells, to be added to every position in the maps: what its network sees too far to the left
        and too high up.
    photo_size: width and height of the photo in pixels. The last cells may reach beyond it. None if there is no photo.
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
    """Map positions to photo positions; both count from the centre of the first cell or pixel.

    xy: (..., 2) as x, y in cells, where whole numbers are cell centres.
    cell_size: pixels per cell, one number or (x, y).
    Returns (..., 2) float64 in pixels, where whole numbers are pixel centres.

    The centre of cell 0 lies half a cell from the photo's edge, and the centre of pixel 0 half
    a pixel from it: hence the two halves. Leaving them out halves the accuracy.
    """
    return (np.asarray(xy, dtype=np.float64) + 0.5) * np.asarray(cell_size, dtype=np.float64) - 0.5


def cells_to_photo(
    xy: ArrayLike, cell_size: ArrayLike, offset: ArrayLike = 0, photo_size: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Convert positions in the maps to the positions in the photo that are written and drawn.

    The last cells may reach beyond the photo, and a peak lies up to half a cell from the centre of its cell. So a peak
    may lie outside the photo. It moves to the nearest pixel: clamping gives a higher average precision than dropping
    such peaks (docs/accuracy.md).

    Args:
        xy: (..., 2) as x, y in cells, where whole numbers are cell centres; NaN stays NaN.
        cell_size: pixels per cell, one number or (x, y).
        offset: x and y in cells, as in ``FieldMaps``.
        photo_size: width and height of the photo in pixels; None leaves all positions where they are.

    Returns:
        (..., 2) float64 in pixels, where whole numbers are pixel centres: x is from 0 to width - 1, y from 0 to
        height - 1.
    """
    pixels = cells_to_pixels(np.asarray(xy, dtype=np.float64) + np.asarray(offset), cell_size)
    if photo_size is None:
        return pixels
    return np.clip(pixels, 0, np.asarray(photo_size, dtype=np.float64) - 1)


def pixels_to_cells(xy: ArrayLike, cell_size: ArrayLike) -> NDArray[np.float64]:
    """The inverse of ``cells_to_pixels``, with the same shapes and conventions."""
    return (np.asarray(xy, dtype=np.float64) + 0.5) / np.asarray(cell_size, dtype=np.float64) - 0.5

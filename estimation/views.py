"""Several views of one photo, mirrored and at other scales, and the mean of their maps: slower, and better."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from estimation.config import COCO_18, Config
from estimation.field_maps import FieldMaps, cells_to_pixels, pixels_to_cells
from estimation.layouts import other_side
from estimation.photo_arrays import as_photo
from estimation.pipeline import Network, compute_maps


def average_maps(
    photo: NDArray[np.uint8],
    network: Network,
    height: int,
    scales: Sequence[float] = (1.0,),
    flip: bool = False,
    config: Config = COCO_18,
) -> FieldMaps:
    """Average the maps of several views of a photo, on the cells of the largest view.

    Args:
        photo: (h, w, 3) BGR uint8; grey (h, w) and BGRA (h, w, 4) are converted as in ``as_photo``.
        network: a network that ``load_network`` gave.
        height: input height in pixels at scale 1.
        scales: multiples of ``height``, in any order.
        flip: whether the network sees each view mirrored too, which doubles the time.
        config: bounds the size of the views, as in ``scale_to_height``.

    Returns:
        The mean maps. Their cells are measured in pixels of the photo.

    Raises:
        OpenPoseLabError: if the photo or a height cannot be used.
    """
    photo = as_photo(photo)
    views = [compute_maps(photo, network, round(height * scale), config) for scale in scales]
    grid = max(views, key=lambda view: view.heatmaps.size)
    heatmaps = [_resample(view.heatmaps, view, grid) for view in views]
    pafs = [_resample(view.pafs, view, grid) for view in views]
    if flip:
        parts, channels, signs = _mirror(network.config)
        for scale in scales:
            view = compute_maps(np.ascontiguousarray(photo[:, ::-1]), network, round(height * scale), config)
            heatmaps.append(_resample(view.heatmaps[:, :, parts], view, grid, photo.shape[1]))
            pafs.append(_resample(view.pafs[:, :, channels] * signs, view, grid, photo.shape[1]))
    return FieldMaps(np.mean(heatmaps, axis=0), np.mean(pafs, axis=0), grid.cell_size, grid.offset, grid.photo_size)


def _resample(
    values: NDArray[np.float32], view: FieldMaps, grid: FieldMaps, mirrored_width: int | None = None
) -> NDArray[np.float32]:
    """A view's values (h, w, channels), bilinear, on the cells of a grid. mirrored_width: of the photo in pixels, if
    the view is of its mirror image."""
    height, width = grid.heatmaps.shape[:2]
    for axis, size in ((0, height), (1, width)):
        x_or_y = 1 - axis
        pixels = cells_to_pixels(np.arange(size) + grid.offset[x_or_y], grid.cell_size[x_or_y])
        if mirrored_width and axis == 1:
            pixels = mirrored_width - 1 - pixels
        cells = pixels_to_cells(pixels, view.cell_size[x_or_y]) - view.offset[x_or_y]
        cells = np.clip(cells, 0, values.shape[axis] - 1)
        before = np.minimum(cells.astype(np.intp), max(values.shape[axis] - 2, 0))
        after = np.minimum(before + 1, values.shape[axis] - 1)
        share = np.expand_dims((cells - before).astype(np.float32), (1 - axis, 2))
        values = values.take(before, axis) * (1 - share) + values.take(after, axis) * share
    return values


def _mirror(config: Config) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """What a mirror image's maps are in the photo's own terms: the heatmap channels and the PAF channels in their new
    order, and the sign of each of the latter. What is left becomes right, and so does what points to the left."""
    parts = [config.body_parts.index(other_side(name)) for name in config.body_parts]
    limbs = {limb[:2]: limb for limb in config.limbs}
    channels = np.arange(config.layout.paf_count)
    signs = np.ones(len(channels), dtype=np.float32)
    for limb in config.limbs:
        mirrored = limbs[parts[limb.from_part], parts[limb.to_part]]
        channels[[limb.paf_x, limb.paf_y]] = mirrored.paf_x, mirrored.paf_y
        signs[limb.paf_x] = -1
    return np.array([*parts, len(parts)]), channels, signs

"""A photo and a network -> maps: the maps of one view of the photo, or the mean maps of several views.

Mirrored views and views at other scales give better maps, and take more time.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.config import COCO_18, Config
from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from estimation.field_maps import FieldMaps, cells_to_pixels, pixels_to_cells
from estimation.photo_arrays import as_photo
from estimation.quality import Views, check_height

LEAST_INPUT_SIDE = 64
"""Least side of the network's input, in pixels. A shorter side is extended by repeating the photo's edge. In a narrow
strip, a network sees mainly the zeros that its convolutions add. In an empty strip of up to 32 pixels, mobilenet_thin
finds people that do not exist; at 48 pixels it finds false peaks."""


class Network(Protocol):
    """The interface of a network. ``openpose_lab.load_network`` returns one.

    Two attributes are optional: ``batch``, a function that takes a list of photos of one size, and ``quality``, the
    name of the default preset.
    """

    config: Config

    def __call__(self, photo: NDArray[np.uint8]) -> FieldMaps:
        """Return the maps of one photo, (h, w, 3) BGR uint8 of any size. Cell sizes are in pixels of this photo."""
        ...


def average_maps(photo: NDArray[np.uint8], network: Network, views: Views, config: Config = COCO_18) -> FieldMaps:
    """Average the maps of several views of a photo, on the cells of the largest view.

    Args:
        photo: (h, w, 3) BGR uint8; grey (h, w) and BGRA (h, w, 4) are converted as in ``as_photo``.
        network: a network from ``load_network``.
        views: the views that the network sees.
        config: the configuration, which limits the size of the views as in ``scale_to_height``.

    Returns:
        The mean maps. The cell size is in pixels of the photo.

    Raises:
        OpenPoseLabError: if the photo cannot be used.
    """
    photo = as_photo(photo)
    seen = [_see(photo, network, height, views.flip, config) for height in views.heights]
    grid = max((maps for maps, *_ in seen), key=lambda maps: maps.heatmaps.size)
    if len(seen) == 1 and not views.flip:
        return grid
    parts, channels, signs = _mirrored_channels(network.config)
    heatmaps = np.zeros(grid.heatmaps.shape, dtype=np.float32)
    pafs = np.zeros(grid.pafs.shape, dtype=np.float32)
    for view, *mirrored in seen:
        rows = _places(0, view, grid)
        columns = _places(1, view, grid)
        of_heatmaps = _interpolate(view.heatmaps, columns, 1)
        of_pafs = _interpolate(view.pafs, columns, 1)
        for mirror_view in mirrored:  # mirroring changes only columns
            columns = _places(1, mirror_view, grid, photo.shape[1])
            of_heatmaps = _interpolate(mirror_view.heatmaps[:, :, parts], columns, 1) + of_heatmaps
            of_pafs = _interpolate(mirror_view.pafs[:, :, channels] * signs, columns, 1) + of_pafs
        heatmaps += _interpolate(of_heatmaps, rows, 0)
        pafs += _interpolate(of_pafs, rows, 0)
    count = sum(map(len, seen))
    heatmaps /= count
    pafs /= count
    return replace(grid, heatmaps=heatmaps, pafs=pafs)


def resample_maps(maps: FieldMaps, shape: tuple[int, ...], cell_size: float, offset: tuple[float, float]) -> FieldMaps:
    """Resample maps on other cells of the same photo.

    Args:
        maps: the maps.
        shape: rows and columns of the new cells.
        cell_size: width and height of a new cell in pixels of the photo.
        offset: x and y of the first new cell, in new cells, from the place where a map without an offset begins (see
            ``FieldMaps``).

    Returns:
        The values at the new cells, interpolated linearly. Beyond the border, the value of the nearest old cell
        is used.
    """
    empty = np.empty((*shape, 0), np.float32)
    grid = replace(maps, heatmaps=empty, pafs=empty, cell_size=(cell_size, cell_size), offset=offset)
    rows, columns = _places(0, maps, grid), _places(1, maps, grid)
    heatmaps, pafs = (_interpolate(_interpolate(one, columns, 1), rows, 0) for one in (maps.heatmaps, maps.pafs))
    return replace(grid, heatmaps=heatmaps, pafs=pafs)


def compute_maps(photo: NDArray[np.uint8], network: Network, height: int, config: Config = COCO_18) -> FieldMaps:
    """Run the network on a photo scaled to ``height``.

    Args:
        photo: (h, w, 3) BGR uint8; grey (h, w) and BGRA (h, w, 4) are converted as in ``as_photo``.
        network: the network.
        height: input height in pixels.
        config: the configuration, which limits the size as in ``scale_to_height``.

    Returns:
        The maps. The cell size is in pixels of the photo before scaling.

    Raises:
        OpenPoseLabError: if the photo or the height cannot be used.
    """
    return _see(as_photo(photo), network, height, False, config)[0]


def _see(photo: NDArray[np.uint8], network: Network, height: int, flip: bool, config: Config) -> list[FieldMaps]:
    """Return the maps of a photo at a height and, with ``flip``, the maps of its mirror image, not mirrored back."""
    scaled = scale_to_height(photo, height, config)
    inputs = [scaled, np.asarray(cv2.flip(scaled, 1), np.uint8)] if flip else [scaled]
    batch = getattr(network, "batch", None)
    found: list[FieldMaps] = batch(inputs) if batch and flip else [network(one) for one in inputs]
    ratio = photo.shape[1] / scaled.shape[1], photo.shape[0] / scaled.shape[0]
    size = photo.shape[1], photo.shape[0]
    return [
        replace(maps, cell_size=(maps.cell_size[0] * ratio[0], maps.cell_size[1] * ratio[1]), photo_size=size)
        for maps in found
    ]


def scale_to_height(photo: NDArray[np.uint8], height: int, config: Config = COCO_18) -> NDArray[np.uint8]:
    """Scale a photo to the given height, or as close as ``config.max_input_pixels`` allows, with fixed proportions.

    Args:
        photo: (h, w, 3) BGR uint8; grey (h, w) and BGRA (h, w, 4) are converted as in ``as_photo``.
        height: height in pixels.
        config: the configuration. It holds the smallest side of a photo and the largest number of pixels of the result.

    Returns:
        (h, w, 3) BGR uint8: the scaled photo, or ``photo`` itself if it already has this height.

    Raises:
        OpenPoseLabError: if the photo or the height cannot be used.

    Warns:
        OpenPoseLabWarning: if the result is lower than ``height``.
    """
    photo = as_photo(photo)
    check_input(photo, height, config)
    scale = min(height / photo.shape[0], _largest_scale(photo.shape, config.max_input_pixels))
    size = max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale))
    if size[1] < height:
        sentence = (
            f"the network sees the photo at height {size[1]} instead of {height}, because max_input_pixels allows "
            f"{config.max_input_pixels} pixels; to keep the height, raise max_input_pixels (this takes more memory)"
        )
        warnings.warn(OpenPoseLabWarning(sentence), stacklevel=2)
    if size == (photo.shape[1], photo.shape[0]):
        return photo
    scaled: NDArray[np.uint8] = cv2.resize(
        photo, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    ).astype(np.uint8, copy=False)
    return scaled


def _largest_scale(shape: tuple[int, ...], most_pixels: int) -> float:
    """Return the scale at which the network's input has ``most_pixels``. ``shape`` is that of the photo, (h, w, 3).

    A short side is extended to ``LEAST_INPUT_SIDE``. The added pixels count, too.
    """
    short, long = sorted(shape[:2])
    scale: float = (most_pixels / (short * long)) ** 0.5
    return min(scale, most_pixels / (LEAST_INPUT_SIDE * long)) if short * scale < LEAST_INPUT_SIDE else scale


def check_input(photo: NDArray[np.uint8], height: int, config: Config = COCO_18) -> None:
    """Raise OpenPoseLabError if the pipeline cannot work on this photo at this height."""
    photo = as_photo(photo)
    check_height(height)
    side = config.min_photo_side
    if min(photo.shape[:2]) < side:
        raise OpenPoseLabError(
            f"the photo is {photo.shape[1]}x{photo.shape[0]} pixels, too small to show a person; "
            f"give a photo of at least {side}x{side} pixels"
        )


def _places(axis: int, view: FieldMaps, grid: FieldMaps, mirrored_width: int | None = None) -> NDArray[np.float64]:
    """Return the positions of a grid's rows (axis 0) or columns (axis 1) in the cells of a view.

    mirrored_width: the width of the photo in pixels if the view is mirrored, else None.
    """
    x_or_y = 1 - axis
    pixels = cells_to_pixels(np.arange(grid.heatmaps.shape[axis]) + grid.offset[x_or_y], grid.cell_size[x_or_y])
    if mirrored_width is not None:
        pixels = mirrored_width - 1 - pixels
    return pixels_to_cells(pixels, view.cell_size[x_or_y]) - view.offset[x_or_y]


def _interpolate(values: NDArray[np.float32], places: NDArray[np.float64], axis: int) -> NDArray[np.float32]:
    """Interpolate values (h, w, channels) linearly along an axis. Beyond the border, the nearest cell is used."""
    count = values.shape[axis]
    if len(places) == count and np.allclose(places, np.arange(count)):
        return values
    places = np.clip(places, 0, count - 1)
    before = np.minimum(places.astype(np.intp), max(count - 2, 0))
    found = values.take(before, axis)
    if count > 1:
        share = np.expand_dims((places - before).astype(np.float32), (1 - axis, 2))
        rise = values.take(before + 1, axis)
        rise -= found  # in place, because new arrays of this size take longer than the sums
        rise *= share
        found += rise
    return found


def _mirrored_channels(config: Config) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Return the channel order that turns the maps of a mirrored photo into maps of the photo.

    Left parts change places with right parts. The x components of the PAFs change sign. One exception: the mirror
    image of a limb between a left part and its right partner is the same limb with the opposite direction. So its y
    component changes sign instead.

    Args:
        config: the configuration of the maps.

    Returns:
        The heatmap channels in the new order, the PAF channels in the new order, and the sign of each PAF channel.
    """
    parts = config.layout.mirrored_parts
    limbs = {limb[:2]: limb for limb in config.limbs}
    channels = np.arange(config.layout.paf_count)
    signs = np.ones(len(channels), dtype=np.float32)
    for limb in config.limbs:
        ends = parts[limb.from_part], parts[limb.to_part]
        mirrored = limbs.get(ends) or limbs[ends[::-1]]
        channels[[limb.paf_x, limb.paf_y]] = mirrored.paf_x, mirrored.paf_y
        signs[limb.paf_x if ends in limbs else limb.paf_y] = -1
    return np.append(parts, len(parts)), channels, signs

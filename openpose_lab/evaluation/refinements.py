"""Methods to place a peak between map cells, for a comparison by average precision.

The project uses the log-parabola (estimation/coordinates.py), which was chosen by this comparison.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from estimation.connections import get_connections
from estimation.coordinates import get_coordinates, refine
from estimation.estimators import estimate
from estimation.grouping import load_grouping
from estimation.skeletons import to_skeletons
from openpose_lab.evaluation.map_cache import MapCache
from openpose_lab.formats.coco import to_coco

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]


def whole_cells(maps: Floats, row: Ints, column: Ints, part: Ints) -> Floats:
    """Return the centre of the cell, as in the lab's handout and the project's predecessor."""
    return np.stack([column, row], axis=1).astype(np.float32)


def quarter(maps: Floats, row: Ints, column: Ints, part: Ints) -> Floats:
    """Move the peak a quarter of a cell towards the higher neighbour, as for stacked hourglass networks."""
    return _whole_and(0.25 * np.sign(_neighbours(maps, row, column, part) @ [-1, 0, 1]), row, column)


def centroid(maps: Floats, row: Ints, column: Ints, part: Ints) -> Floats:
    """Return the centre of mass of three cells along each axis."""
    three = np.maximum(_neighbours(maps, row, column, part), 1e-6)
    return _whole_and(three @ [-1, 0, 1] / three.sum(axis=-1), row, column)


def parabola(maps: Floats, row: Ints, column: Ints, part: Ints) -> Floats:
    """Return the vertex of the parabola through three values along each axis."""
    three = _neighbours(maps, row, column, part)
    curvature = np.minimum(three @ [1, -2, 1], -1e-9)
    return _whole_and(three @ [0.5, 0, -0.5] / curvature, row, column)


METHODS: dict[str, Callable[[Floats, Ints, Ints, Ints], Floats]] = {
    "whole cells": whole_cells,
    "quarter towards the higher": quarter,
    "centroid of three": centroid,
    "parabola": parabola,
    "log-parabola": refine,
}


def _neighbours(maps: Floats, row: Ints, column: Ints, part: Ints) -> NDArray[np.float64]:
    """Return (2, P, 3), the values before, at and after each peak along x and y. Edge values repeat beyond the edge."""
    padded = np.pad(maps, ((1, 1), (1, 1), (0, 0)), mode="edge").astype(np.float64)
    step = np.arange(3)
    across = padded[row[:, None] + 1, column[:, None] + step, part[:, None]]
    down = padded[row[:, None] + step, column[:, None] + 1, part[:, None]]
    return np.stack([across, down])


def _whole_and(offset: NDArray[np.float64], row: Ints, column: Ints) -> Floats:
    xy: Floats = (np.stack([column, row]) + offset).T.astype(np.float32)
    return xy


def compare_refinements(photos: dict[int, Path], kept: MapCache) -> dict[str, list[dict[str, Any]]]:
    """Find the people in photos with each method of placing a peak.

    Args:
        photos: The photo of each image id.
        kept: The cache that gives the maps of the photos.

    Returns:
        The people in COCO's form, by the name of the method.
    """
    grouping = load_grouping()
    config = kept.config
    no_half_cell = "log-parabola, no half cell"
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in (*METHODS, no_half_cell)}
    for image_id, path in tqdm(photos.items(), desc="photos", unit="photo", disable=None):
        maps = kept.maps_of(path)
        found = get_coordinates(config, maps.heatmaps)
        parts = np.ascontiguousarray(maps.heatmaps[:, :, : len(config.body_parts)])
        # A peak on the border may lie half a cell beyond the centre of its cell, and be rounded to a cell outside.
        column, row = np.clip(np.round(found.xy), 0, np.array(parts.shape[1::-1]) - 1).astype(np.intp).T
        for name, method in METHODS.items():
            coordinates = replace(found, xy=method(parts, row, column, found.part))
            subset = estimate(config, get_connections(config, coordinates, maps.pafs), grouping)
            skeletons = to_skeletons(
                config, subset, coordinates, maps.cell_size, maps.offset, photo_size=maps.photo_size
            )
            results[name] += to_coco(config, skeletons, image_id)
        shifted = replace(skeletons, keypoints=skeletons.keypoints - np.array(maps.cell_size) / 2 + 0.5)
        results[no_half_cell] += to_coco(config, shifted, image_id)
    return results

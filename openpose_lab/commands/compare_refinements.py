"""How the place of a peak between cells is found, and what each way is worth in average precision.

The project uses the log-parabola (estimation/coordinates.py); this program is how it was chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from estimation.connections import get_connections
from estimation.coordinates import get_coordinates, refine
from estimation.estimators import estimate
from estimation.grouping import load_grouping
from estimation.pipeline import check_height
from estimation.skeletons import to_skeletons
from openpose_lab.commands.options import add_measuring_options, add_set_option, apply_settings, make_parser
from openpose_lab.evaluation.annotations import find_photos, read_annotations
from openpose_lab.evaluation.coco_figures import score
from openpose_lab.evaluation.map_cache import MapCache
from openpose_lab.formats.coco import to_coco
from openpose_lab.networks.loading import network_config

EXAMPLES = """example:
  python -m openpose_lab compare-refinements --images val2017 --annotations person_keypoints_val2017.json
"""
Floats = NDArray[np.float32]
Ints = NDArray[np.intp]


def whole_cells(maps: Floats, row: Ints, column: Ints, part: Ints) -> Floats:
    """The cell itself, as the lab and its ancestor have it."""
    return np.stack([column, row], axis=1).astype(np.float32)


def quarter(maps: Floats, row: Ints, column: Ints, part: Ints) -> Floats:
    """A quarter of a cell towards the higher neighbour, as stacked hourglass networks have it."""
    return _whole_and(0.25 * np.sign(_neighbours(maps, row, column, part) @ [-1, 0, 1]), row, column)


def centroid(maps: Floats, row: Ints, column: Ints, part: Ints) -> Floats:
    """The centre of mass of the three cells along each axis."""
    three = np.maximum(_neighbours(maps, row, column, part), 1e-6)
    return _whole_and(three @ [-1, 0, 1] / three.sum(axis=-1), row, column)


def parabola(maps: Floats, row: Ints, column: Ints, part: Ints) -> Floats:
    """The vertex of the parabola through the three values themselves."""
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
    """(2, P, 3): the values before, at and after each peak along x and y; beyond the edge, the edge's."""
    padded = np.pad(maps, ((1, 1), (1, 1), (0, 0)), mode="edge").astype(np.float64)
    step = np.arange(3)
    across = padded[row[:, None] + 1, column[:, None] + step, part[:, None]]
    down = padded[row[:, None] + step, column[:, None] + 1, part[:, None]]
    return np.stack([across, down])


def _whole_and(offset: NDArray[np.float64], row: Ints, column: Ints) -> Floats:
    xy: Floats = (np.stack([column, row]) + offset).T.astype(np.float32)
    return xy


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    parser = make_parser("compare-refinements", __doc__, EXAMPLES)
    add_measuring_options(parser)
    add_set_option(parser)
    options = parser.parse_args(arguments)
    check_height(options.height)

    truth = read_annotations(options.annotations)
    photos = find_photos(truth, options.images)
    grouping = load_grouping()
    (config,) = apply_settings(options.set, network_config(options.network))
    kept = MapCache(options.network, options.weights, options.height, config=config)
    no_half_cell = "log-parabola, no half cell"
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in (*METHODS, no_half_cell)}
    for image_id, path in tqdm(photos.items(), desc="photos", unit="photo", disable=None):
        maps = kept.maps_of(path)
        found = get_coordinates(config, maps.heatmaps)
        parts = np.ascontiguousarray(maps.heatmaps[:, :, : len(config.body_parts)])
        # A peak on the border may lie half a cell beyond the centre of its cell, where rounding leaves the map.
        column, row = np.clip(np.round(found.xy), 0, np.array(parts.shape[1::-1]) - 1).astype(np.intp).T
        for name, method in METHODS.items():
            coordinates = replace(found, xy=method(parts, row, column, found.part))
            people = estimate(config, get_connections(config, coordinates, maps.pafs), grouping)
            skeletons = to_skeletons(config, people, coordinates, maps.cell_size, maps.offset)
            results[name] += to_coco(config, skeletons, image_id)
        shifted = replace(skeletons, keypoints=skeletons.keypoints - np.array(maps.cell_size) / 2 + 0.5)
        results[no_half_cell] += to_coco(config, shifted, image_id)
    for name, people_found in results.items():
        print(f"{name:28} AP {score(truth, people_found)[0]:.3f}")

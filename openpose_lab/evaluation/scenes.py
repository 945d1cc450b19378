"""Scenes for measuring groupings: the limbs of photos and of simulated crowds, and the owner of each peak."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from estimation.config import Config
from estimation.connections import Connections, get_connections
from estimation.coordinates import get_coordinates
from estimation.field_maps import FieldMaps, cells_to_pixels, pixels_to_cells
from openpose_lab.evaluation.annotations import annotate, to_truth
from openpose_lab.evaluation.coco_figures import MOST_PEOPLE
from openpose_lab.evaluation.crowds import simulate
from openpose_lab.evaluation.defaults import Disturbance
from openpose_lab.evaluation.map_cache import MapCache
from openpose_lab.evaluation.measures import owners
from openpose_lab.formats.coco import COCO_KEYPOINTS, from_coco

if TYPE_CHECKING:
    from pycocotools.coco import COCO

_REACH_OKS = 0.1  # least similarity, by COCO's formula, of a peak to its keypoint


@dataclass(frozen=True, eq=False)
class Scene:
    """The limbs of one photo or crowd.

    Attributes:
        name: The name of the scene, for messages.
        image_id: The scene's id in the annotations.
        connections: The limbs.
        maps: A function that returns the maps of the scene.
        keypoints: The ground truth, (n, parts, 2) in map cells, NaN where a part is not labelled.
        owner: (P,) the owner of each peak, -1 without an owner.
    """

    name: str
    image_id: int
    connections: Connections
    maps: Callable[[], FieldMaps]
    keypoints: NDArray[np.float64]
    owner: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class SceneSet:
    """Scenes that are measured together.

    Attributes:
        title: The title, for printing.
        kind: ``photos`` or ``crowd``.
        people: The number of people in each crowd. None for photos.
        overlap: The overlap in each crowd. None for photos.
        scenes: The scenes.
        read_truth: A function that returns the annotations. It needs pycocotools.
        most_people: The largest number of people that count in a scene.
        all_known: If true, a peak without an owner is false. If false, it may belong to a person who is not annotated.
    """

    title: str
    kind: str
    people: int | None
    overlap: float | None
    scenes: list[Scene]
    read_truth: Callable[[], COCO]
    most_people: int
    all_known: bool

    @cached_property
    def truth(self) -> COCO:
        """The annotations."""
        return self.read_truth()


def photo_scenes(truth: COCO, photos: dict[int, Path], maps: MapCache) -> SceneSet:
    """Find the limbs in photos with COCO keypoints.

    Args:
        truth: The annotations.
        photos: The photo of each image id.
        maps: The cache that gives the maps of the photos.

    Returns:
        The photos' limbs, with the owner of each peak.
    """
    scenes = []
    for image_id, path in tqdm(photos.items(), desc="limbs", unit="photo", leave=False, disable=None):
        found = maps.maps_of(path)
        coordinates = get_coordinates(maps.config, found.heatmaps)
        connections = get_connections(maps.config, coordinates, found.pafs)
        people = [person for person in truth.imgToAnns[image_id] if not person["iscrowd"]]
        keypoints = np.array([person["keypoints"] for person in people], dtype=float).reshape(
            -1, len(COCO_KEYPOINTS), 3
        )
        cells = pixels_to_cells(from_coco(maps.config, keypoints), found.cell_size) - found.offset
        areas = np.array([person["area"] for person in people], dtype=float)
        owner = owners(coordinates, cells, _reach(maps.config, areas) / np.mean(found.cell_size))
        scenes.append(Scene(path.name, image_id, connections, partial(maps.maps_of, path), cells, owner))
    title = f"{len(scenes)} photos, {maps.title}"
    return SceneSet(title, "photos", None, None, scenes, lambda: truth, MOST_PEOPLE, all_known=False)


def _reach(config: Config, areas: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance at which COCO's similarity exp(-d^2 / (2 area (2 sigma)^2)) is ``_REACH_OKS``.

    Args:
        config: The configuration.
        areas: (n,) the areas of the people in square pixels.

    Returns:
        (n, parts) distances in pixels.
    """
    sigmas = np.array(config.layout.sigmas)
    reach: NDArray[np.float64] = np.sqrt(-2 * np.log(_REACH_OKS) * areas)[:, None] * 2 * sigmas
    return np.maximum(reach, 1e-6)


def _always(maps: FieldMaps) -> Callable[[], FieldMaps]:
    return lambda: maps


def crowd_scenes(
    config: Config,
    people: int,
    overlap: float,
    count: int,
    seed: int,
    disturbance: Disturbance,
    skeletons: NDArray[np.float64] | None = None,
) -> SceneSet:
    """Simulate crowds. The same seed gives the same people for every overlap.

    Args:
        config: A configuration with all of COCO's body parts.
        people: The number of people in a crowd.
        overlap: The overlap of boxes, as in ``simulate``.
        count: The number of crowds.
        seed: The seed of the random numbers.
        disturbance: The difference between the maps and ideal maps.
        skeletons: Skeletons to choose from, as in ``simulate``.

    Returns:
        The crowds, with the ground truth.
    """
    scenes, keypoints = [], {}
    for number in range(1, count + 1):
        rng = np.random.default_rng([seed, people, number])
        crowd = simulate(config, rng, people, overlap, disturbance, skeletons)
        name = f"crowd number {number}, {people} people, overlap {overlap:g}"
        scenes.append(Scene(name, number, crowd.connections, _always(crowd.maps), crowd.keypoints, crowd.owner))
        keypoints[name] = cells_to_pixels(crowd.keypoints, crowd.maps.cell_size)
    title = f"{people} people, overlap {overlap:g}"
    annotations = annotate(config, keypoints)
    return SceneSet(title, "crowd", people, overlap, scenes, lambda: to_truth(annotations), people, all_known=True)

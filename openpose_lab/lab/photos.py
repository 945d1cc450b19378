"""Photos of one's own with COCO keypoints, to measure merges on: their limbs are found once, the same for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO

from estimation.config import COCO_18
from estimation.coordinates import Coordinates
from estimation.errors import OpenPoseLabError
from estimation.grouping.contract import check_answer
from estimation.skeletons import to_skeletons
from estimation.subset import limb_rows, slots_of_rows
from openpose_lab.evaluation.annotations import find_photos, read_annotations
from openpose_lab.evaluation.coco_figures import MOST_PEOPLE, average_precision
from openpose_lab.evaluation.map_cache import MapCache
from openpose_lab.evaluation.scenes import photo_scenes
from openpose_lab.formats.coco import to_coco
from openpose_lab.lab.accuracy import PhotoRows, measure


@dataclass(frozen=True, eq=False)
class Place:
    """What makes keypoints of a photo's peaks: its id, the peaks, pixels per cell and offset as in ``FieldMaps``."""

    image_id: int
    coordinates: Coordinates
    cell_size: tuple[float, float]
    offset: tuple[float, float]


@dataclass(frozen=True, eq=False)
class AnnotatedPhotos(PhotoRows):
    """Rows of photos, and the truth about the people in them. places: of each photo."""

    truth: COCO
    places: list[Place]


def find_limbs(images: Path, annotations: Path, network: str, weights: Path | None, height: int) -> AnnotatedPhotos:
    """The rows of all photos in a folder. The network's maps of them are kept for the next time."""
    truth = read_annotations(annotations)
    maps = MapCache(network, weights, height)
    if maps.config is not COCO_18:
        raise OpenPoseLabError(
            f"the lab's rows are of COCO's 18 parts, but {network} has others; choose another network"
        )
    scenes = photo_scenes(truth, find_photos(truth, images), maps).scenes
    places = []
    for scene in scenes:
        found = scene.maps()
        places.append(Place(scene.image_id, scene.connections.coordinates, found.cell_size, found.offset))
    rows = [limb_rows(maps.config, scene.connections) for scene in scenes]
    return AnnotatedPhotos(rows, [scene.owner for scene in scenes], {}, 0.0, truth, places)


def measure_all(photos: PhotoRows, merge: Callable[[NDArray[np.float64]], Any]) -> dict[str, float]:
    """F1 of pairs, and where the truth is known AP; nothing if an answer breaks the contract."""
    f1 = measure(photos, merge)
    if f1 is None:
        return {}
    figures = {"F1": round(f1, 4)}
    if isinstance(photos, AnnotatedPhotos):
        results = []
        for rows, place in zip(photos.rows, photos.places):
            subset = check_answer(COCO_18, merge(rows), slots_of_rows(rows))
            skeletons = to_skeletons(COCO_18, subset, place.coordinates, place.cell_size, place.offset)
            results += to_coco(COCO_18, skeletons, place.image_id)
        figures["AP"] = round(average_precision(photos.truth, results, MOST_PEOPLE)[0], 4)
    return figures

"""Photos with COCO keypoints, for measuring merges. Limbs are found once, and all merges get the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

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
from openpose_lab.lab.accuracy import PhotoRows, measure_f1

if TYPE_CHECKING:
    from pycocotools.coco import COCO


@dataclass(frozen=True, eq=False)
class PhotoPeaks:
    """The id of a photo, its peaks, and the step from cells to photo pixels, as in ``FieldMaps``."""

    image_id: int
    coordinates: Coordinates
    cell_size: tuple[float, float]
    offset: tuple[float, float]
    photo_size: tuple[float, float] | None


@dataclass(frozen=True, eq=False)
class AnnotatedPhotos(PhotoRows):
    """Rows of photos, and the ground truth of their people.

    Attributes:
        truth: the annotations.
        peaks: the peaks of each photo.
    """

    truth: COCO
    peaks: list[PhotoPeaks]


def find_limbs(images: Path, annotations: Path, maps: MapCache) -> AnnotatedPhotos:
    """Find the rows of all photos in a folder. ``maps`` caches the network's maps."""
    truth = read_annotations(annotations)
    if maps.config.layout is not COCO_18.layout:
        raise OpenPoseLabError(
            f"the lab's rows have COCO's 18 parts, but {maps.network} has others; choose another network"
        )
    scenes = photo_scenes(truth, find_photos(truth, images), maps).scenes
    peaks = []
    for scene in scenes:
        found = scene.maps()
        places = found.cell_size, found.offset, found.photo_size
        peaks.append(PhotoPeaks(scene.image_id, scene.connections.coordinates, *places))
    rows = [limb_rows(maps.config, scene.connections) for scene in scenes]
    return AnnotatedPhotos(rows, [scene.owner for scene in scenes], {}, 0.0, truth, peaks)


def measure_all(photos: PhotoRows, merge: Callable[[NDArray[np.float64]], Any]) -> dict[str, float]:
    """Measure a merge on photos.

    Args:
        photos: the rows, with the ground truth if it is known.
        merge: the merge.

    Returns:
        "F1" of the pairs, and "AP" if the ground truth is known. Empty if an answer breaks the contract.
    """
    f1 = measure_f1(photos, merge)
    if f1 is None:
        return {}
    figures = {"F1": round(f1, 4)}
    if isinstance(photos, AnnotatedPhotos):
        results = []
        for rows, peaks in zip(photos.rows, photos.peaks):
            subset = check_answer(COCO_18, merge(rows), slots_of_rows(rows))
            skeletons = to_skeletons(
                COCO_18, subset, peaks.coordinates, peaks.cell_size, peaks.offset, photo_size=peaks.photo_size
            )
            results += to_coco(COCO_18, skeletons, peaks.image_id)
        figures["AP"] = round(average_precision(photos.truth, results, MOST_PEOPLE)[0], 4)
    return figures

"""Run the whole pipeline on photos with ground truth: the people found, and the time of each stage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from estimation.grouping import Grouping
from estimation.pipeline import group_maps
from openpose_lab.evaluation.breakdown import to_results
from openpose_lab.evaluation.completion import Completion
from openpose_lab.evaluation.map_cache import MapCache
from openpose_lab.formats.coco import to_coco

_BLOCK = 16  # photos


@dataclass(frozen=True, eq=False)
class Measured:
    """The people found in all photos.

    Attributes:
        found: The people in COCO's form, without imputed keypoints.
        results: The same people, with imputed keypoints if requested. AP is computed from these.
        times: The milliseconds of each stage, for each photo.
    """

    found: list[dict[str, Any]]
    results: list[dict[str, Any]]
    times: list[dict[str, float]]


def measure(photos: dict[int, Path], maps: MapCache, grouping: Grouping, completion: Completion | None) -> Measured:
    """Find the people in all photos.

    Args:
        photos: The photo of each image id.
        maps: The cache, or the network, that gives the maps of the photos.
        grouping: The grouping.
        completion: The thresholds of completion. None if missing keypoints are not imputed.

    Returns:
        The people and the times.
    """
    measured = Measured([], [], [])
    with tqdm(total=len(photos), desc="photos", unit="photo", disable=None) as bar:
        # The network runs on a block of photos before the stages after it are timed. Directly after the network, its
        # data fills the processor's caches, and the stages take a third longer.
        for block in _blocks(list(photos.items()), _BLOCK):
            milliseconds: list[dict[str, float]] = [{} for _ in block]
            found_maps = [maps.maps_of(path, stages) for (_, path), stages in zip(block, milliseconds)]
            for (image_id, _), photo_maps, stages in zip(block, found_maps, milliseconds):
                found = group_maps(photo_maps, maps.config, grouping, stages)
                measured.found.extend(to_coco(maps.config, found.skeletons, image_id))
                counted = to_results(maps.config, found.subset, found.coordinates, photo_maps, image_id, completion)
                measured.results.extend(counted)
            measured.times.extend(milliseconds)
            bar.update(len(block))
    return measured


def _blocks(items: list[tuple[int, Path]], size: int) -> list[list[tuple[int, Path]]]:
    """Split the items into lists of at most ``size``."""
    return [items[start : start + size] for start in range(0, len(items), size)]

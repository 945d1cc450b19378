"""The whole pipeline on photos with known keypoints: who was found, and how long each stage took."""

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
    """What was found in all photos.

    Attributes:
        found: the people in COCO's form.
        results: the same people with imputed keypoints, if asked for. These are evaluated.
        times: milliseconds of each stage, for each photo.
    """

    found: list[dict[str, Any]]
    results: list[dict[str, Any]]
    times: list[dict[str, float]]


def measure(photos: dict[int, Path], maps: MapCache, grouping: Grouping, completion: Completion | None) -> Measured:
    """Find the people in all photos.

    Args:
        photos: the photo of each image id.
        maps: gives their maps.
        grouping: makes people of limbs.
        completion: how missing keypoints are imputed; None for not at all.
    """
    measured = Measured([], [], [])
    with tqdm(total=len(photos), desc="photos", unit="photo", disable=None) as bar:
        # By blocks: right after the network, whose data fills the processor's caches, the stages take
        # a third longer, and would be measured with it.
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
    """The items in lists of at most ``size``."""
    return [items[start : start + size] for start in range(0, len(items), size)]

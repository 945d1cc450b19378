"""Keypoint completion: impute each missing keypoint at its most likely place.

Completion only serves average precision. COCO does not penalise extra keypoints, and it labels many hidden keypoints,
so an uncertain keypoint scores better than none. In a picture, an uncertain keypoint is worse than none. Keypoints that
were found do not change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.coordinates import Coordinates
from estimation.field_maps import FieldMaps
from estimation.proportions import heights, standing
from estimation.scoring import cells_of, score_people
from estimation.skeletons import Skeletons, to_skeletons
from estimation.subset import MISSING, PARTS_NUM, ids_of
from estimation.thresholds import check_thresholds, threshold


@dataclass(frozen=True)
class Completion:
    """The thresholds of completion. docs/accuracy.md shows the effect of each on AP.

    Raises:
        ValueError: A threshold is out of its range.
    """

    completion_reach: float = threshold(0.1, 1e-6)
    """Standard deviation of a part's distance from its place by proportions, as a share of the person's height."""
    completion_floor: float = threshold(0.003, 1e-12)
    """Added to the heatmap. If the heatmap is 0 everywhere, the part goes to its place by proportions."""

    def __post_init__(self) -> None:
        check_thresholds(self)


def complete(
    config: Config,
    subset: NDArray[np.float64],
    coordinates: Coordinates,
    maps: FieldMaps,
    completion: Completion | None = None,
) -> Skeletons:
    """Convert rows of people to skeletons and impute their missing keypoints. Person scores are unchanged.

    Args:
        config: The configuration that the peaks were found with.
        subset: (n, parts + 2) rows of people.
        coordinates: The peaks with the ids in the rows.
        maps: The maps that the peaks were found in.
        completion: The thresholds, by default those of ``Completion``.

    Returns:
        The skeletons. Peak ids of ``len(coordinates)`` and more are imputed keypoints. If the layout has no
        proportions, no keypoints are imputed.
    """
    scores = score_people(config, subset, coordinates)
    if config.layout.proportions is not None:
        subset, coordinates = _impute(config, subset, coordinates, maps.heatmaps, completion or Completion())
    return to_skeletons(config, subset, coordinates, maps.cell_size, maps.offset, scores, maps.photo_size)


def _impute(
    config: Config,
    subset: NDArray[np.float64],
    coordinates: Coordinates,
    heatmaps: NDArray[np.float32],
    completion: Completion,
) -> tuple[NDArray[np.float64], Coordinates]:
    """Fill all slots of the rows, and append the imputed peaks to the others.

    The parts are filled along the limbs, outwards from the parts that were found. Each part goes to the cell with the
    largest log(heatmap + ``completion_floor``) - d^2 / (2 s^2). Here d is the distance from the part's place in a
    standing person of this height, and s is ``completion_reach`` times the height.
    """
    subset = subset.copy()
    ids, cells = ids_of(subset), cells_of(subset, coordinates)
    tall, normal = heights(config.layout, cells), standing(config.layout)
    certainty = np.log(np.maximum(heatmaps, 0) + completion.completion_floor)
    rows, columns = np.arange(len(heatmaps))[:, None], np.arange(heatmaps.shape[1])
    imputed: list[tuple[int, int, int]] = []
    for person, places, height in zip(ids, cells, tall.tolist()):
        reached = np.flatnonzero(person != MISSING).tolist()
        for start in reached:  # the loop appends to this list
            for end in _beside(config, start):
                if person[end] != MISSING:
                    continue
                x, y = places[start] + height * (normal[end] - normal[start])
                spread = completion.completion_reach * height
                far = (np.square(columns - x) + np.square(rows - y)) / (2 * spread**2)
                row, column = divmod(int(np.argmax(certainty[:, :, end] - far)), len(columns))
                places[end] = column, row
                person[end] = len(coordinates) + len(imputed)
                imputed.append((row, column, end))
                reached.append(end)
    subset[:, PARTS_NUM] = (ids != MISSING).sum(axis=1)
    down, across, part = np.array(imputed, dtype=np.intp).reshape(-1, 3).T
    peaks = replace(
        coordinates,
        xy=np.concatenate([coordinates.xy, np.stack([across, down], axis=1).astype(np.float32)]),
        score=np.concatenate([coordinates.score, np.maximum(heatmaps[down, across, part], 0)]),
        part=np.concatenate([coordinates.part, part]),
    )
    return subset, peaks


def _beside(config: Config, part: int) -> list[int]:
    """Return the parts that a limb joins to this part."""
    ends = [limb[:2] for limb in config.limbs if part in limb[:2] and not limb.redundant]
    return [end for pair in ends for end in pair if end != part]

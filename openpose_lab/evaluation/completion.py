"""Guesses: people with parts missing -> people with all parts, those that were missing where they most likely are.

They are for average precision alone. COCO's measure takes nothing off for a keypoint where nothing is labelled, and
labels much that is hidden, so an unsure one is better than none; in a picture it is worse. What was found stands.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.coordinates import Coordinates
from estimation.field_maps import FieldMaps
from estimation.proportions import heights, standing
from estimation.scoring import cells_of, score_people
from estimation.skeletons import Skeletons, to_skeletons
from estimation.subset import MISSING, PARTS_NUM, ids_of

REACH = 0.1
"""How far a part usually is from where proportions put it: a standard deviation, as a share of the person's height."""
FLOOR = 0.003
"""Added to the heatmap, so that a part of which there is nothing to be seen is where proportions put it."""


def guess_missing(config: Config, people: NDArray[np.float64], coordinates: Coordinates, maps: FieldMaps) -> Skeletons:
    """Skeletons of the people, (n, parts + 2) rows, with guesses where they lack a part; their scores are as without.

    Ids from ``len(coordinates)`` on are of guesses.
    """
    scores = score_people(config, people, coordinates)
    completed, peaks = _complete(config, people, coordinates, maps.heatmaps)
    return to_skeletons(config, completed, peaks, maps.cell_size, maps.offset, scores)


def _complete(
    config: Config, people: NDArray[np.float64], coordinates: Coordinates, heatmaps: NDArray[np.float32]
) -> tuple[NDArray[np.float64], Coordinates]:
    """The rows with all slots filled, and the peaks with the guesses after them.

    Along the limbs, from the parts that were found outwards: each is guessed where the heatmap is highest, the less a
    place counts the farther it is from where a standing person of this size would have the part.
    """
    people = people.copy()
    ids, cells = ids_of(people), cells_of(people, coordinates)
    tall, normal = heights(config.layout, cells), standing(config.layout)
    certainty = np.log(np.maximum(heatmaps, 0) + FLOOR)
    rows, columns = np.arange(len(heatmaps))[:, None], np.arange(heatmaps.shape[1])
    guesses: list[tuple[int, int, int]] = []
    for person, places, height in zip(ids, cells, tall.tolist()):
        reached = np.flatnonzero(person != MISSING).tolist()
        for start in reached:  # grows on the way
            for end in _beside(config, start):
                if person[end] != MISSING:
                    continue
                x, y = places[start] + height * (normal[end] - normal[start])
                far = (np.square(columns - x) + np.square(rows - y)) / (2 * (REACH * height) ** 2)
                row, column = divmod(int(np.argmax(certainty[:, :, end] - far)), len(columns))
                places[end] = column, row
                person[end] = len(coordinates) + len(guesses)
                guesses.append((row, column, end))
                reached.append(end)
    people[:, PARTS_NUM] = (ids != MISSING).sum(axis=1)
    down, across, part = np.array(guesses, dtype=np.intp).reshape(-1, 3).T
    peaks = replace(
        coordinates,
        xy=np.concatenate([coordinates.xy, np.stack([across, down], axis=1).astype(np.float32)]),
        score=np.concatenate([coordinates.score, np.maximum(heatmaps[down, across, part], 0)]),
        part=np.concatenate([coordinates.part, part]),
    )
    return people, peaks


def _beside(config: Config, part: int) -> list[int]:
    """The parts that a limb joins to this one."""
    ends = [limb[:2] for limb in config.limbs if part in limb[:2] and not limb.redundant]
    return [end for pair in ends for end in pair if end != part]

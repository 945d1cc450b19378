"""Guesses: people with parts missing -> people with those parts that only weak evidence shows.

They are for average precision alone. COCO's measure takes nothing off for a keypoint where nothing is labelled, so
an unsure one is better than none; in a picture it is worse. What a grouping decided stands: no limb that it was offered
is added here, and weak evidence can complete people, but not begin them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.connections import Candidates, Connections, score_pairs
from estimation.coordinates import Coordinates, get_coordinates
from estimation.field_maps import FieldMaps
from estimation.skeletons import Skeletons, score_people, to_skeletons
from estimation.subset import MISSING, PARTS_NUM, ids_of, rows_of_peaks


def guess_missing(config: Config, people: NDArray[np.float64], connections: Connections, maps: FieldMaps) -> Skeletons:
    """Skeletons of the people, (n, parts + 2) rows, with guesses where they lack a part; their scores are as without.

    Ids from ``len(connections.coordinates)`` on are of peaks too weak for a grouping.
    """
    scores = score_people(people, connections.coordinates)
    completed, peaks = _complete(config, people, connections, maps)
    return to_skeletons(completed, peaks, maps.cell_size, maps.offset, scores)


def _complete(
    config: Config, people: NDArray[np.float64], connections: Connections, maps: FieldMaps
) -> tuple[NDArray[np.float64], Coordinates]:
    """The rows with ids and ``parts_num`` filled up, and the peaks that the ids are of."""
    peaks = _with_weak(config, connections.coordinates, maps.heatmaps)
    people = people.copy()
    ids = ids_of(people)
    owner = rows_of_peaks(people, len(peaks))
    added = True
    while added:
        added = False
        candidates = _candidates(config, ids, owner, peaks, connections.candidates, maps.pafs)
        for ends in candidates.peaks.tolist():  # best first
            has, new = ends if owner[ends[0]] != MISSING else ends[::-1]
            person, part = owner[has], peaks.part[new]
            if owner[new] == MISSING and ids[person, part] == MISSING:
                ids[person, part] = new
                owner[new] = person
                added = True
    people[:, PARTS_NUM] = (ids != MISSING).sum(axis=1)
    return people, peaks


def _with_weak(config: Config, coordinates: Coordinates, heatmaps: NDArray[np.float32]) -> Coordinates:
    """The peaks with the ids they have, and after them those that are too low for a grouping."""
    found = get_coordinates(config, heatmaps, config.weak_peak_threshold)
    weak = found.score <= config.peak_threshold
    return replace(
        coordinates,
        xy=np.concatenate([coordinates.xy, found.xy[weak]]),
        score=np.concatenate([coordinates.score, found.score[weak]]),
        part=np.concatenate([coordinates.part, found.part[weak]]),
    )


def _candidates(
    config: Config,
    ids: NDArray[np.float64],
    owner: NDArray[np.intp],
    peaks: Coordinates,
    offered: Candidates,
    pafs: NDArray[np.float32],
) -> Candidates:
    """Limbs to peaks of nobody's from people who lack that part, if the grouping was not offered them."""
    nobodys = [np.flatnonzero((peaks.part == part) & (owner == MISSING)) for part in range(len(config.body_parts))]
    limbs, pairs = [], []
    for index, (start, end) in enumerate(config.limb_parts.tolist()):
        for has, lacks, order in ((start, end, 1), (end, start, -1)):
            theirs = ids[(ids[:, has] != MISSING) & (ids[:, lacks] == MISSING), has].astype(np.intp)
            new = nobodys[lacks]
            pairs.append(np.stack([np.repeat(theirs, len(new)), np.tile(new, len(theirs))], axis=1)[:, ::order])
            limbs.append(np.full(len(pairs[-1]), index))
    limb, pair = np.concatenate(limbs), np.concatenate(pairs)
    fresh = ~np.isin(pair @ [len(peaks), 1], offered.peaks @ [len(peaks), 1])
    lenient = replace(config, sample_threshold=0)  # it is enough that the PAF points along the limb
    return score_pairs(lenient, peaks, pafs, limb[fresh], pair[fresh])

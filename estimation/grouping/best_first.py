"""One person after the other grows from the most certain peak that is left, along the best limb at hand.

Source: the decoder of PifPaf (Kreiss, Bertoni and Alahi, CVPR 2019), on PAFs: seeds by score, and a priority queue of
the limbs that lead out of the person. Limbs are not matched beforehand, so a peak that another person took is
replaced by the next best.
Cost: each candidate enters the queue of a person at most twice, O(C log C).
"""

from __future__ import annotations

import heapq
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.connections import Candidates
from estimation.coordinates import Coordinates
from estimation.grouping.assembly import to_subset


def group(candidates: Candidates, coordinates: Coordinates, config: Config) -> NDArray[np.float64]:
    """People, as rows of ``estimation.subset``."""
    part = coordinates.part.tolist()
    limbs_of: dict[int, list[tuple[float, int, bool]]] = defaultdict(list)  # peak -> -score, the other end, redundant
    for (a, b), limb, score in zip(candidates.peaks.tolist(), candidates.limb.tolist(), candidates.score.tolist()):
        limbs_of[a].append((-score, b, config.limbs[limb].redundant))
        limbs_of[b].append((-score, a, config.limbs[limb].redundant))

    people: list[dict[int, int]] = []
    free = [True] * len(part)
    for seed in np.argsort(-coordinates.score, kind="stable").tolist():
        if not free[seed]:
            continue
        person = {part[seed]: seed}
        frontier = [way for way in limbs_of[seed] if not way[2]]  # a person does not start with ear and shoulder
        later = [way for way in limbs_of[seed] if way[2]]
        heapq.heapify(frontier)
        while frontier:
            _, peak, _ = heapq.heappop(frontier)
            if free[peak] and part[peak] not in person:
                person[part[peak]] = peak
                for way in limbs_of[peak] + later:
                    if free[way[1]] and part[way[1]] not in person:
                        heapq.heappush(frontier, way)
                later = []
        if len(person) > 1:
            people.append(person)
            for peak in person.values():
                free[peak] = False
    return to_subset(config, people, candidates, coordinates)

"""Grow one person after another, each from the highest free peak along the best limbs.

Source: the decoder of PifPaf (Kreiss, Bertoni and Alahi, CVPR 2019), applied to PAFs. The highest free peak is the
seed of a person. A priority queue holds the limbs that lead out of the person. Limbs are not matched beforehand: if
another person owns a peak, the next best candidate takes its place.
Cost: O(C + P log P) for C candidates and P peaks. For each peak and limb, only the best candidate that leads to a free
peak enters the queue.
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
from estimation.grouping.trace import step


def group(candidates: Candidates, coordinates: Coordinates, config: Config) -> NDArray[np.float64]:
    """Group the limbs into rows of ``estimation.subset``, (n, parts + 2) float64."""
    part = coordinates.part.tolist()
    redundant = [limb.redundant for limb in config.limbs]
    # Peak -> kind of limb -> indices of its candidates, best first.
    ways_of: list[dict[int, list[int]]] = [defaultdict(list) for _ in part]
    for index, (limb, (a, b)) in enumerate(zip(candidates.limb.tolist(), candidates.peaks.tolist())):
        ways_of[a][limb].append(index)
        ways_of[b][limb].append(index)
    sums = candidates.peaks.sum(axis=1).tolist()  # the sum of both ids, minus one id, is the other id

    people: list[dict[int, int]] = []
    free = [True] * len(part)
    for seed in np.argsort(-coordinates.score, kind="stable").tolist():
        if not free[seed]:
            continue
        person: dict[int, int] = {}
        frontier = [(-1, seed)]
        while frontier:
            _, peak = heapq.heappop(frontier)
            if part[peak] in person:
                continue
            person[part[peak]] = peak
            starts = {peak: [limb for limb in ways_of[peak] if len(person) > 1 or not redundant[limb]]}
            if len(person) == 2:  # a limb from ear to shoulder may not start a person, but may extend one
                starts[seed] = [limb for limb in ways_of[seed] if redundant[limb]]
            for start, limbs in starts.items():
                for limb in limbs:
                    ways = ((index, sums[index] - start) for index in ways_of[start][limb])
                    if best := next((way for way in ways if free[way[1]]), None):
                        heapq.heappush(frontier, best)
        if len(person) > 1:
            people.append(person)
            step(person.values(), people)
            for peak in person.values():
                free[peak] = False
    return to_subset(config, people, candidates, coordinates)

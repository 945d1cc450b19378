"""The best division of the peaks there is: an integer programme over all limbs at once.

Source: the paper's equations 13 to 15 without its relaxations, as the DeepCut line solves them (Pishchulin et al., CVPR
2016). The sum of the PAF scores between peaks of one person is made as large as it can be, with at most one peak of a
body part in a person. There is one unknown for each candidate, 1 if its ends belong together; a path of limbs that
would join two peaks of one part must miss one of them. Such paths are too many to list, so those that an answer
breaks are added, and it is solved again, until none is broken (scipy.optimize.milp, which is HiGHS).
Cost: exponential in the worst case. Every connected part of the graph is solved alone, within a time limit.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from estimation.config import Config
from estimation.connections import Candidates
from estimation.coordinates import Coordinates
from estimation.grouping.assembly import Assembly, to_subset

TIME_LIMIT = 5.0
"""Seconds for a photo; what is not solved by then is joined best first."""


class Solution(NamedTuple):
    """A division of the peaks, and how good it is.

    people: for each the ids of their peaks by body part. objective: the sum of PAF scores between peaks of one person.
    bound: what no division can exceed; equal to the objective where the answer is known to be the best.
    """

    people: list[dict[int, int]]
    objective: float
    bound: float


def group(candidates: Candidates, coordinates: Coordinates, config: Config) -> NDArray[np.float64]:
    """People, as rows of ``estimation.subset``."""
    return to_subset(config, solve(candidates, coordinates).people, candidates, coordinates)


def solve(candidates: Candidates, coordinates: Coordinates, time_limit: float = TIME_LIMIT) -> Solution:
    """The best division of the peaks, or the best found within ``time_limit`` seconds."""
    until = time.monotonic() + time_limit
    assembly = Assembly(coordinates)
    bound = 0.0
    for edges in _connected(candidates.peaks, len(coordinates)):
        chosen, most = _solve_connected(candidates.peaks[edges], candidates.score[edges], coordinates.part, until)
        bound += most
        for a, b in candidates.peaks[edges[chosen]].tolist():
            assembly.connect(a, b)
        for a, b in candidates.peaks[edges].tolist():  # nothing more, unless time was up
            assembly.connect(a, b)
    inside = [assembly.person[a] is assembly.person[b] for a, b in candidates.peaks.tolist()]
    return Solution(assembly.people(), float(candidates.score[inside].sum()), bound)


def _connected(peaks: NDArray[np.intp], count: int) -> Iterator[NDArray[np.intp]]:
    """Indices of the candidates of each connected part of the graph, best first."""
    graph = coo_array((np.ones(len(peaks)), (peaks[:, 0], peaks[:, 1])), shape=(count, count))
    label = connected_components(graph, directed=False)[1][peaks[:, 0]] if len(peaks) else np.empty(0, np.intp)
    parts = [np.flatnonzero(label == part) for part in np.unique(label)]
    yield from sorted(parts, key=len)  # a hard one shall not take the time of the easy ones


def _solve_connected(
    peaks: NDArray[np.intp], score: NDArray[np.float64], part: NDArray[np.intp], until: float
) -> tuple[NDArray[np.bool_], float]:
    """Which candidates to join, (C,) bool (not all are possible if time is up), and a bound on the sum of scores."""
    chosen, bound = np.ones(len(peaks), dtype=bool), float(score.sum())
    paths: list[list[int]] = []
    while broken := list(_paths_between_rivals(peaks, chosen, part, until)):
        paths += broken
        left = until - time.monotonic()
        if left <= 0:
            break
        found = milp(
            -score,
            integrality=np.ones(len(score)),
            bounds=Bounds(0, 1),
            constraints=_not_all_of(paths, len(peaks)),
            options={"time_limit": left, "mip_rel_gap": 0},
        )
        if found.mip_dual_bound is not None:
            bound = min(bound, -float(found.mip_dual_bound))
        if found.x is not None:
            chosen = found.x > 0.5
        if found.status != 0:
            break
    return chosen, bound


def _not_all_of(paths: list[list[int]], count: int) -> LinearConstraint:
    """Of every path at least one candidate is left out."""
    # HiGHS takes 32-bit indices, and older SciPy versions do not convert
    row = np.repeat(np.arange(len(paths), dtype=np.int32), [len(path) for path in paths])
    column = np.concatenate(paths).astype(np.int32)
    matrix = csr_array((np.ones(len(row)), (row, column)), shape=(len(paths), count))
    return LinearConstraint(matrix, ub=np.array([len(path) - 1 for path in paths], dtype=float))


def _paths_between_rivals(
    peaks: NDArray[np.intp], chosen: NDArray[np.bool_], part: NDArray[np.intp], until: float
) -> Iterator[list[int]]:
    """For any two peaks of one part that the chosen candidates join, a shortest path of them; as far as time lasts."""
    limbs_of: dict[int, list[tuple[int, int]]] = defaultdict(list)  # peak -> the other end, index of the candidate
    for index in np.flatnonzero(chosen).tolist():
        a, b = peaks[index].tolist()
        limbs_of[a].append((b, index))
        limbs_of[b].append((a, index))
    rivals: dict[int, list[int]] = defaultdict(list)
    for peak in sorted(limbs_of):
        rivals[int(part[peak])].append(peak)
    for of_part in rivals.values():
        for place, start in enumerate(of_part[:-1]):
            if time.monotonic() > until:
                return
            came_by = _search(limbs_of, start)
            for end in of_part[place + 1 :]:
                if end in came_by:
                    yield _way_back(came_by, start, end)


def _search(limbs_of: dict[int, list[tuple[int, int]]], start: int) -> dict[int, tuple[int, int]]:
    """For each peak that is joined to ``start``: the peak before it on the shortest way, and the candidate between."""
    came_by: dict[int, tuple[int, int]] = {}
    queue = deque([start])
    while queue:
        peak = queue.popleft()
        for other, index in limbs_of[peak]:
            if other != start and other not in came_by:
                came_by[other] = peak, index
                queue.append(other)
    return came_by


def _way_back(came_by: dict[int, tuple[int, int]], start: int, end: int) -> list[int]:
    """Indices of the candidates from ``end`` to ``start``."""
    path, peak = [], end
    while peak != start:
        peak, index = came_by[peak]
        path.append(index)
    return path

"""The best division of the peaks there is: an integer programme over all limbs at once.

Source: the paper's equations 13 to 15 without its relaxations, as the DeepCut line solves them (Pishchulin et al., CVPR
2016). The sum of the PAF scores between peaks of one person is made as large as it can be, with at most one peak of a
body part in a person. There is one unknown for each candidate, 1 if its ends belong together, and a peak may be in one
limb of a kind. On a tree of limbs that would be all; but where limbs close a cycle, a path of them may lead from
a peak to a rival, another of its part. Such paths are too many to list, so those that an answer has are forbidden, and
it is solved again, until it has none (scipy.optimize.milp, which is HiGHS).
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


class Rule(NamedTuple):
    """Of these candidates, by their indices, at most so many may be chosen."""

    indices: list[int]
    most: int


def group(
    candidates: Candidates, coordinates: Coordinates, config: Config, solutions: list[Solution] | None = None
) -> NDArray[np.float64]:
    """People, as rows of ``estimation.subset``.

    solutions: gets the solution too, for programs that want to know how good it is.
    """
    solution = solve(candidates, coordinates)
    if solutions is not None:
        solutions.append(solution)
    return to_subset(config, solution.people, candidates, coordinates)


def solve(candidates: Candidates, coordinates: Coordinates, time_limit: float = TIME_LIMIT) -> Solution:
    """The best division of the peaks, or the best found within ``time_limit`` seconds."""
    until = time.monotonic() + time_limit
    assembly = Assembly(coordinates)
    bound = 0.0
    for indices in _connected(candidates.peaks, len(coordinates)):
        found = _Limbs(candidates.limb[indices], candidates.peaks[indices], candidates.score[indices], coordinates.part)
        chosen, most = _solve_connected(found, until)
        bound += most
        for a, b in found.peaks[chosen].tolist():
            assembly.connect(a, b)
        for a, b in found.peaks.tolist():  # nothing more, unless time was up
            assembly.connect(a, b)
    inside = [assembly.person[a] is assembly.person[b] for a, b in candidates.peaks.tolist()]
    return Solution(assembly.people(), float(candidates.score[inside].sum()), bound)


def _connected(peaks: NDArray[np.intp], count: int) -> Iterator[NDArray[np.intp]]:
    """Indices of the candidates of each connected part of the graph, best first."""
    graph = coo_array((np.ones(len(peaks)), (peaks[:, 0], peaks[:, 1])), shape=(count, count))
    label = connected_components(graph, directed=False)[1][peaks[:, 0]] if len(peaks) else np.empty(0, np.intp)
    parts = [np.flatnonzero(label == part) for part in np.unique(label)]
    yield from sorted(parts, key=len)  # a hard one shall not take the time of the easy ones


class _Limbs(NamedTuple):
    """Candidates that hang together, and the part of every peak."""

    limb: NDArray[np.intp]
    peaks: NDArray[np.intp]
    score: NDArray[np.float64]
    part: NDArray[np.intp]


def _solve_connected(limbs: _Limbs, until: float) -> tuple[NDArray[np.bool_], float]:
    """Which candidates to join, (C,) bool (not all are possible if time is up), and a bound on the sum of scores."""
    count, bound = len(limbs.score), float(limbs.score.sum())
    chosen = np.ones(count, dtype=bool)
    rules = _one_of_a_kind(limbs)
    while (left := until - time.monotonic()) > 0:
        answer = milp(
            -limbs.score,
            integrality=np.ones(count),
            bounds=Bounds(0, 1),
            constraints=_constraints(rules, count),
            options={"time_limit": left, "mip_rel_gap": 0},
        )
        if answer.mip_dual_bound is not None:
            bound = min(bound, -float(answer.mip_dual_bound))
        if answer.x is not None:
            chosen = answer.x > 0.5
        broken = _broken(limbs, chosen)
        if answer.status != 0 or not broken:
            break
        rules += broken
    return chosen, bound


def _one_of_a_kind(limbs: _Limbs) -> list[Rule]:
    """A peak is in one limb of a kind at most."""
    at_peak: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, (limb, ends) in enumerate(zip(limbs.limb.tolist(), limbs.peaks.tolist())):
        for peak in ends:
            at_peak[limb, peak].append(index)
    return [Rule(indices, 1) for indices in at_peak.values()]


def _constraints(rules: list[Rule], count: int) -> LinearConstraint:
    """The rules as rows of a matrix."""
    # HiGHS takes 32-bit indices, and older SciPy versions do not convert
    row = np.repeat(np.arange(len(rules), dtype=np.int32), [len(rule.indices) for rule in rules])
    column = np.array([index for rule in rules for index in rule.indices], dtype=np.int32)
    matrix = csr_array((np.ones(len(row)), (row, column)), shape=(len(rules), count))
    return LinearConstraint(matrix, ub=np.array([rule.most for rule in rules], dtype=float))


def _broken(limbs: _Limbs, chosen: NDArray[np.bool_]) -> list[Rule]:
    """Rules that forbid what joins two peaks of one part among the chosen candidates."""
    limbs_of: dict[int, list[tuple[int, int]]] = defaultdict(list)  # peak -> the other end, index of the candidate
    for index in np.flatnonzero(chosen).tolist():
        a, b = limbs.peaks[index].tolist()
        limbs_of[a].append((b, index))
        limbs_of[b].append((a, index))
    rules = []
    for start in limbs_of:
        came_by = _search(limbs_of, start)
        for end in came_by:
            if limbs.part[end] == limbs.part[start]:
                peaks, path = _way_back(came_by, start, end)
                if len({*limbs.part[peaks[1:]].tolist()}) == len(path):  # else a shorter path within says more
                    rules.append(_not_all_of(limbs, peaks, path))
    return rules


def _not_all_of(limbs: _Limbs, peaks: list[int], path: list[int]) -> Rule:
    """Of a path from a rival, ``peaks[0]``, one candidate must be left out. The first may as well come from any other
    rival: with the rest of the path chosen none of those can be, and else only one."""
    ends = limbs.peaks
    from_rivals = (limbs.limb == limbs.limb[path[0]]) & (ends == peaks[1]).any(axis=1) & (ends != peaks[-1]).all(axis=1)
    return Rule([*np.flatnonzero(from_rivals).tolist(), *path[1:]], len(path) - 1)


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


def _way_back(came_by: dict[int, tuple[int, int]], start: int, end: int) -> tuple[list[int], list[int]]:
    """The peaks from ``end`` to ``start``, and the candidates between them."""
    peaks, path = [end], []
    while peaks[-1] != start:
        peak, index = came_by[peaks[-1]]
        peaks.append(peak)
        path.append(index)
    return peaks, path

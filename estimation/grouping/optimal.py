"""Find the best division of the peaks: integer programming over all limbs at once.

Source: the matching problem of Cao et al. (equations 13 to 15), solved for all kinds of limb at once instead of one
kind after another, as in the DeepCut papers (Pishchulin et al., CVPR 2016). The objective is the sum of the PAF scores
between peaks of one person. A person has at most one peak of each body part. The problem has one unknown for each
candidate: 1 if its two peaks belong to one person, else 0. A peak may be in one limb of each kind.

If the limbs form a tree, these constraints are enough. If they form cycles, a path of chosen candidates may lead from
a peak to a rival, another peak of the same part. The number of such paths is too large to list them all. So the solver
(scipy.optimize.milp, which is HiGHS) runs, and new constraints forbid the paths between rivals in its answer. This
repeats until the answer contains no such path.

Cost: exponential in the worst case. The peaks and candidates form a graph; each connected component is solved
separately. All components together share one time limit.
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
from estimation.grouping.division import Division


class Solution(NamedTuple):
    """A division of the peaks, and its quality.

    Attributes:
        people: for each person, the ids of the peaks by body part.
        objective: the sum of the PAF scores between peaks of one person.
        bound: an upper bound of the objective. If both are equal, the division is proven to be the best.
    """

    people: list[dict[int, int]]
    objective: float
    bound: float


class Constraint(NamedTuple):
    """A constraint: of the candidates with these ``indices``, at most ``most`` may be chosen."""

    indices: list[int]
    most: int


def group(candidates: Candidates, coordinates: Coordinates, config: Config) -> Division:
    """Group the candidates into rows of people (format: see ``estimation.subset``).

    Also return the objective of this division, and the upper bound of the objective.
    """
    solution = solve(candidates, coordinates, config.time_limit)
    subset = to_subset(config, solution.people, candidates, coordinates)
    return Division(subset, solution.objective, solution.bound)


def solve(candidates: Candidates, coordinates: Coordinates, time_limit: float = Config.time_limit) -> Solution:
    """Find the best division of the peaks.

    Args:
        candidates: all candidates of the photo.
        coordinates: all peaks of the photo.
        time_limit: seconds after which the search stops.

    Returns:
        The best division, or the best one found within the time limit.
    """
    until = time.monotonic() + time_limit
    people: list[dict[int, int]] = []
    objective = bound = 0.0
    for indices in _connected(candidates.peaks, len(coordinates)):
        connected = candidates.select(indices)
        answers, most = _solve_connected(connected, coordinates.part.tolist(), until)
        joined = [_join(connected, chosen, coordinates) for chosen in answers]
        best, value = max(joined, key=lambda people_and_value: people_and_value[1])
        people += best
        objective += value
        bound += most
    return Solution(people, objective, bound)


def _join(
    connected: Candidates, chosen: NDArray[np.bool_], coordinates: Coordinates
) -> tuple[list[dict[int, int]], float]:
    """Return the people of an answer, and the sum of the PAF scores within them."""
    # Do not record these calls as steps for ``explain``: the solver chose all candidates at once.
    assembly = Assembly(coordinates, tells=False)
    for a, b in connected.peaks[chosen].tolist():
        assembly.connect(a, b)
    for a, b in connected.peaks.tolist():  # if the time ran out, more candidates may fit
        assembly.connect(a, b)
    inside = [assembly.person[a] is assembly.person[b] for a, b in connected.peaks.tolist()]
    return assembly.people(), float(connected.score[inside].sum())


def _connected(peaks: NDArray[np.intp], count: int) -> Iterator[NDArray[np.intp]]:
    """Yield the indices of the candidates of each connected component of the graph, the smallest first."""
    graph = coo_array((np.ones(len(peaks)), (peaks[:, 0], peaks[:, 1])), shape=(count, count))
    label = connected_components(graph, directed=False)[1][peaks[:, 0]] if len(peaks) else np.empty(0, np.intp)
    parts = [np.flatnonzero(label == part) for part in np.unique(label)]
    yield from sorted(parts, key=len)  # so that a hard component does not use up the time of the easy ones


def _solve_connected(limbs: Candidates, part: list[int], until: float) -> tuple[list[NDArray[np.bool_]], float]:
    """Return a list of possible answers, each (C,) bool, and an upper bound of the sum of scores.

    Normally there is one answer. If the time runs out, the list may have two. The first is the answer of the last
    finished run (at first: all candidates), in which paths still join rivals. The second is the best answer of the
    interrupted run. part: the body part of each peak.
    """
    answers, bound = [np.ones(len(limbs), dtype=bool)], float(limbs.score.sum())
    ends = limbs.peaks.tolist()
    at_peak: dict[tuple[int, int], list[int]] = defaultdict(list)  # kind of limb, peak -> candidates
    for index, (limb, (a, b)) in enumerate(zip(limbs.limb.tolist(), ends)):
        at_peak[limb, a].append(index)
        at_peak[limb, b].append(index)

    constraints = [Constraint(indices, 1) for indices in at_peak.values()]  # a peak is in at most one limb of each kind
    while (left := until - time.monotonic()) > 0:
        answer = milp(
            -limbs.score,
            integrality=np.ones(len(limbs)),
            bounds=Bounds(0, 1),
            constraints=_constraints(constraints, len(limbs)),
            options={"time_limit": left, "mip_rel_gap": 0},
        )
        if answer.mip_dual_bound is not None:
            bound = min(bound, -float(answer.mip_dual_bound))
        if answer.status != 0:
            answers += [] if answer.x is None else [answer.x > 0.5]
            break
        answers = [answer.x > 0.5]
        broken = []
        for peaks, path in _paths_between_rivals(ends, np.flatnonzero(answers[0]).tolist(), part):
            if time.monotonic() > until:
                break
            # The path p0-p1-...-pn leads from p0 to its rival pn. At most n - 1 of its n candidates may be chosen. The
            # constraint becomes stronger if p0-p1 is replaced by all candidates of the same kind that join p1 to a
            # rival of pn. At most one of these can be chosen. Whichever it is, the path from it to pn joins two rivals.
            from_rivals = at_peak[int(limbs.limb[path[0]]), peaks[1]]
            others = [index for index in from_rivals if peaks[-1] not in ends[index]]
            broken.append(Constraint([*others, *path[1:]], len(path) - 1))
        if not broken:
            break
        constraints += broken
    return answers, bound


def _constraints(constraints: list[Constraint], count: int) -> LinearConstraint:
    """Return the constraints as rows of a sparse matrix."""
    # HiGHS needs 32-bit indices, and older SciPy versions do not convert them.
    row = np.repeat(
        np.arange(len(constraints), dtype=np.int32), [len(constraint.indices) for constraint in constraints]
    )
    column = np.array([index for constraint in constraints for index in constraint.indices], dtype=np.int32)
    matrix = csr_array((np.ones(len(row)), (row, column)), shape=(len(constraints), count))
    return LinearConstraint(matrix, ub=np.array([constraint.most for constraint in constraints], dtype=float))


def _paths_between_rivals(
    ends: list[list[int]], chosen: list[int], part: list[int]
) -> Iterator[tuple[list[int], list[int]]]:
    """Find shortest paths of chosen candidates between two peaks of one part.

    Args:
        ends: the two peaks of each candidate.
        chosen: the indices of the chosen candidates.
        part: the body part of each peak.

    Yields:
        All peaks of the path, from one rival to the other, and the candidates between them.
    """
    limbs_of: dict[int, list[tuple[int, int]]] = defaultdict(list)  # peak -> the other end, index of the candidate
    for index in chosen:
        a, b = ends[index]
        limbs_of[a].append((b, index))
        limbs_of[b].append((a, index))
    for start in limbs_of:
        came_by: dict[int, tuple[int, int]] = {start: (start, -1)}  # peak -> the one before it, candidate between them
        queue = deque([start])
        while queue:
            peak = queue.popleft()
            if part[peak] == part[start] and peak != start:
                peaks, path = _way_back(came_by, peak)
                if len({part[between] for between in peaks[1:]}) == len(path):  # else this path contains a shorter one
                    yield peaks, path
                continue
            for other, index in limbs_of[peak]:
                if other not in came_by:
                    came_by[other] = peak, index
                    queue.append(other)


def _way_back(came_by: dict[int, tuple[int, int]], end: int) -> tuple[list[int], list[int]]:
    """Return the peaks from ``end`` back to the start, and the candidates between them."""
    peaks, path = [end], []
    while (before := came_by[peaks[-1]])[1] >= 0:
        peaks.append(before[0])
        path.append(before[1])
    return peaks, path

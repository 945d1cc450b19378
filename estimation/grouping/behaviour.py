"""How a grouping behaves beyond a single answer, as one list of named checks: what one answer cannot show.

Programs, tests and graders all go through ``check_behaviour``. A check is given the grouping, the config and the limbs
of a photo; it says in one sentence what is wrong, or nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.connections import Candidates, Connections
from estimation.coordinates import Coordinates
from estimation.errors import OpenPoseLabWarning
from estimation.grouping.plugin import Grouping, run_grouping, run_merge
from estimation.subset import MISSING, GroupingError, ids_of, limb_rows

Check = Callable[[Grouping, Config, Connections], "str | None"]

KEEPS_THE_CONTRACT = "gives an answer that keeps the contract"
SAME_AGAIN = "gives the same answer again"
KEEPS_TO_ITSELF = "prints nothing, and leaves its input alone"
"""The check of what ``run_grouping`` warns of each time, too."""

_ORDERS = 3  # orders of the rows that are tried


def check_behaviour(grouping: Grouping, config: Config, connections: Connections) -> dict[str, str]:
    """What a grouping does wrong with these limbs: the sentence of each check in ``BEHAVIOURS`` that it fails.

    A grouping that raises, or whose answer breaks the contract, fails with that sentence. What says nothing after
    an earlier failure is not tried.
    """
    complaints = {}
    for name, check in BEHAVIOURS.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", OpenPoseLabWarning)  # said by one of the checks
                complaint = check(grouping, config, connections)
        except GroupingError as error:
            complaint = str(error)
        if complaint:
            complaints[name] = complaint
            if name in _NEEDED:
                break
    return complaints


def _keeps_the_contract(grouping: Grouping, config: Config, connections: Connections) -> None:
    run_grouping(grouping, config, connections)  # raises, if not


def _keeps_to_itself(grouping: Grouping, config: Config, connections: Connections) -> str | None:
    """Neither prints nor changes what it is given."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", OpenPoseLabWarning)
        run_grouping(grouping, config, connections)
    return str(said[0].message) if said else None


def _finds_nobody_in_nothing(grouping: Grouping, config: Config, connections: Connections) -> str | None:
    found = len(run_grouping(grouping, config, _nothing(config)))
    return f"with no limbs at all there must be no people, but there are {found}" if found else None


def _answers_alike(grouping: Grouping, config: Config, connections: Connections) -> str | None:
    first, second = (_people(run_grouping(grouping, config, connections)) for _ in range(2))
    if first == second:
        return None
    return f"with the same limbs a second time, {_difference(first, second)}"


def _heeds_no_order(grouping: Grouping, config: Config, connections: Connections) -> str | None:
    if grouping.door != "merge":
        return None
    rows = limb_rows(config, connections)
    expected = _people(run_merge(grouping, config, rows))
    for seed in range(_ORDERS):
        found = _people(run_merge(grouping, config, np.random.default_rng(seed).permutation(rows)))
        if found != expected:
            return f"with the same rows in another order, {_difference(expected, found)}"
    return None


def _leaves_people_alone(grouping: Grouping, config: Config, connections: Connections) -> str | None:
    if grouping.door != "merge":
        return None
    people = run_merge(grouping, config, limb_rows(config, connections))
    expected, found = _people(people), _people(run_merge(grouping, config, people))
    if found == expected:
        return None
    return f"with its own answer as its input, where nothing is left to merge, {_difference(expected, found)}"


def _nothing(config: Config) -> Connections:
    ids, scores = np.empty(0, dtype=np.intp), np.empty(0)
    peaks = Coordinates(np.empty((0, 2), np.float32), scores.astype(np.float32), ids, config.body_parts)
    pairs = Candidates(ids, np.empty((0, 2), dtype=np.intp), np.empty((0, 2)), scores, scores)
    return Connections(pairs, ids, peaks, len(config.limbs))


def _people(rows: NDArray[np.float64]) -> set[frozenset[int]]:
    """Each person as the set of their peaks."""
    return {frozenset(row[row != MISSING].astype(int).tolist()) for row in ids_of(rows)}


def _difference(expected: set[frozenset[int]], found: set[frozenset[int]]) -> str:
    if len(expected) != len(found):
        return f"there are {len(found)} people instead of {len(expected)}"
    peaks = sorted(frozenset().union(*(expected ^ found)))
    listed = ", ".join(map(str, peaks[:5])) + (", ..." if len(peaks) > 5 else "")
    return f"{len(expected - found)} of {len(expected)} people are others (look at peaks {listed})"


BEHAVIOURS: dict[str, Check] = {
    KEEPS_THE_CONTRACT: _keeps_the_contract,
    KEEPS_TO_ITSELF: _keeps_to_itself,
    "finds nobody in nothing": _finds_nobody_in_nothing,
    SAME_AGAIN: _answers_alike,
    "gives the same people for any order of the rows": _heeds_no_order,
    "leaves people alone who are finished": _leaves_people_alone,
}
"""In the order in which they are made. Those of the order of rows and of finished people are for ``merge`` alone:
candidates come in one order, and people are no candidates."""
_NEEDED = {KEEPS_THE_CONTRACT, SAME_AGAIN}  # without them those that follow say nothing

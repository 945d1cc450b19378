"""Finds which failed check explains the others. A check that cannot pass while a more basic one fails waits for it.

The order from basic to advanced: the call must return, the answer must keep the contract, rows must be joined, the
order of the rows must not matter, and conflicts must be settled. A check of people can say nothing about a failed call.
"""

from __future__ import annotations

from collections.abc import Mapping

from estimation.grouping.contract import (
    ANSWER_CHECKS,
    ANY_ORDER,
    FINISHED_STAY,
    NO_PEOPLE_IN_NOTHING,
    RETURNS,
    SAME_AGAIN,
    Failure,
)
from openpose_lab.lab.merge_checks import CHECKS, COMES_BACK, LITTLE_MEMORY, are_several, has_conflict, has_zero

_APART = "people who share no peak stay apart"
_ZERO = "peak 0 counts"
_ON = "goes on until nothing changes"
_WITHIN = "a limb within a person adds its score, and no part"
_LIMITS = "min_num_body_parts and min_score are used"
_SUMS = "a score is the sum of the rows, each once"
_NINE = "the handout's nine rows are one person"
_CONNECTED = "connected rows are one person"
_CROWD = "306 rows are 34 people"
_JOINING_BY_HAND = (_APART, _ZERO, _ON, _WITHIN, _NINE)
_JOINING = (*_JOINING_BY_HAND, _CONNECTED)
_SETTLED = "conflicts end the same in any order"
_STRONGER = "an elbow with two wrists keeps the stronger one"
_BETWEEN = "a limb does not join two people in conflict"
_LOSER = "a person who loses a peak keeps their other parts"
_SMALL = "people of fewer than 4 parts are dropped"
_IN_CONFLICTS = (*_JOINING, _SMALL, _SETTLED)  # a conflict may leave a person with one part

_NEEDS: dict[str, tuple[str, ...]] = {
    NO_PEOPLE_IN_NOTHING: (),
    _SUMS: (),
    _APART: (_SUMS,),
    _ZERO: (_APART,),
    _ON: (_APART,),
    _WITHIN: (_ON,),
    _NINE: (_APART, _ZERO, _ON, _WITHIN),
    _SMALL: (_APART, _ON),
    "people with a score of less than 0.4 per part are dropped": (_APART, _ON),
    _LIMITS: (_APART, _ON),
    _CONNECTED: (*_JOINING_BY_HAND, _LIMITS),
    "scores add up with random rows, too": (_SUMS,),
    _CROWD: _JOINING_BY_HAND,
    "the handout's rows in any order": _JOINING,
    _SETTLED: _JOINING,
    "rows of equal score in any order": _IN_CONFLICTS,
    ANY_ORDER: (*_IN_CONFLICTS, "rows of equal score in any order"),
    _STRONGER: _IN_CONFLICTS,
    "the stronger row wins, whatever the ids are": (*_IN_CONFLICTS, _STRONGER),
    _BETWEEN: (*_IN_CONFLICTS, _STRONGER),
    _LOSER: (*_IN_CONFLICTS, _STRONGER),
    "a peak that three people claim goes to one": (*_IN_CONFLICTS, _BETWEEN, _LOSER),
    FINISHED_STAY: (*_IN_CONFLICTS, _STRONGER, _BETWEEN, _LOSER),
    "the people have no more score than the rows": (_SUMS,),
    "answers to random rows keep the contract": (),
    "306 rows in 2 seconds": (),
}
"""For each check of people the checks that are more basic, the most basic first."""
_CORRECTNESS = frozenset(check.name for check in CHECKS if check.category == "correctness")
_WITH_ZERO = (_NINE, _CONNECTED, _CROWD)
_NOT_JUDGED = (RETURNS, COMES_BACK, LITTLE_MEMORY)


def find_waiting(failures: Mapping[str, Failure]) -> dict[str, str]:
    """Find the failed checks that cannot pass while a more basic one fails.

    Args:
        failures: the failures by check name.

    Returns:
        By the name of each waiting check, the more basic check, which itself waits for no other.
    """
    found = {name: _reason(name, failures) for name in failures}
    return {name: reason for name, reason in found.items() if reason != name}


def _reason(name: str, failures: Mapping[str, Failure]) -> str:
    """Return the failed check that explains this one, or its own name."""
    judged = [other for other in _needs(name, failures) if other in failures and failures[other].judged]
    first = next((other for other in judged if other != name), None)
    return _reason(first, failures) if first else name


def _needs(name: str, failures: Mapping[str, Failure]) -> tuple[str, ...]:
    failure = failures[name]
    if not failure.judged:
        return ANSWER_CHECKS if "came back" in failure.rows else _NOT_JUDGED
    if name in ANSWER_CHECKS:
        rows = failure.rows["given"]
        return (SAME_AGAIN, *(_JOINING if has_conflict(rows) else (_ZERO,) if has_zero(rows) else ()))
    if name not in _NEEDS:
        return ()
    broken = [check for check in ANSWER_CHECKS if check in failures and _can_explain(failures[check], name)]
    if name in (_SUMS, _APART) and _SUMS in failures and are_several(failures[_SUMS].rows["given"]):
        return (SAME_AGAIN, *broken, _APART)  # the sum is right for one person, so joining two people makes it wrong
    return (SAME_AGAIN, *broken, *_NEEDS[name])


def _can_explain(broken: Failure, name: str) -> bool:
    """Return whether a broken contract can explain the failure of a check.

    A failure of the contract shows the simplest failing rows. If these have a conflict or peak 0, all simpler rows
    pass, and the failure explains only checks with such rows.
    """
    if name not in _CORRECTNESS or not broken.judged:
        return True
    rows = broken.rows["given"]
    return not has_conflict(rows) and (name in _WITH_ZERO or not has_zero(rows))

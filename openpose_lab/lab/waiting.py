"""Which failed check explains the others. A check that cannot pass while a more basic one fails waits for it.

What counts is the answer: a call that failed says nothing about people, and an answer that breaks the contract says
little. Then come joining, order, and conflicts.
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
_LIMITS = "min_num_body_parts and min_score are heeded"
_SUMS = "a score is the sum of the rows, each once"
_NINE = "the handout's nine rows are one person"
_CONNECTED = "whoever is connected is one person"
_CROWD = "306 rows are 34 people"
_JOINING_BY_HAND = (_APART, _ZERO, _ON, _WITHIN, _NINE)
_JOINING = (*_JOINING_BY_HAND, _CONNECTED)
_SETTLED = "conflicts are settled alike in any order"
_STRONGER = "an elbow with two wrists keeps the stronger one"
_BETWEEN = "a limb between two people who clash joins nobody"
_LOSER = "who loses a conflict keeps their other parts"
_SMALL = "people of fewer than 4 parts are dropped"
_IN_CONFLICTS = (*_JOINING, _SMALL, _SETTLED)  # a conflict may leave somebody of one part

_NEEDS: dict[str, tuple[str, ...]] = {
    NO_PEOPLE_IN_NOTHING: (),
    _SUMS: (),
    _APART: (_SUMS,),
    _ZERO: (_APART,),
    _ON: (_APART,),
    _WITHIN: (_ON,),
    _NINE: (_APART, _ZERO, _ON, _WITHIN),
    _SMALL: (_APART, _ON),
    "people with a score of less than 0.4 a part are dropped": (_APART, _ON),
    _LIMITS: (_APART, _ON),
    _CONNECTED: (*_JOINING_BY_HAND, _LIMITS),
    "any scores are such sums": (_SUMS,),
    _CROWD: _JOINING_BY_HAND,
    "the handout's rows in any order": _JOINING,
    _SETTLED: _JOINING,
    "rows of equal score in any order": _IN_CONFLICTS,
    ANY_ORDER: (*_IN_CONFLICTS, "rows of equal score in any order"),
    _STRONGER: _IN_CONFLICTS,
    "the stronger wins, not the larger or the smaller id": (*_IN_CONFLICTS, _STRONGER),
    _BETWEEN: (*_IN_CONFLICTS, _STRONGER),
    _LOSER: (*_IN_CONFLICTS, _STRONGER),
    "three people who want one peak come to terms": (*_IN_CONFLICTS, _BETWEEN, _LOSER),
    FINISHED_STAY: (*_IN_CONFLICTS, _STRONGER, _BETWEEN, _LOSER),
    "no score out of nothing": (_SUMS,),
    "any rows make people who keep the contract": (),
    "306 rows in 2 seconds": (),
}
"""The more basic checks of each check of people, the most basic first."""
_CORRECTNESS = frozenset(check.name for check in CHECKS if check.category == "correctness")
_WITH_ZERO = (_NINE, _CONNECTED, _CROWD)
_NOT_JUDGED = (RETURNS, COMES_BACK, LITTLE_MEMORY)


def find_waiting(failures: Mapping[str, Failure]) -> dict[str, str]:
    """Find the failed checks that cannot pass while a more basic one fails.

    Args:
        failures: the failures by the checks' names.

    Returns:
        The more basic check, which waits for none, by the name of each check that waits.
    """
    found = {name: _reason(name, failures) for name in failures}
    return {name: reason for name, reason in found.items() if reason != name}


def _reason(name: str, failures: Mapping[str, Failure]) -> str:
    """The failed check that explains this one, or its own name."""
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
        return (SAME_AGAIN, *broken, _APART)  # of one person alone the sum is right, so joining two makes it wrong
    return (SAME_AGAIN, *broken, *_NEEDS[name])


def _can_explain(broken: Failure, name: str) -> bool:
    """Whether rows on which the contract is broken are of a kind that the check looks at.

    The failure has the plainest rows. If they hold a conflict or peak 0, the contract is kept on all others.
    """
    if name not in _CORRECTNESS or not broken.judged:
        return True
    rows = broken.rows["given"]
    return not has_conflict(rows) and (name in _WITH_ZERO or not has_zero(rows))

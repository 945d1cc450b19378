"""The contract of a tracker's answer: one list of named checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimation.grouping.contract import is_too_large
from estimation.skeletons import NO_IDENTITY

_LARGEST = 2**31 - 1  # other programs read identities as 32-bit numbers


def read_identities(answer: Any) -> Any:
    """Convert an answer of whole numbers to an array of intp. Return any other answer unchanged."""
    if isinstance(answer, list | tuple):
        try:
            answer = np.array(answer) if len(answer) else np.empty(0, dtype=np.intp)
        except (TypeError, ValueError, OverflowError):
            return answer
    if not isinstance(answer, np.ndarray) or answer.dtype.kind not in "iuf" or is_too_large(answer):
        return answer
    plain = np.asarray(answer)
    with np.errstate(invalid="ignore"):
        whole = plain.astype(np.intp)
    return whole if np.array_equal(whole, plain) else answer


def find_fault(identities: Any, people: int) -> str | None:
    """Find the first of ``CHECKS`` that an answer fails.

    Args:
        identities: The answer, as ``read_identities`` returned it.
        people: The number of people in the frame.

    Returns:
        The check's sentence. None if the answer meets the contract.
    """
    for check in CHECKS.values():
        if sentence := check(identities, people):
            return sentence
    return None


def _one_a_person(identities: Any, people: int) -> str | None:
    if not isinstance(identities, np.ndarray):
        found = "None" if identities is None else f"a {type(identities).__name__}"
        return f"the answer must be an array of {people} identities but is {found}"
    if identities.shape != (people,):
        return f"the answer must have shape ({people},), one identity per person, but has {identities.shape}"
    return None


def _whole_numbers(identities: NDArray[Any], people: int) -> str | None:
    if identities.dtype == np.intp:
        return None
    if identities.dtype.kind != "f":
        return f"the identities must be whole numbers but their dtype is {identities.dtype}"
    person = int(np.argmax(~np.isfinite(identities) | (identities != np.round(identities))))
    return f"person {person} has the identity {identities[person]}, but identities must be whole numbers"


def _in_range(identities: NDArray[np.intp], people: int) -> str | None:
    wrong = np.flatnonzero((identities < NO_IDENTITY) | (identities > _LARGEST))
    if not len(wrong):
        return None
    return (
        f"person {wrong[0]} has the identity {identities[wrong[0]]}, but identities must be whole numbers from 0 to "
        f"{_LARGEST}, or {NO_IDENTITY} for a person without an identity"
    )


def _no_two_alike(identities: NDArray[np.intp], people: int) -> str | None:
    given = identities[identities != NO_IDENTITY]
    values, counts = np.unique(given, return_counts=True)
    if not (counts > 1).any():
        return None
    twice = values[np.argmax(counts > 1)]
    first, second = np.flatnonzero(identities == twice)[:2]
    return f"persons {first} and {second} of one frame both have the identity {twice}"


CHECKS: dict[str, Callable[[Any, int], str | None]] = {
    "one identity a person": _one_a_person,
    "whole numbers": _whole_numbers,
    "from -1 up": _in_range,
    "no two people alike": _no_two_alike,
}
"""The name of a check -> a function from the answer and the number of people to a sentence, or None if it passes. The
order matters."""

"""Thresholds as fields of frozen dataclasses, each with the range in which it makes sense."""

from __future__ import annotations

from dataclasses import field, fields
from numbers import Integral, Real
from typing import Any

LARGEST = 1e9
"""The upper limit of thresholds without another: squares and products of it do not overflow."""

_LONGEST_VALUE = 20
"""Letters of a value that a sentence quotes."""


def threshold(default: float, lowest: float = 0, highest: float = LARGEST) -> Any:
    """Declare a field of a frozen dataclass whose value lies from ``lowest`` to ``highest``; an int stays an int."""
    return field(default=default, metadata={"lowest": lowest, "highest": highest})


def thresholds_of(owner: Any) -> dict[str, float]:
    """List the thresholds of a dataclass, or of an instance of one, with their defaults."""
    defaults: dict[str, Any] = {one.name: one.default for one in fields(owner) if "lowest" in one.metadata}
    return defaults


def check_thresholds(owner: Any) -> None:
    """Raise ValueError, in one sentence, if a threshold of an instance is out of its range."""
    for one in fields(owner):
        if "lowest" in one.metadata:
            _check(one.name, getattr(owner, one.name), isinstance(one.default, int), **one.metadata)


def _check(name: str, value: Any, whole: bool, lowest: float, highest: float) -> None:
    kinds: Any = Integral if whole else Real  # NumPy's numbers, too
    if not isinstance(value, kinds) or isinstance(value, bool) or not lowest <= value <= highest:
        kind = "whole number" if whole else "number"
        raise ValueError(out_of_range(f"{name} must be a {kind}", value, lowest, highest))


def out_of_range(beginning: str, value: Any, lowest: float, highest: float) -> str:
    """Complete the sentence about a value that is out of its range. ``beginning`` ends before the range."""
    shown = str(value) if len(str(value)) < _LONGEST_VALUE else f"{str(value)[:_LONGEST_VALUE]}…"
    return f"{beginning} from {lowest:.10g} to {highest:.10g} but is {shown}"

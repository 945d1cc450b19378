"""Thresholds: fields of frozen dataclasses, each with its allowed range."""

from __future__ import annotations

from dataclasses import field, fields
from numbers import Integral, Real
from typing import Any

LARGEST = 1e9
"""The default upper limit of thresholds. Its squares and products do not overflow."""

_LONGEST_VALUE = 20
"""Most letters of a value that a message quotes."""


def threshold(default: float, lowest: float = 0, highest: float = LARGEST) -> Any:
    """Declare a threshold: a dataclass field with a value from ``lowest`` to ``highest``.

    Args:
        default: the default value. If it is an int, only whole numbers are allowed.
        lowest: the smallest allowed value.
        highest: the largest allowed value.

    Returns:
        The field.
    """
    return field(default=default, metadata={"lowest": lowest, "highest": highest})


def thresholds_of(owner: Any) -> dict[str, float]:
    """Return the names and default values of the thresholds of a dataclass or an instance."""
    defaults: dict[str, Any] = {one.name: one.default for one in fields(owner) if "lowest" in one.metadata}
    return defaults


def check_thresholds(owner: Any) -> None:
    """Raise ValueError if a threshold of an instance is out of its range."""
    for one in fields(owner):
        if "lowest" in one.metadata:
            _check(one.name, getattr(owner, one.name), isinstance(one.default, int), **one.metadata)


def _check(name: str, value: Any, whole: bool, lowest: float, highest: float) -> None:
    kinds: Any = Integral if whole else Real  # NumPy's numbers, too
    if not isinstance(value, kinds) or isinstance(value, bool) or not lowest <= value <= highest:
        kind = "whole number" if whole else "number"
        raise ValueError(out_of_range(f"{name} must be a {kind}", value, lowest, highest))


def out_of_range(beginning: str, value: Any, lowest: float, highest: float) -> str:
    """Complete the error message for a value out of its range: add the range and the value to ``beginning``."""
    shown = str(value) if len(str(value)) < _LONGEST_VALUE else f"{str(value)[:_LONGEST_VALUE]}…"
    return f"{beginning} from {lowest:.10g} to {highest:.10g} but is {shown}"

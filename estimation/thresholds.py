"""Thresholds as fields of frozen dataclasses, each with the range in which it makes sense."""

from __future__ import annotations

from dataclasses import field, fields
from numbers import Integral, Real
from typing import Any

LARGEST = 1e9
"""The upper limit of thresholds without another: squares and products of it do not overflow."""


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
        shown = str(value) if len(str(value)) < 20 else f"{str(value)[:20]}…"
        kind = "whole number" if whole else "number"
        raise ValueError(f"{name} must be a {kind} from {lowest:.10g} to {highest:.10g} but is {shown}")

"""Thresholds as fields of frozen dataclasses, each with the range in which it makes sense."""

from __future__ import annotations

import math
from dataclasses import field, fields
from typing import Any


def threshold(default: float, lowest: float = 0, highest: float = math.inf) -> Any:
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
    good = isinstance(value, int | float) and not isinstance(value, bool) and lowest <= value <= highest
    if not good or math.isinf(value) or (whole and value != int(value)):
        limits = f" of at least {lowest:g}" if math.isfinite(lowest) else ""
        limits = f" from {lowest:g} to {highest:g}" if math.isfinite(highest) else limits
        raise ValueError(f"{name} must be a {'whole ' if whole else ''}number{limits} but is {value}")

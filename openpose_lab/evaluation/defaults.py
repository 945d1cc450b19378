"""Defaults that the options of programs show. The module is light: it imports no large library."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

WORST = 10
"""Number of worst photos that are named: those with the largest loss."""


@dataclass(frozen=True)
class Disturbance:
    """The difference between simulated maps and ideal maps.

    Attributes:
        noise: Standard deviation of the noise in the PAFs. The heatmaps get noise in proportion to their values.
        missing: Share of keypoints without a peak.
        doubled: Share of keypoints with a second, lower peak beside the first.
        crossing: Share of people who exchange the place of a wrist with their nearest neighbour, so that forearms
            cross.
    """

    noise: float = 0.2
    missing: float = 0.05
    doubled: float = 0.05
    crossing: float = 0.2


def listed(values: Iterable[float]) -> str:
    """Format numbers in their shortest form, with spaces between them."""
    return " ".join(f"{value:g}" for value in values)

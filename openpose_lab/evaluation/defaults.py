"""Defaults that the options of programs show, and how: a light module."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

WORST = 10
"""Number of photos that are named, those with the largest loss."""


@dataclass(frozen=True)
class Disturbance:
    """The difference between the maps and ideal ones.

    Attributes:
        noise: standard deviation of the noise in the PAFs. The heatmaps get noise in proportion to their values.
        missing: share of keypoints without a peak.
        doubled: share of keypoints with a second, lower peak beside the first.
        crossing: share of people who exchange a hand's place with their nearest neighbour, so that forearms cross.
    """

    noise: float = 0.2
    missing: float = 0.05
    doubled: float = 0.05
    crossing: float = 0.2


def listed(values: Iterable[float]) -> str:
    """Numbers as a person writes them, with spaces between."""
    return " ".join(f"{value:g}" for value in values)

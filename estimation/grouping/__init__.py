"""Grouping is a plug-in: limbs become people in one of the ways in here, or in a way of your own."""

from estimation.grouping.division import Division
from estimation.grouping.plugin import (
    GROUPINGS,
    LAB_MERGE,
    Grouping,
    GroupingLike,
    divide,
    load_grouping,
    run_grouping,
    run_merge,
)
from estimation.grouping.trace import step

__all__ = [
    "GROUPINGS",
    "LAB_MERGE",
    "Division",
    "Grouping",
    "GroupingLike",
    "divide",
    "load_grouping",
    "run_grouping",
    "run_merge",
    "step",
]

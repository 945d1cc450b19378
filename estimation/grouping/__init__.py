"""Grouping, the step from limbs to people, is a plug-in: use a built-in grouping, or write your own."""

from estimation.built_in_groupings import GROUPINGS, LAB_MERGE
from estimation.grouping.division import Division
from estimation.grouping.plugin import (
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

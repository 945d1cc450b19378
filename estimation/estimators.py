"""Connections -> people: a grouping makes people of limbs."""

from __future__ import annotations

import sys
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.connections import Connections
from estimation.grouping import LAB_MERGE, Grouping, GroupingLike, load_grouping, run_grouping


def estimate(config: Config, connections: Connections, grouping: GroupingLike | None = None) -> NDArray[np.float64]:
    """Make people of limbs.

    Args:
        config: the configuration that ``connections`` were found with.
        connections: the limbs of one photo.
        grouping: a grouping by name, by file, as a function or loaded, as ``load_grouping`` takes it. By default the
            function in estimation/merge.py runs. An edit of that file takes effect at the next call. So does a
            replacement of ``estimation.merge.merge``, as in a notebook or a test.

    Returns:
        (n, parts + 2) float64: one row a person, checked. What the grouping prints goes to standard error.

    Raises:
        GroupingError: if the grouping fails or its answer breaks the contract.
    """
    if grouping is None:
        grouping = _replaced_merge() or _lab_merge(LAB_MERGE.stat().st_mtime_ns)
    return run_grouping(load_grouping(grouping), config, connections, shown=sys.stderr)


def _replaced_merge() -> Grouping | None:
    """The function that replaced ``merge`` in the imported module ``estimation.merge``; None if none did."""
    function = getattr(sys.modules.get("estimation.merge"), "merge", None)
    if function is None or getattr(function, "__module__", None) == "estimation.merge":
        return None
    return load_grouping(function)


@lru_cache(maxsize=1)
def _lab_merge(modified: int) -> Grouping:
    """The function in estimation/merge.py, loaded again when the file has changed."""
    return load_grouping(LAB_MERGE)

"""Connections -> people: a grouping makes people of limbs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.connections import Connections
from estimation.grouping import LAB_MERGE, Grouping, load_grouping, run_grouping


def estimate(
    config: Config, connections: Connections, grouping: Grouping | Callable[..., Any] | None = None
) -> NDArray[np.float64]:
    """Make people of limbs, by default with the merge in estimation/merge.py.

    grouping: a loaded one, or a function merge.
    Returns the people as (n, parts + 2) float64 rows, checked. What the grouping prints goes to standard error.
    Raises GroupingError if the grouping fails or its answer breaks the contract.
    """
    if grouping is None:
        grouping = _lab_merge(LAB_MERGE.stat().st_mtime_ns)
    elif not isinstance(grouping, Grouping):
        grouping = Grouping("merge", grouping, Path(f"<{type(grouping).__name__}>"))
    return run_grouping(grouping, config, connections, shown=sys.stderr)


@lru_cache(maxsize=1)
def _lab_merge(modified: int) -> Grouping:
    """estimation/merge.py, loaded again only when it was changed, so that a notebook sees every edit."""
    return load_grouping(LAB_MERGE)

"""Connections -> people: limbs become the lab's rows, and a grouping makes people of them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.connections import Connections
from estimation.grouping import LAB_MERGE, Merge, load_merge, run_merge
from estimation.subset import limb_rows


def estimate(config: Config, connections: Connections, merge: Merge | None = None) -> NDArray[np.float64]:
    """Hand one row per accepted limb to ``merge``, by default the one in estimation/merge.py.

    Returns the people as (n, parts + 2) float64 rows, checked.
    Raises GroupingError if the grouping fails or its answer breaks the contract.
    """
    return run_merge(merge or _lab_merge(LAB_MERGE.stat().st_mtime_ns), limb_rows(config, connections), config)


@lru_cache(maxsize=1)
def _lab_merge(modified: int) -> Merge:
    """estimation/merge.py, loaded again only when it was changed, so that a notebook sees every edit."""
    return load_merge()

"""Limbs -> people: run a grouping on the limbs of a photo."""

from __future__ import annotations

import sys
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.connections import Connections
from estimation.grouping import LAB_MERGE, Grouping, GroupingLike, load_grouping, run_grouping


def estimate(config: Config, connections: Connections, grouping: GroupingLike | None = None) -> NDArray[np.float64]:
    """Group limbs into people.

    The grouping's prints go to standard error.

    Args:
        config: the configuration that ``connections`` were found with.
        connections: the limbs of one photo.
        grouping: the grouping's name, its file, a function, or a loaded ``Grouping``. By default, ``merge`` in
            estimation/merge.py runs. An edit of that file takes effect at the next call. A notebook or a test can
            also assign another function to ``estimation.merge.merge``.

    Returns:
        (n, parts + 2) float64, one row per person, checked.

    Raises:
        GroupingError: if the grouping fails or its answer breaks the contract.
    """
    if grouping is None:
        grouping = _replaced_merge() or _lab_merge(LAB_MERGE.stat().st_mtime_ns)
    return run_grouping(load_grouping(grouping), config, connections, shown=sys.stderr)


def _replaced_merge() -> Grouping | None:
    """Return the function that was assigned to ``estimation.merge.merge``, or None."""
    function = getattr(sys.modules.get("estimation.merge"), "merge", None)
    if function is None or getattr(function, "__module__", None) == "estimation.merge":
        return None
    return load_grouping(function)


@lru_cache(maxsize=1)
def _lab_merge(modified: int) -> Grouping:
    """Load estimation/merge.py. If the file was saved since the last call, load it again."""
    return load_grouping(LAB_MERGE)

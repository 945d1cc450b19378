"""Random rows of limbs by Hypothesis: the same rows in each run, reduced to the fewest that fail."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from estimation.config import COCO_18
from estimation.grouping.contract import Rows
from estimation.subset import SCORE
from openpose_lab.lab.cases import make_rows
from openpose_lab.paths import cache_folder

Found = TypeVar("Found")
_PER_PART = 3  # peaks of each body part
_MOST_ROWS = 12
SHRINK_SECONDS = 0.5
"""Time limit of the search for fewer rows that fail."""
_drawn: dict[tuple[Callable[[], Any], int, int], list[Rows]] = {}
"""All random rows of a search without failures, by its arguments. Drawing rows takes longer than checking them."""


def any_rows() -> Any:
    """Make a strategy for rows between a few peaks of each part. Rows may conflict. No two have the same score."""
    return _rows(peaceful=False)


def peaceful_rows() -> Any:
    """Make a strategy as ``any_rows`` does, but for rows without conflicts."""
    return _rows(peaceful=True)


def _rows(peaceful: bool) -> Any:
    from hypothesis import strategies as st

    limbs = st.lists(
        st.tuples(
            st.sampled_from([limb[:2] for limb in COCO_18.limbs]),
            st.integers(0, _PER_PART - 1),
            st.integers(0, _PER_PART - 1),
            st.integers(1, 2**20),
        ),
        max_size=_MOST_ROWS,
        unique_by=(lambda limb: limb[0] + limb[1:2] if peaceful else limb[:3], lambda limb: limb[3]),
    )
    return limbs.map(lambda found: _to_rows(found, peaceful))


def _to_rows(limbs: list[tuple[tuple[int, int], int, int, int]], peaceful: bool) -> Rows:
    """Make rows of drawn limbs. Scores are between 0 and 2, and all differ."""
    return make_rows(
        *(
            (
                {
                    COCO_18.body_parts[a]: a * _PER_PART + i,
                    COCO_18.body_parts[b]: b * _PER_PART + (i if peaceful else j),
                },
                score / 2**19,
            )
            for (a, b), i, j, score in limbs
        )
    )


def find_failing(
    rows: Callable[[], Any],
    fails: Callable[[Rows], Found | None],
    examples: int,
    seed: int,
    shrink_seconds: float = SHRINK_SECONDS,
) -> Found | None:
    """Find the fewest random rows that fail.

    Args:
        rows: a function that makes a strategy for rows.
        fails: a function that returns what is wrong with some rows, or None.
        examples: the number of arrays of random rows.
        seed: the seed of the random rows.
        shrink_seconds: the time limit, after the first failure, of the search for fewer rows.

    Returns:
        The result of ``fails`` for the fewest rows that fail, or None if no rows fail.
    """
    key = rows, examples, seed
    again = next(filter(None, (fails(known.copy()) for known in _drawn.get(key, ()))), None)
    if key in _drawn and again is None:
        return None

    import hypothesis
    from hypothesis import HealthCheck, Phase, configuration, settings

    configuration.set_hypothesis_home_dir(cache_folder() / "hypothesis")  # not the user's current folder
    smallest: dict[int, tuple[int, float, Found]] = {}
    until = time.monotonic() + 3600
    tried: list[Rows] = []

    def condition(found: Rows) -> bool:
        nonlocal until
        if time.monotonic() > until:  # shrinking can take long, and these rows are few enough
            return False
        tried.append(found.copy())
        failure = fails(found)
        if failure is None:
            return False
        until = min(until, time.monotonic() + shrink_seconds)
        size = (len(found), float(np.sum(found[:, SCORE])), failure)
        if 0 not in smallest or size[:2] < smallest[0][:2]:
            smallest[0] = size
        return True

    calm = settings(
        max_examples=examples,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    with contextlib.suppress(hypothesis.errors.HypothesisException):  # no rows failed, or they did not fail again
        hypothesis.find(rows(), condition, settings=calm, random=random.Random(seed))
    if smallest:
        return smallest[0][2]
    if len(tried) >= examples:
        _drawn[key] = tried
    return again

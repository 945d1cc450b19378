"""One case of the lab in the student's own process: its rows, and the judgement of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from estimation.config import COCO_18, Config
from estimation.coordinates import Coordinates
from estimation.errors import OpenPoseLabError
from estimation.grouping.contract import (
    KEEPS_INPUT,
    NO_PEOPLE_IN_NOTHING,
    REPLY_CHECKS,
    Failure,
    Reply,
    Rows,
    find_fault,
)
from estimation.grouping.plugin import LIMITS
from estimation.subset import row_length, slots_of_rows
from openpose_lab.lab.cases import CASES, Case, make_rows
from openpose_lab.lab.merge_checks import judge_people, scores_of

_NOTHING = Case(
    NO_PEOPLE_IN_NOTHING,
    "correctness",
    "without limbs there are no people",
    np.empty((0, row_length(COCO_18))),
    (),
)
ALL_CASES = (*CASES, _NOTHING)
_TOLERANCE = 1e-6  # of a score


@dataclass(frozen=True, eq=False)
class PhotoCase:
    """The peaks and limbs that a network found in a photo, before any grouping.

    Attributes:
        coordinates: the peaks.
        xy: (P, 2) float64, x and y of the peaks in pixels of the photo.
        rows: (n, 20) float64, the rows of limbs.
        options: the network's limits that differ from the defaults of ``merge``.
    """

    coordinates: Coordinates
    xy: NDArray[np.float64]
    rows: Rows
    options: dict[str, float]


def find_cases(name: str) -> list[Case]:
    """Find the cases that a name means: the case with this name, or all cases with this text in their names."""
    exact = [case for case in ALL_CASES if case.name == name]
    return exact or [case for case in ALL_CASES if name.strip() and name.strip().lower() in case.name.lower()]


def limits_of(case: Case | PhotoCase) -> dict[str, float]:
    """Return the limits of a case, given or default, by the argument names of ``merge``."""
    return {name: case.options.get(name, getattr(Config, name)) for name in LIMITS}


def find_in_photo(path: Path) -> PhotoCase:
    """Find the peaks and the rows of limbs in a photo with the default network.

    Raises:
        OpenPoseLabError: The photo cannot be read, or the network's layout is not the lab's.
    """
    from estimation.field_maps import cells_to_photo
    from estimation.photos import read_photo
    from estimation.pipeline import estimate_people
    from estimation.subset import limb_rows
    from openpose_lab.networks.loading import load_network

    photo = read_photo(path)
    network = load_network()
    found = estimate_people(photo, network, grouping=_finds_nobody)
    maps, config = found.maps, network.config
    if config.body_parts != COCO_18.body_parts:
        raise OpenPoseLabError(f"the network's layout is {config.name}, but the lab's rows need {COCO_18.name}")
    return PhotoCase(
        found.coordinates,
        cells_to_photo(found.coordinates.xy, maps.cell_size, maps.offset, maps.photo_size),
        limb_rows(config, found.connections),
        {name: getattr(config, name) for name in LIMITS if getattr(config, name) != getattr(Config, name)},
    )


def _finds_nobody(subset: Rows) -> Rows:
    return subset[:0]


def judge(rows: Rows, reply: Reply, case: Case | None = None) -> Failure | None:
    """Judge the reply to one call.

    Args:
        rows: the rows that were given.
        reply: the reply.
        case: the case of the rows; without one, only the contract is checked.

    Returns:
        The first failure, or None.
    """
    if reply.error:
        return Failure(f"merge failed: {reply.error}")
    if fault := find_fault(COCO_18, reply.value, slots_of_rows(rows)):
        return Failure(f"{fault[0]}: {fault[1]}")
    if case and (failure := judge_people(case, rows, reply.value)):
        return failure
    if case and case.scores:
        found = scores_of(reply.value)
        for person, wanted in zip(case.expected, case.scores):
            score = found[frozenset(person.values())]
            if abs(score - wanted) > _TOLERANCE:
                return Failure(
                    f"a person's score is {score:.4f}, expected {wanted:.4f}: the sum of the scores of their rows"
                )
    sentence = REPLY_CHECKS[KEEPS_INPUT]("merge", reply)
    return Failure(f"merge {sentence}") if sentence else None


def expected_rows(case: Case) -> Rows:
    """Return the expected people of a case, (m, 20) float64. A score is NaN if a merge may choose it."""
    return make_rows(*zip(case.expected, case.scores or [np.nan] * len(case.expected)))

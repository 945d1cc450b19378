"""Rows of limbs, and the people that a merge must make of them. All are made by hand but the handout's nine."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from estimation.config import COCO_18
from estimation.subset import MISSING, PARTS_NUM, SCORE, row_length

PartIds = dict[str, int]
"""The peaks of a limb or a person: peak ids by body part name."""
NO_PRUNING = {"min_num_body_parts": 1, "min_score": 0.0}
"""Options that switch pruning off."""


@dataclass(frozen=True, eq=False)
class Case:
    """Rows of limbs, and the people that they make in any order.

    Attributes:
        name: the name of its check.
        category: the category of its check.
        why: the reason for the expected people, in one sentence.
        rows: (n, 20) float64, the rows that the merge is given.
        expected: the expected people, best first.
        scores: the expected scores, or None if the merge may choose them.
        options: keyword arguments of the merge.
    """

    name: str
    category: str
    why: str
    rows: NDArray[np.float64]
    expected: tuple[PartIds, ...]
    scores: tuple[float, ...] | None = None
    options: dict[str, float] = field(default_factory=dict)


def make_row(peaks: PartIds, score: float) -> NDArray[np.float64]:
    """Make one row of the lab's subset, (20,) float64."""
    row = np.full(row_length(COCO_18), float(MISSING))
    for part, peak in peaks.items():
        row[COCO_18.body_parts.index(part)] = peak
    row[SCORE], row[PARTS_NUM] = score, len(peaks)
    return row


def make_rows(*limbs: tuple[PartIds, float]) -> NDArray[np.float64]:
    """Make rows, (n, 20) float64, from the peaks and the score of each."""
    return np.array([make_row(*limb) for limb in limbs]).reshape(-1, row_length(COCO_18))


def _limb(first: str, first_id: int, second: str, second_id: int, score: float) -> tuple[PartIds, float]:
    return {first: first_id, second: second_id}, score


HANDOUT = make_rows(
    _limb("neck", 1, "right_shoulder", 2, 1.9540779),
    _limb("neck", 1, "left_shoulder", 5, 1.76488239),
    _limb("right_shoulder", 2, "right_elbow", 3, 1.69892728),
    _limb("nose", 0, "neck", 1, 1.89980185),
    _limb("nose", 0, "right_eye", 6, 1.78199434),
    _limb("right_eye", 6, "right_ear", 8, 1.73637748),
    _limb("nose", 0, "left_eye", 7, 1.82718945),
    _limb("left_eye", 7, "left_ear", 9, 1.86717367),
    _limb("left_shoulder", 5, "left_ear", 9, 1.6537441),
)
"""The nine rows printed in the handout."""
_HANDOUT_PERSON = {
    **{"nose": 0, "neck": 1, "right_shoulder": 2, "right_elbow": 3, "left_shoulder": 5},
    **{"right_eye": 6, "left_eye": 7, "right_ear": 8, "left_ear": 9},
}
_ARM = (
    _limb("neck", 1, "left_shoulder", 5, 1.9),
    _limb("left_shoulder", 5, "left_elbow", 18, 1.8),
    _limb("nose", 3, "neck", 1, 1.7),
)
_ARM_PERSON = {"nose": 3, "neck": 1, "left_shoulder": 5, "left_elbow": 18}
_SIDE = ("neck", "right_shoulder", "right_elbow", "right_wrist")


def _side(first_id: int, scores: tuple[float, float, float]) -> list[tuple[PartIds, float]]:
    """Make three connected limbs. Their four peaks have ids from ``first_id`` on."""
    return [_limb(_SIDE[k], first_id + k, _SIDE[k + 1], first_id + k + 1, score) for k, score in enumerate(scores)]


CASES = (
    Case(
        "the handout's nine rows are one person",
        "correctness",
        "all nine rows are connected by shared peaks, so they are one person; the score is the sum of the nine",
        HANDOUT,
        (_HANDOUT_PERSON,),
        (16.18416846,),
    ),
    Case(
        "peak 0 counts",
        "correctness",
        "0 is an id like any other; only -1 means that a part is missing",
        make_rows(
            _limb("nose", 0, "neck", 1, 1.9),
            _limb("neck", 1, "right_shoulder", 2, 1.8),
            _limb("nose", 0, "right_eye", 3, 1.7),
        ),
        ({"nose": 0, "neck": 1, "right_shoulder": 2, "right_eye": 3},),
        (5.4,),
    ),
    Case(
        "people who share no peak stay apart",
        "correctness",
        "the two people share no peak; two rows with -1 in the same slot do not share a peak",
        make_rows(*_side(4, (1.9, 1.8, 1.7)), *_side(10, (1.6, 1.5, 1.4))),
        (dict(zip(_SIDE, range(4, 8))), dict(zip(_SIDE, range(10, 14)))),
        (5.4, 4.5),
    ),
    Case(
        "goes on until nothing changes",
        "correctness",
        "the last row joins two groups of rows that share no peak otherwise",
        make_rows(
            _limb("right_eye", 14, "right_ear", 16, 1.9),
            _limb("right_hip", 8, "right_knee", 9, 1.9),
            _limb("right_knee", 9, "right_ankle", 10, 1.8),
            _limb("nose", 3, "right_eye", 14, 1.8),
            _limb("neck", 1, "right_hip", 8, 1.7),
            _limb("nose", 3, "neck", 1, 1.6),
        ),
        ({"nose": 3, "neck": 1, "right_hip": 8, "right_knee": 9, "right_ankle": 10, "right_eye": 14, "right_ear": 16},),
        (10.7,),
    ),
    Case(
        "a limb within a person adds its score, and no part",
        "correctness",
        "the nose and the neck already connect the ear and the shoulder, so the last row adds only its score",
        make_rows(
            _limb("neck", 1, "right_shoulder", 2, 1.9),
            _limb("nose", 3, "neck", 1, 1.8),
            _limb("nose", 3, "right_eye", 6, 1.7),
            _limb("right_eye", 6, "right_ear", 8, 1.6),
            _limb("right_shoulder", 2, "right_ear", 8, 1.5),
        ),
        ({"nose": 3, "neck": 1, "right_shoulder": 2, "right_eye": 6, "right_ear": 8},),
        (8.5,),
    ),
    Case(
        "people of fewer than 4 parts are dropped",
        "correctness",
        "the handout's first rule: drop people with parts_num < 4",
        make_rows(*_side(4, (1.9, 1.8, 1.7)), *_side(10, (1.9, 1.8, 1.7))[:2]),
        (dict(zip(_SIDE, range(4, 8))),),
    ),
    Case(
        "people with a score of less than 0.4 per part are dropped",
        "correctness",
        "the handout's second rule: drop people with score / parts_num < 0.4; 1.63 / 4 is more, 1.38 / 4 is less",
        make_rows(*_side(4, (0.5, 0.5, 0.625)), *_side(10, (0.5, 0.5, 0.375))),
        (dict(zip(_SIDE, range(4, 8))),),
    ),
    Case(
        "min_num_body_parts and min_score are used",
        "correctness",
        "the limits given here are low, so both people stay",
        make_rows(*_side(4, (0.2, 0.1, 0.1))[:2], *_side(10, (1.9, 1.8, 1.7))[:1]),
        ({"neck": 10, "right_shoulder": 11}, dict(zip(_SIDE, range(4, 7)))),
        options=NO_PRUNING,
    ),
    Case(
        "an elbow with two wrists keeps the stronger one",
        "conflicts",
        "a person has one left wrist; wrist 22 is in the row with the higher score",
        make_rows(
            *_ARM, _limb("left_elbow", 18, "left_wrist", 22, 1.6), _limb("left_elbow", 18, "left_wrist", 24, 1.5)
        ),
        ({**_ARM_PERSON, "left_wrist": 22},),
    ),
    Case(
        "the stronger row wins, whatever the ids are",
        "conflicts",
        "of two wrists, the one in the row with the higher score stays; the size of the ids does not matter",
        make_rows(
            *_ARM,
            _limb("left_elbow", 18, "left_wrist", 24, 1.6),
            _limb("left_elbow", 18, "left_wrist", 22, 1.5),
            *_side(30, (1.9, 1.8, 1.7)),
            _limb("right_elbow", 32, "right_wrist", 40, 1.2),
        ),
        ({**_ARM_PERSON, "left_wrist": 24}, dict(zip(_SIDE, range(30, 34)))),
    ),
    Case(
        "a limb does not join two people in conflict",
        "conflicts",
        "each person already has a neck and a right shoulder, so they cannot be one; the weak row is wrong",
        make_rows(
            *_side(4, (1.9, 1.8, 1.7)), *_side(10, (1.6, 1.5, 1.4)), _limb("right_elbow", 6, "right_wrist", 13, 0.9)
        ),
        (dict(zip(_SIDE, range(4, 8))), dict(zip(_SIDE, range(10, 14)))),
    ),
    Case(
        "a person who loses a peak keeps their other parts",
        "conflicts",
        "right shoulder 2 goes to neck 1, in the row with the higher score; the person of neck 31 stays without it",
        make_rows(
            *_side(1, (1.9, 1.8, 1.7)),
            _limb("neck", 31, "right_shoulder", 2, 0.8),
            _limb("nose", 30, "neck", 31, 1.3),
            _limb("neck", 31, "left_shoulder", 35, 1.2),
            _limb("left_shoulder", 35, "left_elbow", 36, 1.1),
        ),
        (dict(zip(_SIDE, range(1, 5))), {"nose": 30, "neck": 31, "left_shoulder": 35, "left_elbow": 36}),
    ),
    Case(
        "a peak that three people claim goes to one",
        "conflicts",
        "nose 30 goes to neck 1, in the strongest row; all three people stay, with one neck each",
        make_rows(
            *_side(1, (1.9, 1.8, 1.7)),
            *_side(11, (1.8, 1.7, 1.6)),
            *_side(21, (1.7, 1.6, 1.5)),
            _limb("nose", 30, "neck", 1, 0.9),
            _limb("nose", 30, "neck", 11, 0.8),
            _limb("nose", 30, "neck", 21, 0.7),
        ),
        (
            {"nose": 30, **dict(zip(_SIDE, range(1, 5)))},
            dict(zip(_SIDE, range(11, 15))),
            dict(zip(_SIDE, range(21, 25))),
        ),
    ),
)
"""The cases that students see."""

TIES = tuple(
    make_rows(*_ARM, *(_limb("left_elbow", 18, "left_wrist", wrist, 1.6) for wrist in wrists))
    for wrists in ((22, 24), (24, 22), (22, 23, 24))
)
"""Rows with equal scores. A merge may choose which wrist stays, but the order of the rows must not decide it."""

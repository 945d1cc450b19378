"""Checks that only the grader runs: the checks that students see, on other rows. The handout lacks this file."""

from __future__ import annotations

from functools import partial

from openpose_lab.lab.cases import Case, PartIds, make_rows
from openpose_lab.lab.merge_checks import (
    MergeCheck,
    answer_keeps_contract,
    case_check,
    connected,
    in_a_crowd,
    in_any_order,
    no_more_score,
    on_random_rows,
    summed,
)
from openpose_lab.lab.random_rows import any_rows, peaceful_rows

_SEED = 20
_RANDOM_EXAMPLES = 100
_TREE = (
    ("neck", "right_shoulder"),
    ("neck", "left_shoulder"),
    ("right_shoulder", "right_elbow"),
    ("right_elbow", "right_wrist"),
    ("left_shoulder", "left_elbow"),
    ("left_elbow", "left_wrist"),
    ("neck", "right_hip"),
    ("right_hip", "right_knee"),
    ("right_knee", "right_ankle"),
    ("neck", "left_hip"),
    ("left_hip", "left_knee"),
    ("left_knee", "left_ankle"),
    ("neck", "nose"),
    ("nose", "right_eye"),
    ("right_eye", "right_ear"),
    ("nose", "left_eye"),
    ("left_eye", "left_ear"),
)


def _whole(ids: dict[str, int], first_score: float, step: float) -> list[tuple[PartIds, float]]:
    """Make all limbs of one person. The outer limbs have the best scores."""
    limbs = [{a: ids[a], b: ids[b]} for a, b in reversed(_TREE)]
    return [(limb, first_score - step * number) for number, limb in enumerate(limbs)]


_PARTS = list(dict.fromkeys(part for limb in _TREE for part in limb))
_FAR = {part: 907 - 41 * number for number, part in enumerate(_PARTS)}
_NEAR = {part: 900 - 41 * number for number, part in enumerate(_PARTS)}
_LEG = ("neck", "left_hip", "left_knee", "left_ankle")


def _leg(ids: tuple[int, int, int, int], scores: tuple[float, float, float]) -> list[tuple[PartIds, float]]:
    parts = dict(zip(_LEG, ids))
    return [({a: parts[a], b: parts[b]}, score) for a, b, score in zip(_LEG, _LEG[1:], scores)]


HIDDEN_CASES = (
    Case(
        "a whole person, outer limbs first",
        "correctness",
        "all 18 parts are connected; the ids are not in the order of the parts",
        make_rows(*_whole(_FAR, 1.9, 0.05)),
        (_FAR,),
        (sum(1.9 - 0.05 * number for number in range(17)),),
    ),
    Case(
        "two whole people with mixed rows",
        "correctness",
        "the two people share no peak, although their ids alternate",
        make_rows(*(limb for pair in zip(_whole(_FAR, 1.9, 0.05), _whole(_NEAR, 1.8, 0.05)) for limb in pair)),
        (_FAR, _NEAR),
    ),
    Case(
        "exactly four parts, and exactly the lowest score",
        "correctness",
        "a person that just meets both limits stays; 2 / 4 is not less than 0.5",
        make_rows(*_leg((70, 40, 30, 20), (1.0, 0.5, 0.5))),
        (dict(zip(_LEG, (70, 40, 30, 20))),),
        options={"min_num_body_parts": 4, "min_score": 0.5},
    ),
    Case(
        "a limit of three parts",
        "correctness",
        "with min_num_body_parts=3, three parts are enough and two are not",
        make_rows(*_leg((70, 40, 30, 20), (1.5, 1.4, 1.3))[:2], *_leg((7, 4, 3, 2), (1.5, 1.4, 1.3))[:1]),
        (dict(zip(_LEG[:3], (70, 40, 30))),),
        options={"min_num_body_parts": 3, "min_score": 0.4},
    ),
    Case(
        "peak 0 at the end of a leg",
        "correctness",
        "0 is an id like any other, for every body part",
        make_rows(*_leg((3, 2, 1, 0), (1.5, 1.4, 1.3))),
        (dict(zip(_LEG, (3, 2, 1, 0))),),
        (4.2,),
    ),
    Case(
        "a knee with two ankles, the weaker row first",
        "conflicts",
        "a person has one left ankle; ankle 21 is in the row with the higher score",
        make_rows(({"left_knee": 30, "left_ankle": 20}, 0.4), *_leg((70, 40, 30, 21), (1.5, 1.4, 1.3))),
        (dict(zip(_LEG, (70, 40, 30, 21))),),
    ),
    Case(
        "the person who loses a peak has more parts",
        "conflicts",
        "hip 40 goes to neck 70, in the row with the higher score; the person of neck 9 keeps all other parts",
        make_rows(
            *_leg((70, 40, 30, 20), (1.9, 1.8, 1.8)),
            ({"neck": 9, "left_hip": 40}, 0.5),
            *(
                ({"neck": 9, part: 50 + number}, 1.1 - number / 20)
                for number, part in enumerate(("nose", "right_shoulder", "left_shoulder", "right_hip"))
            ),
        ),
        (
            dict(zip(_LEG, (70, 40, 30, 20))),
            {"neck": 9, "nose": 50, "right_shoulder": 51, "left_shoulder": 52, "right_hip": 53},
        ),
    ),
    Case(
        "an ear and a shoulder of two people",
        "conflicts",
        "the weakest row links two people who each have a neck, so it joins nothing",
        make_rows(
            ({"right_shoulder": 2, "right_ear": 19}, 0.3),
            ({"neck": 1, "right_shoulder": 2}, 1.9),
            ({"neck": 1, "nose": 5}, 1.8),
            ({"nose": 5, "right_eye": 6}, 1.7),
            ({"neck": 11, "nose": 15}, 1.6),
            ({"nose": 15, "right_eye": 16}, 1.5),
            ({"right_eye": 16, "right_ear": 19}, 1.4),
        ),
        (
            {"neck": 1, "right_shoulder": 2, "nose": 5, "right_eye": 6},
            {"neck": 11, "nose": 15, "right_eye": 16, "right_ear": 19},
        ),
    ),
)

HIDDEN = (
    MergeCheck("hidden: conflicts in a crowd end as without the crowd", "conflicts", in_a_crowd),
    *(MergeCheck(f"hidden: {case.name}", case.category, partial(case_check, case)) for case in HIDDEN_CASES),
    *(
        MergeCheck(
            f"hidden: {name}",
            category,
            partial(on_random_rows, rows, property_of, examples=_RANDOM_EXAMPLES, seed=_SEED),
            random=True,
        )
        for name, category, rows, property_of in (
            ("connected rows are one person", "correctness", peaceful_rows, connected),
            ("scores add up with random rows, too", "correctness", peaceful_rows, summed),
            ("any rows in any order", "order", any_rows, in_any_order),
            ("the people have no more score than the rows", "conflicts", any_rows, no_more_score),
            ("answers to random rows keep the contract", "conflicts", any_rows, answer_keeps_contract),
        )
    ),
)
"""All hidden checks of cases, scores and orders, in the categories of the visible ones."""

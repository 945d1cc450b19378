"""Body parts that several layouts share: human proportions, and the precision of annotators for each part."""

from __future__ import annotations

_SIGMAS = {
    "nose": 0.026,
    "eye": 0.025,
    "ear": 0.035,
    "shoulder": 0.079,
    "elbow": 0.072,
    "wrist": 0.062,
    "hip": 0.107,
    "knee": 0.087,
    "ankle": 0.089,
}
"""COCO's sigmas (pycocotools, Params.kpt_oks_sigmas)."""
_OTHER_SIGMA = 0.079  # for parts that COCO does not have: the value of a shoulder

STANDING = {
    "nose": (0.00, 0.10),
    "neck": (0.00, 0.22),
    "right_shoulder": (-0.12, 0.22),
    "right_elbow": (-0.16, 0.37),
    "right_wrist": (-0.17, 0.50),
    "left_shoulder": (0.12, 0.22),
    "left_elbow": (0.16, 0.37),
    "left_wrist": (0.17, 0.50),
    "right_hip": (-0.08, 0.52),
    "right_knee": (-0.09, 0.75),
    "right_ankle": (-0.09, 0.96),
    "left_hip": (0.08, 0.52),
    "left_knee": (0.09, 0.75),
    "left_ankle": (0.09, 0.96),
    "right_eye": (-0.03, 0.06),
    "left_eye": (0.03, 0.06),
    "right_ear": (-0.07, 0.08),
    "left_ear": (0.07, 0.08),
    "mid_hip": (0.00, 0.52),
    "head": (0.00, 0.02),
    "chest": (0.00, 0.37),
    "left_big_toe": (0.13, 0.99),
    "left_small_toe": (0.17, 0.97),
    "left_heel": (0.07, 1.01),
    "right_big_toe": (-0.13, 0.99),
    "right_small_toe": (-0.17, 0.97),
    "right_heel": (-0.07, 1.01),
}
"""The parts of a standing person seen from the front, x and y in units of the person's height."""


def sigmas_of(body_parts: tuple[str, ...]) -> tuple[float, ...]:
    """Look up ``Layout.sigmas`` of human body parts by their names."""
    return tuple(_SIGMAS.get(part.split("_")[-1], _OTHER_SIGMA) for part in body_parts)


def proportions_of(body_parts: tuple[str, ...]) -> tuple[tuple[float, float], ...]:
    """Look up ``Layout.proportions`` of human body parts by their names. Raises KeyError for an unknown name."""
    return tuple(STANDING[part] for part in body_parts)

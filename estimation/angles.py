"""Joint angles of skeletons, in the plane of the picture. docs/angles.md shows the convention in a picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from estimation.layouts import Layout

Points = NDArray[np.float64]
"""(n, 2): x and y of a body part of n people."""


def joint_angles(layout: Layout, keypoints: ArrayLike) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Measure the joint angles of people, in degrees.

    Left and right are the person's. All angles are measured in the picture, not in space.

    * ``knee`` and ``elbow``, 0 to 180: 0 is straight. These joints bend only one way, so the angles have no sign.
    * ``ankle``, -90 to 90, only in layouts with heels and big toes: 0 is a foot at a right angle to the shank. Positive
      is dorsiflexion, toes up; negative is plantarflexion.
    * ``hip`` and ``shoulder``, -180 to 180: 0 is a thigh or an upper arm in line with the trunk, as of a person who
      stands with hanging arms.
    * ``trunk``, -180 to 180: 0 is upright.

    For hip, shoulder and trunk, positive means forward for a person who faces the right edge of the picture, and
    backward for a person who faces the left edge.

    The trunk goes from the middle of the hips to the neck. The middle is ``mid_hip`` if the layout has it.

    Args:
        layout: the layout of the skeletons.
        keypoints: (n, parts, 2) x and y in pixels, y downward; NaN where a part is missing.

    Returns:
        The k names of the angles that the layout allows, such as ``left_knee``, and the angles, (n, k) float64. An
        angle is NaN if a part is missing, or if two neighbouring parts are at the same place.

    Raises:
        ValueError: the keypoints do not fit the layout.
    """
    points = np.asarray(keypoints, dtype=np.float64)
    if points.shape[1:] != (len(layout.body_parts), 2):
        raise ValueError(
            f"keypoints of {layout.name} must have the shape (n, {len(layout.body_parts)}, 2) but have {points.shape}"
        )
    place = {part: number for number, part in enumerate(layout.body_parts)}
    angles = _angles(layout)
    found = [measure(*(points[:, place[part]] for part in parts)) for parts, measure in angles.values()]
    return tuple(angles), np.stack(found, axis=1) if found else np.zeros((len(points), 0))


def parts_of_angles(layout: Layout) -> dict[str, tuple[str, ...]]:
    """Return the body parts of each angle.

    Args:
        layout: the layout of the skeletons.

    Returns:
        The names of the body parts, by the name of the angle, in the order of ``joint_angles``.
    """
    return {name: parts for name, (parts, _) in _angles(layout).items()}


def _angles(layout: Layout) -> dict[str, tuple[tuple[str, ...], Callable[..., Points]]]:
    """Return the parts of each angle, and the function that measures it, by the name of the angle."""
    trunk = ("neck", "mid_hip") if "mid_hip" in layout.body_parts else ("neck", "left_hip", "right_hip")
    angles: dict[str, tuple[tuple[str, ...], Callable[..., Points]]] = {}
    for joint, parts, of_trunk, measure in (
        ("knee", ("hip", "knee", "ankle"), (), _bend),
        ("hip", ("hip", "knee"), trunk, _turned_forward),
        ("ankle", ("knee", "ankle", "heel", "big_toe"), (), _dorsiflexion),
        ("shoulder", ("shoulder", "elbow"), trunk, _turned_forward),
        ("elbow", ("shoulder", "elbow", "wrist"), (), _bend),
    ):
        for side in ("left", "right"):
            angles[f"{side}_{joint}"] = (*(f"{side}_{part}" for part in parts), *of_trunk), measure
    angles["trunk"] = trunk, _leaning
    return {name: angle for name, angle in angles.items() if set(angle[0]) <= set(layout.body_parts)}


def _bend(first: Points, joint: Points, last: Points) -> Points:
    """Measure how far the second limb turns away from the direction of the first limb."""
    return np.abs(_clockwise(joint - first, last - joint))


def _turned_forward(start: Points, end: Points, neck: Points, *hips: Points) -> Points:
    """Measure how far a limb turns from the trunk's downward direction: counterclockwise, towards the right edge."""
    return -_clockwise(_middle(hips) - neck, end - start)


def _dorsiflexion(knee: Points, ankle: Points, heel: Points, toe: Points) -> Points:
    """Measure how far the foot turns from a right angle towards the shank."""
    return 90 - np.abs(_clockwise(knee - ankle, toe - heel))


def _leaning(neck: Points, *hips: Points) -> Points:
    """Measure how far the trunk turns from upright: clockwise, towards the right edge."""
    return _clockwise(np.array([[0.0, -1.0]]), neck - _middle(hips))


def _middle(hips: tuple[Points, ...]) -> Points:
    return sum(hips[1:], hips[0]) / len(hips)


def _clockwise(start: Points, end: Points) -> Points:
    """Measure the clockwise angle from one direction to another in the picture, in degrees from -180 to 180."""
    cross = start[:, 0] * end[:, 1] - start[:, 1] * end[:, 0]
    angle = np.degrees(np.arctan2(cross, (start * end).sum(axis=1)))
    points_somewhere = start.any(axis=1) & end.any(axis=1)
    return np.where(points_somewhere, angle, np.nan) + 0.0  # no -0.0

"""Joint angles of skeletons, in the plane of the picture. docs/angles.md states the convention, with a picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from estimation.layouts import Layout

Points = NDArray[np.float64]
"""(n, 2): x and y of a body part of n people."""


def joint_angles(layout: Layout, keypoints: ArrayLike) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Measure the joint angles of people, in degrees.

    Left and right are the person's. All angles are those of the picture: of the limbs as they are seen.

    * ``knee`` and ``elbow``, 0 to 180: 0 is straight. They bend one way only, so they have no sign.
    * ``ankle``, -90 to 90, where the layout has heels and big toes: 0 is a foot at a right angle to the shank. Positive
      is dorsiflexion, toes up; negative is plantarflexion.
    * ``hip`` and ``shoulder``, -180 to 180: 0 is a thigh, or an upper arm, in line with the trunk, as of a person who
      stands with hanging arms. ``trunk``, -180 to 180: 0 is upright. The positive direction of all three is forward
      for a person who faces the right edge of the picture, and backward for one who faces the left edge.

    The trunk goes from the middle of the hips, ``mid_hip`` if the layout has it, to the neck.

    Args:
        layout: the layout of the skeletons.
        keypoints: (n, parts, 2) x and y in pixels, y downward; NaN where a part is missing.

    Returns:
        The k names of the angles that the layout allows, such as ``left_knee``, and the angles, (n, k) float64. NaN:
        a part is missing, or two neighbouring parts are at the same place.

    Raises:
        ValueError: the keypoints are of another layout.
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
    """Name the body parts that each angle is measured between.

    Args:
        layout: the layout of the skeletons.

    Returns:
        Names of body parts by the names of the angles, in the order of ``joint_angles``.
    """
    return {name: parts for name, (parts, _) in _angles(layout).items()}


def _angles(layout: Layout) -> dict[str, tuple[tuple[str, ...], Callable[..., Points]]]:
    """By name: the parts that an angle needs, and what measures it between them."""
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
    """How far the second limb turns away from the direction of the first."""
    return np.abs(_clockwise(joint - first, last - joint))


def _turned_forward(start: Points, end: Points, neck: Points, *hips: Points) -> Points:
    """How far a limb turns from the downward direction of the trunk: counterclockwise, towards the right edge."""
    return -_clockwise(_middle(hips) - neck, end - start)


def _dorsiflexion(knee: Points, ankle: Points, heel: Points, toe: Points) -> Points:
    """How far the foot turns from a right angle towards the shank."""
    return 90 - np.abs(_clockwise(knee - ankle, toe - heel))


def _leaning(neck: Points, *hips: Points) -> Points:
    """How far the trunk turns from upright: clockwise, towards the right edge."""
    return _clockwise(np.array([[0.0, -1.0]]), neck - _middle(hips))


def _middle(hips: tuple[Points, ...]) -> Points:
    return sum(hips[1:], hips[0]) / len(hips)


def _clockwise(start: Points, end: Points) -> Points:
    """The angle from one direction to another as the picture shows it, where y goes down: degrees from -180 to 180."""
    cross = start[:, 0] * end[:, 1] - start[:, 1] * end[:, 0]
    angle = np.degrees(np.arctan2(cross, (start * end).sum(axis=1)))
    points_somewhere = start.any(axis=1) & end.any(axis=1)
    return np.where(points_somewhere, angle, np.nan) + 0.0  # no -0.0

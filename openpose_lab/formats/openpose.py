"""OpenPose's JSON, version 1.3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from estimation.layouts import Layout
from openpose_lab.formats.format import Format

if TYPE_CHECKING:
    from estimation.skeletons import Skeletons


def to_openpose(skeletons: Skeletons) -> dict[str, Any]:
    """Convert skeletons to the content of OpenPose's JSON.

    Returns:
        Each person's x, y and score of every body part in one flat list. x and y are photo pixels, with 0, 0 at the
        centre of the first; a missing part is 0, 0, 0.
    """
    from openpose_lab.formats.points import rounded_points

    people = [
        {
            "person_id": [-1],
            "pose_keypoints_2d": points.ravel().tolist(),
            "face_keypoints_2d": [],
            "hand_left_keypoints_2d": [],
            "hand_right_keypoints_2d": [],
            "pose_keypoints_3d": [],
            "face_keypoints_3d": [],
            "hand_left_keypoints_3d": [],
            "hand_right_keypoints_3d": [],
        }
        for points in rounded_points(skeletons)
    ]
    return {"version": 1.3, "people": people}


def _encode(skeletons: Skeletons, layout: Layout) -> bytes:
    return json.dumps(to_openpose(skeletons)).encode()


FORMAT = Format("json", "also write the people as JSON in OpenPose's format", _encode)

"""Skeletons in the formats that other programs read."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.skeletons import Skeletons

COCO_KEYPOINTS = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
"""The order of COCO's annotations, which have no neck."""
PERSON = 1
"""COCO's category of people."""


def to_openpose(skeletons: Skeletons) -> dict[str, Any]:
    """OpenPose's JSON (version 1.3): each person's x, y, score of every body part, one flat list.

    x and y are photo pixels, with 0, 0 at the centre of the first; a missing part is 0, 0, 0.
    """
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
        for points in _points(skeletons)
    ]
    return {"version": 1.3, "people": people}


def to_coco(config: Config, skeletons: Skeletons, image_id: int) -> list[dict[str, Any]]:
    """COCO keypoint results of one photo: 17 keypoints as x, y, 1, and the person's score.

    A keypoint is 0, 0, 0 if it is missing, or is none of the config's body parts (MPI has no eyes and ears).
    """
    known = [place for place, name in enumerate(COCO_KEYPOINTS) if name in config.body_parts]
    parts = [config.body_parts.index(COCO_KEYPOINTS[place]) for place in known]
    points = np.zeros((len(skeletons.person_scores), len(COCO_KEYPOINTS), 3))
    points[:, known] = _points(skeletons)[:, parts]
    points[:, known, 2] = skeletons.present[:, parts]
    return [
        {"image_id": image_id, "category_id": PERSON, "keypoints": person.ravel().tolist(), "score": score}
        for person, score in zip(points, skeletons.person_scores.tolist())
    ]


def from_coco(config: Config, keypoints: NDArray[np.floating]) -> NDArray[np.float64]:
    """COCO's keypoints as body parts: (n, parts, 2), NaN where a part is not labelled or is none of COCO's.

    keypoints: (n, 17, 3) x, y, visibility, which is 0 where nothing is labelled. The neck is the middle of the
    shoulders and mid_hip that of the hips, as in the networks' training.
    """
    keypoints = np.asarray(keypoints, dtype=np.float64)
    labelled = np.where(keypoints[:, :, 2:] > 0, keypoints[:, :, :2], np.nan)
    places = dict(zip(COCO_KEYPOINTS, labelled.transpose(1, 0, 2)))
    places["neck"] = (places["left_shoulder"] + places["right_shoulder"]) / 2
    places["mid_hip"] = (places["left_hip"] + places["right_hip"]) / 2
    nowhere = np.full((len(keypoints), 2), np.nan)
    return np.stack([places.get(name, nowhere) for name in config.body_parts], axis=1)


def _points(skeletons: Skeletons) -> NDArray[np.float64]:
    """(n, parts, 3) x, y, score, rounded to what a photo can tell, 0 where missing."""
    points = np.concatenate([np.nan_to_num(skeletons.keypoints), skeletons.scores[:, :, None]], axis=2)
    return np.round(points, 4)

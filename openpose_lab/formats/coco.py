"""Convert between skeletons and COCO's keypoint annotations and results."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.layouts import Layout
from estimation.skeletons import Skeletons
from openpose_lab.formats.points import scaled_points

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
"""COCO's 17 keypoints, in the order of its annotations. COCO has no neck."""
PERSON = 1
"""COCO's category id of people."""


def to_coco(
    config: Config | Layout, skeletons: Skeletons, image_id: int, peaks: int | None = None
) -> list[dict[str, Any]]:
    """Convert the skeletons of one photo to COCO keypoint results.

    Args:
        config: The configuration of the skeletons, or their layout.
        skeletons: The skeletons.
        image_id: COCO's id of the photo.
        peaks: The number of detected peaks. A keypoint with this peak id or a larger one is imputed. None if no
            keypoint is imputed.

    Returns:
        One result per person: 17 keypoints as x, y, 1, and the person score. x and y are in photo pixels. A keypoint
        is 0, 0, 0 if it is missing or if the layout lacks its body part (MPI has no eyes and ears). With ``peaks``,
        ``imputed`` lists the names of the imputed keypoints.
    """
    known = [place for place, name in enumerate(COCO_KEYPOINTS) if name in config.body_parts]
    parts = [config.body_parts.index(COCO_KEYPOINTS[place]) for place in known]
    points = np.zeros((len(skeletons.person_scores), len(COCO_KEYPOINTS), 3))
    points[:, known] = np.nan_to_num(scaled_points(skeletons))[:, parts]
    points[:, known, 2] = skeletons.present[:, parts]
    results: list[dict[str, Any]] = [
        {"image_id": image_id, "category_id": PERSON, "keypoints": person.ravel().tolist(), "score": score}
        for person, score in zip(points, skeletons.person_scores.tolist())
    ]
    if peaks is not None:
        for result, ids in zip(results, skeletons.peak_ids[:, parts]):
            result["imputed"] = [COCO_KEYPOINTS[known[number]] for number in np.flatnonzero(ids >= peaks)]
    return results


def from_coco(config: Config, keypoints: NDArray[np.floating]) -> NDArray[np.float64]:
    """Convert COCO's keypoints to body parts.

    Args:
        config: The configuration with the wanted body parts.
        keypoints: (n, 17, 3) x, y and visibility. The visibility is 0 if the keypoint is not labelled.

    Returns:
        (n, parts, 2) float64, x and y. NaN if a part is not labelled or COCO lacks it. The neck is the midpoint of the
        shoulders, and mid_hip is the midpoint of the hips, as in the networks' training.
    """
    keypoints = np.asarray(keypoints, dtype=np.float64)
    labelled = np.where(keypoints[:, :, 2:] > 0, keypoints[:, :, :2], np.nan)
    places = dict(zip(COCO_KEYPOINTS, labelled.transpose(1, 0, 2)))
    places["neck"] = (places["left_shoulder"] + places["right_shoulder"]) / 2
    places["mid_hip"] = (places["left_hip"] + places["right_hip"]) / 2
    nowhere = np.full((len(keypoints), 2), np.nan)
    return np.stack([places.get(name, nowhere) for name in config.body_parts], axis=1)

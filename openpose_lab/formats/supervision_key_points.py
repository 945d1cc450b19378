"""Skeletons as key points of supervision, a library that draws, filters and tracks them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from estimation.errors import OpenPoseLabError
from estimation.skeletons import Skeletons
from openpose_lab.extras import require
from openpose_lab.formats.points import best_first

if TYPE_CHECKING:
    import supervision


def to_supervision(skeletons: Skeletons) -> supervision.KeyPoints:
    """Convert skeletons to supervision's key points.

    Args:
        skeletons: The people of one photo.

    Returns:
        The people, sorted by person score, highest first: ``xy`` (n, parts, 2) float32 in photo pixels;
        ``keypoint_confidence`` (n, parts) float32; ``detection_confidence`` (n,) float32, the person scores; and
        ``visible`` (n, parts) bool. A missing part has the place 0, 0, the confidence 0, and is not visible.

    Raises:
        OpenPoseLabError: supervision is not installed, or is older than 0.29.
    """
    require("supervision", "to_supervision")
    import supervision

    if "detection_confidence" not in {field.name for field in dataclasses.fields(supervision.KeyPoints)}:
        raise OpenPoseLabError(
            "to_supervision needs supervision 0.29 or newer, but an older version is installed; "
            "run `pip install --upgrade supervision`"
        )
    skeletons = best_first(skeletons)
    return supervision.KeyPoints(
        xy=np.nan_to_num(skeletons.keypoints).astype(np.float32),
        keypoint_confidence=skeletons.scores.astype(np.float32),
        detection_confidence=skeletons.person_scores.astype(np.float32),
        visible=skeletons.present,
    )

"""People of hand-sized videos."""

import numpy as np
import pytest

from estimation.layouts import LAYOUTS
from estimation.skeletons import Skeletons


def people_at(layout, *places, height=100.0):
    """Standing people, one at each place (x, y) of the middle of their body in pixels."""
    pose = (np.array(layout.proportions) - (0, 0.5)) * height
    keypoints = np.array([pose + place for place in places]).reshape(-1, *pose.shape)
    return of_keypoints(keypoints)


def of_keypoints(keypoints):
    """Skeletons (n, parts, 2), NaN where missing."""
    keypoints = np.asarray(keypoints, dtype=float)
    known = ~np.isnan(keypoints[..., 0])
    return Skeletons(keypoints, np.where(known, 0.9, 0), np.ones(len(keypoints)), np.where(known, 0, -1))


@pytest.fixture
def layout():
    return LAYOUTS["COCO_18"]

"""The public names of OpenPose Lab. Each is imported when it is first used.

For example, ``from openpose_lab import PoseEstimator``. docs/python.md has an example of each name.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from estimation.angles import joint_angles
    from estimation.config import Config
    from estimation.errors import OpenPoseLabError
    from estimation.faces import blur_faces
    from estimation.files import write_whole
    from estimation.grouping import GROUPINGS, Grouping, load_grouping, run_grouping
    from estimation.layouts import LAYOUTS
    from estimation.photos import read_photo
    from estimation.pipeline import Estimate, estimate_people
    from estimation.renderers import draw_skeletons
    from estimation.skeletons import Skeletons, best_people
    from openpose_lab.estimator import PoseEstimator
    from openpose_lab.evaluation.comparison import compare_groupings
    from openpose_lab.formats.coco import to_coco
    from openpose_lab.formats.data_frame import to_dataframe
    from openpose_lab.formats.openpose import to_openpose
    from openpose_lab.formats.record import Record
    from openpose_lab.formats.supervision_key_points import to_supervision
    from openpose_lab.networks import NETWORKS
    from openpose_lab.networks.loading import load_network
    from openpose_lab.sources import frames
    from openpose_lab.sources.frame import Frame
    from openpose_lab.tracking import identify, load_tracker

_HOMES = {
    "GROUPINGS": "estimation.grouping",
    "LAYOUTS": "estimation.layouts",
    "NETWORKS": "openpose_lab.networks",
    "Config": "estimation.config",
    "Estimate": "estimation.pipeline",
    "Frame": "openpose_lab.sources.frame",
    "Grouping": "estimation.grouping",
    "OpenPoseLabError": "estimation.errors",
    "PoseEstimator": "openpose_lab.estimator",
    "Record": "openpose_lab.formats.record",
    "Skeletons": "estimation.skeletons",
    "best_people": "estimation.skeletons",
    "blur_faces": "estimation.faces",
    "compare_groupings": "openpose_lab.evaluation.comparison",
    "draw_skeletons": "estimation.renderers",
    "estimate_people": "estimation.pipeline",
    "frames": "openpose_lab.sources",
    "identify": "openpose_lab.tracking",
    "joint_angles": "estimation.angles",
    "load_grouping": "estimation.grouping",
    "load_network": "openpose_lab.networks.loading",
    "load_tracker": "openpose_lab.tracking",
    "read_photo": "estimation.photos",
    "run_grouping": "estimation.grouping",
    "to_coco": "openpose_lab.formats.coco",
    "to_dataframe": "openpose_lab.formats.data_frame",
    "to_openpose": "openpose_lab.formats.openpose",
    "to_supervision": "openpose_lab.formats.supervision_key_points",
    "write_whole": "estimation.files",
}

__all__ = [
    "GROUPINGS",
    "LAYOUTS",
    "NETWORKS",
    "Config",
    "Estimate",
    "Frame",
    "Grouping",
    "OpenPoseLabError",
    "PoseEstimator",
    "Record",
    "Skeletons",
    "best_people",
    "blur_faces",
    "compare_groupings",
    "draw_skeletons",
    "estimate_people",
    "frames",
    "identify",
    "joint_angles",
    "load_grouping",
    "load_network",
    "load_tracker",
    "read_photo",
    "run_grouping",
    "to_coco",
    "to_dataframe",
    "to_openpose",
    "to_supervision",
    "write_whole",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'openpose_lab' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

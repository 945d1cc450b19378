"""Read and check the people that another system found, in COCO's result format."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from estimation.errors import OpenPoseLabError
from openpose_lab.evaluation.coco_rules import Rule, are_keypoints_of, broken_rule, is_box, is_integer, is_score
from openpose_lab.evaluation.json_files import read_json
from openpose_lab.evaluation.measurement import Measured
from openpose_lab.formats.coco import COCO_KEYPOINTS, PERSON

if TYPE_CHECKING:
    from pycocotools.coco import COCO

_NEEDED: dict[str, Rule] = {
    "image_id": is_integer,
    "category_id": is_integer,
    "keypoints": are_keypoints_of(len(COCO_KEYPOINTS)),
    "score": is_score,
}
_KEPT = (*_NEEDED, "imputed")


@dataclass(frozen=True, eq=False)
class Predictions:
    """The people of a results file.

    Attributes:
        measured: The people in the evaluated photos, in the order of the file.
        rows: The number of rows in the file.
        left_out: The number of rows that are not used, by reason.
    """

    measured: Measured
    rows: int
    left_out: dict[str, int]


def read_predictions(path: Path, truth: COCO) -> Predictions:
    """Read COCO keypoint results of any system.

    As in pycocotools, x and y of every keypoint count, and its third number is ignored. A keypoint with x and y 0 is
    missing. Rows of other photos and of other categories are left out.

    Args:
        path: The results file, JSON.
        truth: The annotations of the photos.

    Returns:
        The people. ``measured.found`` lacks the keypoints that the key ``imputed`` of a row names.

    Raises:
        OpenPoseLabError: The file is missing, does not contain COCO keypoint results, or has no row for these photos.
    """
    content = read_json(path, "predictions file", "COCO keypoint results")
    if problem := _problem(content):
        raise OpenPoseLabError(f"the predictions {path} are not COCO keypoint results: {problem}")
    rows, left_out = [], Counter[str]()
    for entry in content:
        if entry["category_id"] != PERSON:
            left_out["of other categories"] += 1
        elif entry["image_id"] not in truth.imgs:
            left_out["of other photos"] += 1
        else:
            rows.append(entry)
    if not rows:
        category = content[0]["category_id"]
        instead = "" if category == PERSON else f" (people have {PERSON})"
        raise OpenPoseLabError(
            f"none of the {len(content)} rows of the predictions {path} is a person in these photos; the first has "
            f"the 'category_id' {category}{instead} and the 'image_id' {content[0]['image_id']}"
        )
    if all(0 <= value <= 1 for entry in rows for value in _coordinates(entry)):
        raise OpenPoseLabError(f"all keypoints of the predictions {path} lie from 0 to 1; give them in pixels")
    with_boxes = all(entry.get("bbox") for entry in rows)  # then pycocotools uses the area of the boxes
    kept = (*_KEPT, "bbox") if with_boxes else _KEPT
    results = [_marked({key: entry[key] for key in kept if key in entry}) for entry in rows]
    return Predictions(Measured([_found(person) for person in results], results, []), len(content), dict(left_out))


def _coordinates(person: dict[str, Any]) -> list[float]:
    return [*person["keypoints"][::3], *person["keypoints"][1::3]]


def _marked(person: dict[str, Any]) -> dict[str, Any]:
    """Set the third number of each keypoint to 1, or to 0 if the keypoint is missing. Check ``imputed``."""
    keypoints = np.array(person["keypoints"], dtype=float).reshape(-1, 3)
    keypoints[:, 2] = keypoints[:, :2].any(axis=1)
    imputed = person.get("imputed")
    names = [name for name in COCO_KEYPOINTS if name in imputed] if isinstance(imputed, list) else []
    return {**person, "keypoints": keypoints.ravel().tolist(), "imputed": names}


def _found(person: dict[str, Any]) -> dict[str, Any]:
    """Return a person without their imputed keypoints."""
    keypoints = np.reshape(person["keypoints"], (-1, 3)).copy()
    keypoints[[COCO_KEYPOINTS.index(name) for name in person["imputed"]]] = 0
    return {**person, "keypoints": keypoints.ravel().tolist()}


def _problem(content: Any) -> str | None:
    """Return the first error in the content of a results file, as the end of a sentence, or None."""
    if not isinstance(content, list) or not all(isinstance(entry, dict) for entry in content):
        return "the file must hold a list of people"
    if not content:
        return "the list is empty"
    for number, entry in enumerate(content):
        if problem := broken_rule(entry, _NEEDED, {} if entry.get("bbox") in (None, []) else {"bbox": is_box}):
            return f"row {number}: {problem}"
    return None

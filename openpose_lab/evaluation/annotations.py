"""Photos with COCO keypoints: reading annotations and checking them, and writing some for people who are known."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO

from estimation.config import Config
from estimation.errors import OpenPoseLabError
from openpose_lab.formats.coco import COCO_KEYPOINTS, PERSON

_BODY_OF_BOX = 0.7
"""COCO measures a person by the area of their outline; this much of the box around the keypoints (median of 95)."""
_FARTHEST = 1e6  # pixels: no photo is larger
_LARGEST_AREA = 1e10  # COCO leaves out who is larger


def read_annotations(path: Path, limit: int | None = None) -> COCO:
    """COCO's annotations of people, of the first ``limit`` photos if there is one.

    Raises OpenPoseLabError if the file is not there, not of that kind, or has nobody to find.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise OpenPoseLabError(f"cannot read the annotations {path}: {error.strerror}; check the path") from error
    except (ValueError, RecursionError):
        raise OpenPoseLabError(
            f"the annotations {path} are not JSON, or cut short; give a COCO keypoint file"
        ) from None
    if problem := _problem(content):
        raise OpenPoseLabError(f"the annotations {path} are not COCO keypoints: {problem}")
    images = content["images"][:limit]
    ids = {image["id"] for image in images}
    people = [e for e in content["annotations"] if e["category_id"] == PERSON and e["image_id"] in ids]
    truth = to_truth({**content, "images": images, "annotations": people})
    if not any(map(counts, truth.anns.values())):
        raise OpenPoseLabError(
            f"nobody in the {len(ids)} photos of the annotations {path} has keypoints, so there is nothing to measure; "
            f"choose other photos"
        )
    return truth


def counts(person: dict[str, Any]) -> bool:
    """Whether COCO counts this annotation: of one person, with keypoints. Who is found in others is no error."""
    return not person["iscrowd"] and person["num_keypoints"] > 0


def to_truth(content: dict[str, Any]) -> COCO:
    """The content of an annotations file, as pycocotools wants it.

    The annotations are numbered from 1, as pycocotools takes a person of number 0 for not found; and nobody has more
    ``num_keypoints`` than are labelled.
    """
    people = []
    for number, entry in enumerate(content["annotations"], start=1):
        labelled = sum(visibility > 0 for visibility in entry["keypoints"][2::3])
        people.append({**entry, "id": number, "num_keypoints": min(entry.get("num_keypoints", labelled), labelled)})
    truth = COCO()
    truth.dataset = {**content, "annotations": people}
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
    return truth


def find_photos(truth: COCO, folder: Path) -> dict[int, Path]:
    """The photo of each image id. Raises OpenPoseLabError at the first that is missing."""
    photos = {image["id"]: folder / image["file_name"] for image in truth.dataset["images"]}
    for path in photos.values():
        if not path.is_file():
            raise OpenPoseLabError(f"the annotations name {path.name}, but there is no {path}; check --images")
    return photos


def annotate(config: Config, photos: dict[str, NDArray[np.float64]]) -> dict[str, Any]:
    """The content of an annotations file for people who are known: photo 1 is the first, and so on.

    photos: for each name the people's keypoints (n, parts, 2) in pixels, NaN where somebody lacks a part.
    """
    parts = [config.body_parts.index(name) for name in COCO_KEYPOINTS]
    annotations: list[dict[str, Any]] = []
    for image_id, people in enumerate(photos.values(), start=1):
        for person in people[:, parts]:
            labelled = ~np.isnan(person[:, :1])
            corner, size = np.nanmin(person, axis=0), np.ptp(person[labelled[:, 0]], axis=0)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": PERSON,
                    "iscrowd": 0,
                    "area": float(_BODY_OF_BOX * np.prod(size)),
                    "bbox": [*corner.tolist(), *size.tolist()],
                    "num_keypoints": int(labelled.sum()),
                    "keypoints": np.hstack([np.nan_to_num(person), 2.0 * labelled]).ravel().tolist(),
                }
            )
    images = [{"id": image_id, "file_name": name} for image_id, name in enumerate(photos, start=1)]
    return {"images": images, "annotations": annotations, "categories": [{"id": PERSON, "name": "person"}]}


Rule = Callable[[Any], str | None]
"""Says what a value must be, if it is not."""


def _is_integer(value: Any) -> str | None:
    good = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
    return None if good else "a whole number"


def _is_flag(value: Any) -> str | None:
    return None if value in (0, 1) and isinstance(value, int) else "0 or 1"


def _is_count(value: Any) -> str | None:
    return None if not _is_integer(value) and value >= 0 else "a whole number that is not negative"


def _is_number(value: Any, lowest: float = -_FARTHEST, highest: float = _FARTHEST) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and lowest <= value <= highest


def _is_area(value: Any) -> str | None:
    return None if _is_number(value, 0, _LARGEST_AREA) else f"a number from 0 to {_LARGEST_AREA:g}"


def _is_length(value: Any) -> str | None:
    return None if _is_number(value, 0) else f"a number from 0 to {_FARTHEST:g}"


def _is_box(value: Any) -> str | None:
    good = isinstance(value, list) and len(value) == 4 and all(map(_is_number, value)) and min(value[2:]) >= 0
    return None if good else "a list of x, y, width and height"


def _is_keypoints(value: Any) -> str | None:
    length = 3 * len(COCO_KEYPOINTS)
    good = isinstance(value, list) and len(value) == length and all(map(_is_number, value))
    return None if good else f"a list of {length} numbers: x, y and visibility of each keypoint"


def _is_file_name(value: Any) -> str | None:
    good = isinstance(value, str) and 0 < len(value) < 256 and value.isprintable()
    return None if good else "the name of a photo"


def _is_order(value: Any) -> str | None:
    good = isinstance(value, list) and tuple(value) == COCO_KEYPOINTS
    return None if good else f"the list {', '.join(COCO_KEYPOINTS)}"


_NEEDED: dict[str, dict[str, Rule]] = {
    "images": {"id": _is_integer, "file_name": _is_file_name},
    "categories": {"id": _is_integer},
    "annotations": {"image_id": _is_integer, "category_id": _is_integer},
}
_OF_PERSON: dict[str, Rule] = {"area": _is_area, "bbox": _is_box, "iscrowd": _is_flag, "keypoints": _is_keypoints}
_OPTIONAL: dict[str, Rule] = {"num_keypoints": _is_count, "head_size": _is_length, "bbox_head": _is_box}


def _problem(content: Any) -> str | None:
    """What is wrong with the content of an annotations file, if anything. What is no person's may be anything."""
    if not isinstance(content, dict):
        return "the file must hold an object"
    for kind, rules in _NEEDED.items():
        entries = content.get(kind)
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            return f"there must be a list {kind!r}"
        for number, entry in enumerate(entries):
            if problem := _broken_rule(entry, rules, {}):
                return f"entry {number} of {kind!r}: {problem}"
    if not content["images"]:
        return "the list 'images' is empty"
    seen: set[int] = set()
    for image in content["images"]:
        if image["id"] in seen:
            return f"two entries of 'images' have the id {image['id']}"
        seen.add(image["id"])
    of_people = [category for category in content["categories"] if category["id"] == PERSON]
    if not of_people:
        return f"there is no category with the id {PERSON}, which is COCO's for people"
    if problem := _broken_rule(of_people[0], {}, {"keypoints": _is_order}):
        return f"the category of people: {problem}"
    for number, entry in enumerate(content["annotations"]):
        if entry["category_id"] == PERSON and (problem := _broken_rule(entry, _OF_PERSON, _OPTIONAL)):
            return f"entry {number} of 'annotations': {problem}"
    return None


def _broken_rule(entry: dict[str, Any], needed: dict[str, Rule], optional: dict[str, Rule]) -> str | None:
    for key, rule in {**needed, **optional}.items():
        if key not in entry:
            if key in needed:
                return f"{key!r} is missing"
        elif expected := rule(entry[key]):
            return f"{key!r} must be {expected}"
    return None

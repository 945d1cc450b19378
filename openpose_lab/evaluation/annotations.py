"""Annotations of photos in COCO's keypoint format: read and check them, and write those of simulated people."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.errors import OpenPoseLabError, one_line
from estimation.files import PICTURE_TYPES
from openpose_lab.evaluation.coco_figures import counts
from openpose_lab.evaluation.coco_rules import (
    Rule,
    are_keypoints_of,
    broken_rule,
    is_area,
    is_box,
    is_count,
    is_file_name,
    is_flag,
    is_integer,
    is_length,
    is_order,
)
from openpose_lab.evaluation.fit import check_photos, check_units, note
from openpose_lab.evaluation.json_files import read_json
from openpose_lab.extras import require
from openpose_lab.formats.coco import COCO_KEYPOINTS, PERSON

if TYPE_CHECKING:
    from pycocotools.coco import COCO

_BODY_OF_BOX = 0.7
"""The area of a person's outline, as a share of the box around their keypoints (median of 95 people).

COCO's ``area`` is the area of the outline.
"""


def read_annotations(path: Path, limit: int | None = None, need_people: bool = True) -> COCO:
    """Read COCO's annotations of people.

    A missing ``iscrowd``, ``area``, ``bbox`` or ``category_id`` gets COCO's default, and a note says so.

    Args:
        path: The annotations file.
        limit: Read the first ``limit`` photos. None reads all photos.
        need_people: Whether to refuse a file without annotations, such as COCO's file of its test photos.

    Returns:
        The annotations.

    Raises:
        OpenPoseLabError: The file is missing, is not a COCO keypoint file, is not in pixels, or has no person with
            keypoints.
    """
    content = read_json(path, "annotations file", "a COCO keypoint file")
    if isinstance(content, dict):
        content = _with_lists(content, path, need_people)
    if problem := find_problem(content):
        raise OpenPoseLabError(f"the annotations {path} are not COCO keypoints: {problem}")
    images = [_only(image, _IMAGE_KEYS) for image in content["images"][:limit]]
    names = {image["id"]: image["file_name"] for image in images}
    people = [
        _only(entry, _PERSON_KEYS)
        for entry in content["annotations"]
        if entry.get("category_id", PERSON) == PERSON and entry["image_id"] in names
    ]
    _add_defaults(people, names, path)
    truth = to_truth({"images": images, "annotations": people, "categories": [{"id": PERSON, "name": "person"}]})
    if (need_people or content["annotations"]) and not any(map(counts, truth.anns.values())):
        raise OpenPoseLabError(
            f"no person in the {len(images)} photos of the annotations {path} has keypoints, so there is nothing to "
            f"measure: {_why_no_person(content['annotations'], people)}"
        )
    check_units(truth)
    warn_of_strays(content, path)
    return truth


def _with_lists(content: dict[str, Any], path: Path, need_people: bool) -> dict[str, Any]:
    """Add COCO's category of people if the content has no categories. Add missing annotations as an empty list."""
    if not need_people:
        content = {"annotations": [], **content}
    if content.get("categories"):
        return content
    if content.get("annotations"):
        note(f"the annotations {path} have no 'categories'; category {PERSON} stands for people, as in COCO")
    return {**content, "categories": [{"id": PERSON, "name": "person"}]}


def _only(entry: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """Return the entry with only these keys, because pycocotools copies every key."""
    return {key: entry[key] for key in keys if key in entry}


def _add_defaults(people: list[dict[str, Any]], names: dict[int, str], path: Path) -> None:
    """Add COCO's default for each missing key of a person. A note names the key."""
    for key, (default, meaning) in _DEFAULTS.items():
        lacking = [person for person in people if key not in person]
        for person in lacking:
            person[key] = default(person)
        if lacking:
            note(
                f"{len(lacking)} of {len(people)} people in the annotations {path} lack {key!r} (first in "
                f"{one_line(names[lacking[0]['image_id']], 60)}); {meaning}"
            )


def _box_of_keypoints(person: dict[str, Any]) -> list[float]:
    """Return x, y, width and height of the box around the labelled keypoints, in pixels."""
    keypoints = np.array(person["keypoints"], dtype=float).reshape(-1, 3)
    labelled = keypoints[keypoints[:, 2] > 0, :2]
    if not len(labelled):
        return [0.0, 0.0, 0.0, 0.0]
    return [*labelled.min(axis=0).tolist(), *np.ptp(labelled, axis=0).tolist()]


_DEFAULTS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "category_id": (lambda _: PERSON, f"{PERSON} (person) is used"),
    "iscrowd": (lambda _: 0, "0 (one person) is used"),
    "bbox": (_box_of_keypoints, "the box around the labelled keypoints is used"),
    "area": (lambda person: person["bbox"][2] * person["bbox"][3], "the area of the box is used, as in pycocotools"),
}
"""The default of each optional key, and its words in a note. ``area`` comes after ``bbox``, which it is made from."""
_IMAGE_KEYS = "id", "file_name", "width", "height"
_PERSON_KEYS = "image_id", "keypoints", "num_keypoints", "head_size", "bbox_head", *_DEFAULTS


def _why_no_person(annotations: list[dict[str, Any]], people: list[dict[str, Any]]) -> str:
    """Explain why no annotation counts, as the end of a sentence. ``people`` are the annotated people in the photos."""
    of_people = [entry for entry in annotations if entry.get("category_id", PERSON) == PERSON]
    if not annotations:
        return "the list 'annotations' is empty"
    if not of_people:
        return f"no annotation has the 'category_id' {PERSON} (person); the first has {annotations[0]['category_id']}"
    if not people:
        return (
            f"no annotation of a person has the id of one of these photos; the first has the 'image_id' "
            f"{of_people[0]['image_id']}"
        )
    if all(person.get("iscrowd") for person in people):
        return "all annotations are crowds ('iscrowd' is 1)"
    if not any(visibility > 0 for person in people for visibility in person["keypoints"][2::3]):
        return "the visibility of every keypoint is 0"
    return "'num_keypoints' is 0 for every person with labelled keypoints"


def warn_of_strays(content: dict[str, Any], path: Path) -> None:
    """Warn of annotations with an ``image_id`` that no photo has."""
    listed = {image["id"] for image in content["images"]}
    strays = [entry["image_id"] for entry in content["annotations"] if entry["image_id"] not in listed]
    if strays:
        note(f"{len(strays)} annotations in {path} are left out: no photo has their 'image_id', such as {strays[0]}")


def to_truth(content: dict[str, Any]) -> COCO:
    """Convert the content of an annotations file to pycocotools' ``COCO``.

    The annotations get ids from 1, because pycocotools takes a match with the id 0 for no match. ``num_keypoints`` is
    at most the number of labelled keypoints.
    """
    people = []
    for number, entry in enumerate(content["annotations"], start=1):
        labelled = sum(visibility > 0 for visibility in entry["keypoints"][2::3])
        people.append({**entry, "id": number, "num_keypoints": min(entry.get("num_keypoints", labelled), labelled)})
    require("pycocotools", "measuring")
    from pycocotools.coco import COCO

    truth = COCO()
    truth.dataset = {**content, "annotations": people}
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
    return truth


def photos_in(folder: Path, option: str) -> list[Path]:
    """List the photos of a folder by their names.

    Args:
        folder: The folder.
        option: The option that names the folder, for messages.

    Returns:
        The paths, sorted by name.

    Raises:
        OpenPoseLabError: The folder cannot be read, or contains no photos.
    """
    try:
        paths = [path for path in folder.iterdir() if path.suffix.lower() in PICTURE_TYPES and os.path.isfile(path)]
    except OSError as error:
        raise OpenPoseLabError(f"cannot read the folder {folder}: {error.strerror}; check {option}") from error
    if not paths:
        raise OpenPoseLabError(f"no file in {folder} has a name that ends in {' '.join(PICTURE_TYPES)}; check {option}")
    return sorted(paths, key=lambda path: path.name)


def list_photos(folder: Path, limit: int | None = None) -> COCO:
    """List the photos of a folder as annotations without people.

    If the name of every photo is a different number, as in COCO, these numbers are the ids. Otherwise the ids count
    from 1 in the order of the names, and a note says so.

    Args:
        folder: The folder.
        limit: List the first ``limit`` photos by name. None lists all photos.

    Returns:
        The photos, without people.

    Raises:
        OpenPoseLabError: The folder cannot be read, or contains no photos.
    """
    names = [path.name for path in photos_in(folder, "--images")][:limit]
    ids = {int(stem) for stem in (Path(name).stem for name in names) if re.fullmatch(r"[0-9]{1,15}", stem)}
    if len(ids) == len(names):
        images = [{"id": int(Path(name).stem), "file_name": name} for name in names]
    else:
        images = [{"id": number, "file_name": name} for number, name in enumerate(names, start=1)]
        note(f"the photos in {folder} get ids from 1 in the order of their names, which are not all different numbers")
    return to_truth({"images": images, "annotations": [], "categories": [{"id": PERSON, "name": "person"}]})


def find_photos(truth: COCO, folder: Path) -> dict[int, Path]:
    """Return the path of each photo by its image id. Compare the sizes of the photos with the annotations.

    Raises:
        OpenPoseLabError: A photo is missing, or does not fit its annotations. The message names the first one.
    """
    photos = {image["id"]: folder / image["file_name"] for image in truth.dataset["images"]}
    for path in photos.values():
        if not os.path.isfile(path):  # Path.is_file raises OSError at a name that is too long
            raise OpenPoseLabError(
                f"the annotations name {one_line(path.name, 60)}, but there is no such file in {folder}; check --images"
            )
    check_photos(truth, photos)
    return photos


def annotate(config: Config, photos: dict[str, NDArray[np.float64]]) -> dict[str, Any]:
    """Make the content of an annotations file for people with known keypoints.

    Args:
        config: The configuration of the keypoints.
        photos: The people of each photo by its name: (n, parts, 2) in pixels, NaN where a part is missing. The image
            ids count from 1 in this order.

    Returns:
        The content.
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


_NEEDED: dict[str, dict[str, Rule]] = {
    "images": {"id": is_integer, "file_name": is_file_name},
    "categories": {"id": is_integer},
    "annotations": {"image_id": is_integer},
}
_CATEGORY: dict[str, Rule] = {"category_id": is_integer}
_OPTIONAL: dict[str, Rule] = {
    "area": is_area,
    "bbox": is_box,
    "iscrowd": is_flag,
    "num_keypoints": is_count,
    "head_size": is_length,
    "bbox_head": is_box,
}


def find_problem(content: Any, count: int = len(COCO_KEYPOINTS), order: Rule = is_order) -> str | None:
    """Find the first error in the content of an annotations file.

    Args:
        content: The content. Entries of other categories than people are not checked.
        count: The number of keypoints of a person.
        order: The rule for the names of the keypoints.

    Returns:
        The first error, as the end of a sentence. None if the content is correct.
    """
    of_person = {"keypoints": are_keypoints_of(count)}
    if not isinstance(content, dict):
        return "the file must hold an object"
    for kind, rules in _NEEDED.items():
        entries = content.get(kind)
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            return f"there must be a list {kind!r}"
        for number, entry in enumerate(entries):
            if problem := broken_rule(entry, rules, _CATEGORY if kind == "annotations" else {}):
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
        return f"no category has the id {PERSON}, which stands for people in COCO"
    if problem := broken_rule(of_people[0], {}, {"keypoints": order}):
        return f"the category of people: {problem}"
    for number, entry in enumerate(content["annotations"]):
        if entry.get("category_id", PERSON) == PERSON and (problem := broken_rule(entry, of_person, _OPTIONAL)):
            return f"entry {number} of 'annotations': {problem}"
    return None

"""Photos with COCO keypoints: reading annotations and checking them, and writing some for people who are known."""

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
"""COCO measures a person by the area of their outline; this much of the box around the keypoints (median of 95)."""


def read_annotations(path: Path, limit: int | None = None, need_people: bool = True) -> COCO:
    """COCO's annotations of people, of the first ``limit`` photos if there is one.

    A missing ``iscrowd``, ``area``, ``bbox`` or ``category_id`` gets COCO's default, and a note says so.

    Args:
        path: the annotations file.
        limit: the number of photos; None for all.
        need_people: whether a file without annotations, such as COCO's of its test photos, is refused.

    Raises:
        OpenPoseLabError: if the file is not there, not of that kind, not in pixels, or has no person to find.
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
    """The content with COCO's categories if there are none, and an empty list of annotations if none is needed."""
    if not need_people:
        content = {"annotations": [], **content}
    if content.get("categories"):
        return content
    if content.get("annotations"):
        note(f"the annotations {path} have no 'categories'; category {PERSON} is taken for people, as in COCO")
    return {**content, "categories": [{"id": PERSON, "name": "person"}]}


def _only(entry: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """The entry with these keys alone, because pycocotools copies every key."""
    return {key: entry[key] for key in keys if key in entry}


def _add_defaults(people: list[dict[str, Any]], names: dict[int, str], path: Path) -> None:
    """Give people COCO's defaults of missing keys. A note names each key that is missing."""
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
    """x, y, width and height of the box around the labelled keypoints."""
    keypoints = np.array(person["keypoints"], dtype=float).reshape(-1, 3)
    labelled = keypoints[keypoints[:, 2] > 0, :2]
    if not len(labelled):
        return [0.0, 0.0, 0.0, 0.0]
    return [*labelled.min(axis=0).tolist(), *np.ptp(labelled, axis=0).tolist()]


_DEFAULTS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "category_id": (lambda _: PERSON, f"{PERSON}, COCO's for people, is taken"),
    "iscrowd": (lambda _: 0, "0, one person, is taken"),
    "bbox": (_box_of_keypoints, "the box around the labelled keypoints is taken"),
    "area": (lambda person: person["bbox"][2] * person["bbox"][3], "the area of the box is taken, as in pycocotools"),
}
"""The default of each key that may be missing, and its words in a note. The area comes after its box."""
_IMAGE_KEYS = "id", "file_name", "width", "height"
_PERSON_KEYS = "image_id", "keypoints", "num_keypoints", "head_size", "bbox_head", *_DEFAULTS


def _why_no_person(annotations: list[dict[str, Any]], people: list[dict[str, Any]]) -> str:
    """Why no annotation counts, as the end of a sentence. ``people``: the annotated people in the photos."""
    of_people = [entry for entry in annotations if entry.get("category_id", PERSON) == PERSON]
    if not annotations:
        return "the list 'annotations' is empty"
    if not of_people:
        return (
            f"no annotation has the 'category_id' {PERSON}, COCO's for people; one has {annotations[0]['category_id']}"
        )
    if not people:
        return (
            f"no annotation belongs to them; one has the 'image_id' {of_people[0]['image_id']}, which is none of theirs"
        )
    if all(person.get("iscrowd") for person in people):
        return "all annotations are crowds ('iscrowd' is 1)"
    if not any(visibility > 0 for person in people for visibility in person["keypoints"][2::3]):
        return "the visibility of every keypoint is 0"
    return "'num_keypoints' is 0 wherever keypoints are labelled"


def warn_of_strays(content: dict[str, Any], path: Path) -> None:
    """Warn of annotations without a photo."""
    listed = {image["id"] for image in content["images"]}
    strays = [entry["image_id"] for entry in content["annotations"] if entry["image_id"] not in listed]
    if strays:
        note(f"{len(strays)} annotations in {path} are left out: no photo has their 'image_id', such as {strays[0]}")


def to_truth(content: dict[str, Any]) -> COCO:
    """The content of an annotations file, as pycocotools wants it.

    The annotations are numbered from 1, as pycocotools takes a person of number 0 for not found; and nobody has more
    ``num_keypoints`` than are labelled.
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
        folder: the folder.
        option: the option that names it, for messages.

    Raises:
        OpenPoseLabError: the folder cannot be read, or has no photos.
    """
    try:
        paths = [path for path in folder.iterdir() if path.suffix.lower() in PICTURE_TYPES and os.path.isfile(path)]
    except OSError as error:
        raise OpenPoseLabError(f"cannot read the folder {folder}: {error.strerror}; check {option}") from error
    if not paths:
        raise OpenPoseLabError(f"no file in {folder} has a name that ends in {' '.join(PICTURE_TYPES)}; check {option}")
    return sorted(paths, key=lambda path: path.name)


def list_photos(folder: Path, limit: int | None = None) -> COCO:
    """The photos of a folder in place of annotations of them, the first ``limit`` by name if there is one.

    A photo with a number as its name, as COCO's have, has this id. If another photo has a different name, the photos
    are numbered from 1 in the order of their names, and a note says so.

    Raises:
        OpenPoseLabError: if the folder cannot be read, or holds no photos.
    """
    names = [path.name for path in photos_in(folder, "--images")][:limit]
    ids = {int(stem) for stem in (Path(name).stem for name in names) if re.fullmatch(r"[0-9]{1,15}", stem)}
    if len(ids) == len(names):
        images = [{"id": int(Path(name).stem), "file_name": name} for name in names]
    else:
        images = [{"id": number, "file_name": name} for number, name in enumerate(names, start=1)]
        note(f"the photos in {folder} are numbered from 1 in the order of their names, which are not all numbers")
    return to_truth({"images": images, "annotations": [], "categories": [{"id": PERSON, "name": "person"}]})


def find_photos(truth: COCO, folder: Path) -> dict[int, Path]:
    """The photo of each image id. Their sizes are compared with the annotations.

    Raises:
        OpenPoseLabError: at the first photo that is missing, or that its annotations do not fit.
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
    """Find what is wrong with the content of an annotations file.

    Args:
        content: the content. Entries of other categories than people may hold anything.
        count: how many keypoints a person has.
        order: the rule for the names of the keypoints.

    Returns:
        The first problem; None if there is none.
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
        return f"there is no category with the id {PERSON}, which is COCO's for people"
    if problem := broken_rule(of_people[0], {}, {"keypoints": order}):
        return f"the category of people: {problem}"
    for number, entry in enumerate(content["annotations"]):
        if entry.get("category_id", PERSON) == PERSON and (problem := broken_rule(entry, of_person, _OPTIONAL)):
            return f"entry {number} of 'annotations': {problem}"
    return None

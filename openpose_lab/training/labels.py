"""Photos with labelled keypoints in COCO's form, for any layout."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError, one_line
from estimation.layouts import Layout
from estimation.photos import read_photo
from openpose_lab.evaluation.annotations import find_problem, photos_in, warn_of_strays
from openpose_lab.evaluation.coco_rules import are_names
from openpose_lab.evaluation.fit import Annotated, check_pixels, compare_photos, note
from openpose_lab.evaluation.json_files import read_json
from openpose_lab.evaluation.photo_sizes import PhotoSize, photo_size
from openpose_lab.formats.coco import COCO_KEYPOINTS, PERSON
from openpose_lab.overlap import map_in_threads
from openpose_lab.training.regions import Region, is_region, region_mask

BETWEEN = {
    "neck": ("left_shoulder", "right_shoulder"),
    "mid_hip": ("left_hip", "right_hip"),
}
"""Parts without labels in COCO. Each is the midpoint of two other parts, as in OpenPose's training code."""


@dataclass(frozen=True, eq=False)
class LabelledPhoto:
    """One photo and its n labelled people.

    Attributes:
        image_id: The photo's id in the annotations.
        path: The photo's file.
        keypoints: (n, parts, 2) float, x and y in pixels of the photo. NaN for parts without a label.
        boxes: (n, 4) float: x, y, width and height of each person in pixels.
        areas: (n,) float: area of each person in square pixels.
        unknown: Regions without labels: crowds, and people without keypoints.
        entries: The photo's annotations for COCO's measure, with crowds and people without keypoints.
        image: The photo's own entry in the annotations.
        labelled: False for a photo without annotations.
    """

    image_id: int
    path: Path
    keypoints: NDArray[np.float64]
    boxes: NDArray[np.float64]
    areas: NDArray[np.float64]
    unknown: tuple[Region, ...]
    entries: tuple[dict[str, Any], ...]
    image: dict[str, Any] = field(default_factory=dict)
    labelled: bool = True


@dataclass(frozen=True, eq=False)
class Labels:
    """Labelled photos.

    Attributes:
        names: The names of the annotated keypoints, in the order of the annotations.
        photos: The photos, sorted by id.
    """

    names: tuple[str, ...]
    photos: tuple[LabelledPhoto, ...]


def read_labels(annotations: Path, folder: Path, layout: Layout, limit: int | None = None) -> Labels:
    """Read the labels of photos.

    Args:
        annotations: A JSON file in COCO's form. The category with the id 1 names the keypoints, in any order. Without
            names, the keypoints are COCO's 17.
        folder: The folder of the photos.
        layout: The layout to train. Neck and mid hip are the midpoints of shoulders and hips, if they have no label.
        limit: The number of photos to read, beginning with the lowest id. None reads all photos.

    Returns:
        The photos and their labels.

    Raises:
        OpenPoseLabError: If the file has another form, names no part of the layout, labels no person, or lists a photo
            that does not exist.
    """
    content = read_json(annotations, "annotations file", "a COCO keypoint file", outlines=True)
    names = _names_of_keypoints(content)
    if problem := find_problem(content, len(names), are_names):
        raise OpenPoseLabError(f"the annotations {annotations} are not COCO keypoints: {problem}")
    _check_parts(annotations, layout, names)
    entries: dict[int, list[dict[str, Any]]] = {}
    for entry in content["annotations"]:
        if entry.get("category_id", PERSON) == PERSON:
            entries.setdefault(entry["image_id"], []).append(entry)
    photos = []
    for image in sorted(content["images"], key=lambda image: int(image["id"]))[:limit]:
        path = folder / image["file_name"]
        if not os.path.isfile(path):  # Path.is_file raises OSError at a name that is too long
            raise OpenPoseLabError(
                f"the annotations name {one_line(path.name, 60)}, but there is no such file in {folder}; check --images"
            )
        photos.append(_photo(image, path, entries.get(image["id"], []), layout, names))
    warn_of_strays(content, annotations)
    _warn_of_boxes(annotations, photos)
    if not any(len(photo.keypoints) for photo in photos):
        raise OpenPoseLabError(f"no person in the {len(photos)} photos of the annotations {annotations} has keypoints")
    return Labels(tuple(names), tuple(photos))


def with_people(labels: Labels) -> Labels:
    """Return the photos with at least one labelled person. A note gives the number of the other photos."""
    photos = tuple(photo for photo in labels.photos if len(photo.keypoints))
    if len(photos) < len(labels.photos):
        left = len(labels.photos) - len(photos)
        note(f"{left} of {len(labels.photos)} photos have no person with keypoints, and are not used for training")
    return Labels(labels.names, photos)


def check_labels(labels: Labels, seen: Callable[[], object]) -> None:
    """Check that all photos can be decoded, and that the labels belong to them: units, sizes, places of keypoints.

    Args:
        labels: The photos and their labels.
        seen: Called after each photo.

    Raises:
        OpenPoseLabError: If a photo cannot be decoded, or contradicts its labels.
    """

    def annotated() -> Iterator[Annotated]:
        for photo, size in zip(labels.photos, map_in_threads(_size_of_whole, [photo.path for photo in labels.photos])):
            seen()
            if not photo.labelled:
                continue
            points = [np.array(entry["keypoints"], dtype=float).reshape(-1, 3) for entry in photo.entries]
            found = np.concatenate([np.empty((0, 3)), *points])
            found = found[found[:, 2] > 0, :2]
            check_pixels(photo.image, found)
            if run_lengths := [region for region in photo.unknown if isinstance(region, dict)]:
                try:
                    region_mask(run_lengths, *size.upright[::-1])
                except OpenPoseLabError as error:
                    raise OpenPoseLabError(f"the annotations of {one_line(photo.path.name, 60)}: {error}") from None
            yield Annotated(photo.image, photo.path, size, found)

    compare_photos(annotated())


def _size_of_whole(path: Path) -> PhotoSize:
    """Decode a photo and return its size. Raises OpenPoseLabError if this fails."""
    height, width = read_photo(path).shape[:2]
    return photo_size(path) or PhotoSize((width, height), (width, height), turned=False)


def digest(labels: Labels) -> str:
    """Compute a checksum of the names and labels of photos. It does not depend on their pixels."""
    found = hashlib.sha256()
    for photo in labels.photos:
        found.update(repr((photo.image_id, photo.path.name, photo.unknown)).encode())
        found.update(photo.keypoints.tobytes() + photo.boxes.tobytes() + photo.areas.tobytes())
    return found.hexdigest()


def unlabelled_photos(folder: Path, layout: Layout) -> tuple[LabelledPhoto, ...]:
    """List the photos of a folder for a teacher.

    Args:
        folder: The folder.
        layout: The layout to train.

    Returns:
        The photos without labels, sorted by name. Their ids are negative.

    Raises:
        OpenPoseLabError: If the folder cannot be read, or contains no photo.
    """
    no_people = np.empty((0, len(layout.body_parts), 2)), np.empty((0, 4)), np.empty(0), (), ()
    return tuple(
        LabelledPhoto(-number, path, *no_people, {"id": -number, "file_name": path.name}, labelled=False)
        for number, path in enumerate(photos_in(folder, "--unlabelled"), start=1)
    )


def _names_of_keypoints(content: Any) -> Sequence[str]:
    """Return the names of keypoints in the category of people. Without names, return COCO's."""
    try:
        (person,) = [category for category in content["categories"] if category["id"] == PERSON]
        names = person["keypoints"]
    except (LookupError, TypeError, ValueError):
        return COCO_KEYPOINTS
    return names if are_names(names) is None else COCO_KEYPOINTS


def _check_parts(annotations: Path, layout: Layout, names: Sequence[str]) -> None:
    """Raise OpenPoseLabError if no part of a layout is labelled. A note names the unlabelled parts."""
    known = {*names, *(middle for middle, ends in BETWEEN.items() if {*ends} <= {*names})}
    lacking = [part for part in layout.body_parts if part not in known]
    if len(lacking) == len(layout.body_parts):
        raise OpenPoseLabError(
            f"the annotations {annotations} label {', '.join(names[:3])}, ..., but no part of the layout "
            f"{layout.name}, such as {layout.body_parts[0]}; name the keypoints in the category, or give another layout"
        )
    if lacking:
        note(f"the annotations {annotations} do not label {', '.join(lacking)}; the network cannot learn these parts")


def _photo(
    image: dict[str, Any], path: Path, entries: list[dict[str, Any]], layout: Layout, names: Sequence[str]
) -> LabelledPhoto:
    labelled, unknown = [], []
    for entry in entries:
        points = np.array(entry["keypoints"], dtype=float).reshape(-1, 3)
        if _is_labelled(entry):
            labelled.append((_keypoints(points, layout, names), _box(entry, points), entry))
        else:
            unknown += _region(entry, image)
    boxes = np.array([box for _, box, _ in labelled]).reshape(-1, 4)
    areas = [entry.get("area", box[2] * box[3]) for _, box, entry in labelled]
    keypoints = np.array([points for points, _, _ in labelled]).reshape(-1, len(layout.body_parts), 2)
    return LabelledPhoto(
        image["id"], path, keypoints, boxes, np.array(areas, dtype=float), tuple(unknown), tuple(entries), image
    )


def _is_labelled(entry: dict[str, Any]) -> bool:
    """Return True for a person with a labelled keypoint. Crowds and people without keypoints are unknown regions."""
    return not entry.get("iscrowd") and any(visibility > 0 for visibility in entry["keypoints"][2::3])


def _keypoints(points: NDArray[np.float64], layout: Layout, names: Sequence[str]) -> NDArray[np.float64]:
    """Put the keypoints (k, 3) of a person into the order of a layout: (parts, 2), NaN where a part has no label."""
    by_name = {name: point[:2] if point[2] > 0 else np.full(2, np.nan) for name, point in zip(names, points)}
    for middle, ends in BETWEEN.items():
        if middle not in by_name and by_name.keys() >= set(ends):
            by_name[middle] = (by_name[ends[0]] + by_name[ends[1]]) / 2
    missing = np.full(2, np.nan)
    return np.array([by_name.get(part, missing) for part in layout.body_parts])


def _box(entry: dict[str, Any], points: NDArray[np.float64]) -> list[float]:
    """Return x, y, width and height of a person: the annotated box, or the box of the keypoints if they lie outside."""
    seen = points[points[:, 2] > 0, :2]
    if "bbox" in entry and _is_near(entry["bbox"], seen):
        return list(entry["bbox"])
    return [*seen.min(axis=0), *np.ptp(seen, axis=0)]


def _is_near(box: Sequence[float], places: NDArray[np.float64]) -> bool:
    """Return True if a box has at least a pixel, and one of the places (k, 2) is in it or near it."""
    x, y, width, height = box
    near = max(width, height)
    inside = (places >= (x - near, y - near)) & (places <= (x + width + near, y + height + near))
    return bool(min(width, height) >= 1 and inside.all(axis=1).any())


def _warn_of_boxes(annotations: Path, photos: Sequence[LabelledPhoto]) -> None:
    """Give the number of boxes that ``_box`` has replaced in a note."""
    people = [
        (entry["bbox"], box)
        for photo in photos
        for entry, box in zip(filter(_is_labelled, photo.entries), photo.boxes)
        if "bbox" in entry
    ]
    wrong = sum(list(annotated) != box.tolist() for annotated, box in people)
    if wrong:
        note(
            f"the 'bbox' of {wrong} of {len(people)} people in {annotations} is smaller than a pixel or far from the "
            f"person's keypoints; the box of the keypoints replaces it"
        )


def _region(entry: dict[str, Any], image: dict[str, Any]) -> list[Region]:
    """Return the region of an entry without keypoints: its outline, or its box without an outline, or nothing."""
    outline = entry.get("segmentation")
    if isinstance(outline, str):  # read_json leaves outlines as text
        with contextlib.suppress(ValueError, RecursionError):
            outline = json.loads(outline)
    if outline is None or outline == []:
        return [entry["bbox"]] if "bbox" in entry else []
    if not is_region(outline):
        raise OpenPoseLabError(
            f"a 'segmentation' of {one_line(image['file_name'], 60)} in the annotations must be polygons or run "
            f"lengths in COCO's form; correct it, or delete it to use the box"
        )
    return [outline]

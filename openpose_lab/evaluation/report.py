"""Write the figures of an evaluation for other programs: one JSON object, and a table of photos as CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from estimation.errors import OpenPoseLabError
from estimation.thresholds import thresholds_of
from openpose_lab.checksums import checksum
from openpose_lab.evaluation.assessment import Assessment, System, worst_photos
from openpose_lab.evaluation.coco_figures import counts, interval
from openpose_lab.evaluation.defaults import WORST
from openpose_lab.evaluation.versions import versions
from openpose_lab.spreadsheets import text_cell

if TYPE_CHECKING:
    from pycocotools.coco import COCO

FORMAT_VERSION = 1
"""This number goes up when a key of the JSON object changes its meaning or is removed."""
PHOTO_COLUMNS = (
    "system",
    "image_id",
    "file_name",
    "found",
    "annotated",
    "matched",
    "missed",
    "false",
    "ignored",
    "keypoints",
    "oks",
    "loss",
)
_DECIMALS = 6  # of figures


def describe_file(path: Path) -> dict[str, str]:
    """Return the path of an input file and its checksum. Raises OpenPoseLabError if the file cannot be read."""
    try:
        return {"file": str(path), "sha256": checksum(path, "sha256")}
    except OSError as error:
        raise OpenPoseLabError(f"cannot read {path}: {error.strerror}; check the path") from error


def describe_thresholds(*owners: Any) -> dict[str, float]:
    """Return the values of all thresholds of the given dataclasses, by name."""
    return {name: getattr(owner, name) for owner in owners for name in thresholds_of(owner)}


def report(command: Sequence[str], truth: COCO, annotations: Path | None, systems: Sequence[System]) -> bytes:
    """Write an evaluation as JSON. docs/accuracy.md describes the keys.

    Args:
        command: The program and its arguments.
        truth: The annotations of the photos.
        annotations: The file of the annotations. None without annotations.
        systems: The systems.

    Returns:
        The content of the file. The same evaluation gives the same bytes, except for ``milliseconds``.
    """
    people = list(filter(counts, truth.anns.values()))
    content = {
        "format": "openpose-lab-evaluation",
        "format_version": FORMAT_VERSION,
        "command": list(command),
        "versions": versions(),
        "annotations": describe_file(annotations) if annotations else None,
        "photos": len(truth.imgs),
        "photos_with_people": len({person["image_id"] for person in people}),
        "people": len(people),
        "keypoints": sum(visibility > 0 for person in people for visibility in person["keypoints"][2::3]),
        "systems": [_of_system(system, truth) for system in systems],
        "AP_differences": [
            {"of": two.name, "minus": one.name, "AP": difference, "AP_interval_95": list(within)}
            for one, two, difference, within in differences(systems)
        ],
    }
    text = json.dumps(_plain(content), indent=1, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode("utf-8", "backslashreplace")


def differences(systems: Sequence[System]) -> list[tuple[System, System, float, tuple[float, float]]]:
    """Compute the AP of each system minus the AP of the first, with the difference's 95 % confidence interval.

    The interval uses the same bootstrap draws of photos for both systems.
    """
    found = []
    for system in systems[1:]:
        first = systems[0]
        if first.assessment and system.assessment:
            difference = system.assessment.figures["AP"] - first.assessment.figures["AP"]
            within = interval(system.assessment.draws - first.assessment.draws)
            found.append((first, system, difference, within))
    return found


def _of_system(system: System, truth: COCO) -> dict[str, Any]:
    """Return an entry of ``systems`` in the JSON object."""
    content = {"name": system.name, **system.settings, "people_found": len(system.measured.results)}
    if system.measured.times:
        content["milliseconds"] = milliseconds(system.measured.times)
    if system.assessment is None:
        return content
    assessment = system.assessment
    names = {image["id"]: image["file_name"] for image in truth.dataset["images"]}
    return {
        **content,
        # COCO gives -1 if no annotated person counts for the figure.
        "figures": {name: None if figure < 0 else figure for name, figure in assessment.figures.items()},
        "AP_interval_95": list(interval(assessment.draws)),
        "parts": {part: of_part._asdict() for part, of_part in assessment.parts.items()},
        "breakdown": [loss._asdict() for loss in assessment.losses],
        "worst_photos": [
            {"file_name": names[image_id], **assessment.photos[image_id]._asdict()}
            for image_id in worst_photos([assessment], WORST)
        ],
    }


def photo_table(truth: COCO, systems: Sequence[System]) -> bytes:
    """Write a row for each photo and system as CSV.

    Args:
        truth: The annotations.
        systems: The systems.

    Returns:
        The content of the file, UTF-8. Cells of unmeasured values are empty.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(PHOTO_COLUMNS)
    for system in systems:
        found = dict.fromkeys(truth.imgs, 0)
        for person in system.measured.results:
            found[person["image_id"]] += 1
        for image_id, image in truth.imgs.items():
            cells: list[Any] = [text_cell(system.name), image_id, text_cell(image["file_name"]), found[image_id]]
            if system.assessment is not None:
                cells += _photo_cells(system.assessment, image_id, found[image_id])
            writer.writerow(cells + [""] * (len(PHOTO_COLUMNS) - len(cells)))
    return text.getvalue().encode("utf-8", "backslashreplace")


def _photo_cells(assessment: Assessment, image_id: int, found: int) -> list[Any]:
    """Return the columns from ``annotated`` on."""
    photo = assessment.photos.get(image_id)
    if photo is None:  # no annotated person counts, and COCO ignores every person found
        return [0, 0, 0, 0, found, 0, "", 0]
    oks = "" if math.isnan(photo.oks) else round(photo.oks, _DECIMALS)
    missed, false = photo.annotated - photo.matched, photo.found - photo.matched
    counted = [photo.annotated, photo.matched, missed, false, found - photo.found, photo.keypoints]
    return [*counted, oks, round(photo.lost, _DECIMALS)]


def milliseconds(times: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Compute median and maximum of each stage over the photos with this stage, and of all stages after the network."""
    stages = dict.fromkeys(stage for of_photo in times for stage in of_photo)
    by_stage = {stage: [of_photo[stage] for of_photo in times if stage in of_photo] for stage in stages}
    by_stage["after network"] = [sum(t for stage, t in of_photo.items() if stage != "network") for of_photo in times]
    return {
        stage: {"median": float(np.median(values)), "slowest": max(values), "photos": len(values)}
        for stage, values in by_stage.items()
    }


def _plain(value: Any) -> Any:
    """Convert a value to plain JSON values, with null for NaN and infinity."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value

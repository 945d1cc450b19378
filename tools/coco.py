"""Photos with COCO keypoints: the options that name them, reading them, and COCO's own figures."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval, Params

from estimation.config import Config
from estimation.errors import OpenPoseLabError
from estimation.formats import COCO_KEYPOINTS
from estimation.pipeline import DEFAULT_HEIGHT
from models import NETWORKS

FIGURES = ("AP", "AP .5", "AP .75", "AP medium", "AP large", "AR", "AR .5", "AR .75", "AR medium", "AR large")
DEFAULT_NETWORK = "mobilenet_thin"
MOST_PEOPLE = 20
"""COCO counts only so many of the people found in a photo, the surest."""
SIGMAS: NDArray[np.float64] = Params(iouType="keypoints").kpt_oks_sigmas
"""(17,): how far people differ in where they see each of COCO's keypoints, in roots of the person's area."""
PERSON = 1
"""COCO's category."""
_PAIR_OKS = 0.1  # from here on somebody found is taken for the person annotated, however badly they were found
_BODY_OF_BOX = 0.7
"""COCO measures a person by the area of their outline; this much of the box around the keypoints (median of 95)."""


def add_measuring_options(parser: argparse._ActionsContainer, required: bool = True) -> None:
    """What every program that measures on photos has to be told."""
    parser.add_argument("--images", type=Path, required=required, help="the folder with the photos")
    parser.add_argument("--annotations", type=Path, required=required, help="COCO keypoint annotations of them, JSON")
    parser.add_argument("--network", default=DEFAULT_NETWORK, help=f"one of {', '.join(NETWORKS)}")
    parser.add_argument("--weights", type=Path, help="a weights file for the network (default: its own)")
    parser.add_argument("--height", type=int, default=DEFAULT_HEIGHT, help=f"input height (default: {DEFAULT_HEIGHT})")


def read_annotations(path: Path, limit: int | None = None) -> COCO:
    """COCO's annotations, of the first ``limit`` photos if there is one.

    Raises OpenPoseLabError if the file is not there or not of that kind.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise OpenPoseLabError(f"cannot read the annotations {path}: {error.strerror}; check the path") from error
    except ValueError:
        raise OpenPoseLabError(
            f"the annotations {path} are not JSON, or cut short; give a COCO keypoint file"
        ) from None
    if problem := _problem(content):
        raise OpenPoseLabError(f"the annotations {path} are not COCO keypoints: {problem}")
    if limit is not None:
        content["images"] = content["images"][:limit]
        ids = {image["id"] for image in content["images"]}
        content["annotations"] = [entry for entry in content["annotations"] if entry["image_id"] in ids]
    truth = to_truth(content)
    if not any(counts(entry) for image_id in truth.imgs for entry in truth.imgToAnns[image_id]):
        raise OpenPoseLabError(
            f"nobody in the {len(truth.imgs)} photos of the annotations {path} has keypoints, so there is nothing to "
            f"measure; choose other photos"
        )
    return truth


def counts(person: dict[str, Any]) -> bool:
    """Whether COCO counts this annotation: of one person, with keypoints. Who is found in others is no error."""
    return person["category_id"] == PERSON and not person["iscrowd"] and person["num_keypoints"] > 0


def to_truth(content: dict[str, Any]) -> COCO:
    """The content of an annotations file, as pycocotools wants it.

    The annotations are numbered from 1: pycocotools takes a person of number 0 for not found.
    """
    for number, entry in enumerate(content["annotations"], start=1):
        entry["id"] = number
        labelled = sum(visibility > 0 for visibility in entry["keypoints"][2::3])
        entry["num_keypoints"] = min(entry.get("num_keypoints", labelled), labelled)
    truth = COCO()
    truth.dataset = content
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
    return truth


_NUMBERS = {"keypoints": 3 * len(COCO_KEYPOINTS), "bbox": 4, "area": None, "head_size": None, "bbox_head": 4}
"""What an annotation holds: lists of so many numbers, or a single one."""
_NEEDED = ("keypoints", "bbox", "area")


def _problem(content: Any) -> str | None:
    if not isinstance(content, dict):
        return "the file must hold an object"
    for key, needed in (
        ("images", {"id", "file_name"}),
        ("annotations", {"id", "image_id", "category_id", "area", "bbox", "iscrowd"}),
        ("categories", {"id"}),
    ):
        entries = content.get(key)
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            return f"there must be a list {key!r}"
        for number, entry in enumerate(entries):
            if missing := needed - entry.keys():
                return f"entry {number} of {key!r} has no {sorted(missing)[0]!r}"
    if not content["images"]:
        return "the list 'images' is empty"
    ids = [image["id"] for image in content["images"]]
    if len(set(ids)) < len(ids):
        return f"two entries of 'images' have the id {next(i for i in ids if ids.count(i) > 1)}"
    if PERSON not in [category["id"] for category in content["categories"]]:
        return f"there is no category with the id {PERSON}, which is COCO's for people"
    for category in content["categories"]:
        if category["id"] == PERSON and tuple(category.get("keypoints", COCO_KEYPOINTS)) != COCO_KEYPOINTS:
            return f"the keypoints of the category must be {', '.join(COCO_KEYPOINTS)}"
    for number, entry in enumerate(content["annotations"]):
        for key, count in _NUMBERS.items():
            if (key in entry or key in _NEEDED) and (problem := _not_numbers(entry.get(key, []), count)):
                return f"{key!r} of entry {number} of 'annotations' {problem}"
    return None


def _not_numbers(values: Any, count: int | None) -> str | None:
    """What is wrong, if ``values`` is not a list of so many numbers, or for None a number that is not negative."""
    if count is None:
        good = isinstance(values, int | float) and 0 <= values < np.inf
        return None if good else f"must be a number that is not negative but is {values!r}"
    if not isinstance(values, list) or len(values) != count:
        return f"must be a list of {count} numbers but has {len(values) if isinstance(values, list) else 'none'}"
    wrong = [value for value in values if not isinstance(value, int | float) or not np.isfinite(value)]
    return f"must hold numbers but holds {wrong[0]!r}" if wrong else None


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
                    "category_id": 1,
                    "iscrowd": 0,
                    "area": float(_BODY_OF_BOX * np.prod(size)),
                    "bbox": [*corner.tolist(), *size.tolist()],
                    "num_keypoints": int(labelled.sum()),
                    "keypoints": np.hstack([np.nan_to_num(person), 2.0 * labelled]).ravel().tolist(),
                }
            )
    images = [{"id": image_id, "file_name": name} for image_id, name in enumerate(photos, start=1)]
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "person"}]}


def find_photos(truth: COCO, folder: Path) -> dict[int, Path]:
    """The photo of each image id. Raises OpenPoseLabError at the first that is missing."""
    photos = {image["id"]: folder / image["file_name"] for image in truth.dataset["images"]}
    for path in photos.values():
        if not path.is_file():
            raise OpenPoseLabError(f"the annotations name {path.name}, but there is no {path}; check --images")
    return photos


def score(truth: COCO, results: list[dict[str, Any]]) -> list[float]:
    """COCO's ten keypoint figures, in the order of ``FIGURES``; -1 where there is nobody to find."""
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = _evaluate(truth, results, MOST_PEOPLE)
        evaluation.summarize()
    return [float(figure) for figure in evaluation.stats]


def average_precision(truth: COCO, results: list[dict[str, Any]], most_people: int) -> tuple[float, float]:
    """AP and AR alone, with at most ``most_people`` of each photo counted; 0 if nobody was found."""
    if not results:
        return 0.0, 0.0
    with contextlib.redirect_stdout(io.StringIO()):
        found = _evaluate(truth, results, most_people).eval
    of_all_sizes = found["precision"][..., 0, 0], found["recall"][..., 0, 0]
    precision, recall = (float(np.mean(figures[figures > -1])) for figures in of_all_sizes)
    return precision, recall


def confidence(truth: COCO, results: list[dict[str, Any]], rounds: int = 200) -> tuple[float, float]:
    """Between what AP lies with a probability of 95 %: by bootstrap, which draws as many photos again, with some more
    than once. The same photos give the same bounds."""
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = _evaluate(truth, results, MOST_PEOPLE)
        count = len(evaluation.params.imgIds)
        of_all_sizes = evaluation.evalImgs[:count]
        for params in (evaluation.params, evaluation._paramsEval):
            params.imgIds, params.areaRng, params.areaRngLbl = list(range(count)), params.areaRng[:1], ["all"]
        rng = np.random.default_rng(0)
        drawn = []
        for _ in range(rounds):
            evaluation.evalImgs = [of_all_sizes[photo] for photo in rng.integers(count, size=count)]
            evaluation.accumulate()
            precision = evaluation.eval["precision"]
            if (precision > -1).any():  # a photo with people was drawn
                drawn.append(np.mean(precision[precision > -1]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def match(truth: COCO, results: list[dict[str, Any]]) -> tuple[dict[int, int], list[int]]:
    """Who of the people found is whom, as COCO decides it, from an OKS of 0.1 on.

    Returns the index among ``results`` of the person found for each annotation that counts, by its id, -1 if there is
    none; and the indices of those found who are nobody. Who is taken for a crowd or for somebody without keypoints, and
    who is not among the ``MOST_PEOPLE`` surest of a photo, is neither.
    """
    matches, false = {}, []
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = _prepare(truth, results, MOST_PEOPLE)
        evaluation.params.iouThrs = np.array([_PAIR_OKS])
        evaluation.params.areaRng = evaluation.params.areaRng[:1]
        evaluation.evaluate()
    for photo in filter(None, evaluation.evalImgs):
        for annotation, found, ignored in zip(photo["gtIds"], photo["gtMatches"][0].tolist(), photo["gtIgnore"]):
            if not ignored:
                matches[annotation] = int(found) - 1  # ids of results count from 1, and 0 is nobody
        for found, annotation, ignored in zip(photo["dtIds"], photo["dtMatches"][0], photo["dtIgnore"][0]):
            if not annotation and not ignored:
                false.append(found - 1)
    return matches, false


def _prepare(truth: COCO, results: list[dict[str, Any]], most_people: int) -> COCOeval:
    evaluation = COCOeval(truth, truth.loadRes(results), "keypoints")
    evaluation.params.maxDets = [most_people]
    evaluation.params.catIds = [PERSON]
    return evaluation


def _evaluate(truth: COCO, results: list[dict[str, Any]], most_people: int) -> COCOeval:
    evaluation = _prepare(truth, results, most_people)
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation

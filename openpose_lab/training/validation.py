"""Average precision of a network on labelled photos, during training and afterwards."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from estimation.config import Config
from estimation.errors import OpenPoseLabError
from estimation.field_maps import FieldMaps, pixels_to_cells
from estimation.layouts import Layout
from estimation.photos import read_photo
from estimation.pipeline import group_maps
from estimation.skeletons import Skeletons
from estimation.synthesis import LIMB_WIDTH, SIGMA, synthesize
from estimation.views import Network, compute_maps
from openpose_lab.evaluation.annotations import to_truth
from openpose_lab.evaluation.coco_figures import MOST_PEOPLE
from openpose_lab.extras import require
from openpose_lab.formats.coco import PERSON
from openpose_lab.training.labels import LabelledPhoto, Labels


def network_precision(
    config: Config, labels: Labels, network: Network, height: int, seen: Callable[[], object]
) -> float:
    """Compute the AP of a network on labelled photos, with one view of each.

    Args:
        config: The network's configuration.
        labels: The photos.
        network: The network.
        height: Height of the view in pixels.
        seen: Called after each photo.

    Returns:
        COCO's AP, from 0 to 1.
    """

    def maps_of(photo: LabelledPhoto) -> FieldMaps:
        maps = compute_maps(read_photo(photo.path), network, height)
        seen()
        return maps

    return _precision(config, labels, maps_of)


def ideal_precision(
    config: Config, labels: Labels, height: int, sigma: float = SIGMA, limb_width: float = LIMB_WIDTH
) -> float:
    """Compute the AP of the ground-truth maps: the limit for a network that answers its targets exactly.

    Args:
        config: The configuration.
        labels: The photos.
        height: Height of the view in pixels.
        sigma: As in ``make_targets``.
        limb_width: As in ``make_targets``.

    Returns:
        COCO's AP, from 0 to 1.
    """

    def maps_of(photo: LabelledPhoto) -> FieldMaps:
        rows, columns = read_photo(photo.path).shape[:2]
        cell = 8 * rows / height
        shape = int(np.ceil(rows / cell)), int(np.ceil(columns / cell))
        keypoints = pixels_to_cells(photo.keypoints, cell)
        maps = synthesize(config, keypoints, shape, sigma, limb_width, (cell, cell))
        return FieldMaps(maps.heatmaps, maps.pafs, maps.cell_size, photo_size=(columns, rows))

    return _precision(config, labels, maps_of)


def _precision(config: Config, labels: Labels, maps_of: Callable[[LabelledPhoto], FieldMaps]) -> float:
    found = {photo.image_id: group_maps(maps_of(photo), config).skeletons for photo in labels.photos}
    return average_precision(config.layout, labels, found)


def check_measurable(layout: Layout, labels: Labels) -> None:
    """Check that AP can be measured on labelled photos.

    Args:
        layout: The layout. COCO's measure uses the keypoints with the names of its parts.
        labels: The photos.

    Raises:
        OpenPoseLabError: If no person has a label of such a keypoint.
    """
    _, parts = _measured(layout, labels)
    if not any(np.isfinite(photo.keypoints[:, parts]).any() for photo in labels.photos):
        raise OpenPoseLabError(
            f"AP cannot be measured: --validate-annotations label no keypoint with a name of the layout {layout.name}, "
            f"such as {layout.body_parts[0]}; give other photos, or leave out --validate-images"
        )


def _measured(layout: Layout, labels: Labels) -> tuple[list[int], list[int]]:
    """Return the keypoints that AP is measured on: their places in the annotations, and in the layout."""
    places = [place for place, name in enumerate(labels.names) if name in layout.body_parts]
    return places, [layout.body_parts.index(labels.names[place]) for place in places]


def average_precision(layout: Layout, labels: Labels, found: Mapping[int, Skeletons]) -> float:
    """Compute COCO's AP for any layout.

    Args:
        layout: The layout. OKS uses its sigmas.
        labels: The photos.
        found: The people found in each photo, by the photo's id.

    Returns:
        AP from 0 to 1 over the annotated keypoints in the layout. For a layout with all of COCO's keypoints, this is
        COCO's AP.
    """
    require("pycocotools", "measuring AP")
    from pycocotools.cocoeval import COCOeval

    places, parts = _measured(layout, labels)
    annotations = [_annotation(photo.image_id, entry, places) for photo in labels.photos for entry in photo.entries]
    results = [result for image_id, people in found.items() for result in _results(image_id, people, parts)]
    if not results:
        return 0.0
    truth = to_truth(
        {
            "images": [{"id": photo.image_id} for photo in labels.photos],
            "annotations": annotations,
            "categories": [{"id": PERSON, "name": "person"}],
        }
    )
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(truth, truth.loadRes(results), "keypoints")
        evaluation.params.kpt_oks_sigmas = np.array([layout.sigmas[part] for part in parts])
        evaluation.params.maxDets = [MOST_PEOPLE]
        evaluation.params.areaRng = evaluation.params.areaRng[:1]
        evaluation.params.areaRngLbl = evaluation.params.areaRngLbl[:1]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"]
    return float(np.mean(precision[precision > -1]))


def _annotation(image_id: int, entry: dict[str, Any], places: list[int]) -> dict[str, Any]:
    """Return an annotation with the keypoints at ``places`` only."""
    keypoints = np.array(entry["keypoints"], dtype=float).reshape(-1, 3)[places]
    box = entry.get("bbox", [*keypoints[:, :2].min(axis=0), *np.ptp(keypoints[:, :2], axis=0)])
    return {
        "image_id": image_id,
        "category_id": PERSON,
        "iscrowd": entry.get("iscrowd", 0),
        "area": entry.get("area", box[2] * box[3]),
        "bbox": box,
        "keypoints": keypoints.ravel().tolist(),
    }


def _results(image_id: int, people: Skeletons, parts: list[int]) -> list[dict[str, Any]]:
    results = []
    for keypoints, score in zip(people.keypoints[:, parts], people.person_scores):
        points = np.column_stack([np.nan_to_num(keypoints), ~np.isnan(keypoints[:, 0])])
        results.append(
            {"image_id": image_id, "category_id": PERSON, "keypoints": points.ravel().tolist(), "score": float(score)}
        )
    return results

"""Where average precision is lost: the AP without each kind of error.

Ronchi and Perona define the kinds in "Benchmarking and Error Diagnosis in Multi-Instance Pose Estimation" (ICCV 2017).
The two oracles, ground-truth peaks and oracle grouping, are from section 5 of the OpenPose paper.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from estimation.config import Config
from estimation.connections import get_connections
from estimation.coordinates import Coordinates
from estimation.estimators import estimate
from estimation.field_maps import FieldMaps
from estimation.grouping import Grouping
from estimation.layouts import other_side
from estimation.skeletons import to_skeletons
from openpose_lab.evaluation.coco_figures import MOST_PEOPLE, average_precision
from openpose_lab.evaluation.completion import Completion, complete
from openpose_lab.evaluation.oracle import oracle_rows
from openpose_lab.evaluation.pairing import NOT_FOUND, Pairing, pair_people, similarity
from openpose_lab.evaluation.scenes import Scene, SceneSet
from openpose_lab.formats.coco import COCO_KEYPOINTS, to_coco

if TYPE_CHECKING:
    from pycocotools.coco import COCO

_RIGHT, _NEAR = 0.85, 0.5  # keypoint similarities: two human annotators agree at 0.85; 0.5 is near


class Kind(IntEnum):
    """The kind of a labelled keypoint's error. ``RIGHT`` is no error. ``UNLABELLED`` marks unlabelled keypoints."""

    UNLABELLED = -1
    RIGHT = 0
    JITTER = 1
    INVERSION = 2
    SWAP = 3
    MISS = 4
    NOT_FOUND = 5


_MEANING = {
    Kind.RIGHT: ("right", "as near as two people who label the same photo"),
    Kind.JITTER: ("jitter", "near, but not so near"),
    Kind.INVERSION: ("inversion", "where the person's other side has this part: left for right"),
    Kind.SWAP: ("swap", "where somebody else has this part, or its other side"),
    Kind.MISS: ("miss", "elsewhere, or nowhere"),
    Kind.NOT_FOUND: ("person not found", "nothing was found of the person"),
}
"""``what`` and ``meaning`` of each kind in the JSON report. They do not change, because other programs read them."""
_PRINTED = {
    "right": ("right", "as accurate as two human annotators"),
    "jitter": ("jitter", "near the right place, but less accurate"),
    "inversion": ("inversion", "left and right of the same person exchanged"),
    "swap": ("swap", "on the same part, or its other side, of another person"),
    "miss": ("miss", "far from all of these places, or not detected"),
    "person not found": ("missed person", "no skeleton was matched with the person"),
    "false person": ("false positive", "a skeleton without an annotated person"),
    "order of people": ("person scores", "each person score replaced by the OKS"),
    "true parts, our grouping": ("ground-truth peaks", "peaks at the labelled keypoints"),
    "our parts, true grouping": ("oracle grouping", "grouping by the ground-truth owner of every peak"),
    "our parts, true grouping and order": (
        "oracle grouping and scores",
        "also each person score replaced by the OKS",
    ),
}
"""Label and explanation of each row in the printed table, by ``what``."""
_TWIN = [COCO_KEYPOINTS.index(other_side(name)) for name in COCO_KEYPOINTS]


class Loss(NamedTuple):
    """One row of the breakdown.

    Attributes:
        what: The kind of error, or the assumption, in the words of the JSON report.
        number: The number of keypoints or people. None if nothing is counted.
        ap: The AP if only this error were corrected.
        meaning: An explanation in the words of the JSON report. The unit of a count may follow a semicolon.
    """

    what: str
    number: int | None
    ap: float
    meaning: str

    @property
    def printed(self) -> tuple[str, str]:
        """The label and the explanation in the printed table."""
        label, explanation = _PRINTED[self.what]
        _, semicolon, counted = self.meaning.partition(";")
        return label, f"{explanation}{semicolon}{counted}"


def find_losses(
    truth: COCO,
    results: list[dict[str, Any]],
    scene_set: SceneSet,
    config: Config,
    grouping: Grouping,
    completion: Completion | None,
) -> list[Loss]:
    """Measure the AP without each kind of error, and the AP with ground-truth peaks, oracle grouping or ideal scores.

    Args:
        truth: The annotations.
        results: The people that this grouping found in these photos, in COCO's form.
        scene_set: The limbs of the photos.
        config: The configuration of the limbs.
        grouping: The grouping.
        completion: The thresholds of completion. None if missing keypoints are not imputed.

    Returns:
        The losses, in the order of the table.
    """
    return [*find_mistakes(truth, results), *find_bounds(truth, scene_set, config, grouping, completion)]


def find_mistakes(truth: COCO, results: list[dict[str, Any]]) -> list[Loss]:
    """Measure the AP without each kind of error, for any system.

    Args:
        truth: The annotations.
        results: The people that the system found in these photos, in COCO's form.

    Returns:
        The losses, in the order of the table.
    """
    pairs = pair_people(truth, results)
    kinds = classify(pairs)

    def ap(changed: list[dict[str, Any]]) -> float:
        return average_precision(truth, changed, MOST_PEOPLE)[0]

    losses = []
    for kind, (what, meaning) in _MEANING.items():
        chosen = kinds == kind
        if kind == Kind.NOT_FOUND:
            mended, meaning = add_missing(results, pairs), f"{meaning}; {int(chosen.any(axis=1).sum())} people"
        else:
            mended = results if kind == Kind.RIGHT else mend(results, pairs, chosen)
        losses.append(Loss(what, int(chosen.sum()), ap(mended), meaning))
    losses.append(Loss("false person", len(pairs.false), ap(without_false(results, pairs)), "who is nobody; people"))
    losses.append(Loss("order of people", None, ap(rank_truly(results, pairs)), "if they came by how right they are"))
    return losses


def find_bounds(
    truth: COCO, scene_set: SceneSet, config: Config, grouping: Grouping, completion: Completion | None
) -> list[Loss]:
    """Measure AP with ground-truth peaks and with oracle grouping. Arguments and result are as in ``find_losses``."""

    def ap(changed: list[dict[str, Any]]) -> float:
        return average_precision(truth, changed, MOST_PEOPLE)[0]

    losses = []
    true_parts, true_grouping = [], []
    for scene in tqdm(scene_set.scenes, desc="breakdown", unit="photo", leave=False, disable=None):
        maps = scene.maps()
        true_parts += to_results(config, *true_peaks(config, scene, grouping, maps), maps, scene.image_id, completion)
        subset = oracle_rows(config, scene.connections, scene.owner)
        peaks = scene.connections.coordinates
        true_grouping += to_results(config, subset, peaks, maps, scene.image_id, completion)
    losses.append(Loss("true parts, our grouping", None, ap(true_parts), "peaks where the parts are labelled"))
    losses.append(Loss("our parts, true grouping", None, ap(true_grouping), "whose each peak is, is known"))
    ranked = rank_truly(true_grouping, pair_people(truth, true_grouping)) if true_grouping else []
    losses.append(Loss("our parts, true grouping and order", None, ap(ranked), "both"))
    return losses


def classify(pairs: Pairing) -> NDArray[np.intp]:
    """Return (n, 17), the ``Kind`` of each keypoint.

    A keypoint with a similarity of 0.85 or more to its ground truth is right. Otherwise the most similar ground-truth
    keypoint decides the kind, if its similarity is 0.5 or more. If not, the keypoint is a miss.
    """
    kinds = np.full(pairs.labelled.shape, int(Kind.MISS))
    for image_id in np.unique(pairs.image_id):
        here = np.flatnonzero(pairs.image_id == image_id)
        true, area, labelled = pairs.true[here], pairs.area[here], pairs.labelled[here]
        found = pairs.found[here, None]  # (people here, 1, 17, 3), against each of the people here
        same = similarity(found, true, area) * labelled
        twin = similarity(found, true[:, _TWIN], area) * labelled[:, _TWIN]
        own = np.arange(len(here))
        others = np.maximum(same, twin)
        others[own, own] = 0
        near = np.stack([same[own, own], twin[own, own], others.max(axis=1)])  # (3, people here, 17)
        nearest = np.array([Kind.JITTER, Kind.INVERSION, Kind.SWAP])[near.argmax(axis=0)]
        kinds[here] = np.select([near[0] >= _RIGHT, near.max(axis=0) >= _NEAR], [Kind.RIGHT, nearest], Kind.MISS)
    kinds[~pairs.present] = Kind.MISS
    kinds[pairs.result == NOT_FOUND] = Kind.NOT_FOUND
    kinds[~pairs.labelled] = Kind.UNLABELLED
    return kinds


def mend(results: list[dict[str, Any]], pairs: Pairing, chosen: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Move the ``chosen`` keypoints, (n, 17) bool, to their ground-truth places. Return the changed results."""
    mended = list(results)
    for row in np.flatnonzero(chosen.any(axis=1) & (pairs.result != NOT_FOUND)):
        index = int(pairs.result[row])
        keypoints = np.where(chosen[row, :, None], pairs.true[row], pairs.found[row])
        mended[index] = {**results[index], "keypoints": keypoints.ravel().tolist()}
    return mended


def add_missing(results: list[dict[str, Any]], pairs: Pairing) -> list[dict[str, Any]]:
    """Add the ground truth of every missed person to the results, with the highest score.

    This is the most that finding these people can gain.
    """
    surest = max(person["score"] for person in results)
    rows = np.flatnonzero(pairs.result == NOT_FOUND)
    return results + [
        {
            **results[0],
            "image_id": int(pairs.image_id[row]),
            "keypoints": pairs.true[row].ravel().tolist(),
            "score": surest,
        }
        for row in rows
    ]


def without_false(results: list[dict[str, Any]], pairs: Pairing) -> list[dict[str, Any]]:
    """Return the results without false positives."""
    false = set(pairs.false.tolist())
    return [person for index, person in enumerate(results) if index not in false]


def rank_truly(results: list[dict[str, Any]], pairs: Pairing) -> list[dict[str, Any]]:
    """Replace each person score by the person's OKS. A false positive gets 0."""
    scores = np.zeros(len(results))
    is_found = pairs.result != NOT_FOUND
    scores[pairs.result[is_found]] = pairs.oks[is_found]
    return [{**person, "score": score} for person, score in zip(results, scores.tolist())]


def true_peaks(
    config: Config, scene: Scene, grouping: Grouping, maps: FieldMaps
) -> tuple[NDArray[np.float64], Coordinates]:
    """Group ground-truth peaks with the network's PAFs. Return the rows of people, and the peaks."""
    part, person = np.nonzero(~np.isnan(scene.keypoints[:, :, 0].T))
    height, width = maps.pafs.shape[:2]
    xy = np.clip(scene.keypoints[person, part], -0.5, (width - 0.5, height - 0.5)).astype(np.float32)
    peaks = Coordinates(xy, np.ones(len(xy), np.float32), part, config.body_parts)
    return estimate(config, get_connections(config, peaks, maps.pafs), grouping), peaks


def to_results(
    config: Config,
    subset: NDArray[np.float64],
    peaks: Coordinates,
    maps: FieldMaps,
    image_id: int,
    completion: Completion | None,
) -> list[dict[str, Any]]:
    """Convert rows of people to COCO's form. Impute missing keypoints if ``completion`` is given."""
    if completion:
        return to_coco(config, complete(config, subset, peaks, maps, completion), image_id, len(peaks))
    skeletons = to_skeletons(config, subset, peaks, maps.cell_size, maps.offset, photo_size=maps.photo_size)
    return to_coco(config, skeletons, image_id)

"""Where average precision is lost: each kind of mistake, and what AP would be without it.

The kinds are those of Ronchi and Perona, "Benchmarking and Error Diagnosis in Multi-Instance Pose Estimation" (ICCV
2017); the two oracles, true parts and true grouping, are those of the OpenPose paper (section 5).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO

from estimation.config import Config
from estimation.connections import get_connections
from estimation.coordinates import Coordinates
from estimation.estimators import estimate
from estimation.formats import COCO_KEYPOINTS, to_coco
from estimation.grouping import Grouping
from estimation.guesses import guess_missing
from estimation.skeletons import to_skeletons
from tools.coco import MOST_PEOPLE, average_precision
from tools.pairing import NOT_FOUND, Pairing, pair_people, similarity
from tools.perfect import perfect_people
from tools.scenes import Scene, SceneSet

_RIGHT, _NEAR = 0.85, 0.5  # similarities: as right as people who label a photo are with each other; in the vicinity
KINDS = {
    "right": "as near as two people who label the same photo",
    "jitter": "near, but not so near",
    "inversion": "where the person's other side has this part: left for right",
    "swap": "where somebody else has this part, or its other side",
    "miss": "elsewhere, or nowhere",
    "person not found": "nothing was found of the person",
}
"""What a labelled keypoint can be; numbered in this order."""
_OTHER_SIDE = {"left": "right", "right": "left"}
_TWIN = [
    COCO_KEYPOINTS.index("_".join(_OTHER_SIDE.get(word, word) for word in name.split("_"))) for name in COCO_KEYPOINTS
]


class Loss(NamedTuple):
    """One line of the breakdown.

    what: the kind of mistake, or what is presumed. number: of keypoints, or people; None where nothing is counted.
    ap: what AP would be if that were mended and nothing else.
    """

    what: str
    number: int | None
    ap: float


def find_losses(
    truth: COCO,
    results: list[dict[str, Any]],
    scene_set: SceneSet,
    config: Config,
    grouping: Grouping,
    advance: Callable[[], object],
) -> list[Loss]:
    """What each kind of mistake costs, and what true parts, true grouping and a true order of people would bring.

    results: of these photos and this grouping, in COCO's form. advance: called after each scene.
    """
    pairs = pair_people(truth, results)
    kinds = classify(pairs)

    def ap(changed: list[dict[str, Any]]) -> float:
        return average_precision(truth, changed, MOST_PEOPLE)[0]

    losses = []
    for number, kind in enumerate(KINDS):
        chosen = kinds == number
        mended = add_missing(results, pairs) if kind == "person not found" else mend(results, pairs, chosen)
        losses.append(Loss(kind, int(chosen.sum()), ap(results if kind == "right" else mended)))
    losses.append(Loss("false person", len(pairs.false), ap(without_false(results, pairs))))
    losses.append(Loss("order of people", None, ap(rank_truly(results, pairs))))

    true_parts, true_grouping = [], []
    for scene in scene_set.scenes:
        true_parts += with_true_parts(config, scene, grouping)
        true_grouping += with_true_grouping(config, scene)
        advance()
    losses.append(Loss("true parts, our grouping", None, ap(true_parts)))
    losses.append(Loss("our parts, true grouping", None, ap(true_grouping)))
    ranked = rank_truly(true_grouping, pair_people(truth, true_grouping)) if true_grouping else []
    losses.append(Loss("our parts, true grouping and order", None, ap(ranked)))
    return losses


def classify(pairs: Pairing) -> NDArray[np.intp]:
    """(n, 17): the number of each labelled keypoint's kind in ``KINDS``, -1 where nothing is labelled.

    Who is near their own place is right or jitters, whatever else is near; of others the nearest counts.
    """
    kinds = np.full(pairs.labelled.shape, -1)
    for image_id in np.unique(pairs.image_id):
        here = np.flatnonzero(pairs.image_id == image_id)
        true, area = pairs.true[here], pairs.area[here]
        found = pairs.found[here, None]  # (people here, 1, 17, 3), against each of the people here
        same = similarity(found, true, area) * pairs.labelled[here]
        twin = similarity(found, true[:, _TWIN], area) * pairs.labelled[here][:, _TWIN]
        own = np.arange(len(here))
        other = np.maximum(same, twin)
        other[own, own] = 0
        near = np.stack([same[own, own], twin[own, own], other.max(axis=1)])  # (3, people here, 17)
        kind = np.array([list(KINDS).index(name) for name in ("jitter", "inversion", "swap")])[near.argmax(axis=0)]
        kind[near.max(axis=0) < _NEAR] = list(KINDS).index("miss")
        kind[near[0] >= _NEAR] = list(KINDS).index("jitter")
        kind[near[0] >= _RIGHT] = list(KINDS).index("right")
        kind[~pairs.present[here]] = list(KINDS).index("miss")
        kinds[here] = kind
    kinds[pairs.result == NOT_FOUND] = list(KINDS).index("person not found")
    kinds[~pairs.labelled] = -1
    return kinds


def mend(results: list[dict[str, Any]], pairs: Pairing, chosen: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """The results with the ``chosen`` keypoints (n, 17) where they should be."""
    mended = list(results)
    for row in np.flatnonzero(chosen.any(axis=1) & (pairs.result != NOT_FOUND)):
        index = int(pairs.result[row])
        keypoints = np.where(chosen[row, :, None], pairs.true[row], pairs.found[row])
        mended[index] = {**results[index], "keypoints": keypoints.ravel().tolist()}
    return mended


def add_missing(results: list[dict[str, Any]], pairs: Pairing) -> list[dict[str, Any]]:
    """The results with everybody who was not found, as they should be, and as sure as the surest."""
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
    """The results without the people who are nobody."""
    false = set(pairs.false.tolist())
    return [person for index, person in enumerate(results) if index not in false]


def rank_truly(results: list[dict[str, Any]], pairs: Pairing) -> list[dict[str, Any]]:
    """The same people, in the order of how right they are."""
    scores = np.zeros(len(results))
    is_found = pairs.result != NOT_FOUND
    scores[pairs.result[is_found]] = pairs.oks[is_found]
    return [{**person, "score": score} for person, score in zip(results, scores.tolist())]


def with_true_parts(config: Config, scene: Scene, grouping: Grouping) -> list[dict[str, Any]]:
    """The people that a grouping makes of peaks where the parts truly are, and the PAFs as they are; in COCO's form."""
    maps = scene.maps()
    part, person = np.nonzero(~np.isnan(scene.keypoints[:, :, 0].T))
    height, width = maps.pafs.shape[:2]
    xy = np.clip(scene.keypoints[person, part], -0.5, (width - 0.5, height - 0.5)).astype(np.float32)
    peaks = Coordinates(xy, np.ones(len(xy), np.float32), part, config.body_parts)
    people = estimate(config, get_connections(config, peaks, maps.pafs), grouping)
    return to_coco(config, to_skeletons(people, peaks, maps.cell_size, maps.offset), scene.image_id)


def with_true_grouping(config: Config, scene: Scene) -> list[dict[str, Any]]:
    """The people that are made of the peaks by one who knows whose each is; in COCO's form."""
    people = perfect_people(config, scene.connections, scene.owner)
    return to_coco(config, guess_missing(config, people, scene.connections.coordinates, scene.maps()), scene.image_id)

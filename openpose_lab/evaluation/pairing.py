"""Pair annotated people with the people found, and score each body part and each photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from openpose_lab.evaluation.coco_figures import SIGMAS, match_people
from openpose_lab.formats.coco import COCO_KEYPOINTS

if TYPE_CHECKING:
    from pycocotools.coco import COCO

NOT_FOUND = -1
"""The ``result`` of an annotated person without a match."""
_PCK_REACH = 0.1  # PCK's largest distance, as a share of the longer side of the person's box
_PCKH_REACH = 0.5  # PCKh's largest distance, as a share of the head's size (MPII's measure)
_HEAD_OF_BOX = 0.6  # MPII's size of the head, as a share of the diagonal of the box around the head


@dataclass(frozen=True, eq=False)
class Pairing:
    """The n annotated people with keypoints in all photos, each paired with the person found, if any.

    COCO's rules make the pairs, with an OKS threshold of 0.1 and the highest score first. As in COCO, crowds and people
    without keypoints are left out, and people found there are ignored.

    Attributes:
        image_id: (n,) the photo of each person.
        true: (n, 17, 3) the annotated x and y in pixels, and COCO's visibility, 0 for an unlabelled keypoint.
        found: (n, 17, 3) the detected x and y in pixels, and 1, or 0 for a missing keypoint.
        area: (n,) the area of the person's outline in square pixels.
        side: (n,) the longer side of the person's box in pixels.
        head: (n,) MPII's size of the head in pixels. NaN if the annotations do not give it.
        result: (n,) the index of the paired person in the results, or ``NOT_FOUND``.
        false: (m,) the indices of the false positives in the results.
    """

    image_id: NDArray[np.intp]
    true: NDArray[np.float64]
    found: NDArray[np.float64]
    area: NDArray[np.float64]
    side: NDArray[np.float64]
    head: NDArray[np.float64]
    result: NDArray[np.intp]
    false: NDArray[np.intp]

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """(n, 17) bool: whether a keypoint is labelled, so that it counts."""
        labelled: NDArray[np.bool_] = self.true[:, :, 2] > 0
        return labelled

    @property
    def present(self) -> NDArray[np.bool_]:
        """(n, 17) bool: whether the paired person has the keypoint."""
        present: NDArray[np.bool_] = self.found[:, :, 2] > 0
        return present

    @property
    def similarity(self) -> NDArray[np.float64]:
        """(n, 17) COCO's similarity of each keypoint, 0 if missing. The mean over labelled keypoints is the OKS."""
        return self.present * similarity(self.found, self.true, self.area)

    @property
    def oks(self) -> NDArray[np.float64]:
        """(n,) COCO's object keypoint similarity of each pair, 0 for a person without a match."""
        return np.asarray((self.similarity * self.labelled).sum(axis=1) / self.labelled.sum(axis=1))


def similarity(found: NDArray[np.float64], true: NDArray[np.float64], area: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute COCO's similarity of keypoints, exp(-d^2 / (2 area (2 sigma)^2)).

    Args:
        found: (..., 17, 2 or more) x and y of the detected keypoints, in pixels.
        true: (..., 17, 2 or more) x and y of the annotated keypoints, in pixels.
        area: (...) the area of each annotated person in square pixels.

    Returns:
        (..., 17) the similarity, from 0 to 1.
    """
    squared = np.square(found[..., :2] - true[..., :2]).sum(axis=-1)
    return np.asarray(np.exp(-squared / (2 * (area[..., None] + np.spacing(1)) * np.square(2 * SIGMAS))))


def pair_people(truth: COCO, results: list[dict[str, Any]]) -> Pairing:
    """Pair the annotated people with the people found, ``results`` in COCO's form."""
    matches, false = match_people(truth, results)
    people = [truth.anns[key] for key in matches]
    result = np.array(list(matches.values()), dtype=np.intp)
    found = np.zeros((len(people), len(COCO_KEYPOINTS), 3))
    for row, index in enumerate(result.tolist()):
        if index != NOT_FOUND:
            found[row] = np.reshape(results[index]["keypoints"], (-1, 3))
    return Pairing(
        np.array([person["image_id"] for person in people], dtype=np.intp),
        np.array([person["keypoints"] for person in people], dtype=float).reshape(found.shape),
        found,
        np.array([person["area"] for person in people], dtype=float),
        np.array([max(person["bbox"][2:]) for person in people], dtype=float),
        np.array([_head_size(person) for person in people], dtype=float),
        result,
        np.array(false, dtype=np.intp),
    )


def _head_size(person: dict[str, Any]) -> float:
    """Return the size of the head in pixels: ``head_size``, or from the box around the head, or NaN."""
    size = person.get("head_size", _HEAD_OF_BOX * np.hypot(*person.get("bbox_head", [0, 0, 0, 0])[2:]))
    return float(size) or float("nan")


class PartFigures(NamedTuple):
    """Accuracy of one body part, as means over the people with a label for this part.

    Attributes:
        labelled: Number of these people.
        found: Share of people with a detected part. Imputed keypoints do not count.
        pck: Share of people with the part within a tenth of the longer side of their box.
        oks: Mean object keypoint similarity.
        pckh: Share of people with the part within half a head, of the people with a known head size. NaN if no head
            size is known.
    """

    labelled: int
    found: float
    pck: float
    oks: float
    pckh: float


def part_figures(pairs: Pairing, found: list[dict[str, Any]]) -> dict[str, PartFigures]:
    """Measure the accuracy of each body part.

    Args:
        pairs: The people found, paired with the annotated ones.
        found: The results without imputed keypoints, in the order of the paired results.

    Returns:
        The figures of each of COCO's keypoints that is labelled in any person, and of ``all``.
    """
    seen = np.zeros(pairs.labelled.shape, dtype=bool)
    for row, index in enumerate(pairs.result.tolist()):
        if index != NOT_FOUND:
            seen[row] = np.greater(found[index]["keypoints"][2::3], 0)
    distance = np.hypot(*(pairs.found - pairs.true)[:, :, :2].transpose(2, 0, 1))
    distance[~pairs.present] = np.inf
    within = distance <= _PCK_REACH * pairs.side[:, None]
    near = np.where(np.isnan(pairs.head)[:, None], np.nan, distance <= _PCKH_REACH * pairs.head[:, None])
    similar = pairs.similarity

    def figures(chosen: NDArray[np.bool_]) -> PartFigures:
        known = near[chosen & ~np.isnan(near)]
        return PartFigures(
            int(chosen.sum()),
            float(seen[chosen].mean()),
            float(within[chosen].mean()),
            float(similar[chosen].mean()),
            float(known.mean()) if len(known) else float("nan"),
        )

    by_part = {}
    for place, name in enumerate((*COCO_KEYPOINTS, "all")):
        chosen = pairs.labelled.copy()
        if name != "all":
            chosen[:, np.arange(len(COCO_KEYPOINTS)) != place] = False
        if chosen.any():
            by_part[name] = figures(chosen)
    return by_part


class PhotoLoss(NamedTuple):
    """The loss of one photo: the sum of (1 - OKS) over its annotated people, plus 1 per false positive.

    Attributes:
        image_id: The photo.
        lost: The loss.
        annotated: Number of annotated people who count.
        found: Number of people found, without the people that COCO ignores.
        matched: Number of annotated people who are paired with a person found.
        keypoints: Number of labelled keypoints.
        oks: Mean OKS of the annotated people, with 0 for a person who was not found. NaN without annotated people.
    """

    image_id: int
    lost: float
    annotated: int
    found: int
    matched: int
    keypoints: int
    oks: float


def photo_losses(pairs: Pairing, results: list[dict[str, Any]]) -> list[PhotoLoss]:
    """Compute the loss of each photo with annotated people or false positives, in the order of the image ids."""
    false = np.array([results[index]["image_id"] for index in pairs.false.tolist()], dtype=np.intp)
    oks, is_found, labelled = pairs.oks, pairs.result != NOT_FOUND, pairs.labelled.sum(axis=1)
    losses = []
    for image_id in np.union1d(pairs.image_id, false).tolist():
        here, false_here = np.flatnonzero(pairs.image_id == image_id), int((false == image_id).sum())
        matched = int(is_found[here].sum())
        losses.append(
            PhotoLoss(
                image_id,
                float((1 - oks[here]).sum()) + false_here,
                len(here),
                matched + false_here,
                matched,
                int(labelled[here].sum()),
                float(oks[here].mean()) if len(here) else float("nan"),
            )
        )
    return losses

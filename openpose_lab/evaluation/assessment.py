"""Systems that find people in photos, with their results and figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from openpose_lab.evaluation.breakdown import Loss
from openpose_lab.evaluation.coco_figures import FIGURES, bootstrap, score
from openpose_lab.evaluation.measurement import Measured
from openpose_lab.evaluation.pairing import PartFigures, PhotoLoss, pair_people, part_figures, photo_losses

if TYPE_CHECKING:
    from pycocotools.coco import COCO


@dataclass(frozen=True, eq=False)
class Assessment:
    """The figures of one system.

    Attributes:
        figures: COCO's figures by name; -1 where there is no person to find.
        draws: AP of bootstrap draws of the photos, the same draws for every system.
        parts: the accuracy of each body part, and of ``all``.
        photos: the loss of each photo with annotated people or false positives, by its image id.
        losses: where AP is lost; empty if that was not asked for.
    """

    figures: dict[str, float]
    draws: NDArray[np.float64]
    parts: dict[str, PartFigures]
    photos: dict[int, PhotoLoss]
    losses: list[Loss]


@dataclass(frozen=True, eq=False)
class System:
    """A system that finds people in photos.

    Attributes:
        name: the system's name.
        title: its name and its main settings, for people to read.
        settings: how its people were found, for ``report``.
        measured: the people.
        assessment: the figures; None if no person is annotated.
    """

    name: str
    title: str
    settings: dict[str, Any]
    measured: Measured
    assessment: Assessment | None


def assess(truth: COCO, measured: Measured, losses: Sequence[Loss] = ()) -> Assessment:
    """Compute the figures of people found in photos.

    Args:
        truth: the annotations of the photos.
        measured: the people found, at least one.
        losses: where AP is lost, if that was asked for.
    """
    pairs = pair_people(truth, measured.results)
    return Assessment(
        dict(zip(FIGURES, score(truth, measured.results))),
        bootstrap(truth, measured.results),
        part_figures(pairs, measured.found),
        {loss.image_id: loss for loss in photo_losses(pairs, measured.results)},
        list(losses),
    )


def worst_photos(assessments: Iterable[Assessment], count: int) -> list[int]:
    """The image ids of the ``count`` photos with the largest loss, summed over the systems, the worst first."""
    lost: dict[int, float] = {}
    for assessment in assessments:
        for image_id, photo in assessment.photos.items():
            lost[image_id] = lost.get(image_id, 0) + photo.lost
    return sorted(lost, key=lambda image_id: (-lost[image_id], image_id))[:count]

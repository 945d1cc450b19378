"""Systems that find people in photos, with their results and accuracy."""

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
        figures: COCO's figures by name. A figure is -1 if no annotated person counts for it.
        draws: (n,) AP of bootstrap draws of the photos. The draws are the same for every system.
        parts: The accuracy of each body part, and of ``all``.
        photos: The loss of each photo with annotated people or false positives, by its image id.
        losses: The rows of the breakdown of AP. Empty if no breakdown was requested.
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
        name: The system's name.
        title: The name and the main settings, for printing.
        settings: The settings that the people were found with, for ``report``.
        measured: The people.
        assessment: The figures. None if no person is annotated.
    """

    name: str
    title: str
    settings: dict[str, Any]
    measured: Measured
    assessment: Assessment | None


def assess(truth: COCO, measured: Measured, losses: Sequence[Loss] = ()) -> Assessment:
    """Compute the figures of people found in photos.

    Args:
        truth: The annotations of the photos.
        measured: The people found, at least one.
        losses: The rows of the breakdown of AP, if requested.

    Returns:
        The figures.
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
    """Return the image ids of the ``count`` photos with the largest loss, the largest first.

    The loss of a photo is summed over the systems.
    """
    lost: dict[int, float] = {}
    for assessment in assessments:
        for image_id, photo in assessment.photos.items():
            lost[image_id] = lost.get(image_id, 0) + photo.lost
    return sorted(lost, key=lambda image_id: (-lost[image_id], image_id))[:count]

"""The result: people, each as named keypoints in the pixels of the photo."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from estimation.config import Config
from estimation.coordinates import Coordinates
from estimation.field_maps import cells_to_photo
from estimation.scoring import cells_of, peak_scores_of, weigh_scores
from estimation.subset import MISSING, ids_of

NO_IDENTITY = -1
"""The value in ``person_ids`` for a person without an identity."""
FILLED = -2
"""The value in ``peak_ids`` for a keypoint that was interpolated between frames, together with its score."""


@dataclass(frozen=True, eq=False)
class Skeletons:
    """The n people of one photo or frame, in the order of the grouping's answer.

    Attributes:
        keypoints: (n, parts, 2) float64, x and y in photo pixels, whole numbers at pixel centres; NaN where the part is
            missing. They lie in the photo: x from 0 to its width - 1, y from 0 to its height - 1.
        scores: (n, parts) float64, the heatmap score of each keypoint; 0 where it is missing.
        person_scores: (n,) float64, how certain the pipeline is of each person. Average precision ranks people by it.
        peak_ids: (n, parts) intp, rows of the ``Coordinates`` that the keypoints come from; -1 where missing, and
            ``FILLED`` where a keypoint was interpolated between frames.
        person_ids: (n,) intp, the identity of each person over the frames of a video. The default is ``NO_IDENTITY``
            for every person, as in photos.
    """

    keypoints: NDArray[np.float64]
    scores: NDArray[np.float64]
    person_scores: NDArray[np.float64]
    peak_ids: NDArray[np.intp]
    person_ids: NDArray[np.intp] = None  # type: ignore[assignment]  # __post_init__ sets the default

    def __post_init__(self) -> None:
        object.__setattr__(self, "person_ids", _identities(self.person_ids, len(self)))

    def __len__(self) -> int:
        return len(self.person_scores)

    @property
    def present(self) -> NDArray[np.bool_]:
        """(n, parts) bool: which keypoints have a position."""
        present: NDArray[np.bool_] = self.peak_ids != MISSING
        return present

    def select(self, people: ArrayLike) -> Skeletons:
        """Return some of the people.

        Args:
            people: (k,) indices from 0 to n - 1 in the wanted order, or an (n,) bool mask of the people to keep.
        """
        chosen = np.asarray(people)
        if chosen.size == 0:
            chosen = chosen.astype(np.intp)  # NumPy makes floats of an empty list, which cannot be indices
        return Skeletons(*(getattr(self, field.name)[chosen] for field in fields(self)))


def _identities(given: NDArray[np.intp] | None, people: int) -> NDArray[np.intp]:
    return np.full(people, NO_IDENTITY) if given is None else given


def to_skeletons(
    config: Config,
    subset: NDArray[np.float64],
    coordinates: Coordinates,
    cell_size: ArrayLike,
    offset: ArrayLike = 0,
    person_scores: NDArray[np.float64] | None = None,
    photo_size: ArrayLike | None = None,
) -> Skeletons:
    """Look up the peaks of the lab's rows, and convert their positions to photo pixels.

    ``cells_to_photo`` moves a peak outside the photo to the nearest pixel of the photo.

    Args:
        config: the configuration that the peaks were found with.
        subset: (n, parts + 2) rows of people, as merge returns them.
        coordinates: the peaks that the rows name.
        cell_size: pixels per map cell, one number or (x, y), as in ``FieldMaps``.
        offset: x and y in cells, as in ``FieldMaps``.
        person_scores: (n,) float64; by default the scores of ``score_people``.
        photo_size: width and height of the photo in pixels, as in ``FieldMaps``.

    Returns:
        The n people of the rows, in the same order.
    """
    cells, scores = cells_of(subset, coordinates), peak_scores_of(subset, coordinates)
    if person_scores is None:
        person_scores = weigh_scores(config, scores, cells)
    keypoints = cells_to_photo(cells, cell_size, offset, photo_size)
    return Skeletons(keypoints, scores, person_scores, ids_of(subset).astype(np.intp))


def best_people(skeletons: Skeletons, count: int) -> Skeletons:
    """Keep the people with the highest person scores.

    Args:
        skeletons: the people, n.
        count: the number of people to keep, at least 0. With equal scores, the earlier person is kept.

    Returns:
        At most ``count`` people, in the same order as before.
    """
    best = np.argsort(-skeletons.person_scores, kind="stable")[:count]
    return skeletons.select(np.sort(best))

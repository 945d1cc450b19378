"""People under construction, and the rows of finished ones, for groupings that see the candidates.

In groupings, ``people`` are always such dicts: the id of a person's peak by body part.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.connections import Candidates
from estimation.coordinates import Coordinates
from estimation.grouping.trace import is_recording, step
from estimation.subset import MISSING, PARTS_NUM, SCORE, ids_of, row_length


class Assembly:
    """Every peak begins as a person of its own; people are joined as long as no body part is in both.

    Args:
        coordinates: the peaks.
        tells: whether each ``connect`` is recorded as a step of the grouping.
    """

    def __init__(self, coordinates: Coordinates, tells: bool = True) -> None:
        self.person = [{part: peak} for peak, part in enumerate(coordinates.part.tolist())]
        """For each peak its person: the ids of the person's peaks by body part. Peaks of one person share one dict."""
        self._tells = tells and is_recording()

    def alone(self, peak: int) -> bool:
        """Whether a peak is still joined to nothing."""
        return len(self.person[peak]) == 1

    def connect(self, one: int, other: int) -> bool:
        """Put two peaks into one person; False, and nothing is done, if two peaks would share a body part."""
        first, second = self.person[one], self.person[other]
        fits = first is second or not first.keys() & second.keys()
        if fits and first is not second:
            if len(first) < len(second):
                first, second = second, first
            first.update(second)
            for peak in second.values():
                self.person[peak] = first
        if self._tells:
            step((one, other), self.people())
        return fits

    def join(self, config: Config, candidates: Candidates, chosen: NDArray[np.intp]) -> None:
        """Connect the ends of the chosen candidates in turn. Limbs from ear to shoulder may not start a person: where
        both ends are still alone, they wait until one of them is joined to something else."""
        waiting: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for (a, b), limb in zip(candidates.peaks[chosen].tolist(), candidates.limb[chosen].tolist()):
            if config.limbs[limb].redundant and self.alone(a) and self.alone(b):
                waiting[a].append((a, b))
                waiting[b].append((a, b))
            elif self.connect(a, b) and waiting:
                for pair in waiting.pop(a, []) + waiting.pop(b, []):
                    self.connect(*pair)

    def people(self) -> list[dict[int, int]]:
        """The people with two peaks or more."""
        return [person for person in {id(person): person for person in self.person}.values() if len(person) > 1]


def to_subset(
    config: Config,
    people: list[dict[int, int]],
    candidates: Candidates,
    coordinates: Coordinates,
    min_parts: int | None = None,
    min_mean_score: float | None = None,
) -> NDArray[np.float64]:
    """Turn people into rows, best first.

    A person's score is the sum of their peak scores and of the PAF scores of all candidates between these peaks. Sums
    rank people better than means, because they grow with the number of visible parts.

    Args:
        config: the configuration of the limbs.
        people: the ids of each person's peaks by body part, no peak in two people.
        candidates: all candidates of the photo.
        coordinates: all peaks of the photo.
        min_parts: people with fewer parts are dropped; by default ``config.min_parts``.
        min_mean_score: people with a smaller score / parts_num are dropped; by default ``config.min_mean_score``.

    Returns:
        (n, parts + 2) float64 rows.
    """
    subset = np.full((len(people), row_length(config)), float(MISSING))
    owner = np.full(len(coordinates), MISSING)
    for row, person in enumerate(people):
        slots, peaks = list(person), list(person.values())
        subset[row, slots] = peaks
        owner[peaks] = row
    from_owner, to_owner = owner[candidates.peaks].T
    inside = (from_owner == to_owner) & (from_owner != MISSING)
    owned = owner != MISSING
    subset[:, SCORE] = np.bincount(owner[owned], coordinates.score[owned], len(people))
    subset[:, SCORE] += np.bincount(from_owner[inside], candidates.score[inside], len(people))
    subset[:, PARTS_NUM] = (ids_of(subset) != MISSING).sum(axis=1)
    min_parts = config.min_parts if min_parts is None else min_parts
    min_mean_score = config.min_mean_score if min_mean_score is None else min_mean_score
    subset = subset[(subset[:, PARTS_NUM] >= min_parts) & (subset[:, SCORE] >= min_mean_score * subset[:, PARTS_NUM])]
    return subset[np.argsort(-subset[:, SCORE], kind="stable")]

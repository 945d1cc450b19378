"""Tools for groupings with a function ``group``: join peaks into people, and turn people into rows.

A person is a dict from body part to the id of the person's peak.
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
    """People under construction. At first, every peak is a person; ``connect`` joins people.

    Args:
        coordinates: the peaks.
        tells: whether ``explain`` shows each ``connect`` as a step of the grouping.
    """

    def __init__(self, coordinates: Coordinates, tells: bool = True) -> None:
        self.person = [{part: peak} for peak, part in enumerate(coordinates.part.tolist())]
        """The person of each peak: a dict from body part to peak id. All peaks of a person share one dict."""
        self._tells = tells and is_recording()

    def alone(self, peak: int) -> bool:
        """Return whether a peak is not joined to another peak."""
        return len(self.person[peak]) == 1

    def connect(self, one: int, other: int) -> bool:
        """Join the people of two peaks, unless both people already have a peak of the same body part.

        Return whether the peaks are in one person now.
        """
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
        """Connect the two peaks of each chosen candidate, in order.

        Limbs from ear to shoulder may not start a person. If both peaks of such a limb are alone, the limb waits until
        one of them is joined to another peak.

        Args:
            config: the configuration of the limbs.
            candidates: the candidates.
            chosen: (m,) indices of the candidates to connect.
        """
        waiting: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for (a, b), limb in zip(candidates.peaks[chosen].tolist(), candidates.limb[chosen].tolist()):
            if config.limbs[limb].redundant and self.alone(a) and self.alone(b):
                waiting[a].append((a, b))
                waiting[b].append((a, b))
            elif self.connect(a, b) and waiting:
                for pair in waiting.pop(a, []) + waiting.pop(b, []):
                    self.connect(*pair)

    def people(self) -> list[dict[int, int]]:
        """Return the people with two or more peaks."""
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
        people: for each person, the ids of the peaks by body part. No peak is in two people.
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

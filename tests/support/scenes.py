"""Hand-made scenes that the tests share: the handout's rows, and people drawn as stick figures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from estimation.config import COCO_18, Config
from estimation.connections import Candidates, Connections, accept_one_to_one
from estimation.coordinates import Coordinates
from estimation.layouts import LAYOUTS
from estimation.layouts.human import STANDING
from estimation.subset import MISSING, PARTS_NUM, SCORE, row_length
from openpose_lab.lab.cases import HANDOUT

ROW_LENGTH = row_length(COCO_18)
BODY_25, MPI_15 = Config(LAYOUTS["BODY_25"]), Config(LAYOUTS["MPI_15"])


def make_row(peaks: dict[int, int], score: float) -> NDArray[np.float64]:
    """One row of the lab's subset from {slot: id}."""
    row = np.full(ROW_LENGTH, float(MISSING))
    for slot, peak in peaks.items():
        row[slot] = peak
    row[SCORE], row[PARTS_NUM] = score, len(peaks)
    return row


def join(coordinates: Coordinates, *limbs: tuple[int, int, int, float]) -> Connections:
    """Connections with just these candidates: limb, peak of its first part, peak of its second, PAF score."""
    table = np.array(sorted(limbs, key=lambda limb: (-limb[3], *limb[:3]))).reshape(-1, 4)
    peaks = table[:, 1:3].astype(np.intp)
    found = Candidates(
        table[:, 0].astype(np.intp),
        peaks,
        coordinates.score[peaks].astype(np.float64),
        table[:, 3],
        np.ones(len(table)),
    )
    return Connections(found, accept_one_to_one(found), coordinates, len(COCO_18.limbs))


def make_rows(*rows: tuple[dict[int, int], float]) -> NDArray[np.float64]:
    return np.array([make_row(*row) for row in rows]).reshape(-1, ROW_LENGTH)


HANDOUT_ROWS = HANDOUT
"""The nine limbs printed in the handout."""
HANDOUT_PERSON = make_rows(({0: 0, 1: 1, 2: 2, 3: 3, 5: 5, 14: 6, 15: 7, 16: 8, 17: 9}, 16.18416846))
"""The one person they make."""


def figure(config: Config) -> NDArray[np.float64]:
    """(parts, 2) a person standing, x and y in units of their height; x from -0.17 to 0.17."""
    return np.array([STANDING[name] for name in config.body_parts])


FIGURE = figure(COCO_18)


def crowd(
    count: int, height: float, columns: int, shift: tuple[float, float] = (0.0, 0.0), gap: float = 8.0
) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """People side by side in rows, who do not overlap: keypoints (count, 18, 2) in cells, and the map's shape.

    height: of each person, in cells. shift: moves them all by a fraction of a cell. gap: cells between
    two people; half of it lies between them and the map's edge.
    """
    step_x, step_y = 0.34 * height + gap, 0.9 * height + gap
    place = np.stack(np.divmod(np.arange(count), columns), axis=1)[:, ::-1]
    corner = place * (step_x, step_y) + (0.17 * height + gap / 2, gap / 2 - 0.06 * height) + shift
    keypoints = corner[:, None] + FIGURE * height
    rows = -(-count // columns)
    return keypoints, (int(np.ceil(rows * step_y)) + 1, int(np.ceil(min(count, columns) * step_x)) + 1)


HUMAN_LAYOUTS = ("BODY_25", "COCO_18", "MPI_15")
"""The project's own layouts: a user's may be of a hand, say."""

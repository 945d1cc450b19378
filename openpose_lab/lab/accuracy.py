"""Accuracy of a merge on rows of limbs from real photos with ground-truth owners of the peaks."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimation.config import COCO_18
from estimation.grouping.contract import check_answer
from estimation.subset import MISSING, PARTS_NUM, SCORE, GroupingError, row_length, slots_of_rows
from openpose_lab.evaluation.measures import Pairs, count_pairs
from openpose_lab.lab.sandbox.runner import SandboxReply

PHOTO_ROWS = Path(__file__).parent / "photo_rows.npz"
"""Made by ``python -m scripts.collect_rows``."""


@dataclass(frozen=True, eq=False)
class PhotoRows:
    """Rows of limbs of photos, and the owners of their peaks.

    Attributes:
        rows: (n, 20) float64 for each photo.
        owners: (P,) intp for each photo, the person who owns each peak, -1 if unknown.
        figures: the F1 of pairs of other groupings on these rows, by name.
        effort: the time of the project's own merge, in multiples of ``reading_seconds``.
    """

    rows: list[NDArray[np.float64]]
    owners: list[NDArray[np.intp]]
    figures: dict[str, float]
    effort: float


@cache
def read_photo_rows() -> PhotoRows:
    """Read the rows that come with the project."""
    return decode(PHOTO_ROWS.read_bytes())


def decode(data: bytes) -> PhotoRows:
    """Decode the bytes of a file of photo rows, such as ``PHOTO_ROWS``."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        limbs = np.split(_make_rows(file["limb"], file["peaks"], file["score"]), file["rows_until"][:-1])
        owners = np.split(file["owner"].astype(np.intp), file["peaks_until"][:-1])
        return PhotoRows(limbs, owners, json.loads(str(file["figures"])), float(file["effort"]))


def _make_rows(limb: NDArray[Any], peaks: NDArray[Any], score: NDArray[Any]) -> NDArray[np.float64]:
    """Make rows (n, 20) float64 from each one's limb index (n,), ids of two peaks (n, 2) and score (n,)."""
    rows = np.full((len(limb), row_length(COCO_18)), float(MISSING))
    np.put_along_axis(rows, COCO_18.limb_parts[limb], peaks.astype(np.float64), axis=1)
    rows[:, SCORE], rows[:, PARTS_NUM] = score, 2
    return rows


def reading_seconds(photos: PhotoRows) -> float:
    """Measure how fast Python reads every row on this machine. Returns the shortest of five times, in seconds."""
    rows = [array.tolist() for array in photos.rows]

    def look() -> float:
        start = time.perf_counter()
        for array in rows:
            [{(slot, peak) for slot, peak in enumerate(row) if peak != MISSING} for row in array]
        return time.perf_counter() - start

    return min(look() for _ in range(5))


def merge_seconds(photos: PhotoRows, call: Callable[[NDArray[np.float64]], SandboxReply]) -> float:
    """Measure how fast a merge is on all rows. Returns the shortest of three times, in seconds."""
    return min(sum(call(rows).seconds for rows in photos.rows) for _ in range(3))


def measure_f1(photos: PhotoRows, merge: Callable[[NDArray[np.float64]], Any]) -> float | None:
    """Return the F1 of the pairs of peaks that a merge puts into one person. None if an answer breaks the contract."""
    pairs = Pairs()
    for rows, owner in zip(photos.rows, photos.owners):
        try:
            subset = check_answer(COCO_18, merge(rows), slots_of_rows(rows))
        except GroupingError:
            return None
        pairs += count_pairs(subset, owner, all_known=False)
    return pairs.f1

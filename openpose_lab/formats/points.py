"""Keypoints as the formats write them: rounded, in the requested unit, the person with the highest score first."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from estimation.skeletons import FILLED, Skeletons
from openpose_lab.formats.record import Record
from openpose_lab.formats.units import PIXELS, PLUS_MINUS_ONE, check_unit

DECIMALS = 4
"""Decimals of pixels and scores."""
_DECIMALS_OF_SIZE = 8
"""Decimals of shares of the photo. In a photo of 10,000 pixels, the last one is a ten-thousandth of a pixel, too."""


def best_first(skeletons: Skeletons) -> Skeletons:
    """Order people by person score, the highest first. People of equal scores keep their order."""
    return skeletons.select(np.argsort(-skeletons.person_scores, kind="stable"))


def people_values(
    skeletons: Skeletons, unit: str = PIXELS, photo_size: tuple[int, int] | None = None
) -> Iterator[tuple[int, float, list[float], dict[str, list[int]]]]:
    """Yield the people with the values that JSON formats write, sorted by person score, highest first.

    Args:
        skeletons: The people.
        unit: One of ``UNITS``.
        photo_size: Width and height of the photo in pixels. Only the unit ``pixels`` does not need it.

    Yields:
        The identity; the person score; x, y and score of each part in one flat list, with 0, 0, 0 for a missing part;
        and ``{"filled": numbers of the interpolated parts}``, an empty dict if no part was interpolated.

    Raises:
        ValueError: The unit is unknown, or ``photo_size`` is missing.
    """
    skeletons = best_first(skeletons)
    places = np.nan_to_num(scaled_points(skeletons, unit, photo_size))
    scores = np.round(skeletons.person_scores, DECIMALS)
    for person, identity in enumerate(skeletons.person_ids.tolist()):
        filled = np.flatnonzero(skeletons.peak_ids[person] == FILLED).tolist()
        yield identity, scores[person].item(), places[person].ravel().tolist(), {"filled": filled} if filled else {}


def points(record: Record, unit: str = PIXELS) -> NDArray[np.float64]:
    """Return the keypoints of a photo in a unit.

    Args:
        record: The people and the size of their photo.
        unit: One of ``UNITS``.

    Returns:
        As ``scaled_points``.

    Raises:
        ValueError: The unit is unknown.
    """
    return scaled_points(record.skeletons, unit, (record.width, record.height))


def scaled_points(
    skeletons: Skeletons, unit: str = PIXELS, photo_size: tuple[int, int] | None = None
) -> NDArray[np.float64]:
    """Convert keypoints to a unit and round them.

    Args:
        skeletons: The people.
        unit: One of ``UNITS``.
        photo_size: Width and height of the photo in pixels. Only the unit ``pixels`` does not need it.

    Returns:
        (n, parts, 3) float64: x and y in the unit, and the score. All three are NaN if a part is missing.

    Raises:
        ValueError: The unit is unknown, or ``photo_size`` is missing.
    """
    check_unit(unit)
    places, decimals = skeletons.keypoints, DECIMALS
    if unit != PIXELS:
        if photo_size is None:
            raise ValueError(f"keypoints in the unit {unit} need the size of the photo")
        # As in OpenPose, whole numbers are pixel centres, so the last pixel is the size less 1.
        places = places / np.maximum(np.array(photo_size) - 1, 1)
        places = 2 * places - 1 if unit == PLUS_MINUS_ONE else places
        decimals = _DECIMALS_OF_SIZE
    scores = np.where(skeletons.present, skeletons.scores, np.nan)
    places, scores = np.round(places, decimals), np.round(scores, DECIMALS)
    return np.concatenate([places, scores[:, :, None]], axis=2) + 0.0  # no -0.0

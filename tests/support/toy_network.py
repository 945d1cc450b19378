"""A network that sees people by the colour of a photo, for tests of what is around networks."""

from __future__ import annotations

import threading

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.config import COCO_18
from estimation.field_maps import FieldMaps, pixels_to_cells
from estimation.synthesis import synthesize
from tests.support.scenes import FIGURE

HEIGHT = 96
"""Pixels of its input, for short tests."""


class ToyNetwork:
    """Sees as many people, side by side, as the blue of the first pixel says.

    Attributes:
        prepared_for: What ``for_calls`` was called with.
        threads: The ids of the threads that have called it.
    """

    config = COCO_18

    def __init__(self) -> None:
        self.prepared_for: list[int] = []
        self.threads: set[int] = set()

    def for_calls(self, calls: int) -> ToyNetwork:
        self.prepared_for.append(calls)
        return self

    def __call__(self, photo: NDArray[np.uint8]) -> FieldMaps:
        self.threads.add(threading.get_ident())
        height, width = photo.shape[:2]
        count = int(photo[0, 0, 0])
        corners = [((n + 0.5) * width / max(count, 1), 0.02 * height) for n in range(count)]
        people = np.array([FIGURE * 0.9 * height + corner for corner in corners]).reshape(-1, len(FIGURE), 2)
        return synthesize(COCO_18, pixels_to_cells(people, 8), (-(-height // 8), -(-width // 8)))


def photo_of(people: int, height: int = HEIGHT, width: int = 160) -> NDArray[np.uint8]:
    """A photo in which the network sees so many people."""
    return np.full((height, width, 3), people, np.uint8)


def png_of(people: int, height: int = HEIGHT, width: int = 160) -> bytes:
    """The same as a file."""
    return cv2.imencode(".png", photo_of(people, height, width))[1].tobytes()

"""A photo and a network -> people: where the stages meet, and nothing more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.connections import Connections, get_connections
from estimation.coordinates import Coordinates, get_coordinates
from estimation.errors import OpenPoseLabError
from estimation.estimators import estimate
from estimation.field_maps import FieldMaps
from estimation.grouping import Grouping
from estimation.skeletons import Skeletons, to_skeletons

DEFAULT_HEIGHT = 368
"""Input height in pixels at which OpenPose's networks were trained and are compared."""
HEIGHTS = range(32, 2049)
"""Input heights that make sense: four map cells hold no person, and beyond two thousand rows memory does not last."""
MIN_SIDE = 8
"""A photo with fewer pixels than this on a side is smaller than one map cell, and holds no person."""
MAX_INPUT_PIXELS = 4_000_000
"""A photo that would have more pixels at the given height is scaled to this many, to bound memory."""


class Network(Protocol):
    """What the pipeline needs of a network; ``models.load_network`` gives one."""

    config: Config

    def __call__(self, photo: NDArray[np.uint8]) -> FieldMaps:
        """The maps of one BGR uint8 photo (h, w, 3) of any size, in that photo's own pixels."""
        ...


@dataclass(frozen=True, eq=False)
class Estimate:
    """Everything that was found in one photo, stage by stage.

    milliseconds: time of each stage, by name, in the order they ran.
    """

    skeletons: Skeletons
    people: NDArray[np.float64]
    connections: Connections
    coordinates: Coordinates
    maps: FieldMaps
    milliseconds: dict[str, float]


def estimate_people(
    photo: NDArray[np.uint8], network: Network, height: int = DEFAULT_HEIGHT, grouping: Grouping | None = None
) -> Estimate:
    """Find the people in a BGR uint8 photo (h, w, 3), which the network sees scaled to ``height`` pixels.

    grouping: by default the one in estimation/merge.py.
    Raises OpenPoseLabError if the photo or the height cannot be used, or if the grouping fails.
    """
    milliseconds: dict[str, float] = {}
    with timed("network", milliseconds):
        maps = compute_maps(photo, network, height)
    return group_maps(maps, network.config, grouping, milliseconds)


def compute_maps(photo: NDArray[np.uint8], network: Callable[[NDArray[np.uint8]], FieldMaps], height: int) -> FieldMaps:
    """The maps of a photo scaled to ``height``, with cells measured in pixels of the photo as it was."""
    scaled = scale_to_height(photo, height)
    maps = network(scaled)
    x = maps.cell_size[0] * photo.shape[1] / scaled.shape[1]
    y = maps.cell_size[1] * photo.shape[0] / scaled.shape[0]
    return replace(maps, cell_size=(x, y))


def group_maps(
    maps: FieldMaps, config: Config, grouping: Grouping | None = None, milliseconds: dict[str, float] | None = None
) -> Estimate:
    """The stages after the network."""
    milliseconds = {} if milliseconds is None else milliseconds
    with timed("coordinates", milliseconds):
        coordinates = get_coordinates(config, maps.heatmaps)
    with timed("connections", milliseconds):
        connections = get_connections(config, coordinates, maps.pafs)
    with timed("grouping", milliseconds):
        people = estimate(config, connections, grouping)
    skeletons = to_skeletons(people, coordinates, maps.cell_size, maps.offset)
    return Estimate(skeletons, people, connections, coordinates, maps, milliseconds)


def scale_to_height(photo: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    """The photo at the given height, or as near as ``MAX_INPUT_PIXELS`` allows, with its proportions kept."""
    check_input(photo, height)
    scale = min(height / photo.shape[0], (MAX_INPUT_PIXELS / (photo.shape[0] * photo.shape[1])) ** 0.5)
    size = max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale))
    if size == (photo.shape[1], photo.shape[0]):
        return photo
    scaled: NDArray[np.uint8] = cv2.resize(
        photo, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    ).astype(np.uint8, copy=False)
    return scaled


def check_input(photo: NDArray[np.uint8], height: int) -> None:
    """Raise OpenPoseLabError if the pipeline cannot work on this photo at this height."""
    check_height(height)
    if min(photo.shape[:2]) < MIN_SIDE:
        raise OpenPoseLabError(
            f"the photo is {photo.shape[1]}x{photo.shape[0]} pixels, too small to hold a person; "
            f"it must be at least {MIN_SIDE}x{MIN_SIDE}"
        )


def check_height(height: int) -> None:
    """Raise OpenPoseLabError if no photo can be seen at this height."""
    if height not in HEIGHTS:
        raise OpenPoseLabError(f"the height must be from {HEIGHTS[0]} to {HEIGHTS[-1]} pixels but is {height}")


@contextmanager
def timed(stage: str, milliseconds: dict[str, float]) -> Iterator[None]:
    """Note under ``stage`` how long the block takes."""
    start = time.perf_counter()
    yield
    milliseconds[stage] = 1000 * (time.perf_counter() - start)

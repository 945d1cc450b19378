"""A photo and a network -> people: where the stages meet, and nothing more."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.config import COCO_18, DEFAULT_HEIGHT, HEIGHTS, Config
from estimation.connections import Connections, get_connections
from estimation.coordinates import Coordinates, get_coordinates
from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from estimation.estimators import estimate
from estimation.field_maps import FieldMaps
from estimation.grouping import GroupingLike
from estimation.photo_arrays import as_photo
from estimation.skeletons import Skeletons, to_skeletons

LEAST_INPUT_SIDE = 64
"""Pixels. If a side of the network's input is shorter, the photo's edge is repeated up to it. In a narrower strip a
network sees little but the zeros that its convolutions pad with. mobilenet_thin finds people in blank strips of up to
32 pixels, and peaks in those of 48."""


class Network(Protocol):
    """What the pipeline needs of a network; ``openpose_lab.load_network`` gives one."""

    config: Config

    def __call__(self, photo: NDArray[np.uint8]) -> FieldMaps:
        """The maps of one BGR uint8 photo (h, w, 3) of any size, in that photo's own pixels."""
        ...


@dataclass(frozen=True, eq=False)
class Estimate:
    """Everything that was found in one photo, stage by stage.

    Attributes:
        skeletons: the people.
        subset: (n, parts + 2) float64, their rows as the grouping returned them.
        connections: the limbs.
        coordinates: the peaks.
        maps: the network's output.
        milliseconds: time of each stage, by name, in the order they ran.
    """

    skeletons: Skeletons
    subset: NDArray[np.float64]
    connections: Connections
    coordinates: Coordinates
    maps: FieldMaps
    milliseconds: dict[str, float]


def estimate_people(
    photo: NDArray[np.uint8],
    network: Network,
    height: int = DEFAULT_HEIGHT,
    grouping: GroupingLike | None = None,
    config: Config | None = None,
) -> Estimate:
    """Find the people in a photo.

    Args:
        photo: (h, w, 3) BGR uint8; grey (h, w) and BGRA (h, w, 4) are converted as in ``as_photo``.
        network: a network that ``load_network`` gave.
        height: input height of the network in pixels; the photo is scaled to it.
        grouping: a grouping by name, by file or as a function. By default the one in estimation/merge.py runs.
        config: every threshold of the stages, by default ``network.config``. Change one with
            ``dataclasses.replace(network.config, peak_threshold=0.1)``.

    Returns:
        The people with keypoints in pixels of the photo, what each stage found, and the milliseconds of each stage.

    Raises:
        OpenPoseLabError: if the photo is None, of floats, of 16 bits or too small, if the height cannot be used, or if
            the grouping fails.
        ValueError: if ``config`` has another layout than the network.
    """
    config = config or network.config
    if config.layout != network.config.layout:
        raise ValueError(f"config has the layout {config.name}, but the network gives maps of {network.config.name}")
    photo = as_photo(photo)
    milliseconds: dict[str, float] = {}
    with timed("network", milliseconds):
        maps = compute_maps(photo, network, height, config)
    return group_maps(maps, config, grouping, milliseconds)


def compute_maps(
    photo: NDArray[np.uint8],
    network: Callable[[NDArray[np.uint8]], FieldMaps],
    height: int,
    config: Config = COCO_18,
) -> FieldMaps:
    """Run the network on a photo scaled to ``height``.

    Args:
        photo: (h, w, 3) BGR uint8; grey (h, w) and BGRA (h, w, 4) are converted as in ``as_photo``.
        network: the network.
        height: input height in pixels.
        config: bounds the size, as in ``scale_to_height``.

    Returns:
        The maps. Their cells are measured in pixels of the photo before scaling.

    Raises:
        OpenPoseLabError: if the photo or the height cannot be used.
    """
    photo = as_photo(photo)
    scaled = scale_to_height(photo, height, config)
    maps = network(scaled)
    x = maps.cell_size[0] * photo.shape[1] / scaled.shape[1]
    y = maps.cell_size[1] * photo.shape[0] / scaled.shape[0]
    return replace(maps, cell_size=(x, y), photo_size=(photo.shape[1], photo.shape[0]))


def group_maps(
    maps: FieldMaps, config: Config, grouping: GroupingLike | None = None, milliseconds: dict[str, float] | None = None
) -> Estimate:
    """Run the stages after the network.

    Args:
        maps: the maps of a photo.
        config: the layout of the maps, and the thresholds.
        grouping: as in ``estimate_people``.
        milliseconds: gets the time of each stage.

    Returns:
        The people, and what each stage found.

    Raises:
        GroupingError: if the grouping fails or breaks the contract.
    """
    milliseconds = {} if milliseconds is None else milliseconds
    with timed("coordinates", milliseconds):
        coordinates = get_coordinates(config, maps.heatmaps)
    with timed("connections", milliseconds):
        connections = get_connections(config, coordinates, maps.pafs)
    with timed("grouping", milliseconds):
        subset = estimate(config, connections, grouping)
    skeletons = to_skeletons(config, subset, coordinates, maps.cell_size, maps.offset, photo_size=maps.photo_size)
    return Estimate(skeletons, subset, connections, coordinates, maps, milliseconds)


def scale_to_height(photo: NDArray[np.uint8], height: int, config: Config = COCO_18) -> NDArray[np.uint8]:
    """Scale a photo to the given height, or as near as ``config.max_input_pixels`` allows; its proportions stay.

    Args:
        photo: (h, w, 3) BGR uint8; grey (h, w) and BGRA (h, w, 4) are converted as in ``as_photo``.
        height: height in pixels.
        config: bounds the size, and says which photos are too small.

    Returns:
        (h, w, 3) BGR uint8: the scaled photo, or ``photo`` itself if it has this height. A note says if it is lower
        than asked for.

    Raises:
        OpenPoseLabError: if the photo or the height cannot be used.
    """
    photo = as_photo(photo)
    check_input(photo, height, config)
    scale = min(height / photo.shape[0], _largest_scale(photo.shape, config.max_input_pixels))
    size = max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale))
    if size[1] < height:
        sentence = (
            f"the network sees the photo at height {size[1]} instead of {height}, as max_input_pixels allows "
            f"{config.max_input_pixels} pixels; to keep the height, raise max_input_pixels (more memory)"
        )
        warnings.warn(OpenPoseLabWarning(sentence), stacklevel=2)
    if size == (photo.shape[1], photo.shape[0]):
        return photo
    scaled: NDArray[np.uint8] = cv2.resize(
        photo, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    ).astype(np.uint8, copy=False)
    return scaled


def _largest_scale(shape: tuple[int, ...], most_pixels: int) -> float:
    """The scale at which a photo (h, w, 3) has ``most_pixels``, with those that fill up a narrow strip."""
    short, long = sorted(shape[:2])
    scale: float = (most_pixels / (short * long)) ** 0.5
    return min(scale, most_pixels / (LEAST_INPUT_SIDE * long)) if short * scale < LEAST_INPUT_SIDE else scale


def check_input(photo: NDArray[np.uint8], height: int, config: Config = COCO_18) -> None:
    """Raise OpenPoseLabError if the pipeline cannot work on this photo at this height."""
    photo = as_photo(photo)
    check_height(height)
    side = config.min_photo_side
    if min(photo.shape[:2]) < side:
        raise OpenPoseLabError(
            f"the photo is {photo.shape[1]}x{photo.shape[0]} pixels, too small to hold a person; "
            f"it must be at least {side}x{side}"
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

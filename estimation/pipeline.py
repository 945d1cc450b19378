"""The pipeline: a photo and a network -> people. It only calls the stages in turn."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.connections import Connections, get_connections
from estimation.coordinates import Coordinates, get_coordinates
from estimation.estimators import estimate
from estimation.field_maps import FieldMaps
from estimation.grouping import GroupingLike
from estimation.photo_arrays import as_photo
from estimation.quality import DEFAULT_QUALITY, choose_views
from estimation.skeletons import Skeletons, to_skeletons
from estimation.views import Network, average_maps


@dataclass(frozen=True, eq=False)
class Estimate:
    """The results of all stages for one photo.

    Attributes:
        skeletons: the people.
        subset: (n, parts + 2) float64, the rows of the people as the grouping returned them.
        connections: the candidates and the accepted limbs.
        coordinates: the peaks.
        maps: the network's output.
        milliseconds: the time of each stage, by name, in the order of the stages.
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
    height: int | None = None,
    grouping: GroupingLike | None = None,
    config: Config | None = None,
    *,
    quality: str | None = None,
    scales: Sequence[float] | None = None,
    flip: bool | None = None,
) -> Estimate:
    """Find the people in a photo.

    Args:
        photo: (h, w, 3) BGR uint8; grey (h, w) and BGRA (h, w, 4) are converted as in ``as_photo``.
        network: a network from ``load_network``.
        height: input height of the network in pixels. The photo is scaled to it. If you give ``height``, ``scales`` or
            ``flip``, they replace the preset. Their defaults are then 368, one scale and not mirrored.
        grouping: the grouping's name, its file or a function. By default, ``merge`` in estimation/merge.py runs.
        config: every threshold of the stages, by default ``network.config``. To change one, pass
            ``dataclasses.replace(network.config, peak_threshold=0.1)``.
        quality: a preset of the views that the network sees: ``fast``, ``balanced`` or ``best``. The default is the
            network's own preset.
        scales: multiples of the height. The network sees a view at each scale, and the maps are averaged.
        flip: whether the network also sees each view mirrored. The maps are averaged.

    Returns:
        The people with keypoints in photo pixels, the results of all stages, and the milliseconds of each stage.

    Raises:
        OpenPoseLabError: if the photo is None, of floats, of 16 bits or too small; if the quality is unknown, or given
            together with ``height``, ``scales`` or ``flip``; if a height or a scale is out of range; or if the
            grouping fails.
        ValueError: if ``config`` has another layout than the network.
    """
    config = config or network.config
    if config.layout != network.config.layout:
        raise ValueError(f"config has the layout {config.name}, but the network gives maps of {network.config.name}")
    views = choose_views(quality, height, scales, flip, default=getattr(network, "quality", DEFAULT_QUALITY))
    photo = as_photo(photo)
    milliseconds: dict[str, float] = {}
    with timed("network", milliseconds):
        maps = average_maps(photo, network, views, config)
    return group_maps(maps, config, grouping, milliseconds)


def group_maps(
    maps: FieldMaps, config: Config, grouping: GroupingLike | None = None, milliseconds: dict[str, float] | None = None
) -> Estimate:
    """Run the stages after the network.

    Args:
        maps: the maps of a photo.
        config: the layout of the maps, and the thresholds.
        grouping: as in ``estimate_people``.
        milliseconds: a dict to which the time of each stage is added.

    Returns:
        The people, and the results of all stages.

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


@contextmanager
def timed(stage: str, milliseconds: dict[str, float]) -> Iterator[None]:
    """Store the time of the block in ``milliseconds`` under the name ``stage``."""
    start = time.perf_counter()
    yield
    milliseconds[stage] = 1000 * (time.perf_counter() - start)

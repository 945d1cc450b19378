"""The maps after each stage of a network, for the page of openpose_lab.commands.explain."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.errors import OpenPoseLabWarning
from estimation.field_maps import FieldMaps
from estimation.photo_arrays import as_photo
from estimation.quality import Views
from estimation.views import Network, scale_to_height


@dataclass(frozen=True, eq=False)
class Stages:
    """The maps after each stage of a network, for one view of a photo: the largest view, not mirrored.

    Attributes:
        heatmaps: For each stage that gives heatmaps, in order, the stage's number from 1 and its heatmaps
            (h, w, parts + 1) float32.
        pafs: For each stage that gives PAFs, its number and its PAFs (h, w, PAF channels) float32.
        count: The number of the network's stages.
        cell_size: Width and height of a cell in pixels of the photo.
        offset: x and y in cells, as in ``FieldMaps``.
        views: The views that the later stages use, in words. None if this view is the only one.
    """

    heatmaps: list[tuple[int, NDArray[np.float32]]]
    pafs: list[tuple[int, NDArray[np.float32]]]
    count: int
    cell_size: tuple[float, float]
    offset: tuple[float, float]
    views: str | None


def see_stages(
    photo: NDArray[np.uint8], network: Network, views: Views, config: Config, maps: FieldMaps
) -> Stages | None:
    """Compute the maps of every stage for the largest view of a photo.

    Args:
        photo: (h, w, 3) BGR uint8; grey (h, w) and BGRA (h, w, 4) are converted as in ``as_photo``.
        network: A network. If it lacks the method ``stages`` of ``LoadedNetwork``, nothing is computed.
        views: The views that the network saw.
        config: The configuration, which limits the size of the view as in ``scale_to_height``.
        maps: The maps of ``views``, on the cells of the largest view.

    Returns:
        The maps. None if the network does not offer its stages.
    """
    every_stage = getattr(network, "stages", None)
    if every_stage is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OpenPoseLabWarning)  # the computation of ``maps`` has warned already
        seen = scale_to_height(as_photo(photo), max(views.heights), config)
    found = every_stage([seen])
    return Stages(
        heatmaps=[(k, stage.heatmaps[0]) for k, stage in enumerate(found, start=1) if stage.heatmaps is not None],
        pafs=[(k, stage.pafs[0]) for k, stage in enumerate(found, start=1) if stage.pafs is not None],
        count=len(found),
        cell_size=maps.cell_size,
        offset=maps.offset,
        views=views.title if len(views.heights) > 1 or views.flip else None,
    )

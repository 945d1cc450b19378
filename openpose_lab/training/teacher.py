"""A teacher: another network whose maps of a photo are targets, beside the labels or in place of them."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.errors import OpenPoseLabError
from estimation.field_maps import FieldMaps, cells_to_pixels, pixels_to_cells
from estimation.layouts import Layout
from estimation.quality import Views
from estimation.views import mirrored_channels
from openpose_lab.evaluation.map_cache import FOLDER, MapCache
from openpose_lab.networks.loading import network_config
from openpose_lab.training.augmentation import Transform
from openpose_lab.training.targets import Targets

_MOST_KEPT = 1 << 40
"""Bytes. The maps of all photos are read again in each epoch, so none may be deleted to make room."""


@dataclass(frozen=True, eq=False)
class Teacher:
    """A network that answers what another one learns.

    Attributes:
        config: its configuration.
        maps_of: gives its maps of a photo's file.
        share: s, the teacher's share of the loss, above 0 and up to 1.
    """

    config: Config
    maps_of: Callable[[Path], FieldMaps]
    share: float
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def teach(
        self, labels: Targets, photo: Path, transform: Transform, stride: int, offset: tuple[float, float]
    ) -> Targets:
        """Mix the targets of the labels with the teacher's maps.

        Args:
            labels: the targets of the labels.
            photo: the photo's file.
            transform: how the network's input was made of the photo.
            stride: pixels of the input to a cell.
            offset: of the network that learns, as in ``make_targets``.

        Returns:
            The targets, as ``mix_targets`` says.

        Raises:
            OpenPoseLabError: The photo cannot be read.
        """
        with self._one_at_a_time:  # maps that are no longer kept are computed again
            maps = self.maps_of(photo)
        heatmaps, pafs = moved_maps(self.config, maps, transform, labels.heatmaps.shape[:2], stride, offset)
        return mix_targets(labels, heatmaps, pafs, self.share)


def find_teacher(
    network: str, weights: Path | None, views: Views, layout: Layout, share: float, folder: Path | None = None
) -> tuple[Teacher, MapCache]:
    """Find a teacher. Its maps are kept on disk, so that each photo is computed once.

    Args:
        network: the teacher's name, one of ``NETWORKS``.
        weights: its weights file; None for the network's own.
        views: the views of a photo whose maps are averaged.
        layout: the layout of the network that learns.
        share: as in ``Teacher``.
        folder: where the maps are kept; None for the place of all maps.

    Returns:
        The teacher, and its maps for ``keep_maps``.

    Raises:
        OpenPoseLabError: No network has the name, it has no weights, or it has another layout.
    """
    config = network_config(network, weights)
    if (config.body_parts, config.limbs) != (layout.body_parts, layout.limbs):
        raise OpenPoseLabError(
            f"the teacher {network} answers maps of the layout {config.layout.name}, not of {layout.name}, which is "
            f"trained; give a teacher of the same layout"
        )
    kept = MapCache(network, weights, views, folder=folder or FOLDER, config=config, most_bytes=_MOST_KEPT)
    return Teacher(config, kept.maps_of, share), kept


def keep_maps(kept: MapCache, photos: Sequence[Path], seen: Callable[[], object]) -> None:
    """Compute the maps of photos that are not kept yet.

    Args:
        kept: the maps.
        photos: the photos' files.
        seen: called after each photo.

    Raises:
        OpenPoseLabError: A photo cannot be read, or the maps of all photos cannot be kept.
    """
    for number, photo in enumerate(photos):
        maps = kept.maps_of(photo)
        if not kept.are_kept:
            raise OpenPoseLabError(
                f"the teacher's maps cannot be kept in {kept.folder}, and without that each epoch would compute them; "
                f"make room there, or make it writable"
            )
        if number == 0:
            _check_room(kept, (maps.heatmaps.nbytes + maps.pafs.nbytes) * len(photos), len(photos))
        seen()
    kept.forget_network()


def _check_room(kept: MapCache, needed: int, photos: int) -> None:
    room = shutil.disk_usage(kept.folder).free + sum(path.stat().st_size for path in kept.folder.iterdir())
    if needed > room:
        raise OpenPoseLabError(
            f"the teacher's maps of {photos} photos need about {needed >> 20} MB in {kept.folder}, but {room >> 20} MB "
            f"are free; free some, or give --teacher-quality fast"
        )


def moved_maps(
    config: Config,
    maps: FieldMaps,
    transform: Transform,
    shape: tuple[int, ...],
    stride: int,
    offset: tuple[float, float] = (0.0, 0.0),
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Move a network's maps of a photo as the photo was moved.

    Args:
        config: the network's configuration.
        maps: its maps of the photo.
        transform: how the input was made of the photo.
        shape: rows and columns of the maps of the input.
        stride: pixels of the input to a cell.
        offset: of the network that learns, as in ``make_targets``.

    Returns:
        (h, w, parts + 1) float32, the heatmaps, and (h, w, channels) float32, the PAFs: the values that the maps have,
        linear between cells, where each cell of the input lies in the photo. PAFs are turned as the photo is, and in a
        mirrored photo left parts and limbs are right ones. Outside the photo nobody is: the background is 1, and all
        else 0.
    """
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    cells = np.stack([columns, rows], axis=-1) + np.array(offset)
    pixels = transform.points_back(cells_to_pixels(cells, stride))
    at = pixels_to_cells(pixels, maps.cell_size) - maps.offset
    heatmaps, pafs = _interpolate(maps.heatmaps, at), _interpolate(maps.pafs, at)
    # The photo's x and y axes in the input, of length 1. In a mirrored photo they are those of its mirror image.
    turn = transform.matrix[:, :2] / transform.scale
    if transform.mirrored:
        parts, channels, signs = mirrored_channels(config)
        heatmaps, pafs = heatmaps[:, :, parts], pafs[:, :, channels] * signs
        turn = turn * [-1, 1]
    pafs[:, :, config.paf_channels] = pafs[:, :, config.paf_channels] @ turn.T.astype(np.float32)
    width, height = _size(maps)
    outside = ((pixels < -0.5) | (pixels > np.array([width, height]) - 0.5)).any(axis=-1)
    heatmaps[outside] = np.append(np.zeros(len(config.body_parts)), 1)
    pafs[outside] = 0
    return heatmaps, pafs


def _size(maps: FieldMaps) -> tuple[float, float]:
    """Width and height of the photo in pixels; those of all cells if the maps do not tell."""
    rows, columns = maps.heatmaps.shape[:2]
    return maps.photo_size or (columns * maps.cell_size[0], rows * maps.cell_size[1])


def _interpolate(values: NDArray[np.float32], at: NDArray[np.float64]) -> NDArray[np.float32]:
    """Values (h, w, channels) at places (..., 2), x and y in cells; linear between cells. The edges go on."""
    last = np.array(values.shape[1::-1]) - 1
    at = np.clip(at, 0, last)
    first = np.minimum(at.astype(np.intp), np.maximum(last - 1, 0))
    x, y = np.moveaxis(first, -1, 0)
    right, below = np.minimum(x + 1, last[0]), np.minimum(y + 1, last[1])
    across, down = np.moveaxis((at - first).astype(np.float32), -1, 0)[..., None]
    above = values[y, x] * (1 - across) + values[y, right] * across
    under = values[below, x] * (1 - across) + values[below, right] * across
    found: NDArray[np.float32] = above * (1 - down) + under * down
    return found


def mix_targets(labels: Targets, heatmaps: NDArray[np.float32], pafs: NDArray[np.float32], share: float) -> Targets:
    """Make one target of the labels and of a teacher's maps.

    With s, the teacher's share, the loss of an answer A is ``(1 - s) sum W (A - L)^2 + s sum (A - T)^2``: equations 4
    and 5 for the labels L with their mask W, and the same without a mask for the teacher's maps T. This is
    ``sum w (A - M)^2`` plus a term without A, where

        ``w = (1 - s) W + s``  and  ``M = ((1 - s) W L + s T) / w``.

    So the gradient is the same, and a mask of w and targets M are all that training needs. Without labels W is 0, and
    M is T.

    Args:
        labels: L and W.
        heatmaps: (h, w, parts + 1) float32: T of the heatmaps.
        pafs: (h, w, PAF channels) float32: T of the PAFs.
        share: s, above 0 and up to 1.

    Returns:
        M, and w in place of the masks.
    """
    taught, learned = np.float32(share), np.float32(1 - share)
    heatmap_weight = learned * labels.heatmap_mask + taught
    paf_weight = learned * labels.paf_mask + taught
    return Targets(
        (learned * labels.heatmap_mask * labels.heatmaps + taught * heatmaps) / heatmap_weight,
        (learned * labels.paf_mask * labels.pafs + taught * pafs) / paf_weight,
        heatmap_weight,
        paf_weight,
    )

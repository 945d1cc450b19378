"""A teacher: another network. Its maps of the input are targets, together with the labels or instead of them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError
from estimation.layouts import Layout
from estimation.quality import Views
from estimation.views import Network, average_maps, resample_maps
from openpose_lab.networks.loading import load_network, network_config
from openpose_lab.training.targets import Targets


@dataclass(frozen=True, eq=False)
class Teacher:
    """A network that provides targets for another network.

    The teacher sees the augmented input, not the photo. So its peaks and limbs are as wide in cells as those of the
    labels, at every scale of the augmentation.

    Attributes:
        network: The teacher.
        views: The views of each input. The teacher's maps of all views are averaged.
        share: s, the teacher's share of the loss, above 0 and at most 1.
    """

    network: Network
    views: Views
    share: float
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def teach(self, labels: Targets, photo: NDArray[np.uint8], stride: int, offset: tuple[float, float]) -> Targets:
        """Mix the targets of the labels with the teacher's maps.

        Args:
            labels: The targets from the labels.
            photo: (side, side, 3) BGR uint8: the input of the network in training.
            stride: Pixels of the input per cell.
            offset: The offset of the network in training, as in ``make_targets``.

        Returns:
            The mixed targets of ``mix_targets``.
        """
        with self._one_at_a_time:  # several threads would not be faster, because they share the cores
            maps = average_maps(photo, self.network, self.views, self.network.config)
        taught = resample_maps(maps, labels.heatmaps.shape[:2], stride, offset)
        return mix_targets(labels, taught.heatmaps, taught.pafs, self.share)


def find_teacher(network: str, weights: Path | None, views: Views, layout: Layout, share: float) -> Teacher:
    """Load a teacher.

    Args:
        network: The teacher's name, one of ``NETWORKS``.
        weights: The teacher's weights file. None takes the network's own.
        views: As in ``Teacher``.
        layout: The layout of the network in training.
        share: As in ``Teacher``.

    Returns:
        The teacher.

    Raises:
        OpenPoseLabError: If no network has this name, or its weights are missing, or it has another layout.
    """
    config = network_config(network, weights)
    if (config.body_parts, config.limbs) != (layout.body_parts, layout.limbs):
        raise OpenPoseLabError(
            f"the teacher {network} has the layout {config.layout.name}, but the network in training has "
            f"{layout.name}; choose a teacher with the same layout"
        )
    return Teacher(load_network(network, weights), views, share)


def mix_targets(labels: Targets, heatmaps: NDArray[np.float32], pafs: NDArray[np.float32], share: float) -> Targets:
    """Mix the targets of the labels with a teacher's maps.

    With s, the teacher's share, the loss of an answer A is ``(1 - s) sum W (A - L)^2 + s sum (A - T)^2``: equations 4
    and 5 for the labels L with their mask W, and the same without a mask for the teacher's maps T. This is
    ``sum w (A - M)^2`` plus a term without A, where

        ``w = (1 - s) W + s``  and  ``M = ((1 - s) W L + s T) / w``.

    So the gradient is the same, and a mask of w and targets M are all that training needs. Without labels W is 0, and
    M is T.

    Args:
        labels: The targets from the labels: L and W.
        heatmaps: (h, w, parts + 1) float32: T of the heatmaps.
        pafs: (h, w, PAF channels) float32: T of the PAFs.
        share: s, above 0 and at most 1.

    Returns:
        The targets M, with w as their masks.
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

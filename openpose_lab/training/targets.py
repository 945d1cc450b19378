"""Targets of a network: the handout's heatmaps (equation 7) and PAFs (equations 8 to 10), and the mask W.

``estimation.synthesis`` computes the equations. This module adds the masks of missing labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.field_maps import pixels_to_cells
from estimation.synthesis import LIMB_WIDTH, SIGMA, synthesize_heatmaps, synthesize_pafs
from openpose_lab.training.regions import fill_polygon

_EVIDENCE = 0.01
"""A cell is not masked if the map of labelled parts or limbs has at least this value there."""


@dataclass(frozen=True, eq=False)
class Targets:
    """The target maps of one photo, and their masks.

    Attributes:
        heatmaps: (h, w, parts + 1) float32: S* of the handout. The last channel is the background.
        pafs: (h, w, PAF channels) float32: L*.
        heatmap_mask: (h, w, parts + 1) float32: W. It is 0 where labels are missing, and 1 elsewhere.
        paf_mask: (h, w, PAF channels) float32: W for the PAFs.
    """

    heatmaps: NDArray[np.float32]
    pafs: NDArray[np.float32]
    heatmap_mask: NDArray[np.float32]
    paf_mask: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class People:
    """The labelled people of one photo.

    Attributes:
        keypoints: (n, parts, 2) float, x and y in pixels of the network's input, NaN where a part has no label.
        outlines: (n, 4, 2) float: the corners of each person's box, in the same pixels.
        unknown: (h, w) bool, in the same pixels: True in regions without labels, such as crowds and people without
            keypoints.
    """

    keypoints: NDArray[np.float64]
    outlines: NDArray[np.float64]
    unknown: NDArray[np.bool_]


def make_targets(
    config: Config,
    people: People,
    stride: int = 8,
    sigma: float = SIGMA,
    limb_width: float = LIMB_WIDTH,
    offset: tuple[float, float] = (0.0, 0.0),
) -> Targets:
    """Compute the targets of one photo.

    Args:
        config: The configuration.
        people: The people.
        stride: Pixels of the input per cell.
        sigma: sigma of equation 7, the spread of a heatmap's peak, in cells.
        limb_width: sigma_l of equation 9, the half width of a limb, in cells.
        offset: x and y in cells, the shift of the network's maps to the left and up, as in ``FieldMaps``. The targets
            have the same shift.

    Returns:
        The targets. All masks are 0 in ``people.unknown``. The mask of a part is also 0 in the box of each person
        without a label of this part. The mask of a limb is also 0 in the box of each person without a label of one of
        its ends. Cells with a labelled part or limb of the same kind are not masked. The mask of the background is 0
        where the mask of any part is 0, except near a labelled part.
    """
    keypoints = pixels_to_cells(people.keypoints, stride) - offset
    shape = people.unknown.shape[0] // stride, people.unknown.shape[1] // stride
    heatmaps = synthesize_heatmaps(config, keypoints, shape, sigma)
    pafs = synthesize_pafs(config, keypoints, shape, limb_width)

    lacking_part = np.isnan(people.keypoints[:, :, 0])  # (n, parts)
    lacking_limb = lacking_part[:, config.limb_parts].any(axis=2)  # (n, limbs)
    boxes = np.zeros((len(keypoints), *shape), np.uint8)
    for box, corners in zip(boxes, pixels_to_cells(people.outlines, stride) - offset):
        fill_polygon(box, corners)
    without_part = np.einsum("nhw,np->hwp", boxes, lacking_part.astype(np.uint8)) > 0
    without_limb = np.einsum("nhw,nl->hwl", boxes, lacking_limb.astype(np.uint8)) > 0

    unknown = np.expand_dims(_cells_of(people.unknown, stride), 2)
    parts = heatmaps[:, :, :-1]
    limbs = np.abs(pafs[:, :, config.paf_channels]).max(axis=3)
    background = without_part.any(axis=2) & (parts.max(axis=2, initial=0) < _EVIDENCE)
    heatmap_mask = np.concatenate([without_part & (parts < _EVIDENCE), background[:, :, None]], axis=2) | unknown
    paf_mask = np.zeros(pafs.shape, bool)
    for axis in (0, 1):
        paf_mask[:, :, config.paf_channels[:, axis]] = (without_limb & (limbs < _EVIDENCE)) | unknown
    return Targets(heatmaps, pafs, 1 - heatmap_mask.astype(np.float32), 1 - paf_mask.astype(np.float32))


def _cells_of(pixels: NDArray[np.bool_], stride: int) -> NDArray[np.bool_]:
    """Return (h, w) bool: True for cells with at least half of their pixels set."""
    height, width = (side // stride for side in pixels.shape)
    cells = pixels[: height * stride, : width * stride].reshape(height, stride, width, stride)
    return np.asarray(2 * cells.sum(axis=(1, 3)) >= stride**2)

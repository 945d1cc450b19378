"""A network that runs: photos in, their maps out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.errors import OpenPoseLabError
from estimation.field_maps import FieldMaps
from estimation.photo_arrays import as_photo
from openpose_lab.networks.runtimes.base import Runtime, StageMaps
from openpose_lab.networks.spec import NetworkSpec

Photos = Sequence[NDArray[np.uint8]] | NDArray[np.uint8]


class LoadedNetwork:
    """A trained network as a function from a photo to its maps.

    Nothing is resized. The right and lower edges of a photo are repeated up to a multiple of the stride. The maps of
    a photo have ceil(h / stride) x ceil(w / stride) cells of stride x stride pixels of the photo.

    Attributes:
        spec: What is known of the network.
        config: The network's layout with the default thresholds.
        runtime: What executes the network.
    """

    def __init__(self, spec: NetworkSpec, runtime: Runtime) -> None:
        """Join a network and the runtime that executes it.

        Args:
            spec: The network.
            runtime: The network with trained weights.
        """
        self.spec = spec
        self.config = Config(spec.layout)
        self.runtime = runtime

    def __call__(self, photo: NDArray[np.uint8]) -> FieldMaps:
        """Compute the maps of a photo.

        Args:
            photo: (h, w, 3) BGR uint8 of any size; grey (h, w) and BGRA (h, w, 4) are converted as in ``as_photo``.

        Returns:
            The maps, in cells of the photo.

        Raises:
            OpenPoseLabError: The photo has another shape or dtype.
        """
        return self.batch([photo])[0]

    def batch(self, photos: Photos) -> list[FieldMaps]:
        """Compute the maps of several photos at once.

        Args:
            photos: n photos of one size, each as in a call for one photo; a list, or one array (n, h, w, 3).

        Returns:
            The maps of each photo, in the order of the photos. They equal those of single calls to rounding.

        Raises:
            OpenPoseLabError: There is no photo, or a photo has another size, shape or dtype.
        """
        maps = self.runtime.run(self._prepare(photos))
        cell_size = (self.spec.stride, self.spec.stride)
        return [
            FieldMaps(heatmaps, pafs, cell_size, self.spec.offset) for heatmaps, pafs in zip(maps.heatmaps, maps.pafs)
        ]

    def stages(self, photos: Photos) -> list[StageMaps]:
        """Compute the maps of every stage for several photos.

        Args:
            photos: As in ``batch``.

        Returns:
            The maps of each stage, in the order in which the stages run. The last heatmaps and the last PAFs are those
            of ``batch``.

        Raises:
            OpenPoseLabError: There is no photo, or a photo has another size, shape or dtype.
        """
        return self.runtime.run_stages(self._prepare(photos))

    def _prepare(self, photos: Photos) -> NDArray[np.uint8]:
        """Make the network's input of photos: (n, h, w, 3), edges repeated, colours in the network's order."""
        given: Any = photos
        if not (isinstance(given, Sequence) or (isinstance(given, np.ndarray) and given.ndim == 4)):
            # The rows of one photo would pass as grey photos.
            got = f"an array {given.shape}" if isinstance(given, np.ndarray) else type(given).__name__
            raise OpenPoseLabError(f"photos must be a list of photos, or one array (n, h, w, 3), but got {got}")
        checked = [as_photo(photo) for photo in photos]
        sizes = sorted({photo.shape[1::-1] for photo in checked})
        if len(sizes) != 1:
            shown = ", ".join(f"{width}x{height}" for width, height in sizes[:3]) or "no photos"
            raise OpenPoseLabError(f"photos of a batch must have one size but got {shown}")
        return np.stack([self._padded(photo) for photo in checked])

    def _padded(self, photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = photo.shape[:2]
        stride = self.spec.stride
        padded = cv2.copyMakeBorder(photo, 0, -height % stride, 0, -width % stride, cv2.BORDER_REPLICATE)
        if self.spec.channels == "rgb":
            padded = cv2.cvtColor(padded, cv2.COLOR_BGR2RGB)
        return np.asarray(padded, np.uint8)

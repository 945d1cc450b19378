"""A network that is ready to run: it takes photos and returns their maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.errors import OpenPoseLabError
from estimation.field_maps import FieldMaps
from estimation.photo_arrays import as_photo
from estimation.views import LEAST_INPUT_SIDE
from openpose_lab.networks.runtimes.base import Runtime, StageMaps, are_sensible
from openpose_lab.networks.spec import NetworkSpec

Photos = Sequence[NDArray[np.uint8]] | NDArray[np.uint8]


class LoadedNetwork:
    """A trained network as a function from a photo to its maps.

    The network does not resize a photo. It pads each side to a multiple of the stride, and to at least
    ``LEAST_INPUT_SIDE``, by repeating the right and the lower edge. The maps of a photo have
    ceil(h / stride) x ceil(w / stride) cells. A cell is stride x stride pixels of the photo. Cells that contain only
    padding are cut off.

    Attributes:
        spec: The network's description.
        config: The network's layout with the default thresholds.
        runtime: The runtime that executes the network.
        quality: The preset of views that is the network's default.
    """

    def __init__(
        self, spec: NetworkSpec, runtime: Runtime, load_again: Callable[[], LoadedNetwork] | None = None
    ) -> None:
        """Join a network and the runtime that executes it.

        Args:
            spec: The network's description.
            runtime: The network with trained weights, ready to run.
            load_again: A picklable function that loads the network. It is called in another process when this object
                is sent there. None if the network cannot be sent.
        """
        self._load_again = load_again
        self.spec = spec
        self.config = Config(spec.layout)
        self.quality = spec.quality
        self.runtime = runtime

    def __reduce__(self) -> tuple[Callable[[], LoadedNetwork], tuple[()]]:
        """Pickle the function that loads the network, so that a spawned process loads its own."""
        if self._load_again is None:
            raise OpenPoseLabError(f"{self.spec.name} cannot be sent to another process; load it there")
        return self._load_again, ()

    def for_calls(self, calls: int) -> LoadedNetwork:
        """Prepare the network for photos from several threads at once.

        Args:
            calls: The number of photos that are computed at once. Each photo takes longer, but all of them together
                take less time.

        Returns:
            The prepared network. Its maps are the same.
        """
        return LoadedNetwork(self.spec, self.runtime.for_calls(calls), self._load_again)

    def __call__(self, photo: NDArray[np.uint8]) -> FieldMaps:
        """Compute the maps of a photo.

        Args:
            photo: (h, w, 3) BGR uint8 of any size. ``as_photo`` converts grey (h, w) and BGRA (h, w, 4) photos.

        Returns:
            The maps, in cells of the photo.

        Raises:
            OpenPoseLabError: The photo has another shape or dtype, or the maps are not plausible for trained weights
                (see ``are_sensible``).
        """
        return self.batch([photo])[0]

    def batch(self, photos: Photos) -> list[FieldMaps]:
        """Compute the maps of several photos at once.

        Args:
            photos: n photos of one size, as a list or as one array (n, h, w, 3). Each photo is as in ``__call__``.

        Returns:
            The maps of each photo, in the order of the photos. They equal the maps of single calls up to rounding.

        Raises:
            OpenPoseLabError: The list is empty, the photos differ in size, a photo has another shape or dtype, or the
                maps are not plausible for trained weights.
        """
        maps = self.runtime.run(self._prepare(photos))
        if not are_sensible(maps.heatmaps, maps.pafs):
            raise OpenPoseLabError(
                f"the maps of {self.spec.name} have values that no trained network gives; use other weights"
            )
        height, width = photos[0].shape[:2]
        rows, columns = self._cells(np.array([height, width]))
        cell_size = (self.spec.stride, self.spec.stride)
        return [
            FieldMaps(heatmaps[:rows, :columns], pafs[:rows, :columns], cell_size, self.spec.offset, (width, height))
            for heatmaps, pafs in zip(maps.heatmaps, maps.pafs)
        ]

    def stages(self, photos: Photos) -> list[StageMaps]:
        """Compute the maps of every stage for several photos.

        Args:
            photos: As in ``batch``.

        Returns:
            The maps of each stage, in the order in which the stages run. The last heatmaps and the last PAFs equal
            the maps that ``batch`` returns.

        Raises:
            OpenPoseLabError: The list is empty, the photos differ in size, or a photo has another shape or dtype.
        """
        stages = self.runtime.run_stages(self._prepare(photos))
        rows, columns = self._cells(np.array(photos[0].shape[:2]))
        return [
            StageMaps(*(None if maps is None else maps[:, :rows, :columns] for maps in (stage.heatmaps, stage.pafs)))
            for stage in stages
        ]

    def _prepare(self, photos: Photos) -> NDArray[np.uint8]:
        """Convert photos to the network's input: (n, h, w, 3) uint8, padded, with colours in the network's order."""
        given: Any = photos
        if not (isinstance(given, Sequence) or (isinstance(given, np.ndarray) and given.ndim == 4)):
            # Without this check, the rows of one photo would pass as grey photos.
            got = f"an array {given.shape}" if isinstance(given, np.ndarray) else type(given).__name__
            raise OpenPoseLabError(f"photos must be a list of photos, or one array (n, h, w, 3), but got {got}")
        checked = [as_photo(photo) for photo in photos]
        sizes = sorted({photo.shape[1::-1] for photo in checked})
        if len(sizes) != 1:
            shown = ", ".join(f"{width}x{height}" for width, height in sizes[:3]) or "no photos"
            raise OpenPoseLabError(f"photos of a batch must have one size but got {shown}")
        return np.stack([self._padded(photo) for photo in checked])

    def _padded(self, photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
        sides = np.array(photo.shape[:2])
        down, across = (self._cells(np.maximum(sides, LEAST_INPUT_SIDE)) * self.spec.stride - sides).tolist()
        padded = cv2.copyMakeBorder(photo, 0, down, 0, across, cv2.BORDER_REPLICATE)
        if self.spec.channels == "rgb":
            padded = cv2.cvtColor(padded, cv2.COLOR_BGR2RGB)
        return np.asarray(padded, np.uint8)

    def _cells(self, sides: NDArray[np.intp]) -> NDArray[np.intp]:
        """Compute how many cells cover each side, given in pixels."""
        return -(-sides // self.spec.stride)

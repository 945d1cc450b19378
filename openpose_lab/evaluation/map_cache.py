"""A cache of photos' maps on disk. With cached maps, the stages after the network are measured again within seconds."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np

from estimation import field_maps, photo_headers, photos
from estimation import views as views_module
from estimation.config import Config
from estimation.errors import OpenPoseLabError
from estimation.field_maps import FieldMaps
from estimation.files import read_input
from estimation.photos import LARGEST_PHOTO_FILE, decode_photo
from estimation.pipeline import timed
from estimation.quality import Views
from estimation.views import average_maps
from openpose_lab.evaluation.versions import library_version
from openpose_lab.kept_files import KeptFiles
from openpose_lab.networks.catalogue import AUTO, find_network, find_runtime
from openpose_lab.networks.code import checksum_of_code
from openpose_lab.networks.loading import find_weights, load_network, network_config
from openpose_lab.networks.network import LoadedNetwork
from openpose_lab.networks.published import Precision, precision_of
from openpose_lab.networks.reading import checksums_of, files_of
from openpose_lab.networks.storage import record_path
from openpose_lab.npz_files import read_npz
from openpose_lab.paths import cache_folder

FOLDER = cache_folder() / "maps"
LARGEST = 2 << 30
"""Largest size of the cache folder in bytes. The maps of a photo of 496x368 take 0.7 MB."""
_LARGEST_MAPS = 256 << 20  # bytes; the maps of a photo of 4 megapixels take 19 MB
_LIBRARIES = ("openvino", "tensorflow", "keras", "numpy", "opencv-python", "opencv-python-headless")


class MapCache:
    """The maps that one network makes of photos, with the same views of each photo.

    If the maps of all photos are cached, the network is not loaded. The key of cached maps is a checksum of everything
    that they depend on: the photo, the weights, the views, the code that makes maps, and the versions of the libraries.
    So the cache never has to be cleared by hand.
    """

    def __init__(
        self,
        network: str,
        weights: Path | None,
        views: Views,
        runtime: str = AUTO,
        precision: Precision | None = None,
        folder: Path = FOLDER,
        config: Config | None = None,
    ) -> None:
        """Find the network's weights, and everything that its maps depend on.

        Args:
            network: The network's name.
            weights: A weights file. By default the network's own.
            views: The views that are averaged.
            runtime, precision: The runtime and the precision of the network, as in ``load_network``.
            folder: The cache folder.
            config: The configuration of the measurement. By default the network's.

        Raises:
            OpenPoseLabError: No network has this name, or the network has no weights.
        """
        self.config = config or network_config(network, weights)
        self.runtime = find_runtime(runtime).name
        self.network, self._weights = network, weights or find_weights(network)
        self._views = views
        self._execution = self.runtime, precision
        bounds = self.config.min_photo_side, self.config.max_input_pixels  # the thresholds that maps depend on
        self._network: LoadedNetwork | None = None
        channels = str((self.config.body_parts, self.config.limbs))  # a mirrored view exchanges channels by them
        self._depends_on = [
            network,
            *map(str, self._execution),
            str(self._views),
            str(bounds),
            channels,
            _checksum_of_code(),
            *map(library_version, _LIBRARIES),
        ]
        self.weights_files = files_of(self._weights)
        self.weights_checksums = checksums_of(self._weights)
        self._depends_on += self.weights_checksums
        self.precision = precision_of(find_network(network).published, self.weights_checksums, self.runtime, precision)
        self.title = f"{network} ({self.runtime}, {self.precision}) at {views.title}"
        self._kept = KeptFiles(folder, LARGEST, "maps")

    def maps_of(self, photo: Path, milliseconds: dict[str, float] | None = None) -> FieldMaps:
        """Return the maps of a photo. Compute them if they are not cached.

        Args:
            photo: The photo's file.
            milliseconds: Receives the time of the stage ``network``, if the maps are computed.

        Raises:
            OpenPoseLabError: The photo cannot be read.
        """
        data = read_input(photo, "photo", LARGEST_PHOTO_FILE)
        depends_on = [*self._depends_on, hashlib.sha256(data).hexdigest()]
        kept = self._kept.read(depends_on)
        maps = None if kept is None else _decode(kept)
        if maps is None:
            self._network = self._network or load_network(self.network, self._weights, *self._execution)
            image = decode_photo(data, str(photo))
            try:
                with timed("network", {} if milliseconds is None else milliseconds):
                    maps = average_maps(image, self._network, self._views, self.config)
            except OpenPoseLabError as error:
                raise OpenPoseLabError(f"{photo}: {error}") from error
            self._kept.write(depends_on, _encode(maps))
        return maps


def measuring_inputs(
    annotations: Path | None, photos: dict[int, Path], maps: MapCache
) -> list[tuple[str, Path | None]]:
    """List the input files of a program that measures on photos, for ``claim_outputs``."""
    weights = [*maps.weights_files, *map(record_path, maps.weights_files)]
    return [
        ("annotations", annotations),
        *(("photo", path) for path in photos.values()),
        *(("weights", path) for path in weights),
    ]


def _encode(maps: FieldMaps) -> bytes:
    data = io.BytesIO()
    places = np.array([maps.cell_size, maps.offset, maps.photo_size])
    np.savez(data, heatmaps=maps.heatmaps, pafs=maps.pafs, places=places)
    return data.getvalue()


def _decode(data: bytes) -> FieldMaps | None:
    """Decode the maps that ``_encode`` encoded. None if ``data`` is anything else."""
    try:
        arrays = read_npz(io.BytesIO(data), _LARGEST_MAPS)
        if not all(array.dtype.kind == "f" and np.isfinite(array).all() for array in arrays.values()):
            return None
        cell_size, offset, photo_size = map(tuple, arrays["places"].tolist())
        return FieldMaps(arrays["heatmaps"], arrays["pafs"], cell_size, offset, photo_size)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _checksum_of_code() -> str:
    """Compute the checksum of the code between a photo and its maps."""
    paths = [Path(str(module.__file__)) for module in (field_maps, photos, views_module)]
    paths += sorted(Path(photo_headers.__path__[0]).rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest() + checksum_of_code()

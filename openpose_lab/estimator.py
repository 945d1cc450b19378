"""``PoseEstimator``: a network, the stages after it, and their settings, as one object."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.errors import OpenPoseLabError
from estimation.faces import blur_faces as blur
from estimation.grouping import Grouping, GroupingLike, load_grouping
from estimation.photo_arrays import as_photo
from estimation.pipeline import Estimate, estimate_people
from estimation.quality import DEFAULT_QUALITY, Views, choose_views
from estimation.renderers import draw_skeletons
from estimation.skeletons import Skeletons
from estimation.views import Network
from openpose_lab.networks import DEFAULT_NETWORK
from openpose_lab.networks.catalogue import AUTO
from openpose_lab.networks.loading import load_network
from openpose_lab.networks.published import Precision
from openpose_lab.overlap import AHEAD, count_cores, count_threads, map_in_threads
from openpose_lab.sources import Frame, frames_of, is_moving, list_photos, open_source
from openpose_lab.sources.photo_files import PhotoFile

Photo = NDArray[np.uint8] | str | Path


@dataclass(frozen=True)
class _Failed:
    name: str
    error: OpenPoseLabError


class PoseEstimator:
    """Finds the people in photos.

    ::

        with PoseEstimator(quality="best") as estimator:
            skeletons = estimator("photo.jpg")

    Attributes:
        config: The layout and all thresholds.
        views: The views of each photo that the network sees.
    """

    def __init__(
        self,
        network: str | Network = DEFAULT_NETWORK,
        *,
        weights: str | Path | None = None,
        runtime: str = AUTO,
        precision: Precision | None = None,
        quality: str | None = None,
        height: int | None = None,
        scales: Sequence[float] | None = None,
        flip: bool | None = None,
        grouping: GroupingLike | None = None,
        config: Config | None = None,
    ) -> None:
        """Load a network and a grouping.

        Args:
            network: The name of a network in ``NETWORKS``, or a network from ``load_network``. With a network from
                ``load_network``, do not pass ``weights``, ``runtime`` and ``precision``.
            weights: As in ``load_network``.
            runtime: As in ``load_network``.
            precision: As in ``load_network``.
            quality: A preset of views: ``fast``, ``balanced`` or ``best``. By default, the network's own preset.
            height: Input height of the network in pixels. ``height``, ``scales`` and ``flip`` replace the preset.
            scales: Multiples of the height. The network sees one view per scale, and the maps are averaged.
            flip: Whether to average the maps of the mirrored photo, too.
            grouping: A grouping by name, by file or as a function. By default, estimation/merge.py, which is loaded
                again whenever the file changes.
            config: The layout and all thresholds. By default, those of the network.

        Raises:
            OpenPoseLabError: A name is unknown, the weights are missing or do not fit, the settings contradict each
                other, or the grouping cannot be loaded.
            ValueError: The layout of ``config`` is not that of the network.
        """
        if isinstance(network, str):
            network = load_network(network, weights, runtime, precision)
        elif weights is not None or runtime != AUTO or precision is not None:
            raise OpenPoseLabError("the network is already loaded; pass weights, runtime and precision to load_network")
        self._network: Network | None = network
        self._parallel: dict[int, Network] = {}
        self.config = config or network.config
        if self.config.layout != network.config.layout:
            raise ValueError(
                f"config has the layout {self.config.name}, but the network has the layout {network.config.name}"
            )
        default = getattr(network, "quality", DEFAULT_QUALITY)
        self.views: Views = choose_views(quality, height, scales, flip, default)
        self._grouping: Grouping | None = None if grouping is None else load_grouping(grouping)

    def __call__(self, photo: Photo) -> Skeletons:
        """Find the people in a photo.

        Args:
            photo: The path of a photo, or its pixels as ``read_photo`` returns them: (h, w, 3) BGR uint8. Grey (h, w)
                and BGRA (h, w, 4) are converted as in ``as_photo``.

        Returns:
            The people, with keypoints in pixels of the photo.

        Raises:
            OpenPoseLabError: The photo cannot be read or used, the grouping fails, or the estimator is closed.
        """
        return self.estimate(photo).skeletons

    def estimate(self, photo: Photo) -> Estimate:
        """Find the people in a photo, and return the result and the time of every stage.

        Args:
            photo: As for ``__call__``.

        Returns:
            The people, their rows, limbs, peaks and maps, and the milliseconds of each stage.

        Raises:
            OpenPoseLabError: As for ``__call__``.
        """
        network, views = self.network, self.views
        return estimate_people(
            _pixels(photo),
            network,
            views.height,
            self._grouping,
            self.config,
            scales=views.scales,
            flip=views.flip,
        )

    def stream(
        self,
        photos: str | Path | Iterable[str | Path] | Iterable[Frame],
        threads: int | None = None,
        *,
        on_error: Callable[[str, OpenPoseLabError], None] | None = None,
        live: bool | None = None,
    ) -> Iterator[tuple[Frame, Skeletons]]:
        """Find the people in many photos, several at once.

        Args:
            photos: The sources, as for ``frames``: one or several photos, folders or globs; or one video, camera or
                stream. Frames are accepted, too, such as those that ``frames`` returns.
            threads: The number of photos to work on at once. By default, one more than the number of cores.
            on_error: A function that is called with the name of each photo that fails, and the error. The work then
                continues with the next photo. Without this function, the error is raised. A photo that cannot be read
                counts as failed.
            live: If True, each finished result is yielded at the latest when the next frame arrives, as cameras need.
                The program then holds at most ``threads`` frames, including finished ones. Results come in order, so
                finished frames wait behind a slow one. When ``threads`` frames are held, the program reads no new frame
                until the slow one is finished. If False, a finished result may wait until three frames per thread are
                read. By default, True for the number of a camera and for the address of a live stream, and False for
                all other sources.

        Returns:
            An iterator of (frame, people), in the order of the frames. Its memory does not grow with the number of
            frames.

        Raises:
            OpenPoseLabError: A source is missing or has no photo, or the estimator is closed. During the iteration: a
                photo fails, and ``on_error`` is None.
        """
        threads = threads or count_threads()
        parallel = self.for_threads(min(threads, count_cores()))
        if isinstance(photos, str | os.PathLike):
            if is_moving(photos):
                source = open_source(photos)
                live = source.is_live if live is None else live
                photos = frames_of(source)
            else:
                photos = [photos]
        given: Iterator[Any] = iter(photos)
        first = list(islice(given, 1))
        if first and isinstance(first[0], str | os.PathLike):
            listed = enumerate(list_photos([*first, *given]))
            waiting = ((photo.shown, partial(photo.frame, index)) for index, photo in listed)  # threads read the photos
        else:
            waiting = ((_checked(frame).name, partial(_checked, frame)) for frame in chain(first, given))
        return parallel._stream(waiting, threads, on_error, 0 if live else AHEAD)

    def _stream(
        self,
        waiting: Iterable[tuple[str, Callable[[], Frame]]],
        threads: int,
        on_error: Callable[[str, OpenPoseLabError], None] | None,
        ahead: int,
    ) -> Iterator[tuple[Frame, Skeletons]]:
        def find(one: tuple[str, Callable[[], Frame]]) -> tuple[Frame, Skeletons] | _Failed:
            name, read = one
            try:
                frame = read()
                return frame, self(frame.pixels)
            except OpenPoseLabError as error:
                return _Failed(name, error)

        for found in map_in_threads(find, waiting, threads, ahead=ahead):
            if not isinstance(found, _Failed):
                yield found
            elif on_error is None:
                raise found.error
            else:
                on_error(found.name, found.error)

    def for_threads(self, threads: int) -> PoseEstimator:
        """Return an estimator for calls from several threads at once.

        Args:
            threads: The number of threads.

        Returns:
            An estimator with the same settings. It processes more photos a second, but takes longer for each photo. It
            still works after this estimator is closed.

        Raises:
            OpenPoseLabError: The estimator is closed.
        """
        if threads not in self._parallel:
            prepared: Any = getattr(self.network, "for_calls", None)
            self._parallel[threads] = prepared(threads) if prepared else self.network
        other = copy.copy(self)
        other._network = self._parallel[threads]
        return other

    def draw(
        self, photo: NDArray[np.uint8], skeletons: Skeletons, *, blank: bool = False, blur_faces: bool = False
    ) -> NDArray[np.uint8]:
        """Draw skeletons on a copy of a photo.

        Args:
            photo: (h, w, 3) BGR uint8. Grey and BGRA are converted as in ``as_photo``.
            skeletons: The people to draw.
            blank: Whether to draw on a black picture instead.
            blur_faces: Whether to blur the face of each person first. Only the faces of ``skeletons`` are blurred, so
                pass all people that were found.

        Returns:
            (h, w, 3) BGR uint8.
        """
        photo = as_photo(photo)
        if blank:
            photo = np.zeros_like(photo)
        elif blur_faces:
            photo = blur(self.config, photo, skeletons)
        return draw_skeletons(self.config, photo, skeletons)

    def close(self) -> None:
        """Release the network. The estimator cannot be used afterwards."""
        self._network = None
        self._parallel = {}

    def __enter__(self) -> PoseEstimator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def network(self) -> Network:
        """The network. Raises OpenPoseLabError if the estimator is closed."""
        if self._network is None:
            raise OpenPoseLabError("this PoseEstimator is closed; make a new one")
        return self._network


def _checked(frame: Any) -> Frame:
    if not isinstance(frame, Frame):
        raise OpenPoseLabError(
            f"stream takes paths of photos or folders, or frames from frames(), but got {type(frame).__name__}"
        )
    return frame


def _pixels(photo: Photo) -> NDArray[np.uint8]:
    return PhotoFile(Path(photo), "").read() if isinstance(photo, str | os.PathLike) else photo

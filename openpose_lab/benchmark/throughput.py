"""Measure photos per second: one by one, in batches, and with the next photo decoded while the network runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.config import DEFAULT_HEIGHT
from estimation.errors import OpenPoseLabError
from estimation.files import PICTURE_TYPES, write_whole
from estimation.photos import read_photo
from estimation.pipeline import estimate_people, group_maps
from estimation.views import scale_to_height
from openpose_lab.benchmark.table import Row, Table
from openpose_lab.benchmark.timing import Task, count_runs, time_in_turns
from openpose_lab.networks.network import LoadedNetwork
from openpose_lab.overlap import map_in_threads
from openpose_lab.paths import sample_photo

BATCH = 4
"""Photos in a batch of the network. They have the same size."""
COPIES = 16
MOST_PHOTOS = 64
_SHIFT = 4  # pixels by which each copy of the sample differs from the one before
_JPEG_QUALITY = 95

Photo = NDArray[np.uint8]


def copies_of_sample(folder: Path, count: int = COPIES) -> list[Path]:
    """Write copies of the sample photo, each shifted a little.

    Args:
        folder: The folder for them.
        count: The number of copies.

    Returns:
        Their paths.
    """
    photo = read_photo(sample_photo())
    paths = [folder / f"photo_{number:03}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        shifted = np.roll(photo, _SHIFT * number, axis=1)
        _, data = cv2.imencode(".jpg", shifted, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        write_whole(path, data.tobytes())
    return paths


def photos_in(folder: Path, most: int = MOST_PHOTOS) -> list[Path]:
    """List the photos of a folder by their names.

    Args:
        folder: The folder.
        most: The largest number of photos to list.

    Returns:
        Their paths, sorted.

    Raises:
        OpenPoseLabError: The folder cannot be read, or contains no photo.
    """
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURE_TYPES)
    except OSError as error:
        raise OpenPoseLabError(f"cannot read the folder {folder}: {error.strerror}; check --images") from error
    if not found:
        raise OpenPoseLabError(f"no file in {folder} has a name that ends in {' '.join(PICTURE_TYPES)}; check --images")
    return found[:most]


def benchmark_photos(
    paths: Sequence[Path],
    network: LoadedNetwork,
    repeat: int,
    height: int = DEFAULT_HEIGHT,
    tick: Callable[[], object] = lambda: None,
) -> Table:
    """Measure the number of photos per second, from file to skeletons.

    Args:
        paths: The photos.
        network: The network.
        repeat: The number of times that all photos are processed in each way.
        height: The height in pixels of the single view of each photo.
        tick: A function that is called after each run, for a progress bar.

    Returns:
        The photos per second.

    Raises:
        OpenPoseLabError: No photo can be read.
    """
    readable, notes = [], []
    for path in paths:
        try:
            read_photo(path)
            readable.append(path)
        except OpenPoseLabError as error:
            notes.append(f"a photo is left out: {error}")
    if not readable:
        raise OpenPoseLabError(f"no photo can be read; the first error is: {notes[0]}")
    ways = ways_to_process(readable, network, height)
    timings = time_in_turns(ways, repeat, tick=tick)
    rows = [Row((way,), timing, len(readable)) for way, timing in timings.done.items()]
    notes += [f"{way} is left out: {sentence}" for way, sentence in timings.failed.items()]
    how = f"{len(readable)} photos by {network.spec.name}, one view of height {height} each, from file to skeletons"
    notes.insert(0, how)
    return Table("photos", "Photos a second", ("way",), "photos a second", rows, notes=notes)


def photo_runs(repeat: int) -> int:
    """Compute the number of times that ``benchmark_photos`` calls ``tick``."""
    return count_runs(4, repeat)


def ways_to_process(paths: Sequence[Path], network: LoadedNetwork, height: int) -> dict[str, Task]:
    """List the ways to process photos. Each way finds the people in all photos.

    Args:
        paths: The photos.
        network: The network.
        height: The height in pixels of the single view of each photo.

    Returns:
        A task for each way, by its name.
    """

    def one_by_one() -> None:
        for path in paths:
            estimate_people(read_photo(path), network, height)

    def overlapped() -> None:
        for photo in read_ahead(paths):
            estimate_people(photo, network, height)

    def in_batches() -> None:
        _process_in_batches(map(read_photo, paths), network, height)

    def both() -> None:
        _process_in_batches(read_ahead(paths), network, height)

    return {
        "one by one": one_by_one,
        "decoding overlapped": overlapped,
        f"in batches of {BATCH}": in_batches,
        "in batches, decoding overlapped": both,
    }


def read_ahead(paths: Sequence[Path]) -> Iterator[Photo]:
    """Read photos in a thread. It reads the next photos while the caller works on one.

    Args:
        paths: The photos.

    Returns:
        An iterator of the photos, in the order of the paths.
    """
    return map_in_threads(read_photo, paths, 1)


def batches_by_size(photos: Iterable[Photo], most: int) -> Iterator[list[Photo]]:
    """Sort photos into batches of photos with the same size, and yield each batch when it is full.

    Args:
        photos: The photos.
        most: The largest number of photos in a batch.

    Yields:
        Lists of at most ``most`` photos (h, w, 3) of the same size. Incomplete batches follow at the end.
    """
    waiting: dict[tuple[int, ...], list[Photo]] = {}
    for photo in photos:
        batch = waiting.setdefault(photo.shape, [])
        batch.append(photo)
        if len(batch) == most:
            yield waiting.pop(photo.shape)
    yield from waiting.values()


def _process_in_batches(photos: Iterable[Photo], network: LoadedNetwork, height: int) -> None:
    for batch in batches_by_size(photos, BATCH):
        tall, wide = batch[0].shape[:2]
        scaled = [scale_to_height(photo, height, network.config) for photo in batch]
        for maps in network.batch(scaled):
            across, down = wide / scaled[0].shape[1], tall / scaled[0].shape[0]
            cell_size = maps.cell_size[0] * across, maps.cell_size[1] * down
            group_maps(replace(maps, cell_size=cell_size, photo_size=(wide, tall)), network.config)

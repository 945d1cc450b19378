"""Time the demo's run over a folder of photos, and each of its stages by itself: how well do the stages overlap?"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError
from estimation.files import encode_picture, write_whole
from estimation.pipeline import Estimate, group_maps
from estimation.views import average_maps
from openpose_lab.benchmark.stages_alone import beside_stages, runs_beside_stages
from openpose_lab.benchmark.table import Table
from openpose_lab.estimator import PoseEstimator
from openpose_lab.formats import FORMATS, Format
from openpose_lab.formats.lines import to_line
from openpose_lab.formats.record import Record
from openpose_lab.job import journal as journals
from openpose_lab.job.outputs import Outputs
from openpose_lab.job.run import Job
from openpose_lab.overlap import count_cores
from openpose_lab.sources import PhotoFile, list_photos

_STAGES = ("decoding", "network", "stages after it", "drawing", "writing")


def benchmark_folder(
    paths: Sequence[Path],
    estimator: PoseEstimator,
    scratch: Path,
    repeat: int,
    tick: Callable[[], object] = lambda: None,
) -> Table:
    """Time a run over many photos, and each of its stages by itself.

    Args:
        paths: The photos.
        estimator: The estimator that finds the people.
        scratch: A folder for the outputs.
        repeat: The number of times that each stage and the run are timed.
        tick: A function that is called after each run, for a progress bar.

    Returns:
        The processor seconds of each stage, their sum divided by the number of cores, and the time of the run.

    Raises:
        OpenPoseLabError: A photo cannot be read, or a file cannot be written.
    """
    photos = list_photos(list(paths))
    sizes = {photo.read().shape for photo in photos}
    table = beside_stages(
        "folder",
        f"A folder of {len(photos)} photos of {len(sizes)} sizes",
        dict(zip(_STAGES, _Stages(photos, estimator, scratch).in_order())),
        lambda: _run(photos, estimator, scratch / "folder"),
        (len(photos), "photos"),
        repeat,
        tick,
    )
    table.notes.insert(
        0, f"views of {estimator.views.title}; each stage by itself processes all photos, one after the other"
    )
    return table


def folder_runs(repeat: int) -> int:
    """Compute the number of times that ``benchmark_folder`` calls ``tick``."""
    return runs_beside_stages(len(_STAGES), repeat)


class _Stages:
    """The stages of a run. Each stage processes all photos, with the results of the stage before it."""

    def __init__(self, photos: Sequence[PhotoFile], estimator: PoseEstimator, scratch: Path) -> None:
        self._photos, self._scratch = photos, scratch
        self._estimator = estimator.for_threads(count_cores())
        self._pixels: list[NDArray[np.uint8]] = []
        self._estimates: list[Estimate] = []
        self._pictures: list[NDArray[np.uint8]] = []

    def in_order(self) -> Sequence[Callable[[], object]]:
        """Return the stages in the order of ``_STAGES``."""
        return self._decode, self._compute, self._group, self._draw, self._write

    def _decode(self) -> None:
        self._pixels = [photo.read() for photo in self._photos]

    def _compute(self) -> None:
        network, views, config = self._estimator.network, self._estimator.views, self._estimator.config
        self._maps = [average_maps(pixels, network, views, config) for pixels in self._pixels]

    def _group(self) -> None:
        self._estimates = [group_maps(maps, self._estimator.config) for maps in self._maps]

    def _draw(self) -> None:
        pairs = zip(self._pixels, self._estimates)
        self._pictures = [self._estimator.draw(pixels, estimate.skeletons) for pixels, estimate in pairs]

    def _write(self) -> None:
        self._scratch.mkdir(exist_ok=True)
        layout, json = self._estimator.config.layout, FORMATS["json"]
        assert isinstance(json, Format)
        for index, (picture, estimate) in enumerate(zip(self._pictures, self._estimates)):
            height, width = picture.shape[:2]
            record = Record(str(index), index, None, width, height, estimate.skeletons)
            path = self._scratch / f"{index}.jpg"
            write_whole(path, encode_picture(path, picture))
            write_whole(path.with_suffix(".json"), json.encode(record, layout, "pixels"))
            to_line(record)


def _run(photos: Sequence[PhotoFile], estimator: PoseEstimator, folder: Path) -> float:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    outputs = Outputs(folder, files={"json": folder})
    start = time.perf_counter()
    with journals.begin(outputs.journal, estimator.config.layout, {}) as journal:
        failures = Job(photos, outputs).run(estimator, journal)
    if failures:
        raise OpenPoseLabError(failures[0].reason)
    return time.perf_counter() - start

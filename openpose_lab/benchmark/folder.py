"""A folder of photos, as the demo does it, beside what its stages take alone: how well they overlap."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError
from estimation.files import encode_picture, write_whole
from estimation.pipeline import Estimate, group_maps
from estimation.views import average_maps
from openpose_lab.benchmark.table import Row, Table
from openpose_lab.benchmark.timing import Task, Timing, count_runs, time_in_turns
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
_FOLDER = "the folder"


def benchmark_folder(
    paths: Sequence[Path],
    estimator: PoseEstimator,
    scratch: Path,
    repeat: int,
    tick: Callable[[], object] = lambda: None,
) -> Table:
    """Time a run over many photos, and each of its stages alone.

    Args:
        paths: The photos.
        estimator: Finds the people.
        scratch: A folder for the outputs.
        repeat: How often each is timed.
        tick: Is called after each run, for a progress bar.

    Returns:
        The processor seconds of each stage, their sum divided by the cores, and the time of the run.

    Raises:
        OpenPoseLabError: A photo cannot be read, or a file cannot be written.
    """
    photos = list_photos(list(paths))
    tasks: dict[str, Task] = dict(_Stages(photos, estimator, scratch).tasks())
    tasks[_FOLDER] = lambda: _run(photos, estimator, scratch / "folder")
    timings = time_in_turns(tasks, repeat, tick=tick)
    if timings.failed:
        raise OpenPoseLabError("; ".join(timings.failed.values()))
    cores = count_cores()
    alone = np.sum([timings.done[name].seconds for name in _STAGES], axis=0) / cores
    shares = Timing(tuple(alone.tolist()))
    run = timings.done[_FOLDER]
    ratio = run.median / shares.median
    sizes = {photo.read().shape for photo in photos}
    return Table(
        "folder",
        f"A folder of {len(photos)} photos of {len(sizes)} sizes",
        ("what",),
        "s",
        [
            *(Row((f"{name}, processor seconds",), timings.done[name]) for name in _STAGES),
            Row((f"all stages, divided by {cores} cores",), shares),
            Row(("the folder",), run, figures={"ratio": ratio, "photos a second": len(photos) / run.median}),
        ],
        notes=[
            f"views of {estimator.views.title}; each stage alone goes through all photos, one after the other",
            f"the folder takes {ratio:.2f} times its stages divided by the cores: {len(photos) / run.median:.1f} "
            "photos a second",
        ],
    )


def folder_runs(repeat: int) -> int:
    """Compute how often ``benchmark_folder`` calls ``tick``."""
    return count_runs(len(_STAGES) + 1, repeat)


class _Stages:
    """The stages of a run, each alone over all photos, on what the one before it gave."""

    def __init__(self, photos: Sequence[PhotoFile], estimator: PoseEstimator, scratch: Path) -> None:
        self._photos, self._scratch = photos, scratch
        self._estimator = estimator.for_threads(count_cores())
        self._pixels: list[NDArray[np.uint8]] = []
        self._estimates: list[Estimate] = []
        self._pictures: list[NDArray[np.uint8]] = []

    def tasks(self) -> dict[str, Task]:
        """Each stage by its name, as a task that gives its processor seconds."""
        stages = self._decode, self._compute, self._group, self._draw, self._write
        return {name: partial(_processor_seconds, stage) for name, stage in zip(_STAGES, stages)}

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


def _processor_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


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

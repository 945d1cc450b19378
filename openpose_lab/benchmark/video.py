"""Time the demo's run over a video, and each of its stages by itself: how well do the stages overlap?"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.photos import read_photo
from estimation.skeletons import Skeletons
from openpose_lab.benchmark.stages_alone import beside_stages, runs_beside_stages
from openpose_lab.benchmark.table import Table
from openpose_lab.estimator import PoseEstimator
from openpose_lab.job.video_file import VideoWriter, writer_of
from openpose_lab.job.video_run import LINES, VideoOutputs, VideoRun
from openpose_lab.overlap import count_cores
from openpose_lab.paths import sample_photo
from openpose_lab.sources import Frame
from openpose_lab.sources.videos import open_video
from openpose_lab.tracking import DEFAULT_TRACKER, identify, load_tracker

_STAGES = ("decoding", "finding people", "tracking", "drawing", "encoding")
_RATE, _FRAMES, _SIZE = 25, 250, (640, 360)
"""Of the clip: frames per second, number of frames, and width and height in pixels."""
_POSITIONS = 60
_MOST_PIXELS = 100_000_000
"""Most pixels of all timed frames together. The separate stages hold all frames in memory, and as many pictures."""


def make_clip(path: Path) -> Path:
    """Write a clip in which a camera moves over the sample photo. Return the path."""
    with VideoWriter(path, *_SIZE, rate=Fraction(_RATE)) as writer:
        for number, pixels in enumerate(moving_photo(_SIZE, _FRAMES)):
            writer.write(pixels, number / _RATE)
    return path


def moving_photo(size: tuple[int, int], count: int) -> list[NDArray[np.uint8]]:
    """Move over the sample photo back and forth, with a little noise.

    Args:
        size: Width and height of a frame in pixels.
        count: The number of frames.

    Returns:
        The frames, (h, w, 3) BGR uint8. Repeated frames are the same array, so memory is bounded.
    """
    width, height = size
    photo = read_photo(sample_photo())
    scale = max((width + 2 * _POSITIONS) / photo.shape[1], (height + _POSITIONS) / photo.shape[0])
    large = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    rng = np.random.default_rng(0)
    shown = []
    for place in range(_POSITIONS):
        part = large[place : place + height, 2 * place : 2 * place + width].astype(np.int16)
        part += rng.integers(-3, 4, part.shape, dtype=np.int16)
        shown.append(np.clip(part, 0, 255).astype(np.uint8))
    turns = [*range(_POSITIONS), *range(_POSITIONS - 2, 0, -1)]
    return [shown[turns[number % len(turns)]] for number in range(count)]


def benchmark_video(
    clip: Path, estimator: PoseEstimator, drawn: Path, repeat: int, tick: Callable[[], object] = lambda: None
) -> Table:
    """Time a run over a video, and each of its stages by itself.

    Args:
        clip: The video. Its first frames are used, at most 100 megapixels together.
        estimator: The estimator that finds the people.
        drawn: The video to write.
        repeat: The number of times that each stage and the run are timed.
        tick: A function that is called after each run, for a progress bar.

    Returns:
        The processor seconds of each stage, their sum divided by the number of cores, and the time of the run.

    Raises:
        OpenPoseLabError: The video cannot be read or written.
    """
    stages = _Stages(clip, estimator, drawn)
    title = f"A video of {stages.count} frames, {stages.source.width}x{stages.source.height}"
    in_order = dict(zip(_STAGES, stages.in_order()))
    table = beside_stages("video", title, in_order, stages.run, (stages.count, "frames"), repeat, tick)
    table.notes.insert(0, f"views of {estimator.views.title}; each stage by itself processes all frames in order")
    return table


def video_runs(repeat: int) -> int:
    """Compute the number of times that ``benchmark_video`` calls ``tick``."""
    return runs_beside_stages(len(_STAGES), repeat)


class _Stages:
    """The stages of a run. Each stage processes all frames, with the results of the stage before it."""

    def __init__(self, clip: Path, estimator: PoseEstimator, drawn: Path) -> None:
        self.source, self._estimator, self._drawn = open_video(clip), estimator, drawn
        self._most = max(1, _MOST_PIXELS // (self.source.width * self.source.height))
        self.count = sum(1 for _ in self._read())
        self._parallel = estimator.for_threads(count_cores())
        self._frames: list[Frame] = []
        self._people: list[Skeletons] = []
        self._pictures: list[NDArray[np.uint8]] = []

    def in_order(self) -> Sequence[Callable[[], object]]:
        """Return the stages in the order of ``_STAGES``."""
        return self._decode, self._find, self._follow, self._draw, self._encode

    def run(self) -> float:
        """Run all stages as the demo does. Return the time in seconds."""
        tracker = load_tracker(DEFAULT_TRACKER, self._estimator.config.layout)
        outputs = VideoOutputs("", tables={LINES: self._drawn.with_suffix(".jsonl")})
        start = time.perf_counter()
        with writer_of(self._drawn, self.source) as writer:
            run = VideoRun(self.source.name, self._read, partial(identify, tracker=tracker), outputs, writer)
            run.run(self._estimator)
        return time.perf_counter() - start

    def _read(self) -> islice[Frame]:
        return islice(self.source.frames(), self._most)

    def _decode(self) -> None:
        self._frames = list(self._read())

    def _find(self) -> None:
        self._people = [self._parallel(frame.pixels) for frame in self._frames]

    def _follow(self) -> None:
        tracker = load_tracker(DEFAULT_TRACKER, self._estimator.config.layout)
        self._people = [people for _, people in identify(zip(self._frames, self._people), tracker)]

    def _draw(self) -> None:
        pairs = zip(self._frames, self._people)
        self._pictures = [self._estimator.draw(frame.pixels, people) for frame, people in pairs]

    def _encode(self) -> None:
        with writer_of(self._drawn, self.source) as writer:
            for frame, picture in zip(self._frames, self._pictures):
                writer.write(picture, frame.timestamp or 0.0)

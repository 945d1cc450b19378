"""Ray actors that load the network once, and find the people in blocks of photos and in videos."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from estimation.errors import OpenPoseLabError
from estimation.subset import GroupingError
from openpose_lab.batch.reading import unexpected
from openpose_lab.batch.rows import Failure, Found, failures_table, people_table, to_stream
from openpose_lab.batch.stores import StoreError, is_address, locate, open_store
from openpose_lab.extras import MissingLibraryError
from openpose_lab.overlap import map_in_threads

if TYPE_CHECKING:
    import pyarrow

    from estimation.skeletons import Skeletons
    from openpose_lab.batch.settings import Settings
    from openpose_lab.sources import Frame

_MOST_IN_A_ROW = 5
"""After this number of failures of the grouping in a row, the job ends, because the grouping must be wrong."""


@dataclass
class _Result:
    """The people and failures of the photos of one part, or of one video."""

    indexes: list[int] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    frames: int = 0
    expected: int | None = None
    seconds: float = 0.0


class _StopError(Exception):
    """The job must end. Its text is the reason."""


class Worker:
    """Finds the people in blocks of ``reading.py``."""

    def __init__(self, settings: Settings) -> None:
        """Load the network and the grouping. An error is kept for the first block, which reports it as the job's end.

        An exception here would make Ray start the actor again and again.
        """
        self._settings = settings
        self._in_a_row = 0
        self._counting = Lock()  # photos are processed in threads
        self._problem: str | None = None
        try:
            self._load()
        except OpenPoseLabError as error:
            self._problem = str(error)

    def _load(self) -> None:
        from openpose_lab.estimator import PoseEstimator
        from openpose_lab.lab.sandbox.isolated import Isolated
        from openpose_lab.networks.loading import load_network

        settings, views = self._settings, self._settings.views
        self._isolated = Isolated(settings.grouping)
        network = load_network(settings.network, settings.weights, settings.runtime, settings.precision)
        estimator = PoseEstimator(
            network,
            height=views.height,
            scales=views.scales,
            flip=views.flip,
            grouping=self._isolated.load(),
            config=settings.config,
        )
        self._estimator = estimator.for_threads(settings.threads)

    def __call__(self, block: pyarrow.Table) -> pyarrow.Table:
        """Find the people in a block.

        Args:
            block: A table from ``read_task``.

        Returns:
            One row for each part in the block: ``part``; ``indexes`` of the finished photos and videos; ``people`` and
            ``failures``, tables as bytes of ``to_stream``; ``frames``, ``expected`` and ``seconds``, which
            ``--dry-run`` needs; and ``stop``, why the job must end, or None.
        """
        results: dict[int, _Result] = defaultdict(_Result)
        stop = self._problem
        try:
            if stop is None:
                self._process(block, results)
        except (_StopError, StoreError, MissingLibraryError) as error:
            stop = str(error)
        return _reply(results, self._settings.config.layout, stop)

    def _process(self, block: pyarrow.Table, results: dict[int, _Result]) -> None:
        rows = [{name: block[name][row].as_py() for name in _PLAIN} for row in range(len(block))]
        for row in rows:
            if row["stop"] is not None:
                raise _StopError(row["stop"])
        threads = self._settings.threads
        photos = [number for number, row in enumerate(rows) if not row["video"]]
        for number, found in zip(photos, map_in_threads(lambda n: self._find(block, rows[n], n), photos, threads + 1)):
            result = results[rows[number]["part"]]
            result.indexes.append(rows[number]["index"])
            if isinstance(found, Failure):
                result.failures.append(found)
            else:
                result.found.append(found)
        for row in rows:
            if row["video"]:
                self._follow(row, results[row["part"]])

    def _find(self, block: pyarrow.Table, row: dict[str, Any], number: int) -> Found | Failure:
        source, index, height, width = row["source"], row["index"], row["height"], row["width"]
        if row["error"] is not None:
            return Failure(source, index, row["error"])
        buffer = block["pixels"][number].as_buffer()
        pixels = np.frombuffer(buffer, np.uint8).reshape(height, width, 3)
        try:
            people = self._estimator(pixels)
        except OpenPoseLabError as error:
            self._count(error)
            return Failure(source, index, str(error))
        except MemoryError:
            return Failure(source, index, f"not enough memory for {source}; make it smaller")
        except Exception as error:  # the other photos are done
            return Failure(source, index, unexpected(source, error))
        self._in_a_row = 0
        return Found(source, index, None, width, height, people)

    def _follow(self, row: dict[str, Any], result: _Result) -> None:
        """Find and track the people of a video. After an error, the people of the earlier frames are kept."""
        from openpose_lab.sources import frames_of
        from openpose_lab.sources.videos import open_video
        from openpose_lab.tracking import DEFAULT_TRACKER, identify, load_tracker

        settings, source = self._settings, row["source"]
        result.indexes.append(row["index"])
        began = time.monotonic()
        try:
            store, name = locate(open_store(settings.folder), source)
            with store.as_path(name) as path:
                video = open_video(path)
                result.expected = video.frame_count
                tracker = load_tracker(DEFAULT_TRACKER, settings.config.layout)
                frames = islice(frames_of(video, settings.every), settings.most_frames)
                stream = map_in_threads(self._find_in_frame, frames, settings.threads + 1)
                for frame, people in identify(stream, tracker):
                    height, width = frame.pixels.shape[:2]
                    result.found.append(Found(source, frame.index, frame.timestamp, width, height, people))
                    result.frames += 1
        except MissingLibraryError:
            raise
        except OpenPoseLabError as error:
            if isinstance(error, StoreError) and not is_address(source):
                raise
            self._count(error)
            result.failures.append(Failure(source, row["index"], str(error)))
        except Exception as error:  # whatever a decoder does with a damaged video, the others are done
            result.failures.append(Failure(source, row["index"], unexpected(source, error)))
        else:
            self._in_a_row = 0
        result.seconds = time.monotonic() - began

    def _find_in_frame(self, frame: Frame) -> tuple[Frame, Skeletons]:
        return frame, self._estimator(frame.pixels)

    def _count(self, error: OpenPoseLabError) -> None:
        """Raise _StopError if the grouping has failed too often in a row."""
        if not isinstance(error, GroupingError):
            return
        with self._counting:
            self._in_a_row += 1
            too_often = self._in_a_row >= _MOST_IN_A_ROW
        if too_often:
            times = f"{_MOST_IN_A_ROW} times in a row"
            raise _StopError(f"the grouping failed {times}; correct it. The last error: {error}")


_PLAIN = ("part", "index", "source", "height", "width", "error", "stop", "video")
"""The columns of a block without the pixels, which stay in Ray's memory."""


def _reply(results: dict[int, _Result], layout: Any, stop: str | None) -> pyarrow.Table:
    import pyarrow as pa

    if stop is not None:  # unfinished results are dropped; the next run finds them again
        results = {-1: _Result()}
    parts = list(results.values())
    columns = {
        "part": pa.array(list(results), pa.int32()),
        "indexes": pa.array([one.indexes for one in parts], pa.list_(pa.int64())),
        "people": pa.array([to_stream(people_table(one.found, layout)) for one in parts], pa.large_binary()),
        "failures": pa.array([to_stream(failures_table(one.failures)) for one in parts], pa.large_binary()),
        "frames": pa.array([one.frames for one in parts], pa.int64()),
        "expected": pa.array([one.expected for one in parts], pa.int64()),
        "seconds": pa.array([one.seconds for one in parts], pa.float64()),
        "stop": pa.array([stop] * len(parts), pa.string()),
    }
    return pa.table(columns)

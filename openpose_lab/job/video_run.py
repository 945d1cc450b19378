"""The run over a video or a camera.

Several threads find and draw the people. The caller's thread tracks and shows them in order. Another thread writes in
order, because encoding takes as long as the work of the caller's thread.

A run of one pass finishes each frame soon after it was read. Smoothing and filling gaps need later frames, so they need
two passes: the first pass finds the people, then the rows are written, and the second pass draws.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from estimation.errors import OpenPoseLabError
from estimation.files import cannot_write, open_descriptor, write_whole
from estimation.skeletons import Skeletons
from openpose_lab.estimator import PoseEstimator
from openpose_lab.file_locks import keep_others_away
from openpose_lab.formats import FORMATS, Format, TableFormat
from openpose_lab.formats.lines import from_line, to_line
from openpose_lab.formats.record import Record
from openpose_lab.formats.units import PIXELS
from openpose_lab.job.look import Look
from openpose_lab.job.tables import write_tables
from openpose_lab.overlap import AHEAD, count_cores, count_threads, map_in_threads
from openpose_lab.sources.frame import Frame

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from estimation.layouts import Layout

LINES = "jsonl"
"""The table that a run of one pass writes frame by frame."""
_DRAWING_THREADS = 2

Found = tuple[Frame, Skeletons]
"""A frame, and all people in it."""
Drawn = tuple[Frame, Skeletons, "NDArray[np.uint8] | None"]
"""A frame, all people in it, and the picture of the people, (h, w, 3) BGR uint8, if one is needed."""
Watch = Callable[[Iterable[Any], str], Iterable[Any]]


class Pictures(Protocol):
    """A file or a window that takes pictures."""

    def write(self, pixels: NDArray[np.uint8], timestamp: float) -> None:
        """Take the next picture, (h, w, 3) BGR uint8. ``timestamp``: seconds from the start of the video."""


@dataclass(frozen=True)
class VideoOutputs:
    """The paths for the rows of a video.

    Attributes:
        name: The first part of the names of frames' files.
        files: The folder of each format with one file per frame, by the format's name.
        tables: The file of each format with one file for all frames, by the format's name.
    """

    name: str
    files: Mapping[str, Path] = field(default_factory=dict)
    tables: Mapping[str, Path] = field(default_factory=dict)

    def files_of(self, frame: int) -> dict[str, Path]:
        """Return the path of a frame's file in each format, named as by OpenPose."""
        return {name: folder / f"{self.name}_{frame:012}_keypoints.{name}" for name, folder in self.files.items()}


@dataclass(frozen=True)
class VideoRun:
    """A run over a video.

    Attributes:
        name: The name of the video in rows.
        read: A function that returns the frames from the first on. A run of two passes calls it twice.
        follow: A function that gives identities to the people of successive frames.
        outputs: The paths for the rows.
        writer: The file that takes the pictures, in order, in a separate thread.
        window: The window that takes the pictures, in the caller's thread. Without ``window`` and ``writer``, nothing
            is drawn.
        mend: A function that smooths the people of all frames and fills gaps. Its argument is a function that returns
            the records; it returns the changed records. With None, the run has one pass.
        look: The people to keep, and the style of their drawing.
        unit: The unit of x and y in the rows.
        live: Whether the frames come from a camera. Each frame is then shown as soon as possible.
    """

    name: str
    read: Callable[[], Iterable[Frame]]
    follow: Callable[[Iterable[Found]], Iterator[Found]]
    outputs: VideoOutputs
    writer: Pictures | None = None
    window: Pictures | None = None
    mend: Callable[[Callable[[], Iterator[Record]]], Iterator[Record]] | None = None
    look: Look = field(default_factory=Look)
    unit: str = PIXELS
    live: bool = False

    def run(
        self,
        estimator: PoseEstimator,
        is_over: Callable[[], bool] = lambda: False,
        watch: Watch = lambda frames, what: frames,
        tick: Callable[[], object] = lambda: None,
        threads: int | None = None,
        on_stop: Callable[[], object] = lambda: None,
    ) -> int:
        """Process the frames, and write the rows of all finished frames, also after an error.

        Args:
            estimator: The estimator that finds the people.
            is_over: A function that returns whether to stop; it is called after each frame. After a stop, the rows of
                the earlier frames are written, and a run of two passes draws these frames.
            watch: A function that gets the frames of each pass and the pass's name. It returns the same frames, and
                may show a progress bar.
            tick: A function that is called after each finished frame of the first pass. In a stopped run, a few more
                frames may be finished than ``watch`` has seen.
            threads: The number of frames that are processed at once; by default ``count_threads``.
            on_stop: As for ``map_in_threads``.

        Returns:
            The number of finished frames.

        Raises:
            OpenPoseLabError: A frame cannot be read, a plug-in fails, or a file cannot be written. The rows and
                pictures of the earlier frames are written if possible.
        """
        found = self._found(estimator, threads or count_threads(), on_stop)
        with closing(_Spool(estimator.config.layout)) as spool:
            work = self._one_pass if self.mend is None else self._two_passes
            work(estimator, found, spool, is_over, watch, tick)
            return spool.count

    def _one_pass(
        self,
        estimator: PoseEstimator,
        found: Generator[Found, None, None],
        spool: _Spool,
        is_over: Callable[[], bool],
        watch: Watch,
        tick: Callable[[], object],
    ) -> None:
        layout = estimator.config.layout
        tables = {name: path for name, path in self.outputs.tables.items() if name != LINES}

        def write(one: Drawn) -> None:
            frame, people, _ = one
            record = self._record(frame, self.look.keep(people))
            self._write_picture(one)
            self._write_files(record, layout)
            lines.append(record)
            spool.append(record, keep=bool(tables))
            tick()

        try:
            with closing(self._open_lines(layout)) as lines, closing(self._drawn(estimator, found)) as drawn:
                self._show(self._in_order(write, drawn), "frames", is_over, watch)
        except OpenPoseLabError:
            if spool.count:
                with suppress(OpenPoseLabError):  # the first error already reports the cause, such as a full disk
                    write_tables(tables, spool.records, layout, self.unit)
            raise
        write_tables(tables, spool.records, layout, self.unit)

    def _two_passes(
        self,
        estimator: PoseEstimator,
        found: Generator[Found, None, None],
        spool: _Spool,
        is_over: Callable[[], bool],
        watch: Watch,
        tick: Callable[[], object],
    ) -> None:
        failure = None
        try:
            with closing(found):
                for frame, people in watch(found, "finding people"):
                    spool.append(self._record(frame, people))
                    tick()
                    if is_over():
                        break
        except OpenPoseLabError as error:
            if not spool.count:
                raise
            failure = error
        try:
            self._finish_second(estimator, spool, is_over, watch)
        except OpenPoseLabError:
            if failure is None:
                raise
        if failure is not None:
            raise failure

    def _finish_second(
        self, estimator: PoseEstimator, spool: _Spool, is_over: Callable[[], bool], watch: Watch
    ) -> None:
        """Smooth and fill the people, write the rows, and draw."""
        assert self.mend is not None
        layout = estimator.config.layout
        failure = None
        with closing(_Spool(layout)) as mended:
            failure = None
            try:
                for record in self.mend(spool.records):
                    mended.append(record)
            except OpenPoseLabError as error:  # such as a full disk; the records changed so far are still written
                if not mended.count:
                    raise
                failure = error

            def rows() -> Iterator[Record]:
                return (replace(one, skeletons=self.look.keep(one.skeletons)) for one in mended.records())

            for record in rows():
                self._write_files(record, layout)
            write_tables(self.outputs.tables, rows, layout, self.unit)
            if failure is not None:
                raise failure
            if not self._is_drawn:
                return
            stopped = is_over()  # a run stopped in the first pass still draws its finished frames
            again = ((frame, record.skeletons) for record, frame in zip(mended.records(), self.read()))
            with closing(self._drawn(estimator, again)) as drawn:
                written = self._in_order(self._write_picture, drawn)
                self._show(written, "drawing", lambda: is_over() and not stopped, watch)

    def _found(
        self, estimator: PoseEstimator, threads: int, on_stop: Callable[[], object]
    ) -> Generator[Found, None, None]:
        """Find the people in each frame, and give them identities."""
        parallel = estimator.for_threads(min(threads, count_cores()))

        def find(frame: Frame) -> Found:
            return frame, parallel(frame.pixels)

        with closing(map_in_threads(find, self.read(), threads, on_stop, self._ahead)) as found:
            yield from self.follow(found)

    def _drawn(self, estimator: PoseEstimator, found: Generator[Found, None, None]) -> Generator[Drawn, None, None]:
        """Draw the people of each frame, if there is a file or a window for pictures."""

        def draw(one: Found) -> Drawn:
            frame, people = one
            return frame, people, self.look.draw(estimator, frame.pixels, people)

        with closing(found):
            if not self._is_drawn:
                yield from ((frame, people, None) for frame, people in found)
            elif self.live:  # in this thread, because map_in_threads would wait for the next frame
                yield from map(draw, found)
            else:
                with closing(map_in_threads(draw, found, _DRAWING_THREADS)) as drawn:
                    yield from drawn

    def _record(self, frame: Frame, people: Skeletons) -> Record:
        height, width = frame.pixels.shape[:2]
        return Record(self.name, frame.index, frame.timestamp, width, height, people)

    @property
    def _is_drawn(self) -> bool:
        return self.writer is not None or self.window is not None

    @property
    def _ahead(self) -> int:
        return 0 if self.live else AHEAD

    def _in_order(self, write: Callable[[Drawn], None], drawn: Iterable[Drawn]) -> Generator[Drawn, None, None]:
        """Write frames in order in one other thread. After a frame that cannot be written, write no more."""
        is_broken = False

        def write_next(one: Drawn) -> Drawn:
            nonlocal is_broken
            if not is_broken:
                is_broken = True  # until the whole frame is written
                write(one)
                is_broken = False
            return one

        return map_in_threads(write_next, drawn, threads=1, ahead=self._ahead)

    def _show(self, frames: Generator[Drawn, None, None], what: str, is_over: Callable[[], bool], watch: Watch) -> None:
        """Show pictures in the window, until the frames end or the run is over."""
        with closing(frames):
            for frame, _, picture in watch(frames, what):
                if self.window is not None and picture is not None:
                    self.window.write(picture, frame.timestamp or 0.0)
                if is_over():
                    break

    def _write_picture(self, one: Drawn) -> None:
        frame, _, picture = one
        if self.writer is not None and picture is not None:
            self.writer.write(picture, frame.timestamp or 0.0)

    def _write_files(self, record: Record, layout: Layout) -> None:
        for name, path in self.outputs.files_of(record.index).items():
            one = FORMATS[name]
            assert isinstance(one, Format)
            write_whole(path, one.encode(record, layout, self.unit))

    def _open_lines(self, layout: Layout) -> _Lines:
        return _Lines(self.outputs.tables.get(LINES), layout, self.unit)


class _Lines:
    """A file of JSON lines, written one by one. After a kill, only the last line can be incomplete.

    Without a path, it writes nothing.
    """

    def __init__(self, path: Path | None, layout: Layout, unit: str) -> None:
        self._path, self._layout, self._unit = path, layout, unit
        self._file: IO[bytes] | None = None
        self._size = 0

    def append(self, record: Record) -> None:
        """Write a line. Raises OpenPoseLabError if it cannot be written."""
        if self._path is None:
            return
        one = FORMATS[LINES]
        assert isinstance(one, TableFormat)
        try:
            self._file = self._file or _open_to_write(self._path)
            self._size += _write_all(self._file, one.encode(record, self._layout, self._unit))
        except OSError as error:
            if self._file is not None and open_descriptor(self._path) is None:
                with suppress(OSError):  # a device cannot be truncated
                    self._file.truncate(self._size)  # removes the incomplete line
            raise cannot_write(self._path, error) from error

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def _open_to_write(path: Path) -> IO[bytes]:
    """Open a file, or the descriptor that a path names, without a buffer.

    Raises OSError if it cannot be opened, and OpenPoseLabError if another run is writing the file.
    """
    descriptor = open_descriptor(path)
    if descriptor is not None:
        return os.fdopen(os.dup(descriptor), "wb", buffering=0)
    if path.exists() and not path.is_file():  # no lock, because several programs may write to a device or a pipe
        return path.open("wb", buffering=0)
    file = path.open("ab", buffering=0)
    try:
        keep_others_away(file, path)
        file.truncate(0)
    except BaseException:
        file.close()
        raise
    return file


def _write_all(file: IO[bytes], data: bytes) -> int:
    """Write all data to an unbuffered file, and return the number of bytes.

    One write may take only a part of the data, for example if the disk gets full or a signal comes.
    """
    left = memoryview(data)
    while left:
        left = left[file.write(left) or 0 :]
    return len(data)


class _Spool:
    """The records of the finished frames, in a temporary file, so that memory does not grow with their number.

    Attributes:
        count: The number of finished frames.
    """

    def __init__(self, layout: Layout) -> None:
        self.count = 0
        self._layout = layout
        # Without a buffer, because reading would try again to write data that could not be written.
        self._file: IO[bytes] = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  ``close`` closes it

    def append(self, record: Record, keep: bool = True) -> None:
        """Count a frame, and write its record if ``keep``. Raises OpenPoseLabError if it cannot be written."""
        if keep:
            try:
                _write_all(self._file, to_line(record))
            except OSError as error:
                raise cannot_write(Path(tempfile.gettempdir()), error) from error
        self.count += 1

    def records(self) -> Iterator[Record]:
        """Yield the records from the first on, without an incomplete last one."""
        self._file.seek(0)
        with open(self._file.fileno(), "rb", closefd=False) as file:
            yield from (from_line(line, self._layout) for line in file if line.endswith(b"\n"))

    def close(self) -> None:
        """Delete the file."""
        self._file.close()

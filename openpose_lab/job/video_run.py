"""The run over a video or a camera.

Threads find and draw the people. The caller's thread follows and shows them, in order. One more thread writes, in
order, because encoding takes as long as all else that the caller's thread does.

A run of one pass finishes each frame before it reads much further. Smoothing and filling need later frames, so with
them the first pass finds the people, the rows are written after it, and a second pass draws.
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
"""The table that a run of one pass writes while it works."""
_DRAWING_THREADS = 2

Found = tuple[Frame, Skeletons]
"""A frame, and all people in it."""
Drawn = tuple[Frame, Skeletons, "NDArray[np.uint8] | None"]
"""The same, and the picture of the people if one is needed."""
Watch = Callable[[Iterable[Any], str], Iterable[Any]]


class Pictures(Protocol):
    """A file or a window that takes pictures."""

    def write(self, pixels: NDArray[np.uint8], timestamp: float) -> None:
        """Take the next picture, (h, w, 3) BGR uint8, of this second of the video."""


@dataclass(frozen=True)
class VideoOutputs:
    """Where the rows of a video go.

    Attributes:
        name: With it begin the names of the files of frames.
        files: The folder of each format that has one file a frame, by its name.
        tables: The file of each format that has one file for all frames, by its name.
    """

    name: str
    files: Mapping[str, Path] = field(default_factory=dict)
    tables: Mapping[str, Path] = field(default_factory=dict)

    def files_of(self, frame: int) -> dict[str, Path]:
        """The files of a frame in each format, under OpenPose's names."""
        return {name: folder / f"{self.name}_{frame:012}_keypoints.{name}" for name, folder in self.files.items()}


@dataclass(frozen=True)
class VideoRun:
    """A run over a video.

    Attributes:
        name: The name of the video in rows.
        read: Gives the frames from the first on. A run of two passes calls it twice.
        follow: Gives identities to the people of successive frames.
        outputs: Where the rows go.
        writer: Takes the pictures, in order, in a thread of its own.
        window: Takes the pictures in the caller's thread. Without it and ``writer``, nothing is drawn.
        mend: Smooths and fills the people of all frames; it is called with a function that gives the records, and gives
            them changed. None makes a run of one pass.
        look: Which people are kept, and how they are drawn.
        unit: The unit of x and y in the rows.
        live: Whether the frames come from a camera, so that each is shown as soon as it can be.
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
        """Work on the frames, and write the rows of all that are done, also after an error.

        Args:
            estimator: Finds the people.
            is_over: Is asked after each frame whether to stop. The rows of the frames before are then written, and a
                run of two passes draws them.
            watch: Is called with the frames of each pass and a word for it. It gives the frames on, and may show a
                progress bar.
            tick: Is called when a frame of the first pass is done. Of a run that stops, the frames that are done may be
                a few more than ``watch`` has seen.
            threads: How many frames are worked on at once; by default ``count_threads``.
            on_stop: As in ``map_in_threads``.

        Returns:
            The number of frames that are done.

        Raises:
            OpenPoseLabError: A frame cannot be read, a plug-in fails, or a file cannot be written. The rows of the
                frames before are written as far as possible, and so are their pictures.
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
                with suppress(OpenPoseLabError):  # such as a full disk, which the first error tells
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
        """Mend the people, write the rows, and draw."""
        assert self.mend is not None
        layout = estimator.config.layout
        failure = None
        with closing(_Spool(layout)) as mended:
            failure = None
            try:
                for record in self.mend(spool.records):
                    mended.append(record)
            except OpenPoseLabError as error:  # such as a full disk: what is mended is written
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
            stopped = is_over()  # before: what was done is drawn
            again = ((frame, record.skeletons) for record, frame in zip(mended.records(), self.read()))
            with closing(self._drawn(estimator, again)) as drawn:
                written = self._in_order(self._write_picture, drawn)
                self._show(written, "drawing", lambda: is_over() and not stopped, watch)

    def _found(
        self, estimator: PoseEstimator, threads: int, on_stop: Callable[[], object]
    ) -> Generator[Found, None, None]:
        """Find the people in each frame, and follow them."""
        parallel = estimator.for_threads(min(threads, count_cores()))

        def find(frame: Frame) -> Found:
            return frame, parallel(frame.pixels)

        with closing(map_in_threads(find, self.read(), threads, on_stop, self._ahead)) as found:
            yield from self.follow(found)

    def _drawn(self, estimator: PoseEstimator, found: Generator[Found, None, None]) -> Generator[Drawn, None, None]:
        """Draw the people of each frame, if anything takes pictures."""

        def draw(one: Found) -> Drawn:
            frame, people = one
            return frame, people, self.look.draw(estimator, frame.pixels, people)

        with closing(found):
            if not self._is_drawn:
                yield from ((frame, people, None) for frame, people in found)
            elif self.live:  # in this thread, so that no picture waits for another frame
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
        """Write frames in one other thread, one after the other, and none after one that cannot be written."""
        is_broken = False

        def write_next(one: Drawn) -> Drawn:
            nonlocal is_broken
            if not is_broken:
                is_broken = True  # until it is written whole
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
    """JSON lines that are written one by one, so that all but the last are whole after a kill. Without a path: none."""

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
                with suppress(OSError):  # of a device
                    self._file.truncate(self._size)  # so that all lines are whole
            raise cannot_write(self._path, error) from error

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def _open_to_write(path: Path) -> IO[bytes]:
    """Open a file, or the descriptor that a path names, so that each write is one of the system's.

    Raises OSError if that cannot be done, and OpenPoseLabError if another run writes the file.
    """
    descriptor = open_descriptor(path)
    if descriptor is not None:
        return os.fdopen(os.dup(descriptor), "wb", buffering=0)
    if path.exists() and not path.is_file():  # several programs may write to a device or a pipe
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
    """Write to an unbuffered file, and give the number of bytes.

    The file may take a part only: before the disk is full, and when a signal comes.
    """
    left = memoryview(data)
    while left:
        left = left[file.write(left) or 0 :]
    return len(data)


class _Spool:
    """The records of the frames that are done, in a temporary file, so that memory does not grow with their number.

    Attributes:
        count: The number of frames.
    """

    def __init__(self, layout: Layout) -> None:
        self.count = 0
        self._layout = layout
        # Without a buffer: what could not be written would be tried again when the file is read.
        self._file: IO[bytes] = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  ``close`` closes it

    def append(self, record: Record, keep: bool = True) -> None:
        """Count a frame, and keep its record if it will be read. Raises OpenPoseLabError if it cannot be written."""
        if keep:
            try:
                _write_all(self._file, to_line(record))
            except OSError as error:
                raise cannot_write(Path(tempfile.gettempdir()), error) from error
        self.count += 1

    def records(self) -> Iterator[Record]:
        """Give the records from the first on, all but one that could not be written whole."""
        self._file.seek(0)
        with open(self._file.fileno(), "rb", closefd=False) as file:
            yield from (from_line(line, self._layout) for line in file if line.endswith(b"\n"))

    def close(self) -> None:
        """Delete the file."""
        self._file.close()

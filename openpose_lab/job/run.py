"""The run over many photos: one thread reads, estimates, draws and writes a photo; then the journal records it."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from estimation.errors import OpenPoseLabError, one_line
from estimation.files import encode_picture, remove_remnants, write_whole
from estimation.subset import GroupingError
from openpose_lab.estimator import PoseEstimator
from openpose_lab.formats import FORMATS, Format
from openpose_lab.formats.record import Record
from openpose_lab.formats.units import PIXELS
from openpose_lab.job.journal import Journal
from openpose_lab.job.look import Look
from openpose_lab.job.outputs import Outputs, make_folder
from openpose_lab.job.tables import write_tables
from openpose_lab.overlap import count_cores, count_threads, map_in_threads
from openpose_lab.sources import PhotoFile
from openpose_lab.sources.frame import rotated

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from estimation.skeletons import Skeletons

_OF_ITS_NAME = (errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.EINVAL, errno.EILSEQ)
"""Write errors that come from a photo's name. After any other write error the run ends, as all photos would fail."""
_MOST_IN_A_ROW = 5
"""After this number of failures of the grouping in a row, the run ends, because the grouping must be wrong."""


@dataclass(frozen=True)
class Failure:
    """A photo that failed, and the reason."""

    photo: PhotoFile
    reason: str
    of_grouping: bool = False


@dataclass(frozen=True)
class Job:
    """A run over many photos.

    Attributes:
        photos: The photos.
        outputs: The paths of the outputs.
        rotate: Degrees clockwise by which photos are rotated first.
        look: The people to keep, and the style of their drawing.
        unit: The unit of x and y in the files.
        overwrite: Whether to replace the files of an earlier run, and to remove the files of photos that fail.
    """

    photos: Sequence[PhotoFile]
    outputs: Outputs
    rotate: int = 0
    look: Look = field(default_factory=Look)
    unit: str = PIXELS
    overwrite: bool = False

    def check_names(self, journal: Journal) -> None:
        """Raise OpenPoseLabError if a photo would replace the outputs of another finished photo."""
        for photo in self.photos:
            other = journal.owner_of(photo.name)
            if other not in (None, photo.shown) and photo.path is not None:
                raise OpenPoseLabError(
                    f"{one_line(photo.shown, 120)} would replace an earlier run's outputs of "
                    f"{one_line(str(other), 120)}; choose another --output DIR, or run again with --overwrite"
                )

    def left(self, journal: Journal) -> list[tuple[int, PhotoFile]]:
        """Return (index, photo) of the photos to process: not in the journal, or with a missing output file."""
        return [
            (index, photo)
            for index, photo in enumerate(self.photos)
            if photo.path is None  # the standard input may be another photo now
            or photo not in journal
            or not all(path.exists() for path in self.outputs.all_of(photo))
        ]

    def run(
        self,
        estimator: PoseEstimator,
        journal: Journal,
        tick: Callable[[], object] = lambda: None,
        threads: int | None = None,
        on_stop: Callable[[], object] = lambda: None,
    ) -> list[Failure]:
        """Process the photos that are not done, several at once, and write the tables of all photos.

        Args:
            estimator: The estimator that finds the people.
            journal: The journal. It names the photos that are done, and records each new one.
            tick: A function that is called after each photo, for a progress bar.
            threads: The number of photos that are processed at once; by default ``count_threads``. The network
                computes one photo per core at once.
            on_stop: As for ``map_in_threads``.

        Returns:
            The photos that failed. They have no outputs.

        Raises:
            OpenPoseLabError: A file cannot be written, or the grouping fails on many photos in a row. The finished
                files remain, and the journal names them.
        """
        threads = threads or count_threads()
        began = time.time()
        parallel = estimator.for_threads(min(threads, count_cores()))
        failures = []

        def process(numbered: tuple[int, PhotoFile]) -> tuple[PhotoFile, Record] | Failure:
            return self._process(parallel, *numbered)

        in_a_row = 0
        with closing(map_in_threads(process, self.left(journal), threads, on_stop)) as results:
            for done in results:
                if isinstance(done, Failure):
                    failures.append(done)
                    self._remove(done.photo, journal)
                    in_a_row = in_a_row + 1 if done.of_grouping else 0
                    if in_a_row == _MOST_IN_A_ROW:
                        raise OpenPoseLabError(
                            f"the grouping failed on {in_a_row} photos in a row; correct it, and run again with "
                            f"--overwrite. The last error: {done.reason}"
                        )
                else:
                    in_a_row = 0
                    journal.append(*done)
                tick()
        names = [photo.shown for photo in self.photos]
        write_tables(self.outputs.tables, lambda: journal.records(names), estimator.config.layout, self.unit)
        written = [*self.outputs.tables.values(), *(path for one in self.photos for path in self.outputs.all_of(one))]
        remove_remnants({path.parent for path in written}, began)
        return failures

    def _process(self, estimator: PoseEstimator, index: int, photo: PhotoFile) -> tuple[PhotoFile, Record] | Failure:
        """Find the people in a photo, and write its files."""
        try:
            pixels = rotated(photo.read(), self.rotate)
            found = estimator(pixels)
            height, width = pixels.shape[:2]
            record = Record(photo.shown, index, None, width, height, self.look.keep(found))
            files = self._encoded(estimator, photo, record, pixels, found)
        except OpenPoseLabError as error:
            return Failure(photo, str(error), isinstance(error, GroupingError))
        except MemoryError:
            return Failure(photo, "not enough memory for this photo; make it smaller, or close other programs")
        try:
            for path, data in files:
                make_folder(path.parent)
                write_whole(path, data)
        except OpenPoseLabError as error:
            if getattr(error.__cause__, "errno", None) in _OF_ITS_NAME:
                return Failure(photo, str(error))
            raise
        return photo, record

    def _remove(self, photo: PhotoFile, journal: Journal) -> None:
        """Remove an earlier run's outputs of a photo that fails now."""
        if not (self.overwrite or photo in journal):
            return
        journal.forget(photo)
        for path in self.outputs.all_of(photo):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _encoded(
        self,
        estimator: PoseEstimator,
        photo: PhotoFile,
        record: Record,
        pixels: NDArray[np.uint8],
        found: Skeletons,
    ) -> list[tuple[Path, bytes]]:
        files = []
        picture = self.outputs.picture_of(photo)
        if picture is not None:
            files.append((picture, encode_picture(picture, self.look.draw(estimator, pixels, found))))
        for name, path in self.outputs.files_of(photo).items():
            one = FORMATS[name]
            assert isinstance(one, Format)
            files.append((path, one.encode(record, estimator.config.layout, self.unit)))
        return files

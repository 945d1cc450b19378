"""The run over many photos: each is read, estimated, drawn and written by a thread, and then noted in the journal."""

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
"""Errors of writing that the name of a photo brings about. After any other, no photo could be written either."""
_MOST_IN_A_ROW = 5
"""Photos in succession on which the grouping may fail. After that the fault is the grouping's and not the photos'."""


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
        outputs: Where the outputs go.
        rotate: Degrees clockwise by which photos are turned first.
        look: Which people are kept, and how they are drawn.
        unit: The unit of x and y in the files.
        overwrite: Whether the files of an earlier run are replaced, and removed where a photo fails now.
    """

    photos: Sequence[PhotoFile]
    outputs: Outputs
    rotate: int = 0
    look: Look = field(default_factory=Look)
    unit: str = PIXELS
    overwrite: bool = False

    def check_names(self, journal: Journal) -> None:
        """Raise OpenPoseLabError if a photo would replace the outputs of another one that is done."""
        for photo in self.photos:
            other = journal.owner_of(photo.name)
            if other not in (None, photo.shown) and photo.path is not None:
                raise OpenPoseLabError(
                    f"{one_line(photo.shown, 120)} would replace the outputs of {one_line(str(other), 120)}, which an "
                    "earlier run has done; choose another folder with --output, or do all again with --overwrite"
                )

    def left(self, journal: Journal) -> list[tuple[int, PhotoFile]]:
        """List the photos that are not done, with their places: not in the journal, or a file of theirs is missing."""
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
        """Do the photos that are not done, several at once, and write the tables of all.

        Args:
            estimator: Finds the people.
            journal: Says which photos are done, and notes each that is.
            tick: Is called after each photo, for a progress bar.
            threads: How many photos are worked on at once; by default ``count_threads``. The network computes as many
                as there are cores.
            on_stop: As in ``map_in_threads``.

        Returns:
            The photos that failed. They are in no output.

        Raises:
            OpenPoseLabError: A file cannot be written. What was written stays, and the journal says what is done.
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
                            f"the grouping failed on {in_a_row} photos in a row; mend it, and run again with "
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
            return Failure(photo, "there is not enough memory for it; make it smaller, or close other programs")
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
        """Remove what an earlier run wrote of a photo that fails now."""
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

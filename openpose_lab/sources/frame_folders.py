"""The photos of a folder as the frames of a video."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from estimation.errors import OpenPoseLabError
from openpose_lab.sources.frame import Frame, MovingSource, check_rotation
from openpose_lab.sources.photo_files import list_photos
from openpose_lab.sources.videos import check_part, first_tick

if TYPE_CHECKING:
    from openpose_lab.sources.photo_files import PhotoFile

USUAL_RATE = 25
"""The default number of frames a second."""
_MOST = 10_000


class FrameFolder(MovingSource):
    """The photos of a folder as a video: in natural order, at a constant rate. ``MovingSource`` has its attributes."""

    path = None
    rate: Fraction
    pixel_aspect = Fraction(1)

    def __init__(self, source: str | Path, rate: float | Fraction = USUAL_RATE, recursive: bool = False) -> None:
        """List the photos, and read the first one.

        Args:
            source: A folder or a glob.
            rate: Frames a second.
            recursive: Whether the photos in sub-folders are frames, too.

        Raises:
            OpenPoseLabError: The folder has no photo, the first one cannot be read, or the rate is out of range.
        """
        if not 0 < rate <= _MOST:
            raise OpenPoseLabError(f"the rate must be more than 0 and at most {_MOST} frames a second but is {rate}")
        self.rate = Fraction(str(rate)).limit_denominator(100_000)
        self.time_base = 1 / self.rate
        self.photos: list[PhotoFile] = list_photos([source], recursive)
        self.name = str(source)
        self.frame_count = len(self.photos)
        self.duration = float(self.frame_count / self.rate)
        self.height, self.width = self.photos[0].read().shape[:2]

    def frames(
        self, every: int = 1, start: float | None = None, end: float | None = None, rotate: int = 0
    ) -> Iterator[Frame]:
        """Read the photos.

        Args:
            every: As for ``Video.frames``.
            start: As for ``Video.frames``.
            end: As for ``Video.frames``.
            rotate: As for ``Video.frames``.

        Yields:
            The frames. ``index`` counts photos from 0, ``timestamp`` is ``index / rate`` in seconds, and ``name`` is
            the photo's name.

        Raises:
            OpenPoseLabError: No photo is left, one cannot be read, or an argument is wrong.
        """
        check_rotation(rotate)
        check_part(every, start, end)
        begin = 0 if start is None else first_tick(start, self.time_base)
        places = [
            place for place in range(begin, len(self.photos), every) if end is None or float(place / self.rate) < end
        ]
        if not places:
            raise OpenPoseLabError(
                f"{self.name} lasts {self.duration:g} s, so no photo is left; choose another part with start and end"
            )
        return self._read(places, rotate)

    def _read(self, places: list[int], rotate: int) -> Iterator[Frame]:
        for place in places:
            photo = self.photos[place].frame(place, rotate)
            yield Frame(place, float(place / self.rate), photo.name, photo.pixels)

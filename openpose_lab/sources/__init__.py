"""Where photos come from: one call, ``frames``, for every kind of source. Each kind has a file.

``photo_files.py`` lists and reads photos: files, folders, globs and the standard input. ``heic.py`` decodes HEIC.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from estimation.errors import OpenPoseLabError
from openpose_lab.sources.frame import Frame, check_rotation
from openpose_lab.sources.photo_files import PhotoFile, list_photos, read_frames

__all__ = ["Frame", "PhotoFile", "frames", "list_photos"]


def frames(
    source: str | Path | Sequence[str | Path],
    *,
    recursive: bool = False,
    rotate: int = 0,
    on_error: Callable[[str, OpenPoseLabError], None] | None = None,
) -> Iterator[Frame]:
    """Read photos one after the other.

    The sources are checked now. Each photo is read when it is asked for.

    Args:
        source: A photo, a folder, a glob such as ``"photos/**/*.jpg"``, or ``"-"`` for one photo on the standard input.
            Or several of these. The photos of a folder and of a glob come in natural order: 2.jpg before 10.jpg.
        recursive: Whether the photos in sub-folders of folders are read, too.
        rotate: 0, 90, 180 or 270: degrees clockwise, by which photos are turned after they are upright by their EXIF.
        on_error: Is called with the path of each photo that cannot be read and the reason; the next photo follows.
            Without it, the error is raised.

    Returns:
        An iterator of the photos as frames.

    Raises:
        OpenPoseLabError: A source is missing, holds no photo or cannot be read, or ``rotate`` is another number. While
            the frames are read: a photo cannot be read, and there is no ``on_error``.
    """
    check_rotation(rotate)
    sources = [source] if isinstance(source, str | os.PathLike) else source
    return read_frames(list_photos(sources, recursive), rotate, on_error)


def open_source(source, fps=None):
    from openpose_lab.sources.videos import open_video
    return open_video(source)

"""Sources of frames: the function ``frames`` reads every kind of source, and each kind has its own file.

``photo_files.py`` lists and reads photos: files, folders, globs and the standard input. ``heic.py`` decodes HEIC.
``videos.py`` decodes video files, ``cameras.py`` reads cameras, ``streams.py`` connects to addresses, and
``frame_folders.py`` reads a folder of photos as a video. ``live.py`` holds the code that cameras and streams share.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from estimation.errors import OpenPoseLabError
from openpose_lab.sources.frame import Frame, MovingSource, check_rotation
from openpose_lab.sources.paths_in_order import is_glob
from openpose_lab.sources.photo_files import PhotoFile, list_photos, read_frames

__all__ = ["Frame", "MovingSource", "PhotoFile", "frames", "frames_of", "is_moving", "list_photos", "open_source"]

_DIGITS = 3
"""The largest number of digits in the number of a camera."""


def frames(
    source: str | Path | Sequence[str | Path],
    *,
    recursive: bool = False,
    rotate: int = 0,
    on_error: Callable[[str, OpenPoseLabError], None] | None = None,
    rate: float | None = None,
    every: int = 1,
    start: float | None = None,
    end: float | None = None,
) -> Iterator[Frame]:
    """Read photos, or the frames of a video, one after the other.

    The call checks the sources. The iterator reads a photo or decodes a frame only when you request it. A camera and a
    live stream do not wait: frames that are not requested in time are dropped, and ``index`` skips their numbers.

    Args:
        source: A photo, a folder, a glob such as ``"photos/**/*.jpg"``, or ``"-"`` for one photo on the standard input;
            or a list of these. The photos of a folder and of a glob come in natural order: 2.jpg before 10.jpg.
            Or one video file, the number of a camera such as ``"0"``, or the address of a stream such as
            ``"rtsp://camera.local/live"``.
        recursive: Whether to read the photos in sub-folders, too.
        rotate: Degrees clockwise by which frames are rotated: 0, 90, 180 or 270. Frames are first made upright by their
            EXIF or the video's display matrix.
        on_error: A function that is called with the path of each photo that cannot be read, and the error. Reading
            then continues with the next photo. Without this function, the error is raised.
        rate: Frames a second. With a rate, the photos of a folder or a glob are the frames of a video.
        every: Take every Nth frame of a video.
        start: Seconds. Earlier frames of a video are left out.
        end: Seconds. Frames of a video at or after this time are left out.

    Returns:
        An iterator of the frames.

    Raises:
        OpenPoseLabError: A source is missing, contains no photo or cannot be read, or an argument is wrong. During
            reading: a photo cannot be read and ``on_error`` is None, or a video ends too early.
    """
    check_rotation(rotate)
    if isinstance(source, str | os.PathLike) and (rate is not None or is_moving(source)):
        return frames_of(open_source(source, rate, recursive), every, start, end, rotate)
    if rate is not None or (every, start, end) != (1, None, None):
        raise OpenPoseLabError("every, start, end and rate are for one video, or one folder of frames with a rate")
    sources = [source] if isinstance(source, str | os.PathLike) else source
    return read_frames(list_photos(sources, recursive), rotate, on_error)


def is_moving(source: str | Path) -> bool:
    """Return whether a source is a video file, the number of a camera or an address, and not photos."""
    from openpose_lab.sources.recognition import is_video_file
    from openpose_lab.sources.streams import is_address

    text = os.fspath(source)
    return is_address(text) or _is_camera(text) or is_video_file(text)


def open_source(source: str | Path, rate: float | None = None, recursive: bool = False) -> MovingSource:
    """Open a video file, a camera, a stream, or a folder of frames.

    Use the result as a context manager. Its method ``frames(every, start, end, rotate)`` yields the frames. Its
    attributes ``width``, ``height``, ``time_base``, ``rate``, ``duration``, ``frame_count``, ``is_live`` and
    ``dropped`` describe them.

    Args:
        source: As for ``frames``. A folder or a glob is one video.
        rate: Frames a second of a folder; by default 25. Other sources have their own rate.
        recursive: Whether the photos in sub-folders of a folder are frames, too.

    Raises:
        OpenPoseLabError: The source is missing or cannot be read, or the rate is out of range.
    """
    from openpose_lab.sources.streams import Stream, is_address, shown_address
    from openpose_lab.sources.videos import open_video

    text = os.fspath(source)
    if os.path.isdir(text) or (is_glob(text) and not os.path.lexists(text) and not is_address(text)):
        from openpose_lab.sources.frame_folders import USUAL_RATE, FrameFolder

        return FrameFolder(source, USUAL_RATE if rate is None else rate, recursive)
    if rate is not None and is_moving(text):
        raise OpenPoseLabError(
            f"{shown_address(text)} has a frame rate of its own; give a rate only for a folder of frames"
        )
    if is_address(text):
        return Stream(text)
    if _is_camera(text):
        from openpose_lab.sources.cameras import Camera

        return Camera(int(text))
    return open_video(source)


def _is_camera(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS and not os.path.lexists(text)


def frames_of(
    source: MovingSource, every: int = 1, start: float | None = None, end: float | None = None, rotate: int = 0
) -> Iterator[Frame]:
    """Yield the frames of a source, and close it after the last frame or when the iterator is closed.

    Args:
        source: The source.
        every: As for ``frames``.
        start: As for ``frames``.
        end: As for ``frames``.
        rotate: As for ``frames``.

    Raises:
        OpenPoseLabError: As for ``frames``.
    """
    try:
        chosen = source.frames(every, start, end, rotate)
    except BaseException:
        source.close()
        raise
    given = _closing(source, chosen)
    weakref.finalize(given, source.close)  # a generator that never started would not close the source
    return given


def _closing(source: MovingSource, chosen: Iterator[Frame]) -> Iterator[Frame]:
    with source:
        yield from chosen

"""Recognise videos, photos and other files by their first bytes and the endings of their names."""

from __future__ import annotations

import os
from pathlib import Path

# fmt: off
VIDEO_ENDINGS = frozenset((
    ".mp4", ".m4v", ".mov", ".qt", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".m2v", ".ts", ".mts", ".m2ts", ".vob",
    ".wmv", ".asf", ".flv", ".3gp", ".3g2", ".ogv", ".mxf", ".dv", ".y4m", ".h264", ".264", ".hevc", ".h265",
))
# fmt: on
"""The endings of video files, in lower case."""
START = 4096
"""The number of bytes at the start of a file from which its kind is recognised."""
PHOTO, _VIDEO = "a photo", "a video"


def is_video_file(path: str | Path) -> bool:
    """Return whether a file is a video."""
    if not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as file:
            return is_video(file.read(START), Path(path))
    except OSError:
        return False


def is_video(start: bytes, path: Path) -> bool:
    """Return whether a file is a video, by its first ``START`` bytes, or by its ending if the bytes are unknown."""
    kind = _kind(start)
    return kind is _VIDEO or (kind is None and path.suffix.lower() in VIDEO_ENDINGS)


def foreign_kind(start: bytes) -> str | None:
    """Return the kind of a file that is certainly not a video; None for a file that may be a video."""
    kind = _kind(start)
    return None if kind is _VIDEO else kind


def _kind(start: bytes) -> str | None:
    """Return the kind of a file by its first bytes: ``PHOTO``, ``_VIDEO``, another kind in words, or None."""
    from estimation.photo_headers import DamagedError, ForeignError, read_header
    from estimation.photo_headers.foreign import VIDEO

    try:
        read_header(start)
    except ForeignError as error:
        return _VIDEO if error.format == VIDEO.name else error.format
    except DamagedError:
        return None
    return PHOTO

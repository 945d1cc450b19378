"""List, name and read photos: files, folders, globs and the standard input.

A source stands for these photos:

    a file      this photo, with any ending
    a folder    its files with an ending in ``PHOTO_ENDINGS``; also those in its sub-folders if ``recursive`` is True
    a glob      the matching files with such an ending; ``**`` stands for any number of folders
    ``-``       the one photo on the standard input

A path that exists is never a glob. In folders and globs, hidden files and folders are left out.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning, one_line
from openpose_lab.sources.frame import Frame, rotated
from openpose_lab.sources.paths_in_order import (
    Contents,
    all_contents,
    contents,
    folded,
    is_glob,
    matches,
    natural_key,
    split_glob,
)
from openpose_lab.sources.photo_names import unique_names

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# fmt: off
PHOTO_ENDINGS = frozenset((
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".tif", ".tiff", ".bmp", ".dib", ".avif", ".gif",
    ".jp2", ".j2k", ".j2c", ".pbm", ".pgm", ".ppm", ".pnm", ".pam", ".pfm", ".hdr", ".ras", ".sr", ".heic", ".heif",
    ".hif",
))
# fmt: on
"""The endings of photos in folders and globs, in lower case."""
HEIC_ENDINGS = (".heic", ".heif", ".hif")
"""The endings of HEIC photos, which an optional library decodes."""
DRAWN = "_rendered"
"""The name of a drawn picture has this text before the file extension, as in ``skiers_rendered.png``. OpenPose uses the
same."""
STANDARD_INPUT = "-"
"""The source that stands for the one photo on the standard input."""

_USUAL = "the names of photos end in .jpg, .png, .webp, .tif, .bmp, .avif, .gif, .heic and the like"
_SHOWN = 120
"""The largest number of letters of a path in a message."""
_START = 4096
"""The number of bytes at the start of a photo from which its format is recognised."""
_MISSING = (errno.ENOENT, errno.ENOTDIR, errno.EINVAL, errno.ENAMETOOLONG)
"""Errors for paths that do not or cannot exist. Windows gives EINVAL for a path with a ``*``."""


@dataclass(frozen=True)
class PhotoFile:
    """A photo to read.

    Attributes:
        path: The path of the photo; None for the standard input.
        name: The name of its outputs: a relative path with forward slashes, from ``photo_names.py``. No two photos
            from one call of ``list_photos`` have the same name.
    """

    path: Path | None
    name: str

    @property
    def shown(self) -> str:
        """The path as printable text. Bytes that are not UTF-8 become escapes."""
        return "standard input" if self.path is None else str(self.path).encode("utf-8", "backslashreplace").decode()

    def read(self) -> NDArray[np.uint8]:
        """Read the photo. The standard input can be read only once.

        Returns:
            (h, w, 3) BGR uint8, upright.

        Raises:
            OpenPoseLabError: The photo cannot be read completely, or is too large.
        """
        from estimation.files import open_input, read_input
        from estimation.photos import LARGEST_PHOTO_FILE, read_photo
        from openpose_lab.sources.heic import decode_heic, is_heic

        if self.path is None:
            return _decode(_read_standard_input(LARGEST_PHOTO_FILE), self.shown)
        start = b""
        with open_input(self.path, "photo") as file, suppress(OSError):  # the full read below reports it
            start = file.read(_START)
        _refuse_video(start, self.path)
        if is_heic(start):
            return decode_heic(read_input(self.path, "photo", LARGEST_PHOTO_FILE), one_line(str(self.path), 200))
        return read_photo(self.path)

    def frame(self, index: int, rotate: int = 0) -> Frame:
        """Read the photo, rotate it clockwise by ``rotate`` degrees, and return it as a frame."""
        return Frame(index, None, self.shown, rotated(self.read(), rotate))


@dataclass(frozen=True)
class _Listed:
    """A photo, and the folder of its source. The path is None for the standard input.

    The folder is the given folder, the folder of a given file, or the folder where a glob's search begins.
    """

    path: Path | None
    root: Path = Path()


def decode_any_photo(data: bytes, name: str) -> NDArray[np.uint8]:
    """Decode a photo that was read in another way than by its path.

    Args:
        data: The whole file, of a format that ``PhotoFile.read`` reads.
        name: The name of the photo. Messages contain it.

    Returns:
        (h, w, 3) BGR uint8, upright.

    Raises:
        OpenPoseLabError: The photo cannot be decoded completely, is too large, or is a video.
    """
    _refuse_video(data[:_START], Path(name))
    return _decode(data, one_line(name, 200))


def _decode(data: bytes, name: str) -> NDArray[np.uint8]:
    from estimation.photos import decode_photo
    from openpose_lab.sources.heic import decode_heic, is_heic

    return decode_heic(data, name) if is_heic(data[:_START]) else decode_photo(data, name)


def _refuse_video(start: bytes, path: Path) -> None:
    """Raise OpenPoseLabError if the first bytes of a file are those of a video."""
    from openpose_lab.sources.recognition import is_video

    if is_video(start, path):
        raise OpenPoseLabError(f"{one_line(str(path), 200)} is a video, not a photo; give it to demo_video.py")


def read_frames(
    photos: Iterable[PhotoFile], rotate: int = 0, on_error: Callable[[str, OpenPoseLabError], None] | None = None
) -> Iterator[Frame]:
    """Read photos one after the other.

    Args:
        photos: The photos.
        rotate: Degrees clockwise by which photos are rotated.
        on_error: As for ``frames``.

    Yields:
        The photos as frames.

    Raises:
        OpenPoseLabError: A photo cannot be read, and ``on_error`` is None.
    """
    for index, photo in enumerate(photos):
        try:
            frame = photo.frame(index, rotate)
        except OpenPoseLabError as error:
            if on_error is None:
                raise
            on_error(photo.shown, error)
            continue
        yield frame


def list_photos(
    sources: Sequence[str | Path], recursive: bool = False, leave_out: Sequence[Path] = ()
) -> list[PhotoFile]:
    """List the photos of sources without opening them.

    Args:
        sources: Photos, folders, globs, and ``-`` for the standard input.
        recursive: Whether to list the photos in sub-folders, too. Links to folders are not followed, and an
            OpenPoseLabWarning says so.
        leave_out: Folders of outputs. Pictures that an earlier run drew there are left out, and an OpenPoseLabWarning
            says so.

    Returns:
        The photos in the order of the sources. The photos of a folder or a glob are in natural order: ``2.jpg`` comes
        before ``10.jpg``. A file that comes twice, also through a link, is listed once, and an OpenPoseLabWarning says
        so.

    Raises:
        OpenPoseLabError: A source is missing, contains no photo or cannot be read, or no photo is left.
    """
    listed = [photo for source in sources for photo in _expand(os.fspath(source), recursive)]
    if not listed:
        raise OpenPoseLabError("no source of photos is given; give a photo, a folder or a glob")
    listed = _each_once(_without(leave_out, listed))
    names = unique_names([(photo.path, photo.root) for photo in listed])
    return [PhotoFile(photo.path, name) for photo, name in zip(listed, names)]


def is_file_source(source: str) -> bool:
    """Return whether a source is one photo: the standard input, or a path that is neither a folder nor a glob."""
    if source == STANDARD_INPUT:
        return True
    try:
        mode = _mode(Path(source)) if source else None
    except OSError:  # reading the photo reports it
        return True
    return not is_glob(source) if mode is None else not stat.S_ISDIR(mode)


def _expand(source: str, recursive: bool) -> list[_Listed]:
    if source == STANDARD_INPUT:
        _check_standard_input()
        return [_Listed(None)]
    path = Path(source)
    try:
        mode = _mode(path) if source else None
        if mode is None and is_glob(source):
            return _in_glob(source)
        if mode is not None and stat.S_ISDIR(mode):
            return _in_folder(path, recursive)
    except OSError as error:
        place = _shown(error.filename or path)
        raise OpenPoseLabError(f"{place} cannot be read ({error.strerror}); check its permissions") from error
    if mode is None and "://" in source:
        raise OpenPoseLabError(
            f"{_shown(source)} is an address; save the photo first, or give the address of a video to demo_video.py"
        )
    if mode is None:
        raise OpenPoseLabError(f"there is no photo or folder {_shown(source) or 'of an empty name'}; check the path")
    return [_Listed(path, path.parent)]


def _mode(path: Path) -> int | None:
    """Return the mode of the file or folder at ``path``; None if nothing exists there."""
    try:
        return path.stat().st_mode
    except ValueError:  # a null character
        return None
    except OSError as error:
        if error.errno in _MISSING:
            return None
        raise


def _in_folder(folder: Path, recursive: bool) -> list[_Listed]:
    found = list(all_contents(folder)) if recursive else [contents(folder)]
    if recursive:
        _warn_of_links([link for one in found for link in one.links])
    photos = _photos(path for one in found for path in one.files)
    if not photos:
        raise _no_photo_in(folder, found, recursive)
    return _in_order(photos, folder)


def _no_photo_in(folder: Path, found: list[Contents], recursive: bool) -> OpenPoseLabError:
    shown = _shown(folder)
    if not recursive and any(_photos(below.files) for below in all_contents(folder)):
        return OpenPoseLabError(
            f"the folder {shown} has photos only in its sub-folders; add --recursive (in Python, recursive=True)"
        )
    others = sum(len(one.files) for one in found)
    if others:
        return OpenPoseLabError(f"the folder {shown} has no photo among its {_count(others, 'file')}; {_USUAL}")
    what = "has no photo" if any(one.folders or one.links for one in found) else "is empty"
    return OpenPoseLabError(f"the folder {shown} {what}; give a folder with photos")


def _in_glob(pattern: str) -> list[_Listed]:
    root, parts = split_glob(pattern)
    shown = _shown(pattern)
    if not os.path.isdir(root):
        raise OpenPoseLabError(f"nothing matches {shown}, because the folder {_shown(root)} is missing; check the path")
    links: list[Path] = []
    found = list(dict.fromkeys(matches(root, parts, links)))
    _warn_of_links(links)
    files = [path for path in found if not os.path.isdir(path)]
    photos = _photos(files)
    if photos:
        return _in_order(photos, root)
    if files:
        raise OpenPoseLabError(f"{shown} matches {_count(len(files), 'file')} but no photo; {_USUAL}")
    if found:
        raise OpenPoseLabError(
            f"{shown} matches {_count(len(found), 'folder')} but no photo; add {os.sep}* to match the photos inside"
        )
    raise OpenPoseLabError(f"nothing matches {shown}; check the path")


def _photos(paths: Iterable[Path]) -> list[Path]:
    return [path for path in paths if path.suffix.lower() in PHOTO_ENDINGS]


def _in_order(photos: list[Path], root: Path) -> list[_Listed]:
    return [_Listed(path, root) for path in sorted(photos, key=lambda path: natural_key(path.relative_to(root)))]


def _each_once(listed: list[_Listed]) -> list[_Listed]:
    """Leave out photos that come again, also under another path."""
    kept, again = [], []
    known: dict[str, list[str]] = {}
    real_path = _RealPaths()
    for photo in listed:
        real = STANDARD_INPUT if photo.path is None else real_path(photo.path)
        others = known.setdefault(folded(real), [])
        if any(real == other or _is_same(real, other) for other in others):
            again.append(photo)
        else:
            others.append(real)
            kept.append(photo)
    if again:
        first = PhotoFile(again[0].path, "").shown
        _warn(f"{_are(len(again), 'photo')} given twice, first {_shown(first)}; each is read once")
    return kept


def _is_same(path: str, other: str) -> bool:
    """Return whether two paths lead to the same file, although they differ.

    They may differ in upper and lower case, or in the way an accent is stored (é as one character, or as e plus an
    accent).
    """
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False


class _RealPaths:
    """Resolves the links in paths of files. Each folder is resolved only once."""

    def __init__(self) -> None:
        self._folders: dict[Path, str] = {}

    def __call__(self, path: Path) -> str:
        return os.path.realpath(path) if os.path.islink(path) else self._beside(path)

    def folders_of(self, path: Path) -> set[Path]:
        """Return the real folders above a path. If the path is a link, also return the folders above its target."""
        return {*Path(self._beside(path)).parents, *Path(self(path)).parents}

    def _beside(self, path: Path) -> str:
        if path.parent not in self._folders:
            self._folders[path.parent] = os.path.realpath(path.parent)
        return os.path.join(self._folders[path.parent], path.name)


def _without(folders: Sequence[Path], listed: list[_Listed]) -> list[_Listed]:
    """Leave out the pictures that earlier runs drew into folders of outputs."""
    real_path = _RealPaths()
    places = {Path(os.path.realpath(folder)) for folder in folders}

    def is_drawn(path: Path) -> bool:
        return path.stem.casefold().endswith(DRAWN) and not places.isdisjoint(real_path.folders_of(path))

    kept = [photo for photo in listed if photo.path is None or not is_drawn(photo.path)]
    left_out = len(listed) - len(kept)
    if not kept:
        raise OpenPoseLabError(
            f"no photo is left, because an earlier run drew all pictures in {_shown(folders[0])}; give the folder of "
            "the photos"
        )
    if left_out:
        _warn(f"{_are(left_out, 'picture')} left out, because an earlier run drew them into {_shown(folders[0])}")
    return kept


def _warn_of_links(links: list[Path]) -> None:
    if links:
        first = _shown(min(links))
        _warn(f"{_are(len(set(links)), 'link')} not followed, first {first}: links to folders may form circles")


def _warn(text: str) -> None:
    warnings.warn(OpenPoseLabWarning(text), stacklevel=4)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _are(number: int, what: str) -> str:
    return f"{_count(number, what)} {'is' if number == 1 else 'are'}"


def _shown(path: str | Path) -> str:
    return one_line(str(path), _SHOWN)


# The standard input


def _check_standard_input() -> None:
    if getattr(sys.stdin, "buffer", None) is None:
        raise OpenPoseLabError("- reads a photo from the standard input, which is closed; give the path of a photo")
    if sys.stdin.isatty():
        raise OpenPoseLabError(
            "- reads a photo from the standard input, which is a terminal; redirect a photo to it: < photo.jpg"
        )


def _read_standard_input(most_bytes: int) -> bytes:
    _check_standard_input()
    pieces, left = [], most_bytes + 1
    try:
        while left and (piece := sys.stdin.buffer.read(min(left, 1 << 20))):
            pieces.append(piece)
            left -= len(piece)
    except OSError as error:
        raise OpenPoseLabError(
            f"the standard input cannot be read ({error.strerror}); redirect a photo to it: < photo.jpg"
        ) from error
    if not left:
        raise OpenPoseLabError(f"the standard input is larger than {most_bytes >> 20} MB, so it is no photo")
    return b"".join(pieces)

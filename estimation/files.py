"""Read input files and write result files.

Only regular files are read. A file is written completely or not at all.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError, one_line
from estimation.photo_arrays import as_photo
from estimation.quiet import silent_stderr

PICTURE_TYPES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
_STANDARD = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}  # the descriptor of each path
_TEMPORARY = ".openpose-lab-"
"""The prefix of the names of temporary files."""
_LONGEST_PATH = 200
"""The largest number of letters of a path in a message about an input."""
_ADVICE = {
    errno.ENOSPC: "free some space or choose another place",
    errno.EPIPE: "its reader has ended",
    errno.EBADF: "nothing is open there for writing",
    **({errno.EACCES: "close what has it open or choose another place"} if os.name == "nt" else {}),
}
"""Advice for write errors for which "choose another place" is not the best advice."""


def open_input(path: str | Path, what: str) -> BinaryIO:
    """Open an input file of a user for reading.

    Args:
        path: The path of a regular file. Devices and pipes are refused, because they may never end or never start.
        what: The expected content, such as "photo", for error messages.

    Returns:
        The open file.

    Raises:
        OpenPoseLabError: The path does not lead to a readable regular file.
    """
    shown = one_line(str(path), _LONGEST_PATH)
    try:
        # Without O_NONBLOCK, opening a pipe would wait for its writer. Without O_BINARY, Windows would change bytes.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise OpenPoseLabError(f"there is no {what} {shown}; check the path") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        if os.path.isdir(path):  # Windows cannot open folders
            raise OpenPoseLabError(f"{shown} is a folder; give the path of one {what}") from None
        reason = error.strerror if isinstance(error, OSError) else error
        raise OpenPoseLabError(f"the {what} {shown} cannot be read ({reason}); check the path") from error
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise OpenPoseLabError(f"{shown} is a folder; give the path of one {what}")
    raise OpenPoseLabError(f"{shown} is a device or a pipe, not a file; give the path of one {what}")


def read_input(path: str | Path, what: str, most_bytes: int) -> bytes:
    """Read an input file of a user.

    Args:
        path: As in ``open_input``.
        what: As in ``open_input``.
        most_bytes: The largest size that is accepted, in bytes.

    Returns:
        The bytes of the file.

    Raises:
        OpenPoseLabError: The path does not lead to a readable regular file, or the file is too large.
    """
    shown = one_line(str(path), _LONGEST_PATH)
    with open_input(path, what) as file:
        try:
            data = file.read(most_bytes + 1)  # the stated size is not used: a file may grow, and some files state none
        except OSError as error:
            raise OpenPoseLabError(f"the {what} {shown} cannot be read ({error.strerror}); check the path") from error
    if len(data) > most_bytes:
        most = f"{most_bytes >> 20} MB" if most_bytes >= 1 << 20 else f"{most_bytes >> 10} kB"
        raise OpenPoseLabError(f"{shown} is larger than {most}, so it is no {what}; check the path")
    return data


def open_descriptor(path: str | Path) -> int | None:
    """Return the open file descriptor that a path such as ``/dev/stdout`` or ``/dev/fd/63`` names; else None.

    For ``>(command)``, a shell passes a path such as ``/dev/fd/63``.
    """
    text = Path(path).as_posix()
    named = re.fullmatch(r"/(?:dev|proc/self)/fd/(\d{1,9})", text)
    return int(named[1]) if named else _STANDARD.get(text)


def is_standard_output(path: str | Path) -> bool:
    """Return whether ``path`` leads to the same file as the standard output."""
    if open_descriptor(path) == 1:
        return True
    try:
        return os.path.samestat(_status(path), os.fstat(1))
    except OSError:
        return False


def check_writable(path: str | Path) -> None:
    """Raise OpenPoseLabError if ``path`` cannot be written. Call this before the work, so that no result is lost."""
    try:
        mode = _status(path).st_mode
    except FileNotFoundError:
        mode = 0
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        raise cannot_write(path, error) from error
    if stat.S_ISDIR(mode):
        raise OpenPoseLabError(f"cannot write {path}: it is a folder; give the path of a file")
    if open_descriptor(path) is not None:
        return
    try:
        target = os.path.realpath(path)
    except OSError:
        raise OpenPoseLabError(f"cannot write {path}: the current folder is gone; go to another one") from None
    folder = os.path.dirname(target if os.path.islink(path) else path) or os.curdir
    if not os.path.isdir(folder):
        raise OpenPoseLabError(f"cannot write {path}: there is no folder {folder}; make it first")
    needed = [path] if mode else []
    if not mode or stat.S_ISREG(mode):  # a new file is written into the folder, and then replaces the old one
        needed.append(folder)
    if not all(os.access(place, os.W_OK) for place in needed):
        raise OpenPoseLabError(f"cannot write {path}: no permission; choose another place")


def check_place_of_files(path: str | Path) -> None:
    """Raise OpenPoseLabError if ``path`` cannot be written, or is a device or a pipe.

    Programs call this for an output with other files beside it, which a device or a pipe cannot have.
    """
    check_writable(path)
    if open_descriptor(path) is not None or (os.path.exists(path) and not os.path.isfile(path)):
        raise OpenPoseLabError(
            f"cannot write {path}: it is a device or a pipe; give the path of a file, because more files are written "
            "beside it"
        )


def check_outputs(outputs: Sequence[Path], inputs: Iterable[tuple[str, Path | None]]) -> None:
    """Raise OpenPoseLabError if an output cannot be written, or would overwrite an input or another output.

    Args:
        outputs: The paths of the outputs.
        inputs: The name of each input in messages, and its path; None for an input that is not used.
    """
    for output in outputs:
        check_writable(output)
    given = [(name, _identity(path)) for name, path in inputs if path is not None]
    targets = [_identity(output) for output in outputs]
    for number, output in enumerate(outputs):
        for name, place in given:
            if targets[number] == place:
                raise OpenPoseLabError(f"{output} is also the {name}, and would be overwritten; choose another output")
        if targets[number] in targets[:number]:
            raise OpenPoseLabError(f"two outputs cannot both be {output}; choose two names")


def write_whole(path: str | Path, data: bytes) -> None:
    """Write a file as ``writing_whole`` does."""
    with writing_whole(path) as file:
        file.write(data)


@contextmanager
def writing_whole(path: str | Path) -> Iterator[BinaryIO]:
    """Replace a file with a new one in a single step, so that ``path`` never holds an incomplete file.

    Links are followed. Devices, pipes and open descriptors, such as ``/dev/stdout``, are written to directly.

    Args:
        path: The path.

    Yields:
        The open new file. If the block raises, the old file stays.

    Raises:
        OpenPoseLabError: The file cannot be written.
    """
    try:
        descriptor, target = open_descriptor(path), os.path.realpath(path)
        special = descriptor is None and _is_special(path)
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        raise cannot_write(path, error) from error
    try:
        if descriptor is not None:
            with os.fdopen(os.dup(descriptor), "wb") as file:
                yield file
        elif special:
            with open(path, "wb") as file:
                yield file
        else:
            with replacing(Path(target)) as file:
                yield file
    except OSError as error:
        raise cannot_write(path, error) from error


def remove_remnants(folders: Iterable[Path], before: float) -> None:
    """Delete the temporary files of ``writing_whole`` that remain from killed programs.

    Args:
        folders: The folders to search. Their sub-folders are not searched.
        before: Seconds since 1970. Files that were changed at or after this time stay, because they may be in use.
    """
    for folder in folders:
        with suppress(OSError):
            for path in folder.glob(f"{_TEMPORARY}*"):
                if path.lstat().st_mtime < before:
                    path.unlink()


@contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """Replace a file, a link or a pipe with a new file in a single step.

    Args:
        target: The path. A folder is not replaced.

    Yields:
        The open new file.

    Raises:
        OSError: The file cannot be written.
    """
    temporary = target.with_name(f"{_TEMPORARY}{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            yield file
        os.replace(temporary, target)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _status(path: str | Path) -> os.stat_result:
    descriptor = open_descriptor(path)
    return os.stat(path) if descriptor is None else os.fstat(descriptor)


def _is_special(path: str | Path) -> bool:
    """Return whether ``path`` leads to a device or a pipe. Raise OSError for a disk, or if links form a circle."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISBLK(mode):
        raise OSError(errno.EPERM, "it is a disk")
    return not stat.S_ISREG(mode)


def _identity(path: str | Path) -> str | int:
    """Return a key that is equal for two paths of the same file."""
    descriptor = open_descriptor(path)
    if descriptor is not None:
        return descriptor
    try:
        return os.path.realpath(path)
    except OSError:  # there is no current folder
        return os.fspath(path)


def cannot_write(path: str | Path, error: OSError | ValueError) -> OpenPoseLabError:
    """Return the error that says why a file cannot be written, and what to do."""
    reason = error.strerror if isinstance(error, OSError) else error
    number = (error.errno if isinstance(error, OSError) else None) or 0
    return OpenPoseLabError(f"cannot write {path}: {reason}; {_ADVICE.get(number, 'choose another place')}")


def check_picture_type(path: Path) -> None:
    """Raise OpenPoseLabError if ``path`` does not end in one of ``PICTURE_TYPES``."""
    if path.suffix.lower() not in PICTURE_TYPES:
        raise OpenPoseLabError(f"cannot write {path}: its name must end in one of {' '.join(PICTURE_TYPES)}")


def encode_picture(path: Path, image: NDArray[np.uint8]) -> bytes:
    """Encode a picture in the format that the ending of ``path`` names.

    Args:
        path: The path of the picture, with an ending in ``PICTURE_TYPES``. Nothing is written.
        image: (h, w, 3) BGR uint8. Grey and BGRA are converted as in ``as_photo``.

    Returns:
        The bytes of the picture file.

    Raises:
        OpenPoseLabError: The ending is unknown, or the picture is too large for the format.
    """
    image = as_photo(image)
    check_picture_type(path)
    try:
        with silent_stderr():
            done, data = cv2.imencode(path.suffix.lower(), image)
    except cv2.error:  # some versions of OpenCV raise, others return False
        done = False
    if not done:
        height, width = image.shape[:2]
        raise OpenPoseLabError(
            f"cannot write {path}: {width}x{height} is too large for this format; use a name ending in .png"
        )
    return data.tobytes()

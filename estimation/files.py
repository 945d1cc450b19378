"""Files in, results out: only regular files are read, and a file is written whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError
from estimation.photo_arrays import as_photo
from estimation.quiet import silent_stderr

PICTURE_TYPES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")


def open_input(path: str | Path, what: str) -> BinaryIO:
    """Open a file that a user hands over, for reading.

    Args:
        path: The path. It must lead to a regular file: a device may have no end, and a pipe no writer.
        what: What the file should be, such as "photo", for error messages.

    Returns:
        The open file.

    Raises:
        OpenPoseLabError: The path leads to no regular file that can be read.
    """
    try:
        # Without O_NONBLOCK, opening a pipe waits for its writer. Windows needs O_BINARY.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise OpenPoseLabError(f"there is no {what} {path}; check the path") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        if os.path.isdir(path):  # which Windows does not open
            raise OpenPoseLabError(f"{path} is a folder; give the path of one {what}") from None
        reason = error.strerror if isinstance(error, OSError) else error
        raise OpenPoseLabError(f"the {what} {path} cannot be read ({reason}); check the path") from error
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise OpenPoseLabError(f"{path} is a folder; give the path of one {what}")
    raise OpenPoseLabError(f"{path} is a device or a pipe, not a file; give the path of one {what}")


def read_input(path: str | Path, what: str, most_bytes: int) -> bytes:
    """Read a file that a user hands over.

    Args:
        path: As in ``open_input``.
        what: As in ``open_input``.
        most_bytes: Size of the largest file that is read.

    Returns:
        The bytes of the file.

    Raises:
        OpenPoseLabError: The path leads to no regular file that can be read, or the file is too large.
    """
    with open_input(path, what) as file:
        try:
            data = file.read(most_bytes + 1)  # not the stated size: a file may grow, and some state none
        except OSError as error:
            raise OpenPoseLabError(f"the {what} {path} cannot be read ({error.strerror}); check the path") from error
    if len(data) > most_bytes:
        most = f"{most_bytes >> 20} MB" if most_bytes >= 1 << 20 else f"{most_bytes >> 10} kB"
        raise OpenPoseLabError(f"{path} is larger than {most}, so it is no {what}; check the path")
    return data


def check_writable(path: Path) -> None:
    """Raise OpenPoseLabError now rather than after the work if ``path`` cannot be written."""
    folder = os.path.dirname(path) or os.curdir
    if os.path.isdir(path):
        raise OpenPoseLabError(f"cannot write {path}: it is a folder; give the path of a file")
    if not os.path.isdir(folder):
        raise OpenPoseLabError(f"cannot write {path}: there is no folder {folder}; make it first")
    if not os.access(path if os.path.exists(path) else folder, os.W_OK):
        raise OpenPoseLabError(f"cannot write {path}: no permission; choose another place")


def check_outputs(outputs: Sequence[Path], inputs: Iterable[tuple[str, Path | None]]) -> None:
    """Raise OpenPoseLabError if an output cannot be written, or would overwrite an input or another output.

    inputs: what each is called in the sentence, and where it is; None for one that was not given.
    """
    given = [(name, path.resolve()) for name, path in inputs if path is not None]
    for number, output in enumerate(outputs):
        check_writable(output)
        for name, path in given:
            if output.resolve() == path:
                raise OpenPoseLabError(
                    f"{output} is given as the {name} too, and would be overwritten; choose another output"
                )
        if output.resolve() in [other.resolve() for other in outputs[:number]]:
            raise OpenPoseLabError(f"two outputs cannot both be {output}; choose two names")


def write_whole(path: str | Path, data: bytes) -> None:
    """Write a file so that at every moment it is either the old one or the new one, complete.

    A link is followed; a device or a pipe is written to as it is.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".openpose-lab-{secrets.token_hex(8)}")
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(data)
            return
        try:
            with temporary.open("xb") as file:
                file.write(data)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        advice = {errno.ENOSPC: "free some space or ", errno.EACCES: "close what has it open or "}.get(
            error.errno or 0, ""
        )
        raise OpenPoseLabError(f"cannot write {path}: {error.strerror}; {advice}choose another place") from error


def check_picture_type(path: Path) -> None:
    """Raise OpenPoseLabError if the name of ``path`` asks for no picture format that is known here."""
    if path.suffix.lower() not in PICTURE_TYPES:
        raise OpenPoseLabError(f"cannot write {path}: its name must end in one of {' '.join(PICTURE_TYPES)}")


def encode_picture(path: Path, image: NDArray[np.uint8]) -> bytes:
    """``image``, which ``as_photo`` checks, in the format that the name of ``path`` asks for."""
    image = as_photo(image)
    check_picture_type(path)
    try:
        with silent_stderr():
            done, data = cv2.imencode(path.suffix.lower(), image)
    except cv2.error:  # one version of OpenCV raises, another returns False
        done = False
    if not done:
        height, width = image.shape[:2]
        raise OpenPoseLabError(
            f"cannot write {path}: {width}x{height} is too large for this format; use a name ending in .png"
        )
    return data.tobytes()

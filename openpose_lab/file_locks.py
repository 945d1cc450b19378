"""Locks, so that two programs do not write the same file at the same time."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import IO

from estimation.errors import OpenPoseLabError, one_line

_BUSY = (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)


def try_lock(file: IO[bytes]) -> bool:
    """Lock a file until it is closed, or until its program ends or crashes.

    Args:
        file: The file, open for writing. Its position becomes 0.

    Returns:
        True if the file is now locked, or if the file system has no locks. False if another program holds the lock, or
        if this program holds it through another open file.
    """
    file.seek(0)  # Windows locks the byte at the position
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _BUSY
    return True


def keep_others_away(file: IO[bytes], path: Path) -> None:
    """Lock a file for writing, while other programs may still read it. On Windows, which has no such lock, do nothing.

    Args:
        file: As in ``try_lock``.
        path: The path of the file, for the message.

    Raises:
        OpenPoseLabError: Another run is writing the file.
    """
    if sys.platform != "win32" and not try_lock(file):
        raise busy(path)


def busy(path: Path) -> OpenPoseLabError:
    """Return the error for a file that another run is writing."""
    return OpenPoseLabError(
        f"another run is writing {one_line(str(path), 200)}; wait until it has finished, or choose another place"
    )

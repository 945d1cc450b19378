"""Locks that keep programs from writing one file at the same time."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import IO

from estimation.errors import OpenPoseLabError, one_line

_BUSY = (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)


def try_lock(file: IO[bytes]) -> bool:
    """Lock a file until it is closed, or its program ends in any way.

    Args:
        file: The file, open for writing. Its position becomes 0.

    Returns:
        False if another program, or another open file of this one, holds the lock. True on file systems without locks.
    """
    file.seek(0)  # Windows locks the next byte
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
    """Lock a file that other programs may read meanwhile. Windows has no such lock, so nothing is done there.

    Args:
        file: As in ``try_lock``.
        path: Its path, for the sentence.

    Raises:
        OpenPoseLabError: Another run is writing it.
    """
    if sys.platform != "win32" and not try_lock(file):
        raise busy(path)


def busy(path: Path) -> OpenPoseLabError:
    """The error that says that another run writes a file."""
    return OpenPoseLabError(
        f"another run is writing {one_line(str(path), 200)}; wait until it has ended, or choose another place"
    )

"""Locks that keep programs from writing one file at the same time."""

from __future__ import annotations

import errno
import sys
from typing import BinaryIO

_BUSY = (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)


def try_lock(file: BinaryIO) -> bool:
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

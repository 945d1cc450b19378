"""A check against forks: a library with its own threads cannot run in a fork of a process that has used it."""

from __future__ import annotations

import os

from estimation.errors import OpenPoseLabError

_used_in: dict[str, int] = {}
"""The name of a library -> the id of the process that first used it."""


def check_process(library: str) -> None:
    """Check that this process can use a library.

    The library's threads do not exist in a fork of a process that has used it. The first call of the library would
    never return there.

    Args:
        library: The name of the library.

    Raises:
        OpenPoseLabError: This process was forked from one that has used the library.
    """
    if _used_in.setdefault(library, os.getpid()) != os.getpid():
        raise OpenPoseLabError(
            "a network cannot run in a fork of a process that has loaded one; load it in the new process only, or "
            "start processes with multiprocessing's method 'spawn'"
        )

"""Libraries with threads of their own cannot be used in a fork of a process that has used them."""

from __future__ import annotations

import os

from estimation.errors import OpenPoseLabError

_used_in: dict[str, int] = {}
"""A library -> the process in which it was first used."""


def check_process(library: str) -> None:
    """Check that this process can use a library.

    The library's threads do not exist in a fork of a process that has used it. Its first call there would wait for
    ever.

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

"""Landlock: a Linux process gives up rights to files for good, without being root.

See landlock(7). Kernels before 5.13 and other systems lack it; ``restrict_files`` then returns False.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # system calls, the same on all processors
_VERSION, _PATH_BENEATH, _NO_NEW_PRIVILEGES = 1, 1, 38
_EXECUTE, _READ_FILE, _READ_FOLDER = 1 << 0, 1 << 2, 1 << 3
_READ = _EXECUTE | _READ_FILE | _READ_FOLDER
_WRITE_FILE = 1 << 1
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14 | 1 << 15  # also writing, truncating and device control
_RIGHTS_BY_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def restrict_files(readable: Iterable[Path], listable: Iterable[Path] = ()) -> bool:
    """Let this process and its children read and execute only beneath these folders, and write only to the null device.

    Args:
        readable: folders and files.
        listable: folders that may be listed, with the folders in them, but not read.

    Returns:
        Whether this system could apply the restriction.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)
    if version < 1:
        return False
    rights = _RIGHTS_BY_VERSION[max(known for known in _RIGHTS_BY_VERSION if known <= version)]
    wanted = ctypes.c_uint64(rights)  # the first field of the structure, which all versions have
    ruleset = libc.syscall(_CREATE_RULESET, ctypes.byref(wanted), ctypes.c_size_t(ctypes.sizeof(wanted)), 0)
    if ruleset < 0:
        return False
    done = all(_allow(libc, ruleset, path, rights & _READ) for path in readable if path.exists())
    done = done and all(_allow(libc, ruleset, path, rights & _READ_FOLDER) for path in listable)
    done = done and _allow(libc, ruleset, Path(os.devnull), rights & (_READ | _WRITE_FILE))
    done = done and libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
    done = done and libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0
    os.close(ruleset)
    return done


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> bool:
    folder = os.open(path, getattr(os, "O_PATH", os.O_RDONLY))
    rule = _Beneath(rights if path.is_dir() else rights & _OF_FILES, folder)
    done: bool = libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0) == 0
    os.close(folder)
    return done

"""Zip archives, which several forms are."""

from __future__ import annotations

import zipfile
from pathlib import Path

from estimation.errors import OpenPoseLabError

ZIP = b"PK"


def members(path: Path, head: bytes) -> list[str]:
    """The names in a zip archive; none if it is no archive, or a broken one."""
    if not head.startswith(ZIP):
        return []
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return []


def read_member(path: Path, name: str) -> bytes:
    """One member, whole and with its checksum right. Raises OpenPoseLabError if it is not."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(name)
    except (zipfile.BadZipFile, OSError, KeyError, EOFError, NotImplementedError, RuntimeError):
        raise OpenPoseLabError(f"is damaged: {name} in it cannot be read") from None

"""Zip archives, which several forms are."""

from __future__ import annotations

import zipfile
from pathlib import Path

ZIP = b"PK"


def members(path: Path, head: bytes) -> list[str]:
    """The names in a zip archive; none if it is no archive. Raises zipfile.BadZipFile if it is a broken one."""
    if not head.startswith(ZIP):
        return []
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def read_member(path: Path, name: str) -> bytes:
    """One member, whole and with its checksum right. Raises zipfile.BadZipFile or KeyError if it is not."""
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)

"""Zip archives, which several forms are."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.importers.trained_weights import shown

ZIP = b"PK"

_MOST_AT_ONCE = 4 << 20
_CHUNK = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Of the other methods' data, a few bytes expand to gigabytes at once."""


class _File(io.FileIO):
    """A file of which little is read at once. A damaged archive can state a table of contents of any size."""

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > _MOST_AT_ONCE:
            raise zipfile.BadZipFile("its table of contents is larger than that of any weights")
        return super().read(_MOST_AT_ONCE if size is None or size < 0 else size) or b""


class Archive(zipfile.ZipFile):
    """An archive that is open for reading. Raises zipfile.BadZipFile if it is a broken one."""

    _opened: _File | None = None

    def __init__(self, path: Path) -> None:
        """Open the archive at a path."""
        self._opened = _File(path)
        try:
            super().__init__(self._opened)
        except BaseException:
            self._opened.close()
            raise

    def close(self) -> None:
        """Close the archive and its file."""
        super().close()
        if self._opened is not None:
            self._opened.close()

    def whole(self, name: str, most_bytes: int) -> bytes:
        """Read a member.

        Args:
            name: The name of the member.
            most_bytes: Size of the largest member that is read.

        Returns:
            The bytes of the member.

        Raises:
            OpenPoseLabError: The member is too large, or compressed by an unusual method.
            zipfile.BadZipFile: The member is damaged.
            KeyError: The archive has no such member.
        """
        info = self.getinfo(name)
        if info.compress_type not in _METHODS:
            raise OpenPoseLabError(f"compresses {shown(name)} by a method that is not read here; pack it as usual")
        if info.file_size > most_bytes:
            raise OpenPoseLabError(f"has {info.file_size} bytes in {shown(name)}, more than any weights here")
        data = bytearray()
        with self.open(info) as member:
            while chunk := member.read(_CHUNK):
                data += chunk
        return bytes(data)


def members(path: Path, head: bytes) -> list[str]:
    """The names in a zip archive; none if it is no archive. Raises zipfile.BadZipFile if it is a broken one."""
    if not head.startswith(ZIP):
        return []
    with Archive(path) as archive:
        return archive.namelist()


def recognises(path: Path, head: bytes) -> bool:
    """A zip archive that can be read. Raises zipfile.BadZipFile if it is a broken one."""
    return bool(members(path, head))

"""Zip archives: several forms of weights are zip archives."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import BinaryIO, cast

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.importers.trained_weights import shown
from openpose_lab.zip_files import READ_IN_PARTS, ShortReads, read_member

ZIP = b"PK"


class Archive(zipfile.ZipFile):
    """A zip archive that is open for reading. Raises zipfile.BadZipFile if the archive is damaged."""

    _opened: BinaryIO | None = None

    def __init__(self, path: Path) -> None:
        """Open the archive at a path."""
        self._opened = path.open("rb")
        try:
            super().__init__(cast(BinaryIO, ShortReads(self._opened)))
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
            most_bytes: The size of the largest member that is read, in bytes.

        Returns:
            The bytes of the member.

        Raises:
            OpenPoseLabError: The member is too large, or its compression method is not supported.
            zipfile.BadZipFile: The member is damaged.
            KeyError: The archive has no such member.
        """
        info = self.getinfo(name)
        if info.compress_type not in READ_IN_PARTS:
            raise OpenPoseLabError(
                f"compresses {shown(name)} by a method that is not supported; compress it with Deflate"
            )
        if info.file_size > most_bytes:
            raise OpenPoseLabError(
                f"has {info.file_size} bytes in {shown(name)}, more than any weights of this project"
            )
        return read_member(self, info, most_bytes)


def members(path: Path, head: bytes) -> list[str]:
    """List the names in a zip archive. The list is empty for other files. Raises zipfile.BadZipFile if damaged."""
    if not head.startswith(ZIP):
        return []
    with Archive(path) as archive:
        return archive.namelist()


def recognises(path: Path, head: bytes) -> bool:
    """Return whether a file is a zip archive with members. Raises zipfile.BadZipFile if the archive is damaged."""
    return bool(members(path, head))

"""Zip archives of others, read with bounded memory."""

from __future__ import annotations

import zipfile
from typing import IO, Any

READ_IN_PARTS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Methods of compression that ``zipfile`` unpacks in parts. It expands the others whole: 919 bytes become 2 GB."""
_LARGEST_LIST = 4 << 20
_PART = 1 << 20


class ShortReads:
    """An open archive for ``zipfile``, which reads the list of members whole, whatever its size.

    Args:
        file: The archive.
        most_bytes: Most bytes of one read, and so of the list. Read members with ``read_member``.
    """

    def __init__(self, file: IO[bytes], most_bytes: int = _LARGEST_LIST) -> None:
        self._file, self._most = file, most_bytes

    def read(self, count: int = -1) -> bytes:
        """Read as a file does. Raises zipfile.BadZipFile if that is too much."""
        data = self._file.read(min(count, self._most + 1) if count >= 0 else self._most + 1)
        if len(data) > self._most:
            raise zipfile.BadZipFile(f"its list of files is larger than {self._most >> 20} MB")
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most_bytes: int) -> bytes:
    """Read the beginning of a member.

    Args:
        archive: The archive.
        member: The member. Its method of compression is in ``READ_IN_PARTS``.
        most_bytes: Most bytes that are read.

    Returns:
        The bytes of the member, or the first ``most_bytes`` of them.

    Raises:
        zipfile.BadZipFile: The member is damaged. Damaged data raise other exceptions, too.
    """
    data = bytearray()
    with archive.open(member) as file:
        while chunk := file.read(min(_PART, most_bytes - len(data))):
            data += chunk
    return bytes(data)

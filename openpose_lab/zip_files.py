"""Read untrusted zip archives with bounded memory."""

from __future__ import annotations

import zipfile
from typing import IO, Any

READ_IN_PARTS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Compression methods that ``zipfile`` unpacks in parts. It unpacks others at once: 919 bytes may become 2 GB."""
_LARGEST_LIST = 4 << 20
_PART = 1 << 20


class ShortReads:
    """An open archive that limits the size of each read.

    ``zipfile`` reads the whole list of members at once, so the limit also holds for this list.

    Args:
        file: The archive.
        most_bytes: The largest number of bytes of one read. Use ``read_member`` for larger members.
    """

    def __init__(self, file: IO[bytes], most_bytes: int = _LARGEST_LIST) -> None:
        self._file, self._most = file, most_bytes

    def read(self, count: int = -1) -> bytes:
        """Read like a file. Raise zipfile.BadZipFile if the read is larger than the limit."""
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
        member: The member. Its compression method must be in ``READ_IN_PARTS``.
        most_bytes: The largest number of bytes to read.

    Returns:
        The bytes of the member, or the first ``most_bytes`` of them.

    Raises:
        zipfile.BadZipFile: The member is damaged. Damaged data may raise other exceptions, too.
    """
    data = bytearray()
    with archive.open(member) as file:
        while chunk := file.read(min(_PART, most_bytes - len(data))):
            data += chunk
    return bytes(data)

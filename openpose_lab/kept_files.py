"""Files that only save time: kept in a folder under a key, checked when they are read, and made again if lost."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import warnings
from pathlib import Path

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from estimation.files import read_input, replacing

_HASH = "sha256"
_HEAD_BYTES = 32


class KeptFiles:
    """A folder of files, each under the key of all that it depends on. So nothing ever has to be cleared by hand.

    Several processes may use the folder at once.
    """

    def __init__(self, folder: Path, most_bytes: int, what: str) -> None:
        """Name the folder. It is made when the first file is written.

        Args:
            folder: The folder.
            most_bytes: What the folder may hold. The files that were not used for longest are deleted first.
            what: What the files hold, for the note that they cannot be written.
        """
        self._folder, self._most_bytes, self._what = folder, most_bytes, what
        self._bytes: int | None = None  # in the folder, once it is written to
        self._writable = True

    def read(self, depends_on: list[str]) -> bytes | None:
        """Read a file.

        Args:
            depends_on: All that the content depends on.

        Returns:
            The content. None if there is none, or the file is damaged or another's.
        """
        path = self._path(depends_on)
        try:
            stored = read_input(path, self._what, self._most_bytes)
        except (OSError, OpenPoseLabError):
            return None
        head, data = stored[:_HEAD_BYTES], stored[_HEAD_BYTES:]
        if head != _seal(path.name, data):
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # it has been of use, so it is not deleted soon
        return data

    def write(self, depends_on: list[str], data: bytes) -> None:
        """Write a file, whole or not at all. Where this fails, a note says so, once.

        Args:
            depends_on: All that the content depends on.
            data: The content. If the folder may not hold it, it is not written.
        """
        size = _HEAD_BYTES + len(data)
        if not self._writable or size > self._most_bytes:
            return
        path = self._path(depends_on)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._make_room(size)
            with replacing(path) as file:
                file.write(_seal(path.name, data) + data)
        except OSError as error:
            self._writable = False
            sentence = f"{self._what} are not kept for the next time: {_cannot_write(path, error)}"
            warnings.warn(OpenPoseLabWarning(sentence), stacklevel=2)

    def _path(self, depends_on: list[str]) -> Path:
        return self._folder / hashlib.new(_HASH, "\n".join(depends_on).encode()).hexdigest()

    def _make_room(self, size: int) -> None:
        """Delete what has not been used for longest, if ``size`` more bytes would be too many."""
        if self._bytes is None:
            self._bytes = sum(size for _, size, _ in self._files())
        self._bytes += size
        if self._bytes <= self._most_bytes:
            return
        files = self._files()
        self._bytes = size + sum(size for _, size, _ in files)
        for _, size, path in files:
            if self._bytes <= 0.9 * self._most_bytes:
                break
            with contextlib.suppress(OSError):  # a folder, say, or one that another process has open
                path.unlink(missing_ok=True)
                self._bytes -= size

    def _files(self) -> list[tuple[float, int, Path]]:
        """List when each file was last of use, its size in bytes, and its path; the oldest first."""
        found = []
        for path in self._folder.iterdir():
            with contextlib.suppress(OSError):  # another process has deleted it
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        return sorted(found)


def _cannot_write(path: Path, error: OSError) -> str:
    """Say what is in the way of a file, or else what the system says."""
    for folder in path.parents:
        if os.path.lexists(folder) and not os.path.isdir(folder):
            return f"{folder} is no folder; move it away"
    if os.path.isdir(path):
        return f"{path} is a folder; delete it"
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    advice = "free some space" if full else "make it writable"
    return f"cannot write {path.parent}: {error.strerror}; {advice}"


def _seal(key: str, data: bytes) -> bytes:
    """Compute the checksum of a file and its key. It finds changes, and files that were renamed."""
    digest = hashlib.new(_HASH, key.encode())
    digest.update(data)
    return digest.digest()

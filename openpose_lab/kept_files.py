"""A cache of files in a folder: each file has a key, and is checked when it is read."""

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
    """A folder of cached files. The key of a file covers everything that the file depends on.

    So an outdated file is never used, and users need not clear the cache. Several processes may use the folder at once.
    """

    def __init__(self, folder: Path, most_bytes: int, what: str) -> None:
        """Set the folder. It is created when the first file is written.

        Args:
            folder: The folder.
            most_bytes: The largest size of the folder in bytes. The least recently used files are deleted first.
            what: The content of the files as a plural noun, for the warning that they cannot be written.
        """
        self._folder, self._most_bytes, self._what = folder, most_bytes, what
        self._bytes: int | None = None  # the size of the folder, known after the first write
        self._writable = True

    def read(self, depends_on: list[str]) -> bytes | None:
        """Read a file.

        Args:
            depends_on: Texts for everything that the content depends on.

        Returns:
            The content. None if the file is missing, is damaged, or belongs to another key.
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
            os.utime(path)  # mark the file as recently used
        return data

    def write(self, depends_on: list[str], data: bytes) -> None:
        """Write a file completely or not at all. The first failure gives an OpenPoseLabWarning, and ends all writing.

        Args:
            depends_on: Texts for everything that the content depends on.
            data: The content. If it is larger than the largest size of the folder, it is not written.
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
            sentence = f"{self._what} are not saved for the next run: {_cannot_write(path, error)}"
            warnings.warn(OpenPoseLabWarning(sentence), stacklevel=2)

    def _path(self, depends_on: list[str]) -> Path:
        return self._folder / hashlib.new(_HASH, "\n".join(depends_on).encode()).hexdigest()

    def _make_room(self, size: int) -> None:
        """Delete the least recently used files if ``size`` more bytes would be too many."""
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
            with contextlib.suppress(OSError):  # for example a folder, or a file that another process has open
                path.unlink(missing_ok=True)
                self._bytes -= size

    def _files(self) -> list[tuple[float, int, Path]]:
        """List the time of the last use, the size in bytes and the path of each file; the oldest first."""
        found = []
        for path in self._folder.iterdir():
            with contextlib.suppress(OSError):  # another process may have deleted it
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        return sorted(found)


def _cannot_write(path: Path, error: OSError) -> str:
    """Say what prevents writing a file, and what to do."""
    for folder in path.parents:
        if os.path.lexists(folder) and not os.path.isdir(folder):
            return f"{folder} is not a folder; move it away"
    if os.path.isdir(path):
        return f"{path} is a folder; delete it"
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    advice = "free some space" if full else "make it writable"
    return f"cannot write {path.parent}: {error.strerror}; {advice}"


def _seal(key: str, data: bytes) -> bytes:
    """Compute the checksum of a file and its key. It detects changed and renamed files."""
    digest = hashlib.new(_HASH, key.encode())
    digest.update(data)
    return digest.digest()

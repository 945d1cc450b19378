"""Lists the files in a folder and in its zip archives. Each file is read only on request, with a size limit."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, cast

from estimation.errors import OpenPoseLabError, one_line
from estimation.files import open_input, read_input
from openpose_lab.zip_files import READ_IN_PARTS, ShortReads, read_member

Places = tuple[tuple[str, ...], ...]
"""The path in the folder, then the path in each archive on the way to the file."""

_IGNORED = {"__MACOSX", "__pycache__", "venv", "site-packages", "node_modules"}
_DEEPEST = 30
"""The most nested folders."""
_LONGEST_NAME = 255
"""The most characters in the name of a file or folder, as disks allow."""
_DEEPEST_ARCHIVE = 4
"""The most nested archives."""
_LARGEST_INNER = 100 << 20
"""The size limit in bytes of an archive in an archive, which is held in memory."""
_LARGEST_LIST = 16 << 20
"""The size limit in bytes of an archive's list of files. The list of a whole virtual environment has 3 MB."""
_COST_OF_A_FILE = 20_000
"""The bytes that could be unpacked in the time that opening one file takes."""
_ENCRYPTED = 1
_OTHER_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "xz"}


class ContainerError(Exception):
    """The reason why a file cannot be read, as the end of a sentence."""


@dataclass(frozen=True)
class File:
    """A file or an empty folder.

    Attributes:
        places: its place. The last name of an empty folder is "".
        read: a function that returns the file's bytes. It raises ContainerError above the given number of bytes.
        problem: the reason why the file can never be read; None if it can.
        is_folder: whether it is a link to a folder, or a folder with the name of a Python file.
    """

    places: Places
    read: Callable[[int], bytes]
    problem: str | None = None
    is_folder: bool = False

    @property
    def name(self) -> str:
        """The last name of its path."""
        return self.places[-1][-1]


class _Budget:
    """The bytes and entries that an archive, with the archives in it, may still unpack.

    Ordinary archives shrink data at most 30:1, except small ones. Archives that are made to do harm shrink it more.
    """

    def __init__(self, size: int, base: int, outer: _Budget | None = None) -> None:
        self.bytes_left, self.entries_left = base + 30 * size, 200_000
        self._outer = outer

    def take(self, more_bytes: int, entries: int = 0) -> None:
        """Take bytes and entries from the budget. Raise ContainerError if it is used up."""
        self.bytes_left -= more_bytes
        self.entries_left -= entries
        if self.bytes_left < 0 or self.entries_left < 0:
            raise ContainerError("the archive unpacks to far more than its size; unpack it, and look at its files")
        if self._outer:
            self._outer.take(more_bytes, entries)


def list_containers(path: Path) -> Iterator[list[File]]:
    """List a folder, then each zip archive in it, and in these.

    Args:
        path: a folder, an archive, or another file.

    Yields:
        The files of one container, sorted by name. Files of an archive can be read until the next list is requested. A
        container that cannot be read is listed as a file with a problem.
    """
    if not path.is_dir() and path.suffix.lower() != ".zip":
        yield [File(((path.name,),), partial(_read_file, path))]
        return
    if not path.is_dir():
        yield from _list_archive(path, ())
        return
    files = sorted(_walk(path, ()), key=lambda file: file.places)
    yield files
    for file in files:
        if is_archive(file) and not file.problem:
            yield from _list_archive(path.joinpath(*file.places[0]), file.places)


def is_archive(file: File) -> bool:
    """Return whether ``list_containers`` lists the content of a file."""
    return file.name.lower().endswith(".zip")


def _nothing(_: int) -> bytes:
    return b""


def _walk(folder: Path, above: tuple[str, ...]) -> Iterator[File]:
    """List all files below a folder on disk. Links are not followed."""
    try:
        with os.scandir(folder) as entries:
            found = [entry for entry in entries if not _is_ignored(entry.name)]
    except OSError as error:
        if not above:
            raise OpenPoseLabError(
                f"the folder {folder} cannot be read ({error.strerror}); check its permissions"
            ) from error
        yield File(((*above, ""),), _nothing, f"the folder cannot be read: {error.strerror}")
        return
    if above and not found:
        yield File(((*above, ""),), _nothing)
    for entry in found:
        parts = (*above, entry.name)
        path = folder / entry.name
        try:
            if entry.is_symlink():
                to_folder = path.is_dir()
                problem = f"it is a link, not a {'folder' if to_folder else 'file'}"
                yield File((parts,), _nothing, problem, is_folder=to_folder)
            elif entry.is_dir(follow_symlinks=False):
                if len(parts) > _DEEPEST:
                    yield File((parts,), _nothing, f"it is in more than {_DEEPEST} folders")
                else:
                    yield from _walk(path, parts)
                    if entry.name.lower().endswith(".py"):
                        yield File((parts,), _nothing, "it is a folder, not a file", is_folder=True)
            elif stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
                yield File((parts,), partial(_read_file, path))
            else:
                yield File((parts,), _nothing, "it is a device or a pipe, not a file")
        except OSError as error:
            yield File((parts,), _nothing, f"the file cannot be read: {error.strerror}")


def _read_file(path: Path, most: int) -> bytes:
    try:
        return read_input(path, "file", most)
    except OpenPoseLabError as error:
        if isinstance(error.__cause__, OSError):
            raise ContainerError(f"the file cannot be read: {error.__cause__.strerror}") from error
        try:
            size = path.stat().st_size
        except OSError:
            size = 0
        if size > most:
            raise ContainerError(_too_large(most)) from None
        raise ContainerError(str(error)) from error


def _too_large(most: int) -> str:
    return f"the file is larger than {'a megabyte' if most == 1 << 20 else f'{most >> 20} megabytes'}"


def _list_archive(path: Path, places: Places) -> Iterator[list[File]]:
    try:
        with open_input(path, "archive") as file:
            size = os.fstat(file.fileno()).st_size
            yield from _list_zip(file, places, _Budget(size, 200 << 20))
    except OpenPoseLabError as error:
        if not places:
            raise
        reason = error.__cause__.strerror if isinstance(error.__cause__, OSError) else error
        yield [File(places, _nothing, f"the archive cannot be read: {reason}")]


def _list_zip(file: IO[bytes], places: Places, budget: _Budget) -> Iterator[list[File]]:
    """List the files of an open archive, then the files of each archive in it."""
    try:
        archive = zipfile.ZipFile(cast(IO[bytes], ShortReads(file, _LARGEST_LIST)))
        budget.take(0, len(archive.infolist()))
        files = list(_entries(archive, places, budget))
    except Exception as error:  # zipfile raises many kinds of errors for a damaged archive
        if not places:
            raise OpenPoseLabError(f"the archive cannot be read: {error}; export it again") from None
        yield [File(places, _nothing, one_line(f"the archive cannot be read: {error}", 200))]
        return
    files.sort(key=lambda file: file.places)
    yield files or [File((*places, ("",)), _nothing)]
    for inner in files:
        if not is_archive(inner) or inner.problem:
            continue
        try:
            if len(places) >= _DEEPEST_ARCHIVE:
                raise ContainerError(f"it is in more than {_DEEPEST_ARCHIVE - 1} archives")
            data = inner.read(_LARGEST_INNER)
        except ContainerError as error:
            yield [File(inner.places, _nothing, str(error))]
            continue
        yield from _list_zip(io.BytesIO(data), inner.places, _Budget(len(data), 20 << 20, budget))


def _entries(archive: zipfile.ZipFile, places: Places, budget: _Budget) -> Iterator[File]:
    names = [_parts(info.filename) for info in archive.infolist()]
    folders = {name[:length] for name in names for length in range(1, min(len(name), _DEEPEST + 1))}
    for info, name in zip(archive.infolist(), names):
        if not name or any(map(_is_ignored, name)):
            continue
        place = (*places, name)
        if max(map(len, name)) > _LONGEST_NAME:
            cut = tuple(part[-_LONGEST_NAME:] for part in name)
            yield File((*places, cut), _nothing, f"its path has a name of more than {_LONGEST_NAME} characters")
        elif len(name) > _DEEPEST:
            yield File(place, _nothing, f"it is in more than {_DEEPEST} folders")
        elif info.is_dir() or info.filename.endswith("\\"):
            if name not in folders:
                yield File((*places, (*name, "")), _nothing)
            if name[-1].lower().endswith(".py"):
                yield File(place, _nothing, "it is a folder, not a file", is_folder=True)
        elif stat.S_ISLNK(info.external_attr >> 16):
            yield File(place, _nothing, "it is a link, not a file")
        elif info.flag_bits & _ENCRYPTED:
            yield File(place, _nothing, "it is encrypted; ask for an archive without a password")
        elif info.compress_type not in READ_IN_PARTS:
            method = _OTHER_METHODS.get(info.compress_type, f"method {info.compress_type}")
            yield File(place, _nothing, f"it is packed by {method}, not deflate; ask for an ordinary .zip")
        else:
            yield File(place, partial(_read_entry, archive, info, budget))


def _parts(name: str) -> tuple[str, ...]:
    """Split a path of an archive into folders and name. Windows may have written it with backslashes.

    ".." does no harm, because nothing is unpacked to the disk.
    """
    return tuple(part for part in name.replace("\\", "/").split("/", 2 * _DEEPEST) if part not in ("", ".", ".."))


def _read_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: _Budget, most: int) -> bytes:
    try:
        data = read_member(archive, info, most + 1)
    except Exception as error:  # as above
        raise ContainerError(one_line(f"the archive cannot be read: {error}", 200)) from error
    budget.take(len(data) + _COST_OF_A_FILE)
    if len(data) > most:
        raise ContainerError(_too_large(most))
    return data


def _is_ignored(name: str) -> bool:
    return name in _IGNORED or name.startswith(".")

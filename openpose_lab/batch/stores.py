"""Folders that hold files: on this machine, or behind an address that pyarrow's file systems read."""

from __future__ import annotations

import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from estimation.errors import OpenPoseLabError, one_line
from estimation.files import cannot_write, open_input, read_input, write_whole
from estimation.photos import LARGEST_PHOTO_FILE
from openpose_lab.sources.paths_in_order import all_contents

_TRIES = 3
"""How often an address is asked before its trouble stops the job. pyarrow itself repeats some requests, too."""
_PAUSE = 1.0
"""Seconds before the next try."""
_DENIED = ("ACCESS_DENIED", "status 403", "HTTP 403", "PERMISSION_DENIED")
"""Texts by which the errors of stores say that one object may not be read."""


class StoreError(OpenPoseLabError):
    """A disk, a store or a connection fails. Unlike the fault of one file, it ends the job, which can be repeated."""


class MissingError(OpenPoseLabError):
    """There is no such folder or file."""


class Store(ABC):
    """A folder that holds files. Names of files are relative to it, with forward slashes.

    Attributes:
        shown: The folder, for messages. An address is shown without a user name and a password.
    """

    shown: str

    @abstractmethod
    def list_files(self, folder: str = "") -> list[str]:
        """Return the names of all files below a folder, in any order. Hidden files are left out.

        Raises MissingError if the folder is missing, and StoreError if it cannot be read.
        """

    @abstractmethod
    def read(self, name: str, what: str = "photo") -> bytes:
        """Return the content of a file.

        Args:
            name: The file's name.
            what: The expected content, for messages.

        Raises:
            OpenPoseLabError: The file is missing, or cannot be read.
            StoreError: The disk or the store fails.
        """

    @abstractmethod
    @contextmanager
    def as_path(self, name: str) -> Iterator[Path]:
        """Give the path of a file on this machine, which may be a copy for the time of the block. Raises as ``read``"""

    @abstractmethod
    @contextmanager
    def opened(self, name: str) -> Iterator[Any]:
        """Open a file for reading at any position. Raises as ``read``, also for errors inside the block."""

    @abstractmethod
    def write(self, name: str, data: bytes) -> None:
        """Write a file whole, and make its folder. Raises StoreError if it cannot be written."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Delete a file, if it exists. Raises StoreError if it cannot be deleted."""


class LocalStore(Store):
    """A folder on this machine."""

    def __init__(self, root: Path) -> None:
        self.root, self.shown = root, one_line(str(root), 200)

    def list_files(self, folder: str = "") -> list[str]:
        """See ``Store.list_files``."""
        top = self.root / folder
        try:
            paths = [path for found in all_contents(top) for path in found.files]
        except (FileNotFoundError, NotADirectoryError):
            raise MissingError(f"there is no folder {one_line(str(top), 200)}; check the path") from None
        except OSError as error:
            place = one_line(str(error.filename or top), 200)
            raise StoreError(f"{place} cannot be read ({error.strerror}); check its permissions") from error
        return [path.relative_to(self.root).as_posix() for path in paths]

    def read(self, name: str, what: str = "photo") -> bytes:
        """See ``Store.read``."""
        try:
            return read_input(self.root / name, what, LARGEST_PHOTO_FILE)
        except (OSError, OpenPoseLabError):
            self._check_root()
            raise

    @contextmanager
    def as_path(self, name: str) -> Iterator[Path]:
        """See ``Store.as_path``."""
        self._check_root()
        yield self.root / name

    @contextmanager
    def opened(self, name: str) -> Iterator[Any]:
        """See ``Store.opened``."""
        self._check_root()
        with open_input(self.root / name, "file") as file:
            yield file

    def write(self, name: str, data: bytes) -> None:
        """See ``Store.write``."""
        path = self.root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, data)
        except OSError as error:
            raise StoreError(str(cannot_write(path, error))) from error
        except OpenPoseLabError as error:
            raise StoreError(str(error)) from error

    def delete(self, name: str) -> None:
        """See ``Store.delete``."""
        try:
            (self.root / name).unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{one_line(str(self.root / name), 200)} cannot be deleted: {error.strerror}") from error

    def _check_root(self) -> None:
        """Raise StoreError if the folder itself is gone, such as a disk that was unplugged."""
        if not self.root.is_dir():
            raise StoreError(f"the folder {self.shown} is gone; bring it back, and run again")


class RemoteStore(Store):
    """A folder behind an address, such as ``s3://bucket/folder`` or ``gs://bucket/folder``."""

    def __init__(self, address: str) -> None:
        self._address, self.shown = address, shown_address(address)
        self._files, self._root = _connect(address, self.shown)

    def __reduce__(self) -> Any:  # a connection belongs to its process
        return RemoteStore, (self._address,)

    def list_files(self, folder: str = "") -> list[str]:
        """See ``Store.list_files``."""
        import pyarrow.fs

        top = self._path(folder)
        selector = pyarrow.fs.FileSelector(top, allow_not_found=True, recursive=True)
        found = self._try(lambda: self._files.get_file_info(selector))
        start = len(self._root.rstrip("/")) + 1 if self._root else 0
        names = [one.path[start:] for one in found if one.type == pyarrow.fs.FileType.File]
        names = [name for name in names if not any(part.startswith(".") for part in name.split("/"))]
        if not names and not self._exists(top):
            raise MissingError(f"there is nothing at {self.shown}; check the address")
        return names

    def read(self, name: str, what: str = "photo") -> bytes:
        """See ``Store.read``."""

        def load() -> Any:
            with self._files.open_input_file(self._path(name)) as file:
                if file.size() > LARGEST_PHOTO_FILE:
                    raise OpenPoseLabError(f"the {what} {name} is larger than {LARGEST_PHOTO_FILE >> 20} MB")
                return file.read()

        try:
            return bytes(self._try(load))
        except FileNotFoundError:
            raise self._missing(name, what) from None

    @contextmanager
    def as_path(self, name: str) -> Iterator[Path]:
        """See ``Store.as_path``."""
        with tempfile.TemporaryDirectory(prefix="openpose-lab-") as folder:
            path = Path(folder) / name.rpartition("/")[2]
            try:
                self._try(lambda: self._copy(name, path))
            except FileNotFoundError:
                raise self._missing(name, "video") from None
            yield path

    @contextmanager
    def opened(self, name: str) -> Iterator[Any]:
        """See ``Store.opened``."""
        try:
            file = self._try(lambda: self._files.open_input_file(self._path(name)))
        except FileNotFoundError:
            raise self._missing(name, "file") from None
        with file:
            try:
                yield file
            except OSError as error:  # of the connection, or of damaged data: the next line asks the store
                self._exists(self._root)
                raise OpenPoseLabError(f"{name} cannot be read ({one_line(str(error), 200)})") from error

    def write(self, name: str, data: bytes) -> None:
        """See ``Store.write``."""
        path = self._path(name)

        def save() -> None:
            self._files.create_dir(path.rpartition("/")[0], recursive=True)
            try:
                with self._files.open_output_stream(path) as stream:
                    stream.write(data)
            except BaseException:  # closing the stream may have made a file that is not whole
                with suppress(OSError):
                    self._files.delete_file(path)
                raise

        self._try(save)

    def delete(self, name: str) -> None:
        """See ``Store.delete``."""
        with suppress(FileNotFoundError):
            self._try(lambda: self._files.delete_file(self._path(name)))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if self._root and name else self._root or name

    def _exists(self, path: str) -> bool:
        import pyarrow.fs

        return bool(self._try(lambda: self._files.get_file_info(path)).type != pyarrow.fs.FileType.NotFound)

    def _copy(self, name: str, path: Path) -> None:
        with self._files.open_input_stream(self._path(name)) as source, path.open("wb") as target:
            while piece := source.read(1 << 20):
                target.write(piece)

    def _missing(self, name: str, what: str) -> OpenPoseLabError:
        return OpenPoseLabError(f"there is no {what} {one_line(name, 200)} at {self.shown}")

    def _try(self, action: Callable[[], Any], left: int = _TRIES - 1) -> Any:
        """Run an action, and repeat it if the store fails. FileNotFoundError passes."""
        try:
            return action()
        except FileNotFoundError:
            raise
        except OSError as error:
            if not left or _is_denied(error):
                raise self._trouble(error) from error
        time.sleep(_PAUSE)
        return self._try(action, left - 1)

    def _trouble(self, error: OSError) -> OpenPoseLabError:
        reason = one_line(str(error), 200)
        if _is_denied(error):
            return OpenPoseLabError(f"{self.shown} refuses access ({reason}); check the credentials")
        return StoreError(f"{self.shown} cannot be used ({reason}); check the address and the connection")


def is_address(text: str) -> bool:
    """Return whether a text is an address, and not a path."""
    return "://" in text


def open_store(text: str) -> Store:
    """Open a folder by its path or address. Raises OpenPoseLabError if the address cannot be used."""
    if text.startswith("file://"):
        return LocalStore(Path(_connect(text, shown_address(text))[1]))
    return RemoteStore(text) if is_address(text) else LocalStore(Path(text).absolute())


def split_file(text: str) -> tuple[str, str]:
    """Split the path or address of a file into its folder and its name. Options behind ``?`` stay with the folder."""
    if not is_address(text):
        path = Path(text)
        return str(path.parent), path.name
    address, question, options = text.partition("?")
    folder, _, name = address.rstrip("/").rpartition("/")
    return folder + question + options, unquote(name)


def locate(store: Store, name: str) -> tuple[Store, str]:
    """Return the folder that holds an item, and the item's name in it. Addresses in lists have folders of their own."""
    if is_address(name):
        folder, file = split_file(name)
        return _open_once(folder), file
    return store, name


@lru_cache(maxsize=64)
def _open_once(folder: str) -> Store:
    return open_store(folder)


def shown_address(address: str) -> str:
    """Return an address for messages and files: without options, a user name and a password, which may be secret."""
    scheme, _, rest = address.partition("?")[0].partition("://")
    host, slash, path = rest.partition("/")
    return one_line(f"{scheme}://{host.rpartition('@')[2]}{slash}{path}".rstrip("/"), 200)


def _connect(address: str, shown: str) -> tuple[Any, str]:
    import pyarrow
    import pyarrow.fs

    try:
        files, root = pyarrow.fs.FileSystem.from_uri(address)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError, ValueError) as error:
        reason = one_line(str(error).replace(address, shown), 200)
        raise OpenPoseLabError(
            f"{shown} is not an address that can be used ({reason}); give one such as s3://bucket/folder"
        ) from error
    except OSError as error:
        reason = one_line(str(error).replace(address, shown), 200)
        raise StoreError(f"{shown} cannot be used ({reason}); check the address and the connection") from error
    return files, root.rstrip("/") or root


def _is_denied(error: OSError) -> bool:
    return any(text in str(error) for text in _DENIED)

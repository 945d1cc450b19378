"""Download files over HTTP and verify their checksums."""

from __future__ import annotations

import errno
import http.client
import os
import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar, cast

from tqdm import tqdm

from estimation.errors import OpenPoseLabError, one_line
from openpose_lab.checksums import checksum_like
from openpose_lab.file_locks import try_lock

LARGEST_DOWNLOAD = 1 << 30
"""The largest download in bytes. The largest published file of this project has 253 MB."""
_TIMEOUT_SECONDS = 30
_LEAST_BYTES_A_SECOND = 1000
_TOO_SLOW = "it sends less than 1 kB a second; run again later to continue"
_NETWORK_ERRORS = (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError)
_RECEIVED_BYTES = 1 << 16
_Answer = TypeVar("_Answer")


class DownloadInterruptedError(OpenPoseLabError):
    """The network or the disk failed, so other downloads will probably fail too."""


def is_downloaded(path: Path, expected: str) -> bool:
    """Return whether a file is already downloaded.

    Args:
        path: The path of the file.
        expected: Its checksum, ``algorithm:hexadecimal``.

    Returns:
        True if the file exists and has the checksum. False if nothing exists at ``path``.

    Raises:
        OpenPoseLabError: Something else exists at ``path``, or the file cannot be read.
    """
    if os.path.isdir(path):
        raise OpenPoseLabError(f"{path} is a folder, but a file with this name is needed; move the folder away")
    if not os.path.isfile(path):
        return False
    try:
        found = checksum_like(path, expected)
    except OSError as error:
        raise OpenPoseLabError(f"cannot read {path}: {error.strerror}; make it readable and run again") from error
    if found != expected:
        raise OpenPoseLabError(
            f"{path} is not the published file: {found}, expected {expected}; delete it and run again"
        )
    return True


def download(url: str, path: Path, expected: str, progress: bool = True, most_bytes: int = LARGEST_DOWNLOAD) -> None:
    """Download one file over HTTP.

    The data go into ``NAME.part``. The file is renamed to ``NAME`` when it is complete and its checksum is correct. If
    a download is interrupted, the next call continues it.

    Args:
        url: The address of the file.
        path: The path of the file. Its folder must exist.
        expected: Its checksum, ``algorithm:hexadecimal``.
        progress: Whether to show a progress bar if standard error is a terminal.
        most_bytes: The largest size of the file. Larger files are refused.

    Raises:
        DownloadInterruptedError: The network or the disk failed, or the server is too slow.
        OpenPoseLabError: The server refuses the file, the file has another checksum or is too large, or another
            program is downloading it.
    """
    part = path.with_name(f"{path.name}.part")
    for place in (part, _lock_of(path)):
        if os.path.exists(place) and not os.path.isfile(place):  # opening a pipe would wait for its other end
            raise OpenPoseLabError(f"{place} is not a file, but the download needs its name; move it away")
    try:
        with _alone(path):
            if is_downloaded(path, expected):  # another program has just downloaded it
                return
            more = _receive_rest(url, part, path.name, progress, most_bytes)
            if not more and checksum_like(part, expected) != expected:  # the part is from another file
                part.unlink()
                _receive_rest(url, part, path.name, progress, most_bytes)
            found = checksum_like(part, expected)
            if found == expected:
                os.replace(part, path)
                return
            part.unlink()
    except urllib.error.HTTPError as error:
        raise OpenPoseLabError(_cannot_fetch(url, path, expected, one_line(str(error.reason), 60))) from error
    except _TooLargeError as error:
        part.unlink(missing_ok=True)
        raise OpenPoseLabError(_cannot_fetch(url, path, expected, str(error))) from error
    except _NETWORK_ERRORS as error:
        reason = str(getattr(error, "reason", None) or error) or type(error).__name__
        raise DownloadInterruptedError(_cannot_fetch(url, path, expected, reason)) from error
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "free some space" if full else "check its folder"
        raise DownloadInterruptedError(f"cannot write {part}: {error.strerror}; {advice} and run again") from error
    raise OpenPoseLabError(_cannot_fetch(url, path, expected, f"the server sent another file: {found[:24]}…"))


class _TooLargeError(Exception):
    """The server sends more bytes than the largest size of the file."""


class _StuckError(ConnectionError):
    """The server does not answer in time."""


def _lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Lock a download until the block ends. Raise OpenPoseLabError if another program is downloading the file."""
    lock = _lock_of(path)
    with open(lock, "ab") as file:
        try:
            # Another program may have deleted the lock file after this program opened it.
            busy = not try_lock(file) or not os.path.samestat(os.fstat(file.fileno()), os.stat(lock))
        except FileNotFoundError:
            busy = True
        if busy:
            raise OpenPoseLabError(f"another program is downloading {path}; wait until it has finished, and run again")
        try:
            yield
        finally:
            with suppress(OSError):  # Windows cannot delete an open file
                lock.unlink()


def _receive_rest(url: str, part: Path, name: str, progress: bool, most_bytes: int) -> bool:
    """Append the missing bytes to ``part``. If the server cannot send only the missing bytes, start again.

    Returns:
        Whether the server sent anything. False if it says that ``part`` is already complete.
    """
    here = part.stat().st_size if part.is_file() else 0
    here = here if here <= most_bytes else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={here}-"} if here else {})
    try:
        response = _in_time(lambda: urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS))
    except urllib.error.HTTPError as error:
        error.close()
        if here and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return False
        raise
    except ValueError as error:  # urllib cannot read the address of the redirect
        raise ConnectionError(f"it redirects to an invalid address: {error}") from error
    try:
        _save(response, part, here, name, progress, most_bytes)
    except _StuckError:
        raise  # a thread still reads the answer, so closing it would wait
    except Exception:
        response.close()
        raise
    response.close()
    return True


def _save(
    response: http.client.HTTPResponse, part: Path, here: int, name: str, progress: bool, most_bytes: int
) -> None:
    """Append a response to the ``here`` bytes in ``part``. If the response is the whole file, replace them."""
    if response.status != http.HTTPStatus.PARTIAL_CONTENT:
        here = 0
    length = response.headers.get("Content-Length")
    total = here + int(length) if length and length.isdecimal() and len(length) < 20 else None
    if total is not None and total > most_bytes:
        raise _TooLargeError(f"it states {total} bytes, more than the limit of {most_bytes}")
    with (
        part.open("ab" if here else "wb") as out,
        tqdm(
            total=total,
            initial=here,
            desc=name,
            unit="B",
            unit_scale=True,
            disable=None if progress else True,
            leave=False,
        ) as bar,
    ):
        left, in_window, window_ends = most_bytes - here, 0, time.monotonic() + _TIMEOUT_SECONDS
        while chunk := _receive(response):
            left -= len(chunk)
            if left < 0:
                raise _TooLargeError(f"it sends more than the limit of {most_bytes} bytes")
            out.write(chunk)
            bar.update(len(chunk))
            in_window += len(chunk)
            if time.monotonic() > window_ends:
                if in_window < _LEAST_BYTES_A_SECOND * _TIMEOUT_SECONDS:
                    raise ConnectionError(_TOO_SLOW)
                in_window, window_ends = 0, time.monotonic() + _TIMEOUT_SECONDS
    if total and (arrived := part.stat().st_size) < total:
        raise ConnectionError(f"it stopped after {arrived} of {total} bytes; run again to continue")


def _receive(response: http.client.HTTPResponse) -> bytes:
    """Read the next bytes. Raise ConnectionError for network errors, so that they differ from errors of the disk."""
    try:
        return _in_time(lambda: response.read1(_RECEIVED_BYTES))
    except ConnectionError:
        raise
    except OSError as error:
        raise ConnectionError(error.strerror or str(error)) from error


def _in_time(call: Callable[[], _Answer]) -> _Answer:
    """Call a function that waits for a server, with a limit for the whole call.

    A socket's own timeout is not enough, because it starts again with every byte.

    Raises:
        _StuckError: The answer takes too long. The call continues in a daemon thread, so the program can end.
    """
    answers: queue.SimpleQueue[tuple[_Answer | None, BaseException | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            answers.put((call(), None))
        except BaseException as error:
            answers.put((None, error))

    threading.Thread(target=work, daemon=True).start()
    try:
        answer, error = answers.get(timeout=2 * _TIMEOUT_SECONDS)
    except queue.Empty:
        raise _StuckError(_TOO_SLOW) from None
    if error is not None:
        raise error
    return cast(_Answer, answer)


def _cannot_fetch(url: str, path: Path, expected: str, reason: str) -> str:
    return (
        f"cannot fetch {path.name} from {url} ({one_line(reason, 180)}); if the address is gone, find a file with "
        f"{expected} elsewhere, and put it at {path}"
    )

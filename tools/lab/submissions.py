"""Finding what students handed in: every file whose name has *merge* in it, plain or in a zip archive."""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from estimation.errors import OpenPoseLabError

LARGEST = 1 << 20
"""Bytes of a submission; nobody writes that much in an exercise."""
_IGNORED = {"__MACOSX", "__pycache__"}


@dataclass(frozen=True)
class Submission:
    """One file that was handed in.

    student: whose, as far as names tell. source: where it was found. code: its content. problem: why there is none.
    """

    student: str
    source: str
    code: bytes = b""
    problem: str | None = None


def find_submissions(folder: Path) -> list[Submission]:
    """All submissions in a folder and the folders in it, by name; each student's name occurs once.

    Raises OpenPoseLabError if there are none.
    """
    if not folder.is_dir():
        raise OpenPoseLabError(f"there is no folder {folder} with submissions; check the path")
    found: list[Submission] = []
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if path.is_symlink() or not path.is_file() or _is_ignored(place.as_posix()):
            continue
        if path.suffix.lower() == ".zip":
            found += _in_archive(path, place.as_posix())
        elif _is_merge(place.as_posix()):
            found.append(_read(path, place))
    if not found:
        raise OpenPoseLabError(f"there is no *merge*.py in {folder}, plain or in a zip archive; check the path")
    return _named_apart(found)


def _read(path: Path, place: Path) -> Submission:
    student = _without_merge(place.stem) or (place.parts[-2] if len(place.parts) > 1 else place.stem)
    try:
        if path.stat().st_size > LARGEST:
            return Submission(student, place.as_posix(), problem="the file is larger than a megabyte")
        return Submission(student, place.as_posix(), path.read_bytes())
    except OSError as error:
        return Submission(student, place.as_posix(), problem=f"the file cannot be read: {error.strerror}")


def _in_archive(path: Path, place: str) -> list[Submission]:
    """The merge in an archive like StudentID_Lab3.zip; if one is called just merge.py, that one alone."""
    student = re.sub(r"[ _-]*lab\s*_?\d+$", "", path.stem, flags=re.IGNORECASE) or path.stem
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if _is_merge(info.filename)]
            names = [name for name in names if PurePosixPath(name).name == "merge.py"] or names
            if not names:
                return [Submission(student, place, problem="there is no *merge*.py in the archive")]
            found = []
            for name in names:
                with archive.open(name) as file:
                    code = file.read(LARGEST + 1)
                problem = "the file is larger than a megabyte" if len(code) > LARGEST else None
                found.append(Submission(student, f"{place}: {name}", b"" if problem else code, problem))
            return found
    except Exception as error:  # whatever zipfile comes upon in a damaged, odd or encrypted archive
        return [Submission(student, place, problem=f"the archive cannot be read: {error}")]


def _is_merge(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() == ".py" and "merge" in path.stem.lower() and not _is_ignored(name)


def _is_ignored(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(_IGNORED.intersection(parts)) or any(part.startswith(".") for part in parts)


def _without_merge(stem: str) -> str:
    """What a file's name says besides merge: B0123 of B0123_merge."""
    return re.sub(r"[ _-]*merge[ _-]*", "", stem, flags=re.IGNORECASE)


def _named_apart(found: list[Submission]) -> list[Submission]:
    """Students with several submissions, or the same name, get a number behind it."""
    seen: Counter[str] = Counter()
    often = Counter(submission.student for submission in found)
    named = []
    for submission in found:
        seen[submission.student] += 1
        number = f" ({seen[submission.student]})" if often[submission.student] > 1 else ""
        named.append(replace(submission, student=submission.student + number))
    return named

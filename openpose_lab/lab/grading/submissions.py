"""Finding what students handed in: every file whose name has *merge* in it, plain or in a zip archive."""

from __future__ import annotations

import itertools
import re
import zipfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path, PurePath, PurePosixPath
from typing import TypeVar

from estimation.errors import OpenPoseLabError, one_line

Place = TypeVar("Place", Path, PurePosixPath)
LARGEST_FILE = 1 << 20
"""Bytes of a submission; nobody writes that much in an exercise."""
_IGNORED = {"__MACOSX", "__pycache__"}
_OF_THE_HANDOUT = {"check_merge", "merge_checks", "test_merge"}
"""Files of the handout with *merge* in their names; estimation/merge.py is what students write."""
_ARCHIVES = {".zip", ".rar", ".7z", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".ipynb"}
_MOODLE = re.compile(r"(.+)_\d+_assignsubmission_file")


@dataclass(frozen=True)
class Submission:
    """One file that was handed in.

    Attributes:
        student: the student's name, as far as names of files tell.
        source: where it was found.
        code: its content.
        problem: why there is none.
    """

    student: str
    source: str
    code: bytes = b""
    problem: str | None = None


def find_submissions(folder: Path) -> list[Submission]:
    """All submissions in a folder and the folders in it, by name; each student's name occurs once.

    What is there but cannot be marked is a submission with a problem, so that nobody is forgotten.
    Raises OpenPoseLabError if there are none.
    """
    if not folder.is_dir():
        raise OpenPoseLabError(f"there is no folder {folder} with submissions; check the path")
    places = [path.relative_to(folder) for path in sorted(folder.rglob("*"))]
    files = [place for place in places if not _is_ignored(place) and not (folder / place).is_dir()]
    chosen = _choose([place for place in files if _is_merge(place) and not (folder / place).is_symlink()])
    found: list[Submission] = []
    for place in files:
        if (folder / place).is_symlink():
            if _is_merge(place) or place.suffix.lower() in _ARCHIVES:
                found.append(Submission(_student(place, []), place.as_posix(), problem="it is a link, not a file"))
        elif place.suffix.lower() == ".zip":
            found.append(_in_archive(folder / place, place))
        elif place.suffix.lower() in _ARCHIVES:
            problem = f"a {place.suffix} file cannot be read here; unpack it, or ask for a .zip"
            found.append(Submission(_student(place, []), place.as_posix(), problem=problem))
        elif place in chosen:
            found.append(_read(folder / place, place, chosen))
    if not found:
        raise OpenPoseLabError(f"there is no *merge*.py in {folder}, plain or in a zip archive; check the path")
    served = {PurePosixPath(one.source).parts[0] for one in found}
    for place in places:
        if len(place.parts) == 1 and place.name not in served and (folder / place).is_dir() and not _is_ignored(place):
            found.append(Submission(_name(place.name), place.name, problem="there is no *merge*.py in the folder"))
    return _named_apart([replace(one, student=one_line(one.student), source=one_line(one.source)) for one in found])


def _choose(merges: list[Place]) -> list[Place]:
    """Of a whole project, ``estimation/merge.py`` alone; of other folders everything."""
    roots = [place.parent.parent for place in merges if place.parent.name == "estimation" and _is_exact(place)]
    return [
        place
        for place in merges
        if (place.parent.parent in roots and place.parent.name == "estimation" and _is_exact(place))
        or not any(root in place.parents for root in roots)
    ]


def _read(path: Path, place: Path, chosen: list[Path]) -> Submission:
    student, source = _student(place, chosen), place.as_posix()
    try:
        if path.stat().st_size > LARGEST_FILE:
            return Submission(student, source, problem="the file is larger than a megabyte")
        return Submission(student, source, path.read_bytes())
    except OSError as error:
        return Submission(student, source, problem=f"the file cannot be read: {error.strerror}")


def _in_archive(path: Path, place: Path) -> Submission:
    """The merge in an archive like StudentID_Lab3.zip: the one called just merge.py, if there is one."""
    student, source = _student(place, []), place.as_posix()
    try:
        with zipfile.ZipFile(path) as archive:
            names = [PurePosixPath(name) for name in archive.namelist()]
            merges = _choose([name for name in names if _is_merge(name) and not _is_ignored(name)])
            exact = [name for name in merges if _is_exact(name)] or merges
            least = min((len(name.parts) for name in exact), default=0)
            exact = [name for name in exact if len(name.parts) == least]
            if len(exact) != 1:
                what = f"there are {len(exact)} files that may be meant" if exact else "there is no *merge*.py"
                return Submission(student, source, problem=f"{what} in the archive")
            with archive.open(exact[0].as_posix()) as file:
                code = file.read(LARGEST_FILE + 1)
            source = f"{source}: {exact[0]}"
            if len(code) > LARGEST_FILE:
                return Submission(student, source, problem="the file is larger than a megabyte")
            return Submission(student, source, code)
    except Exception as error:  # whatever zipfile comes upon in a damaged, odd or encrypted archive
        return Submission(student, source, problem=one_line(f"the archive cannot be read: {error}"))


def _is_merge(place: PurePath) -> bool:
    stem = place.stem.lower()
    return place.suffix.lower() == ".py" and "merge" in stem and stem not in _OF_THE_HANDOUT


def _is_exact(place: PurePath) -> bool:
    return place.name.lower() == "merge.py"


def _is_ignored(place: PurePath) -> bool:
    return bool(_IGNORED.intersection(place.parts)) or any(part.startswith(".") for part in place.parts)


def _student(place: Path, chosen: list[Path]) -> str:
    """Whose a file is: Moodle's folder has the name; else the file's own, without what all have; else the folder's."""
    moodle = next((found[1] for part in place.parts if (found := _MOODLE.match(part))), "")
    own = re.sub(r"[ _-]*merge[ _-]*", "", _name(place.stem), flags=re.IGNORECASE)
    alone = [other.parent for other in chosen].count(place.parent) == 1
    folders = [part for part in place.parts[:-1] if part != "estimation"]
    if (alone and folders) or not own:  # the file's name may be anything there
        own = "" if moodle else next(filter(None, map(_name, reversed(folders))), "")
    return " ".join(filter(None, (moodle, own))) or place.stem


def _name(name: str) -> str:
    """A name without what Moodle and the browser add, and without the number of the lab."""
    return re.sub(r"(([ _-]*lab[ _-]*\d*)|( \(\d+\)))+$", "", name, flags=re.IGNORECASE)


def _named_apart(found: list[Submission]) -> list[Submission]:
    """Students with several submissions, or the same name, get a number behind it that nobody else has."""
    often = Counter(submission.student for submission in found)
    taken = {student for student, times in often.items() if times == 1}
    named = []
    for submission in found:
        student = submission.student
        if often[student] > 1:
            numbered = (f"{student} ({number})" for number in itertools.count(1))
            student = next(name for name in numbered if name not in taken)
            taken.add(student)
        named.append(replace(submission, student=student))
    return named

"""Finds the submission of each student in folders and archives of any learning-management system."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from estimation.errors import OpenPoseLabError, one_line
from openpose_lab.lab.grading.containers import ContainerError, File, Places, is_archive, list_containers
from openpose_lab.lab.grading.exports import METADATA, Exports, Owner, group_of, id_in, tells
from openpose_lab.lab.notebook_code import LARGEST_NOTEBOOK, NotebookError, merge_of_notebook

LARGEST_FILE = 1 << 20
"""The size limit of a submission in bytes. A solution has about 5,000."""
_OF_THE_HANDOUT = {"check_merge", "merge_checks", "test_merge"}
"""Files of the handout with *merge* in their names, other than estimation/merge.py, which students write."""
_OTHER_ARCHIVES = {".rar", ".7z", ".gz", ".tgz", ".tar", ".bz2", ".xz"}
_LONGEST_NAME, _LONGEST_SOURCE = 100, 250  # the most characters that are shown
_MOST_OTHERS = 20  # the most Python files without *merge* in their names that are read in one folder

_COPY = re.compile(r"(?:[ _-]*\(\d{1,3}\)|[ _-]+copy(?: \d+)?)$", re.IGNORECASE)
"""The suffix that browsers and people add to the name of a copy: "merge (1)", "merge - Copy"."""
_CANVAS_COPY = re.compile(r"-\d{1,2}$")
"""The suffix that Canvas adds to the name of a file that was submitted again."""
_LAB = re.compile(r"[ _-]*(?:(?<![a-z])lab[ _-]*\d*|lab[ _-]*\d+)(?:-\d{1,2})?$", re.IGNORECASE)
_COMMON = re.compile(
    r"(?:answer|attempt|backup|best|code|copy|docs?|draft|final|fixed|folder|group|handin|lab|last|main|mine|my|new|old"
    r"|part|project|python|solutions?|source|src|submissions?|submit|task|tests?|the|try|v|ver|version|work)?\d{0,2}"
)
"""Words that are not names of students."""


@dataclass(frozen=True)
class Submission:
    """The submission of one student.

    Attributes:
        student: the student's name, as far as the export has it.
        source: the place of the file.
        code: the content of the file.
        problem: the reason why no file can be marked; None if one can.
        id: the student's id, from the system or the name of the file.
        note: other facts about the submission.
    """

    student: str
    source: str
    code: bytes = b""
    problem: str | None = None
    id: str = ""
    note: str = ""

    @property
    def person(self) -> tuple[str, str]:
        """The id and the name, which are unique together."""
        return self.id, self.student


@dataclass(frozen=True)
class _Piece:
    """A file that may be a student's submission.

    Attributes:
        places: the place of the file.
        rank: 0 for merge.py, 1 for *merge*.py, 2 for another file that defines merge, 3 for any other .py and for an
            unreadable file that may hold one, 4 for a file without code.
        code: the content of the file; None if it was not read.
        problem: the reason why the file cannot be read; None if it can.
    """

    places: Places
    rank: int
    code: bytes | None = None
    problem: str | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        return _joined(self.places)

    @property
    def source(self) -> str:
        return ": ".join("/".join(filter(None, place)) for place in self.places)


@dataclass
class _Node:
    """A folder or an archive, with its possible submissions."""

    name: str
    is_archive: bool = False
    pieces: list[_Piece] = field(default_factory=list)
    kids: dict[str, _Node] = field(default_factory=dict)

    def all_pieces(self) -> list[_Piece]:
        return [*self.pieces, *(piece for kid in self.kids.values() for piece in kid.all_pieces())]

    def has_code(self) -> bool:
        return any(piece.rank < 4 or piece.problem for piece in self.all_pieces())


def find_submissions(folder: Path) -> list[Submission]:
    """Find the submission of each student in a folder, or in the archive of a course.

    Args:
        folder: the export of a learning-management system, or any folder of files, folders and zip archives.

    Returns:
        One submission for each student, sorted by source. A student without a clear file to mark gets a submission with
        a problem, so no student is forgotten.

    Raises:
        OpenPoseLabError: The folder does not exist, or holds no submissions.
    """
    if not os.path.exists(folder):  # also False if a parent folder must not be read
        raise OpenPoseLabError(f"the folder of submissions {folder} does not exist; check the path")
    if not folder.is_dir() and folder.suffix.lower() != ".zip":
        raise OpenPoseLabError(f"{folder} is neither a folder with submissions nor a .zip of them; check the path")
    exports = Exports()
    pieces = list(_read_pieces(folder, exports))
    if not any(piece.code is not None or piece.problem for piece in pieces):
        raise OpenPoseLabError(f"no *merge*.py was found in {folder}, plain or in a zip archive; check the path")
    same: dict[tuple[str, str], list[Submission]] = {}
    for found in (*_of_systems(pieces, exports), *_of_names([p for p in pieces if not exports.find(p.parts)])):
        shown = _shown(found)
        same.setdefault(shown.person, []).append(shown)
    return sorted(map(_settle_again, same.values()), key=lambda one: (one.source, one.id, one.student))


def find_one_submission(place: Path) -> Submission:
    """Find the file that counts in the submission of one student or one group.

    Args:
        place: a file, a folder or an archive. The names in it are not read as names of students.

    Returns:
        The submission. Its problem says why no file can be marked.

    Raises:
        OpenPoseLabError: The place does not exist, or cannot be read.
    """
    if not os.path.exists(place):
        raise OpenPoseLabError(f"the submission {place} does not exist; check the path")
    pieces = list(_read_pieces(place, Exports()))
    found = Submission("", "", problem="the submission is empty; it has no files")
    if pieces:
        found = _settle(pieces, [piece.parts for piece in pieces], "submission")
    return _shown(replace(found, student=place.resolve().stem))


def _shown(submission: Submission) -> Submission:
    """Return a submission with printable names."""
    return replace(
        submission,
        id=one_line(submission.id, _LONGEST_NAME),
        student=one_line(submission.student, _LONGEST_NAME),
        source=one_line(submission.source, _LONGEST_SOURCE),
        problem=submission.problem and one_line(submission.problem),
        note=one_line(submission.note),
    )


def _joined(places: Places) -> tuple[str, ...]:
    return tuple(part for place in places for part in place)


# Reading


def _read_pieces(folder: Path, exports: Exports) -> Iterator[_Piece]:
    """Read all possible submissions, and one file of each other folder, so that the folder is known."""
    for files in tqdm(list_containers(folder), desc="reading", unit="archive", disable=None):
        seen = set[tuple[str, ...]]()
        of_archive: Places = files[0].places[:-1] if files else ()
        holds_code = False
        wanted = _wanted(files)
        for file, chosen in zip(files, wanted):
            parts = _joined(file.places)
            if most := tells(file.name):
                try:
                    exports.learn(parts, file.read(most))
                except ContainerError as error:
                    if file.name == METADATA:
                        yield _Piece(file.places, 3, problem=str(error))
                if file.name == METADATA:
                    continue
            piece = _read_piece(file) if chosen or file.problem else None
            if piece:
                holds_code = True
                yield piece
            elif is_archive(file):
                holds_code = True
            elif _joined(file.places)[:-1] not in seen or exports.find(parts):
                seen.add(parts[:-1])
                yield _Piece(file.places, 4)
        if of_archive and not holds_code:
            yield _Piece((*of_archive, ("",)), 4, problem="no *merge*.py was found in the archive")


def _wanted(files: list[File]) -> list[bool]:
    """Choose the files of a container to read: *merge*.py, and other Python code of students without one."""
    names = [PurePosixPath(file.name) for file in files]
    groups = [group_of(file.places[-1]) for file in files]
    with_merge = {group for group, name in zip(groups, names) if _is_merge(name)}
    counts: dict[tuple[str, ...], int] = {}
    wanted = []
    for file, name, group in zip(files, names, groups):
        is_other = _is_code(name) and not _is_merge(name) and name.stem.lower() not in _OF_THE_HANDOUT
        if is_other and (group not in with_merge or len(file.places[-1]) == 1 == len(file.places)):
            place = file.places[-1][:-1]
            counts[place] = counts.get(place, 0) + (place != ())
            wanted.append(counts[place] <= _MOST_OTHERS)
        else:
            wanted.append(_is_merge(name) or name.suffix.lower() in _OTHER_ARCHIVES)
    return wanted


def _read_piece(file: File) -> _Piece | None:
    name = PurePosixPath(_without_txt(file.name))
    kind = name.suffix.lower()
    if file.problem:
        if file.is_folder or (file.name and not kind):  # a name without an extension may be a student's
            return _Piece(file.places, 3 if _is_code(name) else 4, problem=file.problem)
        if file.name and not _is_code(name) and not is_archive(file) and kind not in _OTHER_ARCHIVES:
            return None
        return _Piece(file.places, _rank(name), problem=file.problem)
    if kind in _OTHER_ARCHIVES:
        problem = f"a {name.suffix} file cannot be read here; unpack it, or ask for a .zip"
        return _Piece(file.places, 3, problem=problem)
    try:
        if kind == ".ipynb":
            return _Piece(file.places, 2, merge_of_notebook(file.read(LARGEST_NOTEBOOK)).code)
        code = file.read(LARGEST_FILE)
        return _Piece(file.places, min(_rank(name), 2 if _defines_merge(code) else 3), code)
    except (NotebookError, ContainerError) as error:
        return _Piece(file.places, _rank(name), problem=str(error))


def _rank(name: PurePosixPath) -> int:
    return 0 if _is_exact(name) else 1 if _is_merge(name) else 3


def _rank_in(piece: _Piece, path: tuple[str, ...]) -> int:
    """Return the rank by the file's own name, because some systems prefix it with the student's name."""
    return 0 if piece.rank == 1 and path and _is_exact(PurePosixPath(path[-1])) else piece.rank


def _without_txt(name: str) -> str:
    """Remove the .txt that some browsers and systems add to the name of a Python file."""
    return name[:-4] if name.lower().endswith(".py.txt") else name


def _is_code(name: PurePosixPath) -> bool:
    return PurePosixPath(_without_txt(name.name)).suffix.lower() in (".py", ".ipynb")


def _is_merge(name: PurePosixPath) -> bool:
    name = PurePosixPath(_without_txt(name.name))
    stem = name.stem.lower()
    return name.suffix.lower() == ".py" and "merge" in stem and stem not in _OF_THE_HANDOUT


def _is_exact(name: PurePosixPath) -> bool:
    return name.suffix.lower() == ".py" and _uncopied(name.stem[-_LONGEST_NAME:]) == "merge"


def _defines_merge(code: bytes) -> bool:
    return bool(re.search(rb"^(async\s+)?def\s+merge\b|^merge\s*=|\bimport\b.*\bmerge\b", code, re.MULTILINE))


# Owners


def _of_systems(pieces: list[_Piece], exports: Exports) -> Iterator[Submission]:
    """Yield the submissions of students that a learning-management system names."""
    handed: dict[tuple[str, str, str], list[tuple[_Piece, Owner, tuple[str, ...]]]] = {}
    for piece in pieces:
        owners, rest = exports.find(piece.parts) or ([], ())
        for owner in owners:
            handed.setdefault((owner.system, owner.id, owner.name), []).append((piece, owner, rest))
    for (_, identity, name), ones in handed.items():
        last = max(owner.time for _, owner, _ in ones)
        of_last = [(piece, rest) for piece, owner, rest in ones if owner.time == last]
        last_pieces = [piece for piece, _ in of_last]
        submission = _settle(
            last_pieces, [rest for _, rest in of_last], "archive" if _in_archive(last_pieces) else "folder"
        )
        own = _own_id([rest for piece, rest in of_last if submission.source.startswith(piece.source)])
        times = len({owner.time for _, owner, _ in ones})
        note = [f"the last of {times} attempts"] if times > 1 else []
        yield replace(
            submission,
            id=identity,
            student=" ".join(filter(None, (name, own if own != identity else ""))) or identity,
            note="; ".join(filter(None, (*note, submission.note))),
        )
    for owner in exports.expected():
        if (owner.system, owner.id, owner.name) not in handed:
            handed[owner.system, owner.id, owner.name] = []
            problem = "the export names this student, but holds no files of theirs"
            yield Submission(owner.name or owner.id, owner.system, problem=problem, id=owner.id)


def _own_id(paths: list[tuple[str, ...]]) -> str:
    """Return the id that the student put before _Lab3.zip or _merge.py; empty without one."""
    for path in paths:
        for part in path:
            own = _name_of_file(part)
            if re.search(r"\d", own) and _names_student(own) and "." in part:
                return own
    return ""


def _of_names(pieces: list[_Piece]) -> Iterator[Submission]:
    """Yield the submissions of students that only names of files, archives and folders identify."""
    top = _Node("")
    for piece in pieces:
        node = top
        ends = {sum(map(len, piece.places[: number + 1])) for number in range(len(piece.places) - 1)}
        for number, part in enumerate(piece.parts[:-1], 1):
            node = node.kids.setdefault(part, _Node(part))
            node.is_archive |= number in ends
        node.pieces.append(piece)
    names: dict[str, str] = {}
    for name, ones in _of_top(top):
        submission = _settle(ones, [one.parts for one in ones], "archive" if _in_archive(ones) else "folder")
        name = names.setdefault(name.casefold(), name)
        yield replace(submission, student=name, id=id_in(name) or name)


def _in_archive(pieces: list[_Piece]) -> bool:
    return any(len(piece.places) > 1 for piece in pieces)


_Row = tuple[str, list[_Piece]]


def _of_top(top: _Node) -> Iterator[_Row]:
    """Yield the students of the graded folder, with their files."""
    for piece in top.pieces:
        if piece.rank < 4 or piece.problem:
            yield _name_of_file(piece.parts[-1]) or _stem(piece.parts[-1]), [piece]
    alone = len(top.kids) == 1 and not any(piece.rank < 4 or piece.problem for piece in top.pieces)
    for kid in top.kids.values():
        yield from _rows(kid, [], alone)


def _rows(node: _Node, path: list[_Node], alone: bool = False) -> Iterator[_Row]:
    """Yield the students of a node, with their files.

    Args:
        node: a folder or an archive.
        path: the nodes above, which may have the students' names.
        alone: whether the graded folder holds only this node.
    """
    path = [*path, node]
    direct = [piece for piece in node.pieces if piece.rank < 4]
    named = [piece for piece in direct if _names_student(_name_of_file(piece.parts[-1]))]
    kids = [kid for kid in node.kids.values() if kid.has_code()]
    in_archive = any(one.is_archive for one in path)
    if any(_is_merge_of_project(piece.parts) for kid in kids for piece in kid.pieces):
        yield _name(path), node.all_pieces()
    elif not direct and len(kids) == 1:
        yield from _rows(kids[0], path, alone)
    elif not direct and kids and _are_students(kids) and (not in_archive or alone or _hold_archives(kids)):
        for kid in node.kids.values():
            yield from _rows(kid, [one for one in path if not one.is_archive])
    elif (not in_archive or alone) and named and (len(named) > 1 or kids):
        for piece in named:
            yield _name_of_file(piece.parts[-1]), [piece]
        if unnamed := [piece for piece in direct if not _names_student(_name_of_file(piece.parts[-1]))]:
            yield _name(path), unnamed
        for kid in kids:
            yield from _rows(kid, path)
    else:
        yield _name(path), node.all_pieces()


def _are_students(nodes: list[_Node]) -> bool:
    return all(_names_student(_name_of_file(node.name)) for node in nodes)


def _hold_archives(nodes: list[_Node]) -> bool:
    """Return whether some nodes are archives, or hold one. Students pack files, so packed archives mean a course."""
    return any(node.is_archive or any(kid.is_archive for kid in node.kids.values()) for node in nodes)


def _is_merge_of_project(parts: tuple[str, ...]) -> bool:
    return len(parts) > 1 and parts[-2] == "estimation" and _is_exact(PurePosixPath(parts[-1]))


def _name(path: list[_Node]) -> str:
    """Return the student's name, from the archive, which students name themselves, or from the innermost folder."""
    archives = [_name_of_file(node.name) for node in path if node.is_archive]
    folders = [node for node in reversed(path) if not node.is_archive and node.name != "estimation"]
    names = [_bare(node.name) for node in folders]
    if number := next(filter(id_in, archives), ""):
        own = (name for node, name in zip(folders, names) if len(node.kids) == 1 and not node.pieces)
        return " ".join((*filter(_names_student, islice(own, 1)), number))
    for candidates in (filter(_names_student, archives), filter(_names_student, names)):
        if name := next(candidates, ""):
            return name
    return next(filter(None, (*archives, *names)), "") or path[0].name


def _names_student(name: str) -> bool:
    return not all(_COMMON.fullmatch(word) for word in re.split(r"[\W_]+", name.lower()))


def _stem(name: str) -> str:
    stem = PurePosixPath(_without_txt(name)).stem or name
    return stem[:-4] if stem.lower().endswith(".tar") else stem


def _name_of_file(name: str) -> str:
    """Return the student's part of a file or archive name, without *merge*, the lab, and the mark of a copy."""
    before, merge, after = _around_merge(_stem(name)[: 2 * _LONGEST_NAME])
    before, after = _bare(before), _bare(after)
    return "_".join(filter(None, (before, after))) if merge and _names_student(after) else before


def _around_merge(stem: str) -> tuple[str, str, str]:
    before, merge, after = re.sub("merge", "\0", stem, count=1, flags=re.IGNORECASE).partition("\0")
    return (before.rstrip(" _-") if merge else before), merge, after.lstrip(" _-")


def _bare(name: str) -> str:
    """Remove from a name the lab's number and the suffixes that systems and browsers add."""
    while found := _LAB.search(name) or _COPY.search(name):
        name = name[: found.start()]
    return name


def _uncopied(stem: str) -> str:
    while found := _COPY.search(stem) or _CANVAS_COPY.search(stem):
        stem = stem[: found.start()]
    return stem.lower()


# Choosing


def _settle(pieces: list[_Piece], paths: list[tuple[str, ...]], what: str) -> Submission:
    """Choose the file that counts among all files of a student.

    The order is: merge.py of a whole project, merge.py, *merge*.py, another file that defines merge. Of several, the
    one in the fewest folders counts. If several different files are left, the submission has a problem.

    Args:
        pieces: all files.
        paths: the path of each file inside the submission.
        what: the word for the container in messages, such as "archive".

    Returns:
        A submission without a student.
    """
    roots = {path[:-2] for path in paths if _is_merge_of_project(path)}
    kept = [
        (piece, path)
        for piece, path in zip(pieces, paths)
        if _is_merge_of_project(path) or not any(path[:length] in roots for length in range(len(path)))
    ]
    ranks = [_rank_in(piece, path) for piece, path in kept]
    rank = min(ranks)
    of_rank = [one for one, its_rank in zip(kept, ranks) if its_rank == rank]
    least = min(len(path) for _, path in of_rank)
    best = [piece for piece, path in of_rank if len(path) == least]
    chosen = set(map(id, best))
    others = [one for one, _ in kept if id(one) not in chosen and (one.rank < 2 or (one.rank < 4 and one.problem))]
    note = f"not marked: {_listed(others, _folder_of([best[0], *others]))}" if others else ""
    if rank == 4:
        problem = next(filter(None, (piece.problem for piece in best)), f"no *merge*.py was found in the {what}")
        return Submission("", _folder_of(best) or best[0].source, problem=problem)
    places = {tuple(map(_uncopied, map(_stem, piece.parts[:-1]))) for piece in best}
    if len({(piece.code, piece.problem) for piece in best}) > 1 or len(places) > 1:
        folder = _folder_of(best)
        problem = (
            f"{len(best)} files in the {what} may be the submission: {_listed(best, folder)}; keep one of them"
            + (", or unpack the archive if it holds several students" if what == "archive" and len(places) > 1 else "")
        )
        return Submission("", folder or best[0].source, problem=problem, note=note)
    return Submission("", best[0].source, best[0].code or b"", best[0].problem, note=note)


def _folder_of(pieces: list[_Piece]) -> str:
    """Return the innermost folder or archive that holds all files; "" if it is the graded folder."""
    first, last = (choose(piece.source for piece in pieces) for choose in (min, max))
    common = first[: next((n for n, (one, other) in enumerate(zip(first, last)) if one != other), len(first))]
    return re.sub(r"(?:^|/|: )(?:(?!/|: ).)*$", "", common, flags=re.DOTALL)


def _listed(pieces: list[_Piece], folder: str) -> str:
    """List the first three files, with their problems."""
    told = [
        one_line(piece.source.removeprefix(folder).lstrip("/: "), 60)
        + (f" ({one_line(piece.problem, 60)})" if piece.problem else "")
        for piece in pieces[:3]
    ]
    return ", ".join(told) + (f" and {len(pieces) - 3} more" if len(pieces) > 3 else "")


def _settle_again(same: list[Submission]) -> Submission:
    """Join the submissions with the name of one student."""
    if len(same) == 1:
        return same[0]
    good = [one for one in same if not one.problem]
    best = good or same
    sources = ", ".join(one_line(one.source, 80) for one in best[:3]) + (" …" if len(best) > 3 else "")
    if len({(one.code, one.problem) for one in best}) > 1:
        problem = f"{len(best)} different submissions have this name: {sources}; keep one of them"
        return replace(best[0], code=b"", problem=problem, note="")
    others = [f"{one_line(one.source, 80)} ({one.problem})" for one in same if one.problem and good]
    return replace(best[0], note="; ".join(filter(None, (best[0].note, *others[:3]))))

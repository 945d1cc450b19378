"""Finding what students handed in, in folders and archives of any learning-management system: one for each student."""

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
"""Bytes of a submission. A solution has some 5,000."""
_OF_THE_HANDOUT = {"check_merge", "merge_checks", "test_merge"}
"""Files of the handout with *merge* in their names; estimation/merge.py is what students write."""
_OTHER_ARCHIVES = {".rar", ".7z", ".gz", ".tgz", ".tar", ".bz2", ".xz"}
_LONGEST_NAME, _LONGEST_SOURCE = 100, 250  # letters that are shown
_MOST_OTHERS = 20  # Python files without *merge* in their names that are looked at in one folder

_COPY = re.compile(r"(?:[ _-]*\(\d{1,3}\)|[ _-]+copy(?: \d+)?)$", re.IGNORECASE)
"""What browsers and people add to the name of a copy: "merge (1)", "merge - Copy"."""
_CANVAS_COPY = re.compile(r"-\d{1,2}$")
"""What Canvas adds to the name of a file that was handed in again."""
_LAB = re.compile(r"[ _-]*(?:(?<![a-z])lab[ _-]*\d*|lab[ _-]*\d+)(?:-\d{1,2})?$", re.IGNORECASE)
_COMMON = re.compile(
    r"(?:answer|attempt|backup|best|code|copy|docs?|draft|final|fixed|folder|group|handin|lab|last|main|mine|my|new|old"
    r"|part|project|python|solutions?|source|src|submissions?|submit|task|tests?|the|try|v|ver|version|work)?\d{0,2}"
)
"""Words that name no student."""


@dataclass(frozen=True)
class Submission:
    """What one student handed in.

    Attributes:
        student: the student's name, as far as the export tells.
        source: where it was found.
        code: its content.
        problem: why there is none.
        id: the student's id as the system, or the name of the file, states it.
        note: other facts about it.
    """

    student: str
    source: str
    code: bytes = b""
    problem: str | None = None
    id: str = ""
    note: str = ""

    @property
    def person(self) -> tuple[str, str]:
        """The id and the name, which no two submissions share."""
        return self.id, self.student


@dataclass(frozen=True)
class _Piece:
    """A file that may be what a student handed in.

    rank: 0 for merge.py, 1 for *merge*.py, 2 for another file that defines merge, 3 for any .py and for what may hold
    one but cannot be read, 4 for what holds none.
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
    """A folder or an archive, with what may be handed in in it."""

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
        folder: as a learning-management system exports it, or any folder of files, folders and zip archives.

    Returns:
        One submission for each student, in the order of their sources. What cannot be marked, or is not clear, is a
        submission with a problem, so that no student is forgotten.

    Raises:
        OpenPoseLabError: there are none.
    """
    if not os.path.exists(folder):  # which is False, too, where a folder above may not be read
        raise OpenPoseLabError(f"there is no folder {folder} with submissions; check the path")
    if not folder.is_dir() and folder.suffix.lower() != ".zip":
        raise OpenPoseLabError(f"{folder} is neither a folder with submissions nor a .zip of them; check the path")
    exports = Exports()
    pieces = list(_read_pieces(folder, exports))
    if not any(piece.code is not None or piece.problem for piece in pieces):
        raise OpenPoseLabError(f"there is no *merge*.py in {folder}, plain or in a zip archive; check the path")
    same: dict[tuple[str, str], list[Submission]] = {}
    for found in (*_of_systems(pieces, exports), *_of_names([p for p in pieces if not exports.find(p.parts)])):
        shown = _shown(found)
        same.setdefault(shown.person, []).append(shown)
    return sorted(map(_settle_again, same.values()), key=lambda one: (one.source, one.id, one.student))


def find_one_submission(place: Path) -> Submission:
    """Find the file that counts of all that one student, or one group, handed in.

    Args:
        place: a file, a folder or an archive. The names in it are not taken for names of students.

    Returns:
        The submission. A submission with a problem says why there is nothing to mark.

    Raises:
        OpenPoseLabError: the place does not exist, or cannot be read.
    """
    if not os.path.exists(place):
        raise OpenPoseLabError(f"there is no file or folder {place} with a submission; check the path")
    pieces = list(_read_pieces(place, Exports()))
    found = Submission("", "", problem="nothing was handed in: there are no files")
    if pieces:
        found = _settle(pieces, [piece.parts for piece in pieces], "submission")
    return _shown(replace(found, student=place.resolve().stem))


def _shown(submission: Submission) -> Submission:
    """The same with names that can be printed."""
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
    """Read what may be handed in, and of every other folder one file, to know that it is there."""
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
            yield _Piece((*of_archive, ("",)), 4, problem="there is no *merge*.py in the archive")


def _wanted(files: list[File]) -> list[bool]:
    """Choose the files of a container to read: *merge*.py, and other Python code where a student has none."""
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
        if file.is_folder or (file.name and not kind):  # a name without an ending may be a student's
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
    """The rank by the name that the student gave to the file, before which some systems write the student's."""
    return 0 if piece.rank == 1 and path and _is_exact(PurePosixPath(path[-1])) else piece.rank


def _without_txt(name: str) -> str:
    """Some browsers and systems add .txt to the name of a Python file."""
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
    """The submissions of students whom a learning-management system names."""
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
            problem = "the export names this student, but has no files of theirs"
            yield Submission(owner.name or owner.id, owner.system, problem=problem, id=owner.id)


def _own_id(paths: list[tuple[str, ...]]) -> str:
    """The id that students themselves put before _Lab3.zip or _merge.py, if there is one."""
    for path in paths:
        for part in path:
            own = _name_of_file(part)
            if re.search(r"\d", own) and _names_student(own) and "." in part:
                return own
    return ""


def _of_names(pieces: list[_Piece]) -> Iterator[Submission]:
    """The submissions of students whom only files, archives and folders name."""
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
    """The students of the folder that is graded."""
    for piece in top.pieces:
        if piece.rank < 4 or piece.problem:
            yield _name_of_file(piece.parts[-1]) or _stem(piece.parts[-1]), [piece]
    alone = len(top.kids) == 1 and not any(piece.rank < 4 or piece.problem for piece in top.pieces)
    for kid in top.kids.values():
        yield from _rows(kid, [], alone)


def _rows(node: _Node, path: list[_Node], alone: bool = False) -> Iterator[_Row]:
    """The students of a folder or an archive. path: the nodes above that may have their names. alone: it is all."""
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
    """Whether some are archives, or hold one: students pack files, so a pack of their archives is a course."""
    return any(node.is_archive or any(kid.is_archive for kid in node.kids.values()) for node in nodes)


def _is_merge_of_project(parts: tuple[str, ...]) -> bool:
    return len(parts) > 1 and parts[-2] == "estimation" and _is_exact(PurePosixPath(parts[-1]))


def _name(path: list[_Node]) -> str:
    """The student's name by the archive, which students name themselves, or by the innermost folder."""
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
    """The student's part of the name of a file or an archive: not *merge*, not the lab, not the mark of a copy."""
    before, merge, after = _around_merge(_stem(name)[: 2 * _LONGEST_NAME])
    before, after = _bare(before), _bare(after)
    return "_".join(filter(None, (before, after))) if merge and _names_student(after) else before


def _around_merge(stem: str) -> tuple[str, str, str]:
    before, merge, after = re.sub("merge", "\0", stem, count=1, flags=re.IGNORECASE).partition("\0")
    return (before.rstrip(" _-") if merge else before), merge, after.lstrip(" _-")


def _bare(name: str) -> str:
    """A name without what systems and browsers add, and without the number of the lab."""
    while found := _LAB.search(name) or _COPY.search(name):
        name = name[: found.start()]
    return name


def _uncopied(stem: str) -> str:
    while found := _COPY.search(stem) or _CANVAS_COPY.search(stem):
        stem = stem[: found.start()]
    return stem.lower()


# Choosing


def _settle(pieces: list[_Piece], paths: list[tuple[str, ...]], what: str) -> Submission:
    """Choose the file that counts of all that a student handed in.

    Args:
        pieces: all.
        paths: of each, in what was handed in.
        what: holds them, for sentences.

    Returns:
        A submission without a student: merge.py of a whole project, or else merge.py, or else *merge*.py, or else
        another file that defines merge; of several the one in the fewest folders. If several are left that differ, a
        problem.
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
        problem = next(filter(None, (piece.problem for piece in best)), f"there is no *merge*.py in the {what}")
        return Submission("", _folder_of(best) or best[0].source, problem=problem)
    places = {tuple(map(_uncopied, map(_stem, piece.parts[:-1]))) for piece in best}
    if len({(piece.code, piece.problem) for piece in best}) > 1 or len(places) > 1:
        folder = _folder_of(best)
        problem = (
            f"there are {len(best)} files that may be meant in the {what}: {_listed(best, folder)}; keep one of them"
            + (", or unpack the archive, if it is of several students" if what == "archive" and len(places) > 1 else "")
        )
        return Submission("", folder or best[0].source, problem=problem, note=note)
    return Submission("", best[0].source, best[0].code or b"", best[0].problem, note=note)


def _folder_of(pieces: list[_Piece]) -> str:
    """The innermost folder or archive that files are in; "" if it is the one that is graded."""
    first, last = (choose(piece.source for piece in pieces) for choose in (min, max))
    common = first[: next((n for n, (one, other) in enumerate(zip(first, last)) if one != other), len(first))]
    return re.sub(r"(?:^|/|: )(?:(?!/|: ).)*$", "", common, flags=re.DOTALL)


def _listed(pieces: list[_Piece], folder: str) -> str:
    """The first few, with what is wrong with them."""
    told = [
        one_line(piece.source.removeprefix(folder).lstrip("/: "), 60)
        + (f" ({one_line(piece.problem, 60)})" if piece.problem else "")
        for piece in pieces[:3]
    ]
    return ", ".join(told) + (f" and {len(pieces) - 3} more" if len(pieces) > 3 else "")


def _settle_again(same: list[Submission]) -> Submission:
    """Join the submissions that bear the name of one student."""
    if len(same) == 1:
        return same[0]
    good = [one for one in same if not one.problem]
    best = good or same
    sources = ", ".join(one_line(one.source, 80) for one in best[:3]) + (" …" if len(best) > 3 else "")
    if len({(one.code, one.problem) for one in best}) > 1:
        problem = f"there are {len(best)} submissions of this name, and they differ: {sources}; keep one of them"
        return replace(best[0], code=b"", problem=problem, note="")
    others = [f"{one_line(one.source, 80)} ({one.problem})" for one in same if one.problem and good]
    return replace(best[0], note="; ".join(filter(None, (best[0].note, *others[:3]))))

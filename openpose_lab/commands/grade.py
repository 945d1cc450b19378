"""Marks for a folder of submissions: every *merge*.py in it, plain or in zip archives like StudentID_Lab3.zip.

Each runs in a process of its own with limits, and what it answers is judged in another. A table of all marks is
written, and a page for each student. What is marked is kept, so that the same command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import json
import os
import re
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

from tqdm import tqdm

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from estimation.files import check_outputs, write_whole
from estimation.grouping import LAB_MERGE
from openpose_lab.commands.handout import handout_files
from openpose_lab.commands.options import (
    add_measuring_options,
    add_seconds_option,
    check_measuring_options,
    check_seconds_option,
    make_parser,
)
from openpose_lab.lab import accuracy
from openpose_lab.lab.grading import marking
from openpose_lab.lab.grading.likeness import ALIKE, fingerprint, likeness
from openpose_lab.lab.grading.marking import Record, Setting, checksum, mark
from openpose_lab.lab.grading.student_page import render_student_page
from openpose_lab.lab.grading.submissions import Submission, find_submissions
from openpose_lab.lab.merge_checks import CATEGORIES, NO_ANSWER
from openpose_lab.lab.photos import find_limbs
from openpose_lab.lab.sandbox.runner import Limits, Runner

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

POINTS = Path(marking.__file__).parent / "points.toml"
PROJECT = "the project's own merge"
_IMPORTABLE = (
    "estimation/",
    "openpose_lab/__init__",
    "openpose_lab/lab/__init__",
    "openpose_lab/lab/sandbox/",
)
"""Of the handout submissions see only this: not the cases that they are tried on."""
_LONGEST_CELL = 1000
_LONGEST_NAME = 150  # bytes, of a file
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(10))}
"""Names that Windows does not give to files."""
_MOST_ALIKE = 5  # are named in the table; the student's page has all
EXAMPLES = """examples:
  python -m openpose_lab grade submissions
  python -m openpose_lab grade submissions --out lab3.csv --points my_points.toml
  python -m openpose_lab grade submissions --images val2017 --annotations person_keypoints_val2017.json

docs/lab_instructor.md has what submissions are kept from doing, and on which systems.
"""


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    options = parse_options(arguments)
    check_options(options)
    points = read_points(options.points)
    submissions = find_submissions(options.folder)
    sheets = options.out.with_name(f"{options.out.stem}_sheets")
    try:
        sheets.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="grade-") as folder:
            setting = prepare(options, Path(folder))
            records = mark_all(submissions, setting, progress_file(options.out), options.jobs)
    except OSError as error:  # a full disk, for one
        where = f" ({error.filename})" if error.filename else ""
        raise OpenPoseLabError(
            f"cannot write what is needed for grading{where}: {error.strerror}; what is marked is kept, so free some "
            f"space, or choose another --out, and give the same command again"
        ) from error
    alike = find_alike(submissions)
    write_whole(options.out, to_csv(records, points, alike).encode("utf-8-sig", "replace"))  # the mark is for Excel
    report(records, points, alike)
    print(f"wrote {options.out}, and a page for each student to {sheets}")
    write_pages(sheets, records, points)


def write_pages(folder: Path, records: list[Record], points: dict[str, float]) -> None:
    """A page for each student. One that cannot be written is told, and the others are written all the same."""
    for record, name in zip(records, safe_names([record.student for record in records])):
        try:
            write_whole(folder / f"{name}.html", render_student_page(record, points).encode("utf-8", "replace"))
        except OpenPoseLabError as error:
            warnings.warn(str(error), OpenPoseLabWarning, stacklevel=2)


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of the command line."""
    parser = make_parser("grade", __doc__, EXAMPLES)
    parser.add_argument("folder", type=Path, metavar="SUBMISSIONS_DIR", help="the folder with what was handed in")
    parser.add_argument("--out", type=Path, default=Path("grades.csv"), help="the table (default: grades.csv)")
    parser.add_argument("--points", type=Path, default=POINTS, help="points by category, TOML (default: the lab's)")
    parser.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="so many at once (default: one for each core)",
    )
    add_seconds_option(parser)
    parser.add_argument(
        "--memory", type=int, default=1500, metavar="MB", help="of each submission (default: 1500; Linux alone)"
    )
    photos = parser.add_argument_group("photos to measure on, in place of the rows that come with the project")
    add_measuring_options(photos, required=False)
    return parser.parse_args(arguments)


def check_options(options: argparse.Namespace) -> None:
    """Raise OpenPoseLabError if something cannot be done, before it is begun."""
    check_measuring_options(options, otherwise="")
    for name, least in (("jobs", 1), ("memory", 200)):
        if getattr(options, name) < least:
            raise OpenPoseLabError(f"--{name} must be at least {least} but is {getattr(options, name)}")
    check_seconds_option(options)
    inputs = [("points", options.points), ("annotations", options.annotations), ("weights", options.weights)]
    inputs += [("submission", path) for path in options.folder.rglob("*") if path.is_file()]
    check_outputs([options.out, progress_file(options.out)], inputs)


def read_points(path: Path) -> dict[str, float]:
    """The points of each category. Raises OpenPoseLabError if the file is not there, or no such thing."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OpenPoseLabError(f"cannot read the points {path}: {error.strerror}; check the path") from error
    except ValueError as error:
        raise OpenPoseLabError(f"the points {path} are not TOML: {error}") from None
    points = content.get("points")
    if (
        not isinstance(points, dict)
        or set(points) != set(CATEGORIES)
        or not all(isinstance(value, int | float) and 0 <= value < 1e6 for value in points.values())
    ):
        raise OpenPoseLabError(
            f"the points {path} must have a table [points] with a number for each of {', '.join(CATEGORIES)}"
        )
    return {category: float(points[category]) for category in CATEGORIES}


def prepare(options: argparse.Namespace, folder: Path) -> Setting:
    """What all submissions are marked with: in ``folder`` what of the handout they can import, and photos."""
    root = folder / "lab"
    files = {name: content for name, content in handout_files().items() if name.startswith(_IMPORTABLE)}
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    photos: accuracy.PhotoRows
    if options.images:
        photos = find_limbs(options.images, options.annotations, options.network, options.weights, options.height)
    else:
        photos = accuracy.read_photo_rows()
    limits = Limits(options.seconds, options.memory)
    code = [path.read_bytes() for path in sorted(Path(marking.__file__).parent.glob("*.py"))]
    rows = [array.tobytes() for arrays in (photos.rows, photos.owners) for array in arrays]
    return Setting(root, photos, limits, checksum([*code, *files.values(), *rows, repr(limits).encode()]))


def progress_file(out: Path) -> Path:
    """Where what is marked is kept."""
    return out.with_name(f"{out.name}.progress")


def mark_all(submissions: list[Submission], setting: Setting, kept: Path, jobs: int) -> list[Record]:
    """The record of each submission; those of an earlier run that are still true are taken as they are."""
    known = read_progress(kept)
    records = {
        s.student: replace(known[key], student=s.student, source=s.source)
        for s in submissions
        if (key := setting.key_of(s)) in known
    }
    left = [submission for submission in submissions if submission.student not in records]
    if records:
        print(f"{len(records)} of {len(submissions)} were marked before ({kept})")
    if left:
        tell_guards()
    with (
        tqdm(total=len(submissions), initial=len(records), desc="submissions", unit="file", disable=None) as bar,
        kept.open("a", encoding="utf-8", errors="replace") as progress,
    ):
        try:
            for record in _marked(left, setting, min(jobs, max(len(left), 1))):
                records[record.student] = record
                progress.write(json.dumps(record.to_json()) + "\n")
                progress.flush()
                bar.update()
        except KeyboardInterrupt:
            tqdm.write(f"{len(records)} of {len(submissions)} are marked; the same command goes on from there")
            raise
    return [records[submission.student] for submission in submissions]


def _marked(submissions: list[Submission], setting: Setting, jobs: int) -> Iterator[Record]:
    """Each record as soon as it is there. Where a process of ours is ended, as by a system that lacks memory, those
    that were lost with it are tried again one by one, so that only the one that is to blame is not marked."""
    lost: list[Submission] = []
    yield from _round(submissions, setting, jobs, lost)
    for submission in lost:
        again: list[Submission] = []
        yield from _round([submission], setting, 1, again)
        if again:
            yield _unmarked(submission, "its judge was ended by the system")


def _round(submissions: list[Submission], setting: Setting, jobs: int, lost: list[Submission]) -> Iterator[Record]:
    """Mark in ``jobs`` processes; who cannot be marked since one of these ended is added to ``lost``."""
    waiting = iter(submissions)
    running: dict[Future[Record], Submission] = {}
    with _pool(jobs, setting) as pool:
        while True:
            for submission in itertools.islice(waiting, jobs - len(running)):
                try:
                    running[pool.submit(_mark, submission)] = submission
                except BrokenProcessPool:
                    lost += [submission, *running.values(), *waiting]
                    return
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                submission = running.pop(future)
                try:
                    yield future.result()
                except BrokenProcessPool:
                    lost.append(submission)
                except Exception as error:  # a fault of ours must not cost the others their marks
                    yield _unmarked(submission, f"{type(error).__name__}: {error}")


def _unmarked(submission: Submission, why: str) -> Record:
    problem = f"the grader failed on it, and it must be marked by hand: {why}"
    return Record(submission.student, submission.source, "", problem=problem)


@contextmanager
def _pool(jobs: int, setting: Setting) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (setting,))
    try:
        yield pool
    except BaseException:  # stopped: what is under way is not waited for
        for process in active_children():
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


_setting: list[Setting] = []  # of this process of the pool


def _begin(setting: Setting) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process sees to it
    _setting.append(setting)


def _mark(submission: Submission) -> Record:
    return mark(submission, _setting[-1])


def read_progress(path: Path) -> dict[str, Record]:
    """Records of earlier runs by their keys; what is damaged, as the last line after a power cut, is left out."""
    records: dict[str, Record] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return records
    for line in lines:
        try:
            record = Record.from_json(json.loads(line))
        except (ValueError, TypeError, KeyError):
            continue
        if record.key:
            records[record.key] = record
    return records


def tell_guards() -> None:
    """Say what submissions are held to on this system."""
    with Runner(LAB_MERGE, alone=True) as runner:
        runner.load()
        guards = runner.guards
    print(f"submissions are held to: time, {', '.join(guards)}")
    if not {"files", "programs, network and signals"} <= set(guards):
        print("this system does not keep them from all else: see docs/lab_instructor.md, or use a virtual machine")


def find_alike(submissions: list[Submission]) -> dict[str, dict[str, float]]:
    """For each student whose submissions theirs is much like, and how much; the project's own is among them."""
    prints = {s.student: fingerprint(s.code) for s in submissions if s.code}
    prints[PROJECT] = fingerprint(LAB_MERGE.read_bytes())
    alike: dict[str, dict[str, float]] = {submission.student: {} for submission in submissions}
    names = list(prints)
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            share = likeness(prints[one], prints[other])
            if share >= ALIKE:
                alike.setdefault(one, {})[other] = share
                alike.setdefault(other, {})[one] = share
    return {student: dict(sorted(found.items(), key=lambda item: -item[1])) for student, found in alike.items()}


def to_csv(records: list[Record], points: dict[str, float], alike: dict[str, dict[str, float]]) -> str:
    """The table: a line for each submission."""
    figures = list(dict.fromkeys(name for record in records for name in record.accuracy))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["student", "points", *CATEGORIES, *figures, "ms", "alike", "reason", "source"])
    for record in records:
        marks = {category: points[category] * share for category, share in record.shares().items()}
        writer.writerow(
            [
                plain(record.student),
                f"{sum(marks.values()):.1f}",
                *(f"{mark:.1f}" for mark in marks.values()),
                *(record.accuracy.get(name, "") for name in figures),
                "" if record.milliseconds is None else record.milliseconds,
                plain(listed(alike[record.student])),
                plain(reason(record)),
                plain(record.source),
            ]
        )
    return text.getvalue()


def listed(alike: dict[str, float]) -> str:
    """The most alike first, and no more than a few of them."""
    names = [f"{name} ({share:.2f})" for name, share in alike.items()]
    more = [f"and {len(names) - _MOST_ALIKE} more"] if len(names) > _MOST_ALIKE else []
    return "; ".join(names[:_MOST_ALIKE] + more)


def reason(record: Record) -> str:
    """Why there are not all points, in one sentence."""
    if record.problem:
        return record.problem
    telling = {name: told for name, told in record.failures.items() if told[0] != NO_ANSWER.sentence}
    for name, (sentence, _) in telling.items():
        others = f" (and {len(record.failures) - 1} more)" if len(record.failures) > 1 else ""
        return f"{name}: {sentence}{others}"
    return ""


def plain(text: str) -> str:
    """Text on one line that no spreadsheet takes for a formula, or finds too long."""
    text = " ".join(text.split())[:_LONGEST_CELL]
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def safe_names(students: list[str]) -> list[str]:
    """Students' names as file names on every system, no two alike."""
    names: list[str] = []
    for student in students:
        letters = re.sub(r"[^\w.() -]", "_", student).strip(" .")
        name = letters.encode("utf-8", "ignore")[:_LONGEST_NAME].decode("utf-8", "ignore") or "_"
        if name.split(".")[0].upper() in _DEVICES:
            name = f"_{name}"
        while name.lower() in (other.lower() for other in names):
            name += "_"
        names.append(name)
    return names


def report(records: list[Record], points: dict[str, float], alike: dict[str, Any]) -> None:
    """What came of all, in a few lines."""
    totals = [sum(points[name] * share for name, share in record.shares().items()) for record in records]
    most = sum(points.values())
    print(f"{len(records)} submissions, {sum(totals) / len(totals):.1f} of {most:g} points on average")
    print(f"{sum(not record.failures and not record.problem for record in records)} pass every check")
    for what, count in (
        ("cannot be loaded, or read", sum(bool(record.problem) for record in records)),
        ("are much like another one", sum(bool(alike[record.student]) for record in records)),
    ):
        if count:
            print(f"{count} {what}")

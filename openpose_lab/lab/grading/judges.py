"""Marks all submissions: several processes work at once, and each mark is stored as soon as it is known."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing import active_children, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import BinaryIO

from tqdm import tqdm

from estimation.errors import OpenPoseLabError, one_line
from estimation.grouping import LAB_MERGE
from openpose_lab.lab.accuracy import PhotoRows, read_photo_rows
from openpose_lab.lab.grading.marking import Record, Setting, combined_checksum, mark
from openpose_lab.lab.grading.submissions import Submission
from openpose_lab.lab.importable import importable_files
from openpose_lab.lab.sandbox.limits import Limits
from openpose_lab.lab.sandbox.runner import Runner, kill_all
from openpose_lab.paths import ROOT

_ENDS_WITHIN = 5.0  # seconds that a process of the pool may take to end before it is killed
_PACKAGES = ("estimation", "openpose_lab")
FULL_SANDBOX = {"files", "programs, network and signals"}
"""The guards of a complete sandbox."""


def prepare(photos: PhotoRows, limits: Limits, folder: Path) -> Setting:
    """Write the files that submissions can import into a folder.

    Args:
        photos: The rows for measuring accuracy.
        limits: The limits of each submission.
        folder: The grader's temporary folder.

    Returns:
        The setting for all submissions. Its key depends on all code of the project, so a change of the code makes
        stored marks invalid.
    """
    files = importable_files()
    code = [path.read_bytes() for package in _PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    rows = [array.tobytes() for arrays in (photos.rows, photos.owners) for array in arrays]
    setting = Setting(folder, photos, limits, combined_checksum([*code, *files.values(), *rows, repr(limits).encode()]))
    for name, content in files.items():
        path = setting.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return setting


def mark_all(
    submissions: list[Submission],
    setting: Setting,
    kept: Path,
    jobs: int,
    begin: Callable[[int, int], object] = lambda known, left: None,
) -> list[Record]:
    """Mark the submissions that have no valid mark of an earlier run.

    Args:
        submissions: The submissions.
        setting: The setting for all submissions.
        kept: The file with stored marks.
        jobs: The number of processes that mark at once.
        begin: A function that is called before the first submission is marked, with the number of submissions already
            marked and the number left.

    Returns:
        The record of each submission, in the same order.
    """
    known = read_progress(kept)
    records = {s.person: known[key].of(s) for s in submissions if (key := setting.key_of(s)) in known}
    left = [submission for submission in submissions if submission.person not in records]
    begin(len(records), len(left))
    with (
        tqdm(total=len(submissions), initial=len(records), desc="submissions", unit="file", disable=None) as bar,
        kept.open("a+b") as progress,
    ):
        _end_line(progress)
        try:
            for record in _marked(left, setting, min(jobs, max(len(left), 1))):
                records[record.person] = record
                progress.write(json.dumps(record.to_json()).encode() + b"\n")
                progress.flush()
                bar.update()
        except KeyboardInterrupt:
            tqdm.write(
                f"{len(records)} of {len(submissions)} submissions are marked; the same command continues from there"
            )
            raise
    return [records[submission.person] for submission in submissions]


def _end_line(file: BinaryIO) -> None:
    """End the last line of a file, which may be cut off, so that the next record starts a new line."""
    if file.seek(0, os.SEEK_END):
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")


def _marked(submissions: list[Submission], setting: Setting, jobs: int) -> Iterator[Record]:
    """Yield each record as soon as it is known.

    The system may end a process of the pool, for example when memory runs out. The submissions lost with it are then
    marked again one by one, so only the submission to blame stays without a mark.
    """
    lost: list[Submission] = []
    yield from _round(submissions, setting, jobs, lost)
    for submission in lost:
        again: list[Submission] = []
        yield from _round([submission], setting, 1, again)
        if again:
            yield _unmarked(submission, "the system ended the process that marked it")


def _round(submissions: list[Submission], setting: Setting, jobs: int, lost: list[Submission]) -> Iterator[Record]:
    """Mark in ``jobs`` processes. Submissions without a mark, because a process ended, are added to ``lost``."""
    waiting = iter(submissions)
    running: dict[Future[Record], Submission] = {}
    with _pool(jobs, setting) as pool:
        while True:
            for submission in itertools.islice(waiting, jobs - len(running)):
                try:
                    with _signals_blocked():  # a signal during its start would make a process print a traceback
                        running[pool.submit(_mark, submission)] = submission
                except BrokenProcessPool:
                    lost += [submission, *running.values(), *waiting]
                    return
            if not running:
                return
            done, _ = wait(running, timeout=1, return_when=FIRST_COMPLETED)  # Windows handles Ctrl-C only between waits
            for future in done:
                submission = running.pop(future)
                try:
                    yield future.result()
                except BrokenProcessPool:
                    lost.append(submission)
                except Exception as error:  # an error of the grader must not cost other submissions their marks
                    yield _unmarked(submission, f"{type(error).__name__}: {error}")


def _unmarked(submission: Submission, why: str) -> Record:
    problem = f"the grader failed on this submission; mark it by hand: {why}"
    return Record(submission.student, submission.source, "", problem=problem).of(submission)


_STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Hold back the signals that stop the grader until the block ends. Processes started inside block them, too.

    Windows cannot block signals.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _pool(jobs: int, setting: Setting) -> Iterator[ProcessPoolExecutor]:
    """Start processes that mark submissions. They end when the grader closes its end of the lifeline, or is killed."""
    context = get_context("spawn")
    lifeline, end = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(jobs, context, _begin, (setting, lifeline))
    with lifeline, end:
        try:
            yield pool
            pool.shutdown()
        except BaseException:  # the grader was stopped, so it does not wait for submissions in progress
            end.close()
            for process in active_children():
                process.join(_ENDS_WITHIN)
                process.kill()
                process.join()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_setting: list[Setting] = []  # the setting in a process of the pool


def _begin(setting: Setting, lifeline: Connection) -> None:
    """Prepare this process of the pool. The grader handles the signals that a terminal sends to both."""
    for name in ("SIGINT", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)  # the pool sends SIGTERM to all processes if one is lost
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)  # the grader blocked them when it started this process
    threading.Thread(target=_end_with_grader, args=(lifeline, setting.folder), daemon=True).start()
    _setting.append(setting)


def _end(*_: object) -> None:
    """End this process of the pool, and its submission's process."""
    kill_all()
    os._exit(1)


def _end_with_grader(lifeline: Connection, folder: Path) -> None:
    """Wait until the grader ends. Then remove its temporary folder, which a killed grader leaves, and end."""
    with suppress(EOFError, OSError):
        lifeline.recv()
    kill_all()
    until = time.monotonic() + _ENDS_WITHIN / 2
    while folder.exists() and time.monotonic() < until:  # the main thread or another process may still write into it
        shutil.rmtree(folder, ignore_errors=True)
    _end()


def _mark(submission: Submission) -> Record:
    return mark(submission, _setting[-1])


def read_progress(path: Path) -> dict[str, Record]:
    """Read the records of earlier runs by key. Damaged lines, such as the last one after a power cut, are left out."""
    records: dict[str, Record] = {}
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return records
    for line in lines:
        try:
            record = Record.from_json(json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
            continue
        if record.key:
            records[record.key] = record
    return records


def check_reference(setting: Setting) -> list[str]:
    """Mark the project's own merge. It must get full marks before any submission is marked.

    Returns:
        The guards of the sandbox on this system.

    Raises:
        OpenPoseLabError: The reference fails a check: the limits are too tight, the machine is too busy, or
            estimation/merge.py was edited.
    """
    reference = Submission("reference", LAB_MERGE.name, LAB_MERGE.read_bytes())
    setting = replace(setting, photos=read_photo_rows())  # the user's photos may be many
    guards = find_guards(setting)
    for _ in range(2):  # the machine may have been busy
        why = _first_fault(reference, setting)
        if not why:
            return guards
    raise OpenPoseLabError(
        f"no submission was marked, because the grader's reference {LAB_MERGE} does not get full marks here "
        f"({one_line(why, 120)}); restore this file, or raise --seconds or --memory"
    )


def find_guards(setting: Setting) -> list[str]:
    """Return the guards of the sandbox on this system; none if Python does not start as the setting's user."""
    file = setting.folder / "empty.py"
    file.write_text("merge = print\n")
    with Runner(file, setting.limits, alone=True, root=setting.root, user=setting.user) as runner:
        runner.load()
        return runner.guards


def _first_fault(submission: Submission, setting: Setting) -> str:
    """Return why a submission does not get full marks; empty if it does."""
    try:
        record = mark(submission, setting)
    except RuntimeError as error:  # Python did not start
        return str(error)
    return record.problem or next((f"{name}: {told[0]}" for name, told in record.failures.items()), "")

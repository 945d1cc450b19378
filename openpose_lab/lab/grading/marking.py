"""Marking one submission: it runs alone, its answers are checked, and what came of it is a record that can be kept."""

from __future__ import annotations

import hashlib
import math
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openpose_lab.lab.accuracy import PhotoRows, merge_seconds
from openpose_lab.lab.grading import likeness
from openpose_lab.lab.grading.hidden_checks import HIDDEN
from openpose_lab.lab.grading.submissions import Submission
from openpose_lab.lab.importable import with_allowed
from openpose_lab.lab.merge_checks import CATEGORIES, CHECKS, FAIR, Bench, MergeCheck, run_checks
from openpose_lab.lab.photos import measure_all
from openpose_lab.lab.row_tables import format_rows
from openpose_lab.lab.sandbox.limits import Limits
from openpose_lab.lab.sandbox.runner import Runner, SandboxReply
from openpose_lab.lab.waiting import find_waiting

_HIDDEN_CONTRACT = tuple(
    MergeCheck(f"hidden: {check.name}", check.category, check.run) for check in CHECKS if check.category == "contract"
)
"""The contract's checks look at all answers so far, so after the hidden checks they look at those too."""
ALL_HIDDEN = (*HIDDEN, *_HIDDEN_CONTRACT)
ALL_CHECKS = (*CHECKS, *ALL_HIDDEN)
_SECONDS_IN_ALL = 120.0
"""For some 1,000 calls of the checks, and judging what they answer, and as much again for the calls with photos. The
project's own merge takes two or three."""


@dataclass(frozen=True)
class Record:
    """What came of one submission. Plain values alone, so that it can be kept as JSON.

    key: of all that it depends on. problem: why nothing could be checked. failures: for each check that failed, what it
    says, and the rows concerned as a table. waiting: the more basic check by the name of each failed check that waits
    for it. accuracy: figures by name. milliseconds: for the rows of all photos. prints: the fingerprint of its code; ""
    if it is too large to be compared, None if there is none. id, student, source, note: as in the submission.
    """

    student: str
    source: str
    key: str
    problem: str | None = None
    failures: dict[str, tuple[str, str]] = field(default_factory=dict)
    accuracy: dict[str, float] = field(default_factory=dict)
    milliseconds: float | None = None
    prints: str | None = None
    id: str = ""
    note: str = ""
    waiting: dict[str, str] = field(default_factory=dict)

    @property
    def person(self) -> tuple[str, str]:
        """The id and the name, which no two records share."""
        return self.id, self.student

    def of(self, submission: Submission) -> Record:
        """The record for a student who handed in the same code."""
        return replace(
            self, id=submission.id, student=submission.student, source=submission.source, note=submission.note
        )

    def shares(self) -> dict[str, float]:
        """The share of each category's points: of the checks that students see and of those that they do not, the mean
        of what was passed. The other categories are scaled by the correctness score."""
        if self.problem:
            return dict.fromkeys(CATEGORIES, 0.0)
        shares = {}
        for category in CATEGORIES:
            of_category = [
                [check.name for check in checks if check.category == category] for checks in (CHECKS, ALL_HIDDEN)
            ]
            passed = [sum(name not in self.failures for name in names) / len(names) for names in of_category if names]
            shares[category] = sum(passed) / len(passed)
        correct = shares["correctness"]
        return {name: share if name == "correctness" else share * correct for name, share in shares.items()}

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Record:
        """What ``to_json`` gave. Raises TypeError, ValueError, OverflowError or KeyError if it is something else."""
        failures = {str(name): (str(sentence), str(rows)) for name, (sentence, rows) in values["failures"].items()}
        accuracy = {str(name): float(figure) for name, figure in values["accuracy"].items()}
        waiting = {str(name): str(other) for name, other in values.get("waiting", {}).items()}
        texts = [values.get(name) or "" for name in ("student", "source", "key", "problem", "prints", "id", "note")]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("a text of the record is none")
        likeness.decode(values.get("prints") or "")
        milliseconds = None if values["milliseconds"] is None else float(values["milliseconds"])
        plain = {"failures": failures, "accuracy": accuracy, "milliseconds": milliseconds, "waiting": waiting}
        return cls(**{**values, **plain})


@dataclass(frozen=True)
class Setting:
    """What all submissions are marked with.

    Attributes:
        folder: the grader's temporary folder, which it removes at its end.
        photos: the rows on which accuracy is measured.
        limits: the limits of a submission's process.
        key: a checksum of everything that marks depend on.
        user: the ids of the user and the group that submissions run as; None for those of the grader.
    """

    folder: Path
    photos: PhotoRows
    limits: Limits
    key: str
    user: tuple[int, int] | None = None

    @property
    def root(self) -> Path:
        """The handout, unpacked: what a submission can import."""
        return self.folder / "lab"

    def key_of(self, submission: Submission) -> str:
        """Of all that a submission's record depends on."""
        return combined_checksum([self.key.encode(), submission.code, (submission.problem or "").encode()])


def combined_checksum(values: Iterable[bytes]) -> str:
    """Compute one checksum of several values, in hexadecimal."""
    return hashlib.sha256(b"".join(hashlib.sha256(value).digest() for value in values)).hexdigest()


def mark(submission: Submission, setting: Setting) -> Record:
    """Run a submission, and look at what it answers."""
    about = submission.student, submission.source, setting.key_of(submission)
    if submission.problem:
        return Record(*about, problem=submission.problem).of(submission)
    prints = likeness.encode(likeness.fingerprint(submission.code))
    return replace(_run(submission, about, setting), prints=prints).of(submission)


def _run(submission: Submission, about: tuple[str, str, str], setting: Setting) -> Record:
    with tempfile.TemporaryDirectory(prefix="submission-", dir=setting.folder) as folder:
        file = Path(folder) / "merge.py"
        file.write_bytes(submission.code)
        if setting.user:
            file.parent.chmod(0o755)  # another user reads it
        with Runner(file, setting.limits, alone=True, root=setting.root, user=setting.user) as runner:
            loaded = runner.load()
            if loaded.error and not runner.started:
                loaded = runner.load()  # the machine may be busy
                if loaded.error and not runner.started:
                    raise RuntimeError(loaded.error)
            if loaded.error:
                return Record(*about, problem=with_allowed(loaded.error.replace(str(file), "merge.py")))
            bench = Bench(runner, loaded, _SECONDS_IN_ALL, FAIR)
            # Students see what their own checks say before the due date. These end before the merge sees a hidden row,
            # so that it can put none into an error, an answer or what it prints.
            failures = run_checks(CHECKS, bench)
            waiting, hung = find_waiting(failures), bench.hung
            failures |= run_checks(ALL_HIDDEN, bench)
            told = {
                name: (
                    with_allowed(failure.sentence.replace(str(file), "merge.py")),
                    format_rows(failure.rows) if failure.rows else "",
                )
                for name, failure in failures.items()
            }
            accuracy: dict[str, float] = {}
            milliseconds = None
            if not hung:
                # Anew: neither what it remembers of the hidden rows, nor that it hangs at one, must show in the figures
                # that students see.
                runner.limits = setting.limits
                bench = Bench(runner, runner.load(), _SECONDS_IN_ALL, FAIR)
                accuracy = measure_all(setting.photos, lambda rows: bench.call(rows).value)
                if accuracy and not bench.hung:
                    seconds = merge_seconds(setting.photos, lambda rows: _timed(bench, rows))
                    milliseconds = round(1000 * seconds, 1) if math.isfinite(seconds) else None
            return Record(*about, None, told, accuracy, milliseconds, waiting=waiting)


def _timed(bench: Bench, rows: NDArray[np.float64]) -> SandboxReply:
    """The reply to a call. One that failed takes for ever: its time is none to be proud of."""
    reply = bench.again(rows)
    return replace(reply, seconds=math.inf) if reply.error else reply

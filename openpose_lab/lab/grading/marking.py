"""Marks one submission: runs it in a sandbox, checks its answers, and makes a record that can be stored."""

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
"""The contract's checks once more. They look at all answers so far, so here also at those of the hidden checks."""
ALL_HIDDEN = (*HIDDEN, *_HIDDEN_CONTRACT)
ALL_CHECKS = (*CHECKS, *ALL_HIDDEN)
_SECONDS_IN_ALL = 120.0
"""Time limit of about 1,000 calls of the checks and of judging their answers. The calls with photos have the same
limit. The project's own merge takes two or three seconds."""


@dataclass(frozen=True)
class Record:
    """The result of one submission, in plain values that JSON can store.

    Attributes:
        student: as in the submission.
        source: as in the submission.
        key: a checksum of everything that the record depends on.
        problem: the reason why no check was run; None if checks were run.
        failures: for each failed check its sentence, and its rows as a table.
        accuracy: accuracy figures by name.
        milliseconds: the time for the rows of all photos; None if they were not timed.
        prints: the fingerprint of its code; "" if the code is too large to compare, None without code.
        id: as in the submission.
        note: as in the submission.
        waiting: the more basic check, by the name of each failed check that waits for it.
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
        """The id and the name, which are unique together."""
        return self.id, self.student

    def of(self, submission: Submission) -> Record:
        """Return this record for another submission with the same code."""
        return replace(
            self, id=submission.id, student=submission.student, source=submission.source, note=submission.note
        )

    def shares(self) -> dict[str, float]:
        """Compute the share of each category's points, from 0 to 1.

        A share is the mean of two shares of passed checks: of the visible checks, and of the hidden ones. Categories
        other than correctness are scaled by the correctness score.
        """
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
        """Return the record as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Record:
        """Read the values of ``to_json``. Raises TypeError, ValueError, OverflowError or KeyError for other values."""
        failures = {str(name): (str(sentence), str(rows)) for name, (sentence, rows) in values["failures"].items()}
        accuracy = {str(name): float(figure) for name, figure in values["accuracy"].items()}
        waiting = {str(name): str(other) for name, other in values.get("waiting", {}).items()}
        texts = [values.get(name) or "" for name in ("student", "source", "key", "problem", "prints", "id", "note")]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("a field of the record must be text")
        likeness.decode(values.get("prints") or "")
        milliseconds = None if values["milliseconds"] is None else float(values["milliseconds"])
        plain = {"failures": failures, "accuracy": accuracy, "milliseconds": milliseconds, "waiting": waiting}
        return cls(**{**values, **plain})


@dataclass(frozen=True)
class Setting:
    """The setting for marking all submissions.

    Attributes:
        folder: the grader's temporary folder, which it removes at its end.
        photos: the rows for measuring accuracy.
        limits: the limits of a submission's process.
        key: a checksum of everything that marks depend on.
        user: the ids of the user and the group that submissions run as; None for the grader's own.
    """

    folder: Path
    photos: PhotoRows
    limits: Limits
    key: str
    user: tuple[int, int] | None = None

    @property
    def root(self) -> Path:
        """The folder of the unpacked handout, from which a submission can import."""
        return self.folder / "lab"

    def key_of(self, submission: Submission) -> str:
        """Return a checksum of everything that a submission's record depends on."""
        return combined_checksum([self.key.encode(), submission.code, (submission.problem or "").encode()])


def combined_checksum(values: Iterable[bytes]) -> str:
    """Compute one checksum of several values, in hexadecimal."""
    return hashlib.sha256(b"".join(hashlib.sha256(value).digest() for value in values)).hexdigest()


def mark(submission: Submission, setting: Setting) -> Record:
    """Run a submission, and check its answers."""
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
            file.parent.chmod(0o755)  # so that the other user can read it
        with Runner(file, setting.limits, alone=True, root=setting.root, user=setting.user) as runner:
            loaded = runner.load()
            if loaded.error and not runner.started:
                loaded = runner.load()  # once more, because the machine may have been busy
                if loaded.error and not runner.started:
                    raise RuntimeError(loaded.error)
            if loaded.error:
                return Record(*about, problem=with_allowed(loaded.error.replace(str(file), "merge.py")))
            bench = Bench(runner, loaded, _SECONDS_IN_ALL, FAIR)
            # Before the due date, students see the results of the visible checks. These checks end before the merge
            # gets a hidden row, so it cannot put hidden rows into an error, an answer or printed text.
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
                # In a new process: students see these figures, which must not depend on hidden rows that the merge
                # remembers or hangs at.
                runner.limits = setting.limits
                bench = Bench(runner, runner.load(), _SECONDS_IN_ALL, FAIR)
                accuracy = measure_all(setting.photos, lambda rows: bench.call(rows).value)
                if accuracy and not bench.hung:
                    seconds = merge_seconds(setting.photos, lambda rows: _timed(bench, rows))
                    milliseconds = round(1000 * seconds, 1) if math.isfinite(seconds) else None
            return Record(*about, None, told, accuracy, milliseconds, waiting=waiting)


def _timed(bench: Bench, rows: NDArray[np.float64]) -> SandboxReply:
    """Call the merge. A failed call counts as infinitely slow, so that the leaderboard shows no time for it."""
    reply = bench.again(rows)
    return replace(reply, seconds=math.inf) if reply.error else reply

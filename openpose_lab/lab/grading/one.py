"""Marking what one student handed in, at once and in this process, as an autograder needs it."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from openpose_lab.lab.accuracy import PhotoRows
from openpose_lab.lab.grading.judges import check_reference, find_guards, prepare
from openpose_lab.lab.grading.marking import Record, Setting, mark
from openpose_lab.lab.grading.submissions import find_one_submission
from openpose_lab.lab.sandbox.limits import Limits

OTHER_USER = "another user"
"""The guard of a submission that runs as a user who owns nothing."""


def mark_one(place: Path, photos: PhotoRows, limits: Limits) -> tuple[Record, list[str]]:
    """Mark one submission.

    If it does not get full marks, the project's own merge is marked too, since the machine may be to blame.

    Args:
        place: a file or a folder. Its names are no names of students.
        photos: the rows that accuracy is measured on.
        limits: the limits of the submission.

    Returns:
        What came of it, and what the sandbox guards on this system.

    Raises:
        OpenPoseLabError: there is nothing at the place, or the project's own merge does not get full marks here.
        RuntimeError: Python does not start here.
    """
    submission = find_one_submission(place)
    with tempfile.TemporaryDirectory(prefix="grade-") as folder:
        setting, guards = _with_guards(prepare(photos, limits, Path(folder)))
        record = mark(submission, setting)
        if not submission.problem and (record.problem or record.failures):
            check_reference(setting)
    return record, guards


def _with_guards(setting: Setting) -> tuple[Setting, list[str]]:
    """Let submissions run as the user ``nobody`` where this process may choose, and Python starts as that user.

    An autograder runs as root. Where its system has no Landlock, the modes of files protect them from other users only.
    """
    if os.name == "posix" and os.geteuid() == 0:
        import pwd

        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError:
            return setting, find_guards(setting)
        setting.folder.chmod(0o755)
        as_nobody = replace(setting, user=(nobody.pw_uid, nobody.pw_gid))
        with suppress(OSError):  # as where Python lies in root's own folder
            if guards := find_guards(as_nobody):
                return as_nobody, [*guards, OTHER_USER]
    return setting, find_guards(setting)

"""Marks one student's submission at once and in this process, for an autograder."""

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
"""The guard of a submission that runs as a user without files of their own."""


def mark_one(place: Path, photos: PhotoRows, limits: Limits) -> tuple[Record, list[str]]:
    """Mark one submission.

    If it does not get full marks, the project's own merge is marked too, because the machine may be to blame.

    Args:
        place: a file or a folder. The names in it are not read as names of students.
        photos: the rows for measuring accuracy.
        limits: the limits of the submission.

    Returns:
        The record of the submission, and the guards of the sandbox on this system.

    Raises:
        OpenPoseLabError: The place does not exist, or the project's own merge does not get full marks here.
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
    """Let submissions run as the user ``nobody``, if this process may choose and Python starts as this user.

    An autograder runs as root. If its system lacks Landlock, only file permissions protect its files, and these do not
    bind root.
    """
    if os.name == "posix" and os.geteuid() == 0:
        import pwd

        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError:
            return setting, find_guards(setting)
        setting.folder.chmod(0o755)
        as_nobody = replace(setting, user=(nobody.pw_uid, nobody.pw_gid))
        with suppress(OSError):  # for example if Python is in a folder that only root can read
            if guards := find_guards(as_nobody):
                return as_nobody, [*guards, OTHER_USER]
    return setting, find_guards(setting)

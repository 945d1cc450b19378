"""Finds out whether a merge runs in the grader's sandbox, which has the student's file and few of the project's."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from openpose_lab.lab.cases import HANDOUT
from openpose_lab.lab.importable import ALLOWED, MERGE, importable_names, with_allowed
from openpose_lab.lab.merge_checks import Bench
from openpose_lab.lab.sandbox.limits import Limits
from openpose_lab.lab.sandbox.runner import Runner

_NO_POINTS = "the grader would give 0 points, because it has only this file of yours"


class Alone:
    """A copy of a merge's file in its own process, with the grader's restrictions.

    The process starts at once, and loads the file while the main process does other work.
    """

    def __init__(self, file: Path, limits: Limits) -> None:
        """Copy a readable file, and start the process."""
        self._folder = tempfile.TemporaryDirectory(prefix="check-merge-")
        copy = Path(self._folder.name) / "merge.py"
        shutil.copyfile(file, copy)
        self._runner = Runner(copy, limits, alone=True)
        self._runner.begin()

    def __enter__(self) -> Alone:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.stop()
        self._folder.cleanup()

    def find_problem(self, bench: Bench) -> str | None:
        """Find a reason why a merge that runs here does not run in the grader.

        Args:
            bench: the caller of the same merge here.

        Returns:
            The reason in one sentence, or None.
        """
        if bench.call(HANDOUT).error:
            return None  # the checks report it
        loaded = self._runner.loaded()
        if loaded.slow or not self._runner.started:  # the machine is busy
            return None
        reply = loaded if loaded.error else self._runner.call(HANDOUT)
        if reply.slow:
            return None
        if reply.error:
            error = reply.error.rpartition(" cannot be loaded: ")[2].replace(f"{self._runner.file.parent}{os.sep}", "")
            return f"{_NO_POINTS}: {with_allowed(error)}; copy what merge needs into this file"
        if reply.imports and (lacking := set(reply.imports) - (importable_names() - {MERGE})):
            found = f"it imports {min(lacking)}, but a submission may import {ALLOWED}"
            return f"{_NO_POINTS}: {found}; copy what merge needs into this file"
        return None

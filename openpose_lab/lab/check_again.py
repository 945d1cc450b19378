"""Repeated checks of a merge, with a process that is ready before the file is saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from estimation.errors import OpenPoseLabError
from estimation.grouping.contract import Rows
from openpose_lab.lab.accuracy import measure_f1, read_photo_rows
from openpose_lab.lab.alone import Alone
from openpose_lab.lab.merge_checks import CHECKS, Bench, run_checks
from openpose_lab.lab.outcomes import Outcome
from openpose_lab.lab.sandbox.limits import Limits
from openpose_lab.lab.sandbox.runner import Runner, SandboxReply
from openpose_lab.lab.waiting import find_waiting
from openpose_lab.lab.watched_file import WatchedFile


class Superseded(BaseException):
    """The file was saved again. Not an ``Exception``, because Hypothesis would search smaller rows that raise it."""


class CheckAgain:
    """Checks a merge, and then starts the process for the next check.

    Args:
        file: the merge's Python file.
        limits: the limits of its process.
        watched: the same file. Saving the file ends a check in progress.
    """

    def __init__(self, file: Path, limits: Limits, watched: WatchedFile) -> None:
        self._file, self._limits, self._watched = file, limits, watched
        self._ready = self._begin()

    def __enter__(self) -> CheckAgain:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ready.stop()

    def run(self, advance: Callable[[], object] = lambda: None) -> tuple[Outcome, float | None]:
        """Check the merge.

        Args:
            advance: a function that is called after each check.

        Returns:
            The outcome, and the F1 of the pairs of parts on the rows of photos. The F1 is None if a check fails.

        Raises:
            OpenPoseLabError: The file cannot be loaded.
            Superseded: The file was saved again.
        """
        runner = self._ready
        bench = _Bench(runner, SandboxReply())
        try:
            with self._watched.calling(bench.supersede):
                return self._check(runner, bench, advance)
        except OSError as error:  # the file was deleted a moment ago, or the disk is full
            raise OpenPoseLabError(f"the file cannot be checked ({error.strerror}); save it again") from None
        finally:
            runner.stop()
            self._ready = self._begin()

    def _begin(self) -> Runner:
        runner = Runner(self._file, self._limits, waits=True)
        runner.begin()
        return runner

    def _check(self, runner: Runner, bench: _Bench, advance: Callable[[], object]) -> tuple[Outcome, float | None]:
        loaded = runner.loaded()
        bench.raise_if_superseded()
        if not runner.started:  # the waiting process has ended, or the file did not exist when it started
            loaded = runner.load()
        bench.raise_if_superseded()
        if loaded.error:
            raise OpenPoseLabError(loaded.error)
        bench.loaded = loaded
        with Alone(self._file, runner.limits) as alone:
            failures = run_checks(CHECKS, bench, advance)
            not_graded = alone.find_problem(bench)
        f1 = None if failures else measure_f1(read_photo_rows(), lambda rows: bench.call(rows).value)
        return Outcome(failures, find_waiting(failures), not_graded), f1


class _Bench(Bench):
    """A ``Bench`` that stops calling the merge when the file is saved again."""

    runner: Runner
    superseded = False
    shrink_seconds = 0.15  # a person waits for the result, and usually a case made by hand explains the failure

    def supersede(self) -> None:
        """End the call in progress, and refuse later calls. Another thread calls this function."""
        self.superseded = True
        self.runner.kill()

    def raise_if_superseded(self) -> None:
        """Raise Superseded if the file was saved again."""
        if self.superseded:
            raise Superseded

    def again(self, given: Rows, **options: float) -> SandboxReply:
        """Call the merge, as ``Bench.again`` does. Raises Superseded if the file was saved again."""
        self.raise_if_superseded()
        reply = super().again(given, **options)
        self.raise_if_superseded()
        return reply

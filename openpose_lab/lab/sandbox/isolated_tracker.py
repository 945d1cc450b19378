"""Runs a tracker in its own process, as ``isolated.py`` runs groupings.

An endless loop, a crash and ``os._exit`` become errors of one sentence.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from estimation.errors import OpenPoseLabWarning
from estimation.grouping.plugin import DescribedError
from openpose_lab.lab.sandbox.isolated import is_debugged
from openpose_lab.lab.sandbox.limits import WHOLE_RUN, Limits
from openpose_lab.lab.sandbox.runner import Runner
from openpose_lab.tracking import TRACKERS, CheckedTracker, TrackerError, load_tracker
from openpose_lab.tracking.plugin import CHANGES, find_file

if TYPE_CHECKING:
    from estimation.layouts import Layout
    from estimation.skeletons import Skeletons

SECONDS = 10.0
"""Time limit of one frame."""


class IsolatedTracker:
    """A tracker that runs in its own process.

    A tracker of the project runs in this process. Under a debugger, all trackers do. The process starts at once, and
    loads the file while this one does other work.

    Attributes:
        source: The tracker's file; None for a tracker of the project.
    """

    def __init__(self, tracker: str | Path, layout: Layout) -> None:
        """Find the file of a tracker, and start the process.

        Args:
            tracker: As in ``load_tracker``.
            layout: One of ``LAYOUTS``.

        Raises:
            TrackerError: The file does not exist, or is not Python.
        """
        self._tracker, self._layout = tracker, layout
        self.source: Path | None = None if str(tracker) in TRACKERS else find_file(tracker)
        self._runner: Runner | None = None
        self._ended = False
        if self.source and not is_debugged():
            limits = Limits(SECONDS, processor=WHOLE_RUN)
            self._runner = Runner(self.source, limits, layout=layout.name)
            self._runner.begin()

    def __enter__(self) -> IsolatedTracker:
        return self

    def __exit__(self, *_: object) -> None:
        if self._runner:
            self._runner.stop()

    def load(self) -> CheckedTracker:
        """Wait until the file is loaded.

        Returns:
            The tracker, for one video. Its ``reset`` starts the process again.

        Raises:
            TrackerError: The file does not run, or has no tracker.
        """
        if not self._runner or not self.source:
            return load_tracker(self._tracker, self._layout)
        return CheckedTracker(_Maker(self._runner, self.source, lambda: self._ended), self.source)

    def end_calls(self) -> None:
        """Let every call fail at once, including one that another thread waits for."""
        self._ended = True
        if self._runner:
            self._runner.kill()


class _Maker:
    """Makes proxies of trackers in a process. For each proxy except the first, it restarts the process."""

    def __init__(self, runner: Runner, source: Path, has_ended: Callable[[], bool]) -> None:
        self._runner, self._source, self._has_ended = runner, source, has_ended
        self._is_fresh = True

    def __call__(self) -> _Proxy:
        if not self._is_fresh:
            self._runner.begin()
        self._is_fresh = False
        loaded = self._runner.loaded()
        if loaded.error:
            named = str(self._source) in loaded.error
            raise TrackerError(loaded.error if named else f"{_cannot_load(self._source)}: {loaded.error}")
        print(loaded.output, end="", file=sys.stderr)
        return _Proxy(self._runner, self._source, self._has_ended)


def _cannot_load(source: Path) -> str:
    return f"the tracker file {source} cannot be loaded"


class _Proxy:
    """A tracker in another process."""

    def __init__(self, runner: Runner, source: Path, has_ended: Callable[[], bool]) -> None:
        self._runner, self._source, self._has_ended = runner, source, has_ended
        self._told = False

    def update(self, skeletons: Skeletons, timestamp: float) -> Any:
        """Call the tracker with the people of a frame. ``timestamp`` is in seconds."""
        if self._has_ended():
            raise DescribedError("the program is stopping")
        reply = self._runner.call_tracker(skeletons, timestamp)
        print(reply.output, end="")  # the caller collects standard output
        if reply.error:
            raise DescribedError(reply.error)
        if reply.changed and not self._told:
            self._told = True
            warnings.warn(f"the tracker in {self._source} {CHANGES}", OpenPoseLabWarning, stacklevel=2)
        return reply.value

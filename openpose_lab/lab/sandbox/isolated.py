"""Runs a grouping in its own process, for programs that call it like a function.

Its faults, from ``os._exit`` to an endless loop, become errors of one sentence.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from pathlib import Path
from typing import Any

from estimation.errors import OpenPoseLabWarning
from estimation.grouping import Grouping, load_grouping
from estimation.grouping.contract import KEEPS_INPUT, REPLY_CHECKS
from estimation.grouping.plugin import DOORS, DescribedError, check_syntax, find_file
from estimation.subset import GroupingError
from openpose_lab.lab.sandbox.limits import WHOLE_RUN, Limits
from openpose_lab.lab.sandbox.runner import Runner, SandboxReply, answer_of

SECONDS = 30.0
"""Time limit of one call. A student's ``merge`` may be slow on a crowd. ``check-merge`` stops it after 5 seconds."""
_DEBUGGERS = {"debugpy", "pydevd"}
"""Modules of the debuggers of VS Code and PyCharm."""


class Isolated:
    """A grouping that runs in its own process. Under a debugger, which cannot see another process, it runs in this one.

    The process starts at once, and loads the file while this one does other work.

    Attributes:
        source: the grouping's file.
    """

    def __init__(self, grouping: str) -> None:
        """Find the file of a grouping by its name or path, and start the process.

        Raises:
            GroupingError: The file does not exist, or is not Python.
        """
        self.source = find_file(grouping)
        check_syntax(self.source)
        self._runner: Runner | None = None
        self._elsewhere = 0.0  # seconds spent on messages to the process and back
        self._ended = False
        if not is_debugged():
            self._runner = Runner(self.source, Limits(SECONDS, processor=WHOLE_RUN), doors=DOORS)
            self._runner.begin()

    def __enter__(self) -> Isolated:
        return self

    def __exit__(self, *_: object) -> None:
        if self._runner:
            self._runner.stop()

    def load(self) -> Grouping:
        """Wait until the file is loaded.

        Returns:
            The grouping. Its printed text appears after each call.

        Raises:
            GroupingError: The file does not run, or has neither ``merge`` nor ``group``.
        """
        if not self._runner:
            return load_grouping(self.source)
        loaded = self._runner.loaded()
        if loaded.error:
            raise GroupingError(_with_file(loaded.error, self.source))
        print(loaded.output, end="", file=sys.stderr)
        door = "group" if loaded.door == "group" else "merge"
        return Grouping(door, _Proxy(self, door, loaded.accepts), self.source)

    def milliseconds(self, measured: float) -> float:
        """Subtract the time for messages to the process from a measured time, both in milliseconds."""
        return max(measured - 1000 * self._elsewhere, 0.0)

    def end_calls(self) -> None:
        """Let every call fail at once, including one that another thread waits for."""
        self._ended = True
        if self._runner:
            self._runner.kill()

    def ask(self, door: str, arguments: tuple[Any, ...], options: dict[str, float]) -> SandboxReply:
        """Call the grouping."""
        assert self._runner
        if self._ended:
            raise DescribedError("the program is stopping")
        reply = self._runner.call_group(*arguments) if door == "group" else self._runner.call(arguments[0], **options)
        self._elsewhere += reply.seconds - min(max(reply.inside, 0.0), reply.seconds)
        return reply


class _Proxy:
    """The function of a grouping in another process. Its signature has the function's options."""

    def __init__(self, isolated: Isolated, door: str, accepts: tuple[str, ...]) -> None:
        self._isolated, self._door = isolated, door
        first = inspect.Parameter("given", inspect.Parameter.POSITIONAL_ONLY)
        options = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in accepts if name.isidentifier()]
        self.__signature__ = inspect.Signature([first, *options])

    def __call__(self, *arguments: Any, **options: float) -> Any:
        reply = self._isolated.ask(self._door, arguments, options)
        print(reply.output, end="")
        if reply.error:
            raise DescribedError(reply.error)
        if sentence := REPLY_CHECKS[KEEPS_INPUT](self._door, reply):  # the function changed its own copy
            who = f"{self._door} in {self._isolated.source}"
            warnings.warn(f"{who} {sentence}", OpenPoseLabWarning, stacklevel=2)
        return answer_of(reply)


def is_debugged() -> bool:
    """Return whether a debugger may stop in a plug-in."""
    started_by_pdb = "pdb" in sys.orig_argv  # pdb traces nothing before its first breakpoint
    return sys.gettrace() is not None or started_by_pdb or not _DEBUGGERS.isdisjoint(sys.modules)


def _with_file(error: str, source: Path) -> str:
    """Add the file to an error that does not name it."""
    return error if error.startswith("the grouping file ") else f"the grouping file {source} cannot be loaded: {error}"

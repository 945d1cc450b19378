"""The process that runs a merge: rows come in, answers go out, and little else is possible.

``runner.py`` starts this script with the file and the limits. Another process checks the answers, out of reach of the
merge. The script imports only ``estimation`` and ``openpose_lab.lab.sandbox``: the grader runs it from an unpacked
handout, which lacks the hidden checks.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import warnings
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[3]
_SHOWN = 2000  # characters of what is printed that are told

_CHANGES_FILES, _WRITES_FILES = "change files", "write files"
_EVENTS = {
    "use the network": """socket.connect socket.bind socket.getaddrinfo socket.gethostbyname socket.gethostbyaddr
        socket.sendto socket.sendmsg""",
    "start another program": """subprocess.Popen os.system os.fork os.forkpty os.posix_spawn os.exec os.spawn
        os.startfile pty.spawn""",
    "end other programs": "os.kill os.killpg signal.pthread_kill",
    _CHANGES_FILES: """os.remove os.rename os.rmdir os.mkdir os.link os.symlink os.truncate os.chmod os.chown os.utime
        shutil.rmtree shutil.move shutil.copyfile""",
}
FORBIDDEN = {event: act for act, events in _EVENTS.items() for event in events.split()}
"""Python's audit events that a merge has no need of, and what each would do."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Watch:
    """Refuses what a merge has no need of, and remembers it.

    readable: folders that may be read; None for all.
    """

    def __init__(self, readable: list[str] | None) -> None:
        self.tried: str | None = None
        self._readable = None if readable is None else tuple(readable)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Python's audit hook."""
        act = FORBIDDEN.get(event)
        if event == "open":
            act = self._opening(*arguments)
        elif event == "ctypes.dlopen" and arguments[0]:
            act = "load a library of C code"
        if act:
            self.tried = self.tried or act
            raise PermissionError(f"a merge may not {act}")

    def _opening(self, path: Any, mode: Any, flags: Any) -> str | None:
        if isinstance(path, int):
            return None
        if flags & _WRITING:
            return None if os.fsdecode(path) == os.devnull else _WRITES_FILES
        if self._readable is not None:
            real = os.path.realpath(os.fsdecode(path))
            if not any(real == folder or real.startswith(folder + os.sep) for folder in self._readable):
                return f"read {os.fsdecode(path)}"
        return None


class Printed(io.TextIOBase):
    """Counts what is printed, and keeps the beginning. At standard error, which libraries use, nobody looks."""

    def __init__(self) -> None:
        self.length, self.beginning = 0, ""

    def write(self, text: str) -> int:
        """Take note of some text."""
        self.length += len(text)
        self.beginning += text[: _SHOWN - len(self.beginning)]
        return len(text)


def main() -> None:
    """Answer calls until there are no more."""
    file, limits = Path(sys.argv[1]), json.loads(sys.argv[2])
    calls, answers = _take_pipes()
    sys.path.insert(0, str(ROOT))
    sys.dont_write_bytecode = True
    from openpose_lab.lab.sandbox.seccomp import end_with_parent, give_up_calls

    end_with_parent(limits["parent"])  # before imports that take long
    from estimation.errors import OpenPoseLabError
    from estimation.grouping import load_grouping
    from openpose_lab.lab.sandbox import messages
    from openpose_lab.lab.sandbox.landlock import restrict_files

    guards = _set_limits(limits)
    readable = None
    if limits["alone"]:
        readable = [os.path.realpath(path) for path in _needed(file)]
        guards += ["files"] if restrict_files([Path(path) for path in readable]) else []
        guards += ["programs, network and signals"] if give_up_calls() else []
    messages.send(answers, {"kind": "started", "guards": guards})
    watch = Watch(readable)
    sys.addaudithook(watch)
    warnings.simplefilter("ignore")  # a warning is no print, and nobody reads it here
    printed = Printed()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(Printed()):
            grouping = load_grouping(file, doors=("merge",))
    except OpenPoseLabError as error:
        messages.send(answers, {"kind": "error", "text": _shortened(str(error)), "tried": watch.tried})
        return
    if watch.tried in (_CHANGES_FILES, _WRITES_FILES):  # as libraries do that keep a cache; they get along without
        watch.tried = None
    messages.send(
        answers,
        {"kind": "ready", "tried": watch.tried, "printed": printed.length, "beginning": printed.beginning},
    )
    while message := messages.receive(calls):
        header, data = message
        rows, _ = messages.decode_value(header, data)
        printed = Printed()
        answer, value = _call(grouping, rows, data, header["options"], printed)
        told = {"printed": printed.length, "beginning": printed.beginning, "tried": watch.tried, "call": header["call"]}
        messages.send(answers, {**answer, **told}, value)


def _shortened(text: str) -> str:
    """Text that can be sent, whatever is in it."""
    return text[:_SHOWN].encode("utf-8", "replace").decode()


def _call(
    grouping: Any, given: Any, before: bytes, options: dict[str, Any], printed: Printed
) -> tuple[dict[str, Any], bytes]:
    """What the merge answers, as a header and bytes. before: those of the rows it is given."""
    from estimation.grouping.plugin import describe_error, settings_kept
    from openpose_lab.lab.sandbox import messages

    try:
        with settings_kept(), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(Printed()):
            value = grouping.function(given, **options)
    except BaseException as error:  # SystemExit too: the next call may go well
        return {"kind": "error", "text": _shortened(describe_error(error, grouping.source))}, b""
    header, data = messages.encode_value(value)
    return {**header, "changed": given.tobytes() != before}, data


def _take_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Our own ends of the pipes; what else is written to standard output or error goes nowhere."""
    calls, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    return calls, answers


def _set_limits(limits: dict[str, Any]) -> list[str]:
    """Which of them this system has."""
    try:
        import resource
    except ImportError:  # Windows
        return []
    guards = []
    memory = limits["memory"] << 20
    for guard, kind, most in (
        ("memory", resource.RLIMIT_AS, memory),
        ("file size", resource.RLIMIT_FSIZE, 0),
        ("processor time", resource.RLIMIT_CPU, limits["processor"]),
        ("core dumps", resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(OSError, ValueError):  # macOS refuses the first
            resource.setrlimit(kind, (most, most))
            guards.append(guard)
    if os.geteuid() != 0:  # it means nothing to an administrator
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
            guards.append("processes")
    return guards


def _needed(file: Path) -> list[str]:
    """What has to be read to run: Python, its packages, this project, the merge's own folder, and the system's own."""
    system = "/usr /lib /lib64 /etc/ld.so.cache /dev/null /dev/urandom /proc/cpuinfo /sys/devices/system/cpu"
    return [sys.prefix, sys.base_prefix, *sys.path, str(ROOT), str(file.parent), *system.split()]


if __name__ == "__main__":
    main()

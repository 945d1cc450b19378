"""The process that runs a merge: it receives rows, sends answers, and can do little else.

``runner.py`` starts this script with the file and the limits. Another process checks the answers, so the merge cannot
change the verdict. The demos also run ``group`` functions and trackers in this process. The script imports only
``estimation`` and ``openpose_lab.lab.sandbox``, because the grader runs it from an unpacked handout, which lacks the
hidden checks.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import pickle
import sys
import time
import warnings
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[3]
_PACKAGES = ("estimation", "openpose_lab")
_SHOWN = 5000  # the most characters of printed text that are reported
_LONGEST_ERROR = 2000
_MOST_IMPORTS = 50  # the most modules that are reported
_LARGEST_INPUT = 1 << 30  # bytes; the other process is trusted

_CHANGES_FILES, _WRITES_FILES = "change files", "write files"
_EVENTS = {
    "use the network": """socket.__new__ socket.connect socket.bind socket.getaddrinfo socket.gethostbyname
        socket.gethostbyaddr socket.sendto socket.sendmsg""",
    "start another program": """subprocess.Popen os.system os.fork os.forkpty os.posix_spawn os.exec os.spawn
        os.startfile pty.spawn _winapi.CreateProcess""",
    "end other programs": "os.kill os.killpg signal.pthread_kill _winapi.TerminateProcess",
    _CHANGES_FILES: """os.remove os.rename os.rmdir os.mkdir os.link os.symlink os.truncate os.chmod os.chown os.utime
        os.setxattr os.removexattr shutil.rmtree shutil.move shutil.copyfile _winapi.CreateJunction""",
    _WRITES_FILES: "syslog.syslog",
    "change the registry": """winreg.CreateKey winreg.DeleteKey winreg.DeleteValue winreg.SetValue winreg.SaveKey
        winreg.LoadKey""",
}
FORBIDDEN = {event: act for act, events in _EVENTS.items() for event in events.split()}
"""The audit events of Python that a merge does not need, each with its act in words."""
_SILENT = (
    ("_posixsubprocess", "fork_exec", "start another program"),  # used by multiprocessing
    ("posix", "mkfifo", _CHANGES_FILES),
    ("posix", "mknod", _CHANGES_FILES),
    ("os", "mkfifo", _CHANGES_FILES),
    ("os", "mknod", _CHANGES_FILES),
)
"""Functions, by module and name, that a merge does not need and that raise no audit event."""
_IN_MEMORY = ("", ":memory:", b"", b":memory:")  # SQLite databases in memory; Python 3.10 passes bytes
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Watch:
    """An audit hook that refuses acts that a merge does not need, and remembers the first.

    Args:
        readable: the folders that may be read; None for all.
        hidden: the folders in these that must not be read.
        plugin: the word for the plug-in in messages, such as "merge".
    """

    def __init__(self, readable: list[str] | None, hidden: list[str], plugin: str) -> None:
        self.tried: str | None = None
        self._plugin = plugin
        self._readable, self._hidden = readable, hidden

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Refuse an audit event that stands for a forbidden act."""
        act = FORBIDDEN.get(event)
        if event == "open":
            act = self._opening(*arguments)
        elif event == "ctypes.dlopen" and arguments[0]:
            act = "load a library of C code"
        elif event == "sqlite3.connect" and arguments[0] not in _IN_MEMORY:
            act = _WRITES_FILES
        if act:
            self.refuse(act)

    def refuse(self, act: str) -> None:
        """Remember the first forbidden act, and raise PermissionError."""
        self.tried = self.tried or act
        raise PermissionError(f"a {self._plugin} may not {act}")

    def replace_silent(self) -> None:
        """Replace each function of ``_SILENT`` that this system has by one that refuses."""
        for module, name, act in _SILENT:
            with contextlib.suppress(ImportError):
                found = importlib.import_module(module)
                if hasattr(found, name):
                    setattr(found, name, lambda *_, act=act, **__: self.refuse(act))

    def _opening(self, path: Any, mode: Any, flags: Any) -> str | None:
        if isinstance(path, int):
            return None
        if flags & _WRITING:
            return None if os.fsdecode(path) == os.devnull else _WRITES_FILES
        if self._readable is not None:
            real = os.path.realpath(os.fsdecode(path))
            if _depth(real, self._readable) <= _depth(real, self._hidden):
                return f"read {os.fsdecode(path)}"
        return None


def _depth(path: str, folders: list[str]) -> int:
    """Return the length of the longest of the folders that contains a path; 0 if none does."""
    return max((len(folder) for folder in folders if _is_in(path, folder)), default=0)


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _without(folder: str, hidden: list[str]) -> tuple[list[str], list[str]]:
    """List a folder without the hidden ones in it: paths that may be read, and folders that may only be listed."""
    if folder in hidden:
        return [], []
    if not any(_is_in(path, folder) for path in hidden):
        return [folder], []
    readable, listable = [], [folder]
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_symlink():
                within = _without(entry.path, hidden)
                readable += within[0]
                listable += within[1]
    return readable, listable


class Printed(io.TextIOBase):
    """Counts printed characters, and keeps the first ones. Standard error, which libraries use, is not reported."""

    def __init__(self) -> None:
        self.length, self.beginning = 0, ""

    def write(self, text: str) -> int:
        """Count some text, and keep it if there is room."""
        self.length += len(text)
        self.beginning += text[: _SHOWN - len(self.beginning)]
        return len(text)

    def told(self) -> dict[str, Any]:
        """Return the facts about the printed text for a message."""
        return {"printed": self.length, "beginning": self.beginning}


def main() -> None:
    """Load the file, and answer calls until the pipe is closed."""
    file, limits = Path(sys.argv[1]), json.loads(sys.argv[2])
    calls, answers = _take_pipes()
    sys.path.insert(0, str(ROOT))
    sys.dont_write_bytecode = True
    from openpose_lab.lab.sandbox.seccomp import end_with_parent, give_up_calls

    end_with_parent(limits["parent"])  # before slow imports
    from estimation.errors import OpenPoseLabError
    from estimation.grouping import load_grouping
    from estimation.grouping.plugin import LIMITS, takes
    from openpose_lab.lab.sandbox import messages
    from openpose_lab.lab.sandbox.landlock import restrict_files

    guards = _set_limits(limits)
    readable = [os.path.realpath(path) for path in _needed(file)] if limits["alone"] else None
    hidden = [os.path.realpath(path) for path in limits["hidden"]]
    split = [_without(path, hidden) for path in readable or [Path(sys.executable).anchor]]
    files, folders = ([Path(path) for paths in part for path in paths] for part in zip(*split))
    guards += ["files"] if restrict_files(files, folders) else []
    guards += ["programs, network and signals"] if give_up_calls() else []
    messages.send(answers, {"kind": "started", "guards": guards})
    watch = Watch(readable, hidden, "tracker" if limits["layout"] else "merge")
    watch.replace_silent()
    sys.addaudithook(watch)
    sys.breakpointhook = _no_breakpoint
    warnings.simplefilter("ignore")  # a warning is not printed output
    printed, own = Printed(), set(sys.modules)
    if limits["waits"] and not messages.receive(calls):  # the file may be saved again until this message
        return
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(Printed()):
            layout = limits["layout"]
            grouping = _tracker(file, layout) if layout else load_grouping(file, doors=limits["doors"])
    except OpenPoseLabError as error:
        messages.send(answers, {"kind": "error", "text": _shortened(str(error), _LONGEST_ERROR), "tried": watch.tried})
        return
    if watch.tried in (_CHANGES_FILES, _WRITES_FILES):  # libraries try this for a cache, and also work without it
        watch.tried = None
    ready = {"door": grouping.door, "accepts": [name for name in LIMITS if takes(grouping.function, name)]}
    messages.send(answers, {**ready, "kind": "ready", "tried": watch.tried, **printed.told()})
    while message := messages.receive(calls, _LARGEST_INPUT):
        header, data = message
        printed = Printed()
        answer, value = _call(grouping, header, data, printed)
        facts = {"tried": watch.tried, "call": header["call"], "imports": _imported(own)}
        messages.send(answers, {**answer, **printed.told(), **facts}, value)


def _imported(own: set[str]) -> list[str]:
    """Return the paths of the project's files that the merge imported: all modules except this process's ``own``.

    A student's own file in the project's folder counts. Installed packages, such as those of a ``.venv`` there, do not.
    """
    files = []
    for name in set(sys.modules) - own:
        path = getattr(sys.modules[name], "__file__", None)
        if isinstance(path, str) and Path(path).is_relative_to(ROOT):
            installed = Path(path).is_relative_to(sys.prefix) or "site-packages" in Path(path).parts
            if name.split(".")[0] in _PACKAGES or not installed:
                files.append(Path(path).relative_to(ROOT).as_posix())
    return sorted(files)[:_MOST_IMPORTS]


def _tracker(file: Path, layout: str) -> Any:
    """Make a tracker, and return its method ``update`` in the form of a grouping."""
    from estimation.grouping import Grouping
    from estimation.grouping.plugin import describe_error
    from estimation.layouts import LAYOUTS
    from openpose_lab.tracking.plugin import TrackerError, maker_of

    make = maker_of(file, LAYOUTS[layout])
    try:
        return Grouping("track", make().update, file)
    except BaseException as error:  # the plug-in may raise any error, for example in __init__
        raise TrackerError(f"the tracker in {file} failed: {describe_error(error, file)}") from error


def _shortened(text: str, longest: int) -> str:
    """Shorten text, and replace characters that UTF-8 cannot encode."""
    return text[:longest].encode("utf-8", "replace").decode()


def _no_breakpoint(*_: object, **__: object) -> None:
    """Refuse ``breakpoint()``, because a person cannot type into this process."""
    raise RuntimeError("breakpoint() works only in `check-merge --case NAME` and in `python -m pdb demo_image.py`")


def _call(grouping: Any, header: dict[str, Any], data: bytes, printed: Printed) -> tuple[dict[str, Any], bytes]:
    """Call the grouping as a message asks, and return its answer as a header and bytes."""
    from estimation.grouping.division import Division
    from estimation.grouping.plugin import describe_error, settings_kept
    from openpose_lab.lab.sandbox import messages

    given = _given(header, data)
    start = time.perf_counter()
    try:
        with settings_kept(), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(Printed()):
            value = grouping.function(*given, **header["options"])
    except BaseException as error:  # also SystemExit, because the next call may succeed
        return {"kind": "error", "text": _shortened(describe_error(error, grouping.source), _LONGEST_ERROR)}, b""
    seconds = time.perf_counter() - start
    answer, rows = messages.encode_value(value.subset if isinstance(value, Division) else value)
    return {**answer, "changed": _changed(header, data, given), "seconds": seconds}, rows


def _given(header: dict[str, Any], data: bytes) -> tuple[Any, ...]:
    """Return the arguments in a message: rows for ``merge``, or the arguments of ``group`` or of a tracker."""
    from openpose_lab.lab.sandbox import messages

    if header["kind"] in ("group", "track"):
        arguments: tuple[Any, ...] = pickle.loads(data)
        return arguments
    return (messages.decode_value(header, data)[0],)


def _changed(header: dict[str, Any], data: bytes, given: tuple[Any, ...]) -> bool:
    from estimation.grouping.plugin import differ

    if header["kind"] == "group":
        candidates, coordinates, _ = pickle.loads(data)
        return differ(candidates, given[0]) or differ(coordinates, given[1])
    if header["kind"] == "track":
        from openpose_lab.tracking.plugin import people_differ

        return people_differ(pickle.loads(data)[0], given[0])
    return bool(given[0].tobytes() != data)


def _take_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Take our ends of the pipes. Other output to standard output or standard error is discarded."""
    calls, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    return calls, answers


def _set_limits(limits: dict[str, Any]) -> list[str]:
    """Set the limits of the process, and return the names of those that this system supports."""
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
            hard = resource.getrlimit(kind)[1]
            lower = most if hard == resource.RLIM_INFINITY else min(most, hard)  # a process cannot raise a limit
            resource.setrlimit(kind, (lower, lower))
            guards.append(guard)
    if os.geteuid() != 0:  # this limit does not bind root
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
            guards.append("processes")
    return guards


def _needed(file: Path) -> list[str]:
    """Return the paths needed to run: Python, its packages, this project, the merge's folder, and system folders."""
    system = "/usr /lib /lib64 /etc/ld.so.cache /dev/null /dev/urandom /proc/cpuinfo /sys/devices/system/cpu"
    return [sys.prefix, sys.base_prefix, *sys.path, str(ROOT), str(file.parent), *system.split()]


if __name__ == "__main__":
    main()

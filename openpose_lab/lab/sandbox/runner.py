"""Runs a merge in its own process, with limits, so that a crash or an endless loop does not stop the checks.

The limits by system:

- all systems: the time of each call, and the size of its answer. This process judges the answers, so the merge cannot
  change the verdict. Python's audit events refuse writing files, network and programs, unless a merge gets round them
  on purpose.
- Linux and macOS: processor time, and the size of written files, 0. On Linux also memory.
- Linux: Landlock (kernel 5.13 and later) refuses writing. Seccomp refuses other processes, sockets and signals. Both
  work without root. If ``alone`` is set, Landlock also refuses reading files that the merge does not need to run.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import queue
import secrets
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.connections import Candidates
from estimation.coordinates import Coordinates
from estimation.errors import one_line, visible
from estimation.grouping.contract import Reply
from estimation.skeletons import Skeletons
from openpose_lab.lab.sandbox import messages
from openpose_lab.lab.sandbox.limits import Limits
from openpose_lab.paths import ROOT, in_clone

_NEEDED_VARIABLES = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""The environment variables that a merge with ``alone`` sees. Others may hold secrets."""
_PACKAGES = ("estimation", "openpose_lab")
_START_SECONDS = 30.0
"""Time limit of starting Python, which takes long on a machine that is busy or was asleep."""
_MOST_PER_ROW, _ROWS_MORE = 40, 20  # the most numbers in an answer: twice as many rows as given, and a few more
_MOST_IMPORTS, _MOST_PRINTED = 50, 5000  # the most modules and characters that are kept of a reply
_LOADS_FOR = 4  # loading may take this many times the limit of a call, up to _START_SECONDS, because of libraries
_FITS_A_PIPE = 24_000  # bytes that a pipe buffers before the other end reads
_ENDS_WITHIN = 2.0
"""Seconds that ``stop`` waits. A process that the merge started can keep the pipes open."""

_Inbox = queue.Queue[tuple[dict[str, Any], bytes] | None]
_running: set[subprocess.Popen[bytes]] = set()
"""The running processes of all runners of this process."""


def kill_all() -> None:
    """End the processes of all runners of this process. A signal handler can call it, because it takes no lock."""
    for process in list(_running):
        _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and all processes that it started."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
    process.kill()  # the process may have left its group


@dataclass(frozen=True, eq=False)
class SandboxReply(Reply):
    """The result of one call in the sandbox.

    Attributes:
        type: the name of the return value's type.
        fatal: whether the process has ended.
        slow: whether the call took too long and was stopped.
        memory: whether the call needed too much memory.
        tried: the first forbidden act since the file was loaded, such as "write files".
        seconds: the time until the reply.
        inside: the time of the call in seconds, as the process measured it.
        output: the first printed lines, without control characters, and the number of further characters.
        door: in the reply to loading the file, ``merge`` or ``group``.
        accepts: in the reply to loading the file, the options that the function takes.
        imports: in the reply to a call, the paths of the project's files that were imported.
    """

    type: str = ""
    fatal: bool = False
    slow: bool = False
    memory: bool = False
    tried: str | None = None
    seconds: float = 0.0
    inside: float = 0.0
    output: str = ""
    door: str = ""
    accepts: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()


def answer_of(reply: SandboxReply) -> Any:
    """Return the value of a reply for the contract's checks, which must see that a list or tuple is not an array."""
    return {"list": [], "tuple": ()}.get(reply.type, reply.value)


@dataclass
class Runner:
    """A merge in its own process. The process starts with the first call, and again after a call that ended it.

    Attributes:
        file: the Python file with the function merge.
        alone: whether to refuse reading the user's files and environment, too.
        root: the folder of the project from which the merge can import ``estimation``.
        doors: the functions to look for in the file, as in ``load_grouping``.
        layout: the name of the layout if the file has a tracker; empty if it has a grouping.
        waits: whether the process, after its start, waits for ``loaded`` before it reads the file.
        user: the ids of the user and the group of the process, which only root can choose; None for our own.
        guards: the limits in force, once the merge is loaded.
        started: whether Python started. If not, the merge is not to blame.
    """

    file: Path
    limits: Limits = field(default_factory=Limits)
    alone: bool = False
    root: Path = ROOT
    doors: tuple[str, ...] = ("merge",)
    layout: str = ""
    waits: bool = False
    user: tuple[int, int] | None = None
    guards: list[str] = field(default_factory=list)
    started: bool = False
    _process: subprocess.Popen[bytes] | None = None
    _listener: threading.Thread | None = None
    _inbox: _Inbox = field(default_factory=queue.Queue)

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def load(self) -> SandboxReply:
        """Start the process, and load the file in it. The reply's error says why this failed."""
        self.begin()
        return self.loaded()

    def begin(self) -> None:
        """Start the process without waiting. ``loaded`` waits for it."""
        self.stop()
        self.guards = []
        if os.path.isfile(self.file):
            self._start()

    def loaded(self) -> SandboxReply:
        """Wait for the process that ``begin`` started, and return the reply to loading the file."""
        if self._process is None:
            return SandboxReply(error=f"there is no file {self.file}; give the path of a Python file", fatal=True)
        reply = self._next_reply(_START_SECONDS, "starting Python")
        self.started = not reply.error
        if self.started:
            if self.waits:
                _send(self._process, {"kind": "load"}, b"")
            seconds = self.limits.seconds
            reply = self._next_reply(max(seconds, min(_LOADS_FOR * seconds, _START_SECONDS)), "loading it")
        if reply.error:
            self.stop()
        return reply

    def call(self, rows: NDArray[np.float64], **options: float) -> SandboxReply:
        """Call merge with a copy of the rows, (n, parts + 2) float64."""
        return self._ask(*messages.encode_rows(rows), len(rows), options)

    def call_group(self, candidates: Candidates, coordinates: Coordinates, config: Config) -> SandboxReply:
        """Call ``group`` with copies of the arguments. Of a ``Division``, the reply has only the rows."""
        data = pickle.dumps((candidates, coordinates, config))
        return self._ask({"kind": "group"}, data, len(coordinates), {})

    def call_tracker(self, skeletons: Skeletons, timestamp: float) -> SandboxReply:
        """Call the tracker with a copy of the people of the next frame."""
        data = pickle.dumps((skeletons, timestamp))
        return self._ask({"kind": "track"}, data, len(skeletons), {})

    def _ask(self, header: dict[str, Any], data: bytes, most: int, options: dict[str, float]) -> SandboxReply:
        """Send a message, and wait for its reply. ``most``, the number of rows or people given, limits the answer."""
        if self._process is None:
            loaded = self.load()
            if loaded.error:
                return loaded
        assert self._process
        start = time.perf_counter()
        asked = {"options": options, "call": secrets.token_hex(8)}  # the answer must repeat this token
        message = self._process, {**header, **asked}, data
        if len(data) < _FITS_A_PIPE:
            _send(*message)
        else:  # in a thread, because a merge that does not read would block this thread
            threading.Thread(target=_send, args=message, daemon=True).start()
        reply = self._next_reply(self.limits.seconds, "it", asked["call"])
        if isinstance(reply.value, np.ndarray) and reply.value.size > _MOST_PER_ROW * (most + _ROWS_MORE):
            shape = " x ".join(map(str, reply.value.shape))
            given = "people" if header["kind"] == "track" else "rows of limbs"
            reply = SandboxReply(error=f"its answer has {shape} numbers, but it was given only {most} {given}")
        if reply.fatal:
            self.stop()
        return replace(reply, seconds=time.perf_counter() - start)

    def kill(self) -> None:
        """End the process while another thread waits for its reply. This reply becomes an error."""
        process = self._process
        if process:
            _kill(process)

    def stop(self) -> None:
        """End the process, and all processes that it started."""
        process, self._process = self._process, None
        if process is None:
            return
        _kill(process)
        _running.discard(process)
        closing = threading.Thread(target=_close, args=(process, self._listener, self._inbox), daemon=True)
        closing.start()
        closing.join(_ENDS_WITHIN)

    def _start(self) -> None:
        limits = {**vars(self.limits), "alone": self.alone, "parent": os.getpid()}
        limits |= {
            "hidden": [str(path) for path in self._hidden()],
            "doors": self.doors,
            "layout": self.layout,
            "waits": self.waits,
        }
        script = self.root / "openpose_lab" / "lab" / "sandbox" / "worker.py"
        command = [sys.executable, "-I", str(script), str(self.file.resolve()), json.dumps(limits)]
        environment = {name: value for name, value in os.environ.items() if not self.alone or name in _NEEDED_VARIABLES}
        user, group = self.user or (None, None)
        self._process = subprocess.Popen(
            command,
            user=user,
            group=group,
            extra_groups=None if self.user is None else [],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self.file.resolve().parent,
            env={**environment, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # so that Ctrl-C on Windows does not reach it
        )
        _running.add(self._process)
        self._inbox = queue.Queue(maxsize=4)
        self._listener = threading.Thread(target=_listen, args=(self._process.stdout, self._inbox), daemon=True)
        self._listener.start()

    def _hidden(self) -> list[Path]:
        """Return the grader's folders, which a submission must not read: they hold the answer and the hidden checks."""
        if not self.alone or self.root == ROOT:
            return []
        return [ROOT] if in_clone() else [ROOT / package for package in _PACKAGES]

    def _next_reply(self, seconds: float, what: str, call: object = None) -> SandboxReply:
        """Wait for the next message, and return it as a reply. If ``call`` is given, the message must repeat it."""
        try:
            message = self._inbox.get(timeout=seconds)
        except queue.Empty:
            return SandboxReply(
                error=f"{what} took longer than {seconds:g} seconds and was stopped; look for a loop that never ends",
                fatal=True,
                slow=True,
            )
        if message is None:
            return self._end()
        header, data = message
        try:
            if header.get("call") != call:
                raise messages.MessageError("the message answers another call")
            told = SandboxReply(
                changed=bool(header.get("changed")),
                printed=int(header.get("printed", 0)),
                beginning=one_line(str(header.get("beginning", ""))),
                output=_output(header),
                inside=float(header.get("seconds", 0)),
                tried=one_line(str(header["tried"])) if header.get("tried") else None,
                imports=tuple(one_line(str(name)) for name in list(header.get("imports", ()))[:_MOST_IMPORTS]),
            )
            if header.get("kind") == "error":
                text = one_line(str(header.get("text")))
                return replace(told, error=text, memory="MemoryError" in text)
            if header.get("kind") in ("started", "ready"):
                self.guards += [one_line(str(guard)) for guard in header.get("guards", [])]
                accepts = tuple(map(str, header.get("accepts", ())))
                return replace(told, door=str(header.get("door", "")), accepts=accepts)
            value, kind = messages.decode_value(header, data)
            return replace(told, value=value, type=kind)
        except Exception:  # a merge may send any bytes
            return SandboxReply(error="its process sent damaged data instead of an answer", fatal=True)

    def _end(self) -> SandboxReply:
        """Return the reply for a process that has ended."""
        assert self._process
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        status = self._process.returncode
        if status is None or status >= 0:
            return SandboxReply(error=f"it ended its own process with status {status} instead of an answer", fatal=True)
        name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
        reasons = {
            "SIGXCPU": "used up its processor time",
            "SIGKILL": "was ended by the system, because memory ran out",
        }
        error = f"its process {reasons.get(name, 'crashed')} ({name})"
        return SandboxReply(error=error, fatal=True, slow=name == "SIGXCPU", memory=name == "SIGKILL")


def _output(header: dict[str, Any]) -> str:
    """Return the first printed characters, without control characters, and the number of further characters."""
    beginning = str(header.get("beginning", ""))[:_MOST_PRINTED]
    left = int(header.get("printed", 0)) - len(beginning)
    return visible(beginning, "\n\t") + (f"\n... and {left} more characters\n" if left > 0 else "")


def _send(process: subprocess.Popen[bytes], header: dict[str, Any], data: bytes) -> None:
    with contextlib.suppress(OSError, ValueError):  # if the process has ended, the reply reports it
        assert process.stdin
        messages.send(process.stdin, header, data)


def _close(process: subprocess.Popen[bytes], listener: threading.Thread | None, inbox: _Inbox) -> None:
    """Wait until a process has ended, and close its pipes."""
    process.wait()
    while listener and listener.is_alive():  # the listener may wait for room in the inbox
        with contextlib.suppress(queue.Empty):
            inbox.get(timeout=0.05)
    with contextlib.suppress(OSError):
        if process.stdin:  # the listener closes the other pipe
            process.stdin.close()


def _listen(stream: Any, inbox: _Inbox) -> None:
    """Put all messages of a pipe into the inbox, because some systems cannot wait for a pipe with a time limit."""
    try:
        while message := messages.receive(stream):
            inbox.put(message)
    except Exception:  # a merge may send any bytes
        inbox.put(({"kind": "nonsense"}, b""))
    inbox.put(None)
    stream.close()

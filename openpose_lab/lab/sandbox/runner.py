"""Running a merge in a process of its own, with limits, so that it cannot take the checks down with it.

What is held to, and where:

- everywhere: the time of each call, and the size of what comes back; answers are judged in this process, where they
  cannot be tampered with. Python's audit events keep a merge from files, network and programs, as long as it does not
  set out to get round them.
- Linux and macOS: processor time, and no writing into files; on Linux memory too.
- Linux: no writing, by Landlock (kernel 5.13 and later); no other process, no socket, no signal, by seccomp. Neither
  asks for rights that a user lacks. If ``alone``, no reading beyond what running needs, either.
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
"""Of the environment a merge that runs alone sees only these: there may be secrets in the others."""
_PACKAGES = ("estimation", "openpose_lab")
_START_SECONDS = 30.0
"""Python and NumPy can take long to start on a machine that is busy, or asleep."""
_MOST_PER_ROW, _ROWS_MORE = 40, 20  # numbers in an answer: twice as many rows as came in, and a few more
_MOST_IMPORTS, _MOST_PRINTED = 50, 5000  # modules and letters of a reply that are kept, however many a merge sends
_LOADS_FOR = 4  # times as long as a call may take, or _START_SECONDS: libraries take their time
_FITS_A_PIPE = 24_000  # bytes that a pipe holds before they are read
_ENDS_WITHIN = 2.0
"""Seconds that ``stop`` waits. A process that the merge has started can hold on to the pipes."""

_Inbox = queue.Queue[tuple[dict[str, Any], bytes] | None]
_running: set[subprocess.Popen[bytes]] = set()
"""Processes that the runners of this process have started and not ended."""


def kill_all() -> None:
    """End the processes of all runners of this process. It takes no lock, so a signal handler can call it."""
    for process in list(_running):
        _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it has started."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
    process.kill()  # it may have left its group


@dataclass(frozen=True, eq=False)
class SandboxReply(Reply):
    """What one call in the sandbox came to.

    Attributes:
        type: the name of the return value's type.
        fatal: whether the process has ended.
        slow: whether the process was stopped because it took too long.
        memory: whether it asked for too much memory.
        tried: the first forbidden act that was tried since the file was loaded.
        seconds: time until the reply.
        inside: seconds that the call took, by the process's own account.
        output: the first lines that were printed, safe to print, and how much more there was.
        door: ``merge`` or ``group``, in the reply to loading the file.
        accepts: the options that it takes, in that reply.
        imports: the project's files that it has imported, by their paths in it, in the reply to a call.
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
    """The value of a reply, for the contract's checks: a list that can be read as rows has come as an array."""
    return {"list": [], "tuple": ()}.get(reply.type, reply.value)


@dataclass
class Runner:
    """A merge that can be called. Started when first asked; started again if a call was its end.

    Attributes:
        file: the Python file with the function merge.
        alone: whether it is kept from reading the files and the environment of the user, too.
        root: the checkout from which the merge can import ``estimation``.
        doors: the functions to look for in the file, as for ``load_grouping``.
        layout: the name of the layout if the file is a tracker's; empty if it is a grouping's.
        waits: whether the process, once begun, reads the file only when ``loaded`` is called.
        user: the ids of the user and the group that the process runs as, which only root can choose; None for ours.
        guards: the limits that hold, once the merge is loaded.
        started: whether Python came up; if not, it is not the merge's fault.
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
        """Start the process, and load the file in it. An error tells why that cannot be done."""
        self.begin()
        return self.loaded()

    def begin(self) -> None:
        """Start the process. ``loaded`` waits for it."""
        self.stop()
        self.guards = []
        if os.path.isfile(self.file):
            self._start()

    def loaded(self) -> SandboxReply:
        """The reply to loading the file, once the process has begun."""
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
        """What merge makes of a copy of the rows, (n, parts + 2) float64."""
        return self._ask(*messages.encode_rows(rows), len(rows), options)

    def call_group(self, candidates: Candidates, coordinates: Coordinates, config: Config) -> SandboxReply:
        """What ``group`` makes of copies of these. Of a ``Division`` only the rows come back."""
        data = pickle.dumps((candidates, coordinates, config))
        return self._ask({"kind": "group"}, data, len(coordinates), {})

    def call_tracker(self, skeletons: Skeletons, timestamp: float) -> SandboxReply:
        """What the tracker makes of a copy of the people of the next frame."""
        data = pickle.dumps((skeletons, timestamp))
        return self._ask({"kind": "track"}, data, len(skeletons), {})

    def _ask(self, header: dict[str, Any], data: bytes, most: int, options: dict[str, float]) -> SandboxReply:
        """The reply to a message. ``most``: rows or people given, of which there cannot be much more in the answer."""
        if self._process is None:
            loaded = self.load()
            if loaded.error:
                return loaded
        assert self._process
        start = time.perf_counter()
        asked = {"options": options, "call": secrets.token_hex(8)}  # which an answer must repeat
        message = self._process, {**header, **asked}, data
        if len(data) < _FITS_A_PIPE:
            _send(*message)
        else:  # in a thread, because a merge that does not read would block this one
            threading.Thread(target=_send, args=message, daemon=True).start()
        reply = self._next_reply(self.limits.seconds, "it", asked["call"])
        if isinstance(reply.value, np.ndarray) and reply.value.size > _MOST_PER_ROW * (most + _ROWS_MORE):
            shape = " x ".join(map(str, reply.value.shape))
            given = "people" if header["kind"] == "track" else "rows of limbs"
            reply = SandboxReply(error=f"its answer is {shape} numbers, though there were only {most} {given}")
        if reply.fatal:
            self.stop()
        return replace(reply, seconds=time.perf_counter() - start)

    def kill(self) -> None:
        """End the process while another thread waits for its reply, which is then an error."""
        process = self._process
        if process:
            _kill(process)

    def stop(self) -> None:
        """End the process, and all that it has started."""
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
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # on Windows, Ctrl-C does not reach it either
        )
        _running.add(self._process)
        self._inbox = queue.Queue(maxsize=4)
        self._listener = threading.Thread(target=_listen, args=(self._process.stdout, self._inbox), daemon=True)
        self._listener.start()

    def _hidden(self) -> list[Path]:
        """Of what the process could read, the grader's own files: the answer and the hidden checks are among them."""
        if not self.alone or self.root == ROOT:
            return []
        return [ROOT] if in_clone() else [ROOT / package for package in _PACKAGES]

    def _next_reply(self, seconds: float, what: str, call: object = None) -> SandboxReply:
        """The next message as a reply, which must be to that call if one is given."""
        try:
            message = self._inbox.get(timeout=seconds)
        except queue.Empty:
            return SandboxReply(
                error=f"{what} took longer than {seconds:g} seconds, and was stopped; is there a loop that never ends?",
                fatal=True,
                slow=True,
            )
        if message is None:
            return self._end()
        header, data = message
        try:
            if header.get("call") != call:
                raise messages.MessageError("this is no answer to what was asked")
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
            return SandboxReply(error="its process sent nonsense in place of an answer", fatal=True)

    def _end(self) -> SandboxReply:
        """The reply for a process that has ended."""
        assert self._process
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        status = self._process.returncode
        if status is None or status >= 0:
            return SandboxReply(
                error=f"it ended its own process, with status {status}, in place of an answer", fatal=True
            )
        name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
        reasons = {"SIGXCPU": "used up its processor time", "SIGKILL": "was ended by the system, for want of memory"}
        error = f"its process {reasons.get(name, 'crashed')} ({name})"
        return SandboxReply(error=error, fatal=True, slow=name == "SIGXCPU", memory=name == "SIGKILL")


def _output(header: dict[str, Any]) -> str:
    """The first characters that were printed, safe to print, and how many there were more."""
    beginning = str(header.get("beginning", ""))[:_MOST_PRINTED]
    left = int(header.get("printed", 0)) - len(beginning)
    return visible(beginning, "\n\t") + (f"\n... and {left} characters more\n" if left > 0 else "")


def _send(process: subprocess.Popen[bytes], header: dict[str, Any], data: bytes) -> None:
    with contextlib.suppress(OSError, ValueError):  # if the process is gone, the answer says so
        assert process.stdin
        messages.send(process.stdin, header, data)


def _close(process: subprocess.Popen[bytes], listener: threading.Thread | None, inbox: _Inbox) -> None:
    """Wait until a process has ended, and close its pipes."""
    process.wait()
    while listener and listener.is_alive():  # it may wait until a message is taken
        with contextlib.suppress(queue.Empty):
            inbox.get(timeout=0.05)
    with contextlib.suppress(OSError):
        if process.stdin:  # the listener closes the other pipe
            process.stdin.close()


def _listen(stream: Any, inbox: _Inbox) -> None:
    """Pass the messages on until there are no more: a pipe cannot be waited for with a time limit on every system."""
    try:
        while message := messages.receive(stream):
            inbox.put(message)
    except Exception:  # a merge may send any bytes
        inbox.put(({"kind": "nonsense"}, b""))
    inbox.put(None)
    stream.close()

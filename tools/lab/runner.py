"""Running somebody's merge in a process of its own, with limits, so that whatever it does, the judge lives to say so.

What is held to, and where:

- everywhere: the time of each call, and what the merge prints; the answers cannot be tampered with, as they are
  judged in this process. Python's audit events keep a merge from files, network and programs, as long as it does not
  set out to get round them.
- Linux and macOS: processor time, and no writing of files; on Linux memory too.
- Linux, if ``alone``: no network and no process left over, by namespaces (where the system lets users make them), and
  no reading beyond what running needs, by Landlock (kernel 5.13 and later).
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.lab import wire

ROOT = Path(__file__).parent.parent.parent
_NAMESPACES = ("--user", "--map-root-user", "--net", "--ipc", "--pid", "--fork", "--kill-child")
_START_SECONDS = 30.0
"""Python and NumPy can take long to start on a machine that is busy, or asleep."""
_FITS_A_PIPE = 24_000  # bytes that are taken before anybody reads


@dataclass(frozen=True)
class Limits:
    """seconds: that a call may take. memory: megabytes of addresses. processor: seconds in all."""

    seconds: float = 5.0
    memory: int = 1500
    processor: int = 120


@dataclass(frozen=True, eq=False)
class Answer:
    """What one call came to.

    value: what was returned, if anything. error: why nothing was, in one sentence. fatal: whether the process is gone.
    slow: whether it was stopped, having taken too long.
    changed: whether the rows given were changed. printed, beginning: how much was printed, and the first of it.
    tried: what it is not allowed to do and tried, since it was loaded. seconds: until the answer was here.
    """

    value: Any = None
    error: str | None = None
    fatal: bool = False
    slow: bool = False
    changed: bool = False
    printed: int = 0
    beginning: str = ""
    tried: str | None = None
    seconds: float = 0.0


@dataclass
class Runner:
    """A merge that can be called. Started when first asked; started again if a call was its end.

    file: the Python file with the function merge. alone: as in the module's description; else only time is held to.
    root: the checkout whose ``estimation`` the merge can import.
    """

    file: Path
    limits: Limits = field(default_factory=Limits)
    alone: bool = False
    root: Path = ROOT
    guards: list[str] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None
    _messages: queue.Queue[tuple[dict[str, Any], bytes] | None] = field(default_factory=queue.Queue)

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def load(self) -> Answer:
        """Start the process, and load the file in it. An error tells why that cannot be done."""
        self.stop()
        self.guards = []
        if not os.path.isfile(self.file):
            return Answer(error=f"there is no file {self.file}; give the path of a Python file", fatal=True)
        self._start()
        answer = self._answer(_START_SECONDS, "starting Python")
        if not answer.error:
            answer = self._answer(self.limits.seconds, "loading it")
        if answer.error:
            self.stop()
        return answer

    def call(self, rows: NDArray[np.float64], **options: float) -> Answer:
        """What merge makes of a copy of the rows, (n, parts + 2) float64."""
        if self._process is None:
            loaded = self.load()
            if loaded.error:
                return loaded
        assert self._process
        start = time.perf_counter()
        if rows.nbytes < _FITS_A_PIPE:
            _send(self._process, rows, options)
        else:  # apart, as who does not read would keep us waiting
            threading.Thread(target=_send, args=(self._process, rows, options), daemon=True).start()
        answer = self._answer(self.limits.seconds, "it")
        if answer.fatal:
            self.stop()
        return replace(answer, seconds=time.perf_counter() - start)

    def stop(self) -> None:
        """End the process, and all that it has started."""
        process, self._process = self._process, None
        if process is None:
            return
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)  # in a namespace all others end with the first
        else:
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()

    def _start(self) -> None:
        limits = {**vars(self.limits), "alone": self.alone}
        script = self.root / "tools" / "lab" / "worker.py"
        command = [sys.executable, "-I", str(script), str(self.file.resolve()), json.dumps(limits)]
        if self.alone and has_namespaces():
            command = ["unshare", *_NAMESPACES, *command]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self.file.resolve().parent,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )
        self._messages = queue.Queue(maxsize=4)
        threading.Thread(target=_listen, args=(self._process.stdout, self._messages), daemon=True).start()

    def _answer(self, seconds: float, what: str) -> Answer:
        """The next message, as an answer."""
        try:
            message = self._messages.get(timeout=seconds)
        except queue.Empty:
            return Answer(
                error=f"{what} took longer than {seconds:g} seconds, and was stopped; is there a loop that never ends?",
                fatal=True,
                slow=True,
            )
        if message is None:
            return Answer(error=self._how_it_ended(), fatal=True)
        header, data = message
        try:
            told = Answer(
                changed=bool(header.get("changed")),
                printed=int(header.get("printed", 0)),
                beginning=str(header.get("beginning", "")),
                tried=str(header["tried"]) if header.get("tried") else None,
            )
            if header.get("kind") == "error":
                return replace(told, error=str(header.get("text")))
            if header.get("kind") in ("started", "ready"):
                self.guards += map(str, header.get("guards", []))
                return told
            return replace(told, value=wire.restore(header, data))
        except (wire.WireError, TypeError, ValueError):
            return Answer(error="its process sent nonsense in place of an answer", fatal=True)

    def _how_it_ended(self) -> str:
        assert self._process
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        status = self._process.returncode
        if status is not None and status < 0:
            return f"its process was ended by the system (signal {-status}), perhaps for want of memory"
        return f"it ended its own process, with status {status}, in place of returning an answer"


def _send(process: subprocess.Popen[bytes], rows: NDArray[np.float64], options: dict[str, float]) -> None:
    header, data = wire.describe(rows)
    with contextlib.suppress(OSError, ValueError):  # if the process is gone, the answer says so
        assert process.stdin
        wire.send(process.stdin, {**header, "options": options}, data)


def _listen(stream: Any, messages: queue.Queue[tuple[dict[str, Any], bytes] | None]) -> None:
    """Pass the messages on until there are no more: a pipe cannot be waited for with a time limit on every system."""
    try:
        while message := wire.receive(stream):
            messages.put(message)
    except (wire.WireError, OSError, ValueError):
        messages.put(({"kind": "nonsense"}, b""))
    messages.put(None)


@cache
def has_namespaces() -> bool:
    """Whether this system lets its users make namespaces of their own."""
    if not sys.platform.startswith("linux") or not shutil.which("unshare"):
        return False
    done = subprocess.run(["unshare", *_NAMESPACES, "true"], capture_output=True, check=False)
    return done.returncode == 0

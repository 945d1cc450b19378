"""Mutation runs: a watched process reads mutants, and their faults are counted.

A mutant may be read or refused in a sentence. It must not raise anything else, take more than ten seconds or a
gigabyte, end the process, or write to the terminal.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.support.mutation_worker import NOISE, PACKAGES, STACK

KINDS_MODULE = "tests.support.mutation_kinds"
_POLL = 0.02  # seconds between looks at the worker
_START_SECONDS = 300.0
_PATIENCE = 4  # times its processor time that a mutant may take on a busy machine
_MORE_ADDRESSES = 16 << 30


@dataclass(frozen=True)
class Limits:
    """What one mutant may take.

    Attributes:
        seconds: Of the processor; without /proc, of the clock.
        memory: Bytes beyond what the process had before the first mutant. Not watched without /proc.
    """

    seconds: float = 10.0
    memory: int = 1 << 30


@dataclass
class Finding:
    """Something that must not happen.

    Attributes:
        what: What happened, such as ``traceback KeyError`` or ``hang``.
        where: The place in the code, or the beginning of the text.
        text: What it said in the smallest mutant.
        kind, number, size: The smallest mutant, and its bytes.
        times: How many mutants brought it about, by kind.
    """

    what: str
    where: str
    text: str
    kind: str
    number: int
    size: int
    times: dict[str, int] = field(default_factory=dict)


@dataclass
class Tally:
    """What came of the mutants of one kind.

    Attributes:
        inputs: All.
        past: Those that got past the header check.
        refused: Those that a sentence refused.
        faulty: Those with any fault.
        seconds: The most processor time of one.
        memory: The most bytes of the process beyond its beginning, as far as seen.
    """

    inputs: int = 0
    past: int = 0
    refused: int = 0
    faulty: int = 0
    seconds: float = 0.0
    memory: int = 0

    @property
    def share(self) -> float:
        """The share that got past the header check."""
        return self.past / self.inputs if self.inputs else 0.0


@dataclass
class Run:
    """A mutation run.

    Attributes:
        seed: Of the random numbers.
        tallies: By kind.
        findings: By what and where.
    """

    seed: int
    tallies: dict[str, Tally] = field(default_factory=dict)
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)

    def add(self, kind: str, number: int, size: int, faults: Sequence[Sequence[str]]) -> None:
        """Add the faults of a mutant."""
        for what, where, text in faults:
            found = self.findings.setdefault((what, where), Finding(what, where, text, kind, number, size))
            found.times[kind] = found.times.get(kind, 0) + 1
            if size < found.size:
                found.text, found.kind, found.number, found.size = text, kind, number, size
        self.tallies[kind].faulty += bool(faults)

    def table(self) -> str:
        """A line for each kind."""
        lines = [f"{'kind':22} inputs past header  read refused faulty  slowest    memory"]
        for kind, tally in self.tallies.items():
            read = tally.inputs - tally.refused - tally.faulty
            lines.append(
                f"{kind:22} {tally.inputs:6} {tally.share:11.0%} {read:5} {tally.refused:7} {tally.faulty:6} "
                f"{tally.seconds:6.2f} s {tally.memory >> 20:6} MB"
            )
        inputs = sum(tally.inputs for tally in self.tallies.values())
        least = min((tally.share for tally in self.tallies.values()), default=0.0)
        lines.append(f"{inputs} inputs, {len(self.findings)} findings; least share past the header check: {least:.0%}")
        return "\n".join(lines)

    def listing(self) -> str:
        """A paragraph for each finding, the most frequent first."""
        paragraphs = []
        for found in sorted(self.findings.values(), key=lambda found: (found.what, -sum(found.times.values()))):
            times = ", ".join(f"{kind} {count}" for kind, count in found.times.items())
            paragraphs.append(
                f"{found.what} at {found.where}\n    {found.text!a}\n    {times}\n"
                f"    smallest: --seed {self.seed} --only {found.kind} --number {found.number} ({found.size} bytes)"
            )
        return "\n".join(paragraphs)


def run_mutations(
    counts: dict[str, int],
    seed: int,
    limits: Limits = Limits(),
    module: str = KINDS_MODULE,
    first: int = 0,
    advance: Callable[[Run], object] = lambda run: None,
) -> Run:
    """Read mutants.

    Args:
        counts: The number of mutants by kind.
        seed: The seed of the random numbers.
        limits: What one mutant may take.
        module: The module with the table ``KINDS``.
        first: The number of the first mutant of each kind.
        advance: Called after each mutant.

    Returns:
        What came of them.
    """
    kinds = importlib.import_module(module).KINDS
    run = Run(seed, {kind: Tally() for kind in counts})
    for tensorflow in (False, True):
        plan = [(k, first, first + count) for k, count in counts.items() if kinds[k].tensorflow == tensorflow and count]
        while plan:
            with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as folder:
                watch = _Watch(Path(folder), limits)
                settings = {"module": module, "seed": seed, "tensorflow": tensorflow, "addresses": _MORE_ADDRESSES}
                kind, number = watch.follow({**settings, "folder": folder, "plan": plan}, run, advance)
            plan = list(_rest(plan, kind, number))
    return run


def _rest(plan: list[tuple[str, int, int]], kind: str | None, number: int) -> Iterator[tuple[str, int, int]]:
    """What is left of a plan after a mutant at which the worker ended; nothing if there was none."""
    reached = kind is None
    for name, begin, end in plan if kind is not None else ():
        if name == kind:
            reached = True
            begin = number + 1
        if reached and begin < end:
            yield name, begin, end


class _Watch:
    """Starts a worker, and ends it when a mutant takes too much."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder, self.limits = folder, limits

    def follow(self, settings: dict[str, Any], run: Run, advance: Callable[[Run], object]) -> tuple[str | None, int]:
        """Read the plan's mutants.

        Returns:
            The mutant at which the worker ended: its kind and number. None and 0 if it came to the end of the plan.
        """
        command = [sys.executable, "-m", "tests.support.mutation_worker"]
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=environment, text=True
        ) as process:
            assert process.stdin
            process.stdin.write(json.dumps(settings))
            process.stdin.close()
            try:
                return self._listen(process, run, advance)
            finally:
                process.kill()

    def _listen(
        self, process: subprocess.Popen[str], run: Run, advance: Callable[[Run], object]
    ) -> tuple[str | None, int]:
        lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=_pass_on, args=(process.stdout, lines), daemon=True).start()
        until = time.monotonic() + _START_SECONDS
        base = seconds_before = memory = 0.0
        kind, number = None, 0  # of the mutant that is being read
        while True:
            try:
                line = lines.get(timeout=_POLL)
            except queue.Empty:
                memory = max(memory, _memory(process.pid) - base)
                seconds = _seconds(process.pid)
                fault = ""
                if kind is None:
                    if time.monotonic() > until:
                        raise RuntimeError(f"the worker did not start: {self._noise()}") from None
                elif memory > self.limits.memory:
                    fault = "memory"
                elif (seconds or 0) - seconds_before > self.limits.seconds or time.monotonic() > until:
                    fault = "hang"
                if not fault:
                    continue
                text = f"{seconds} s, {int(memory) >> 20} MB"
                self._end(process)
                self._count_end(run, kind, number, fault, text, memory)
                return kind, number
            if line is None:
                status = process.wait()
                if kind is None:
                    if status == 0:
                        return None, 0
                    raise RuntimeError(f"the worker ended with status {status}: {self._noise()}")
                self._count_end(run, kind, number, f"died with status {status}", self._noise(), memory)
                return kind, number
            message = json.loads(line)
            if "ready" in message:
                base = _memory(process.pid)
            elif "start" in message:
                kind, number = message["start"]
                memory = 0.0
                seconds_before = _seconds(process.pid) or 0.0
                slow = _PATIENCE if _seconds(process.pid) is not None else 1
                until = time.monotonic() + slow * self.limits.seconds
            else:
                memory = max(memory, _memory(process.pid) - base)
                self._count(run, kind, number, message["done"], memory)
                kind = None
                until = time.monotonic() + _START_SECONDS
                advance(run)

    def _count(self, run: Run, kind: str | None, number: int, outcome: dict[str, Any], memory: float) -> None:
        assert kind is not None
        faults = outcome["faults"]
        if memory > self.limits.memory:
            faults.append(("memory", kind, f"{int(memory) >> 20} MB"))
        if outcome["seconds"] > self.limits.seconds:
            faults.append(("hang", kind, f"{outcome['seconds']:.1f} s"))
        tally = run.tallies[kind]
        tally.inputs += 1
        tally.past += outcome["past"]
        tally.refused += outcome["refused"] and not faults
        tally.seconds = max(tally.seconds, outcome["seconds"])
        tally.memory = max(tally.memory, int(memory))
        run.add(kind, number, outcome["size"], faults)

    def _count_end(self, run: Run, kind: str | None, number: int, what: str, text: str, memory: float) -> None:
        assert kind is not None
        tally = run.tallies[kind]
        tally.inputs += 1
        tally.past += 1  # it did not stop at the header
        tally.memory = max(tally.memory, int(memory))
        inside = self.folder / str(number)
        size = sum(file.stat().st_size for file in inside.iterdir()) if inside.is_dir() else 0
        own, inner = self._place()
        # by function: a loop ends at any of its lines
        where = re.sub(r", line \d+", "", own or inner) or kind
        run.add(kind, number, size, [(what, where, f"{own} > {inner}: {text}")])

    def _end(self, process: subprocess.Popen[str]) -> None:
        """End the worker, which first writes where it is."""
        if hasattr(signal, "SIGABRT") and os.name == "posix":
            process.send_signal(signal.SIGABRT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
        process.kill()
        process.wait()

    def _noise(self) -> str:
        path = self.folder / NOISE
        return path.read_bytes()[-500:].decode(errors="replace") if path.is_file() else ""

    def _place(self) -> tuple[str, str]:
        """The innermost frame of the project at the worker's end, and the innermost of all."""
        path = self.folder / STACK
        text = path.read_text(errors="replace") if path.is_file() else ""
        _, _, current = text.partition("Current thread")
        frames = [line.strip() for line in current.splitlines() if line.strip().startswith("File")]
        folders = [f'"{ROOT / name}{os.sep}' for name in PACKAGES]
        own = [frame for frame in frames if any(folder in frame for folder in folders)]
        return (own[0].replace(f"{ROOT}{os.sep}", "") if own else ""), (frames[0] if frames else "")


def _pass_on(stream: Any, lines: queue.Queue[str | None]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


def _memory(pid: int) -> float:
    """Bytes of memory of a process; 0 where it cannot be known."""
    try:
        return float(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE"))
    except (OSError, IndexError, ValueError, AttributeError):
        return 0.0


def _seconds(pid: int) -> float | None:
    """Processor time of a process; None where it cannot be known."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError, AttributeError):
        return None

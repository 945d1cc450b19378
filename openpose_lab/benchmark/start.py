"""From Enter to the picture: the demo in fresh processes, its peak memory, and what imports alone cost."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from estimation.errors import OpenPoseLabError, one_line
from openpose_lab.benchmark.table import Row, Table
from openpose_lab.benchmark.timing import Task, count_runs, time_in_turns
from openpose_lab.extras import is_installed
from openpose_lab.paths import ROOT, in_clone

_MEMORY = "peak memory"
_LONGEST = 600  # seconds of one process
_LAUNCHER = """
import os, subprocess, sys, time
start = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
memory = -1
if hasattr(os, "wait4"):
    _, status, usage = os.wait4(process.pid, 0)
    memory = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    status = os.waitstatus_to_exitcode(status)
else:
    status = process.wait()
print(time.perf_counter() - start, memory, status)
"""
"""Times a process. It is small itself: Linux counts the memory of the process that starts another one as the other's,
too."""
_FIRST_RUN = """
import sys
from pathlib import Path
from openpose_lab import paths
folder = Path(sys.argv.pop(1))
paths.cache_folder = lambda: folder
from openpose_lab.__main__ import main
sys.exit(main())
"""
"""Runs the command with an empty cache folder, so that no compiled network is kept there."""


def demo_command(output: Path, *options: str) -> list[str]:
    """The command line of the demo on the sample photo: demo_image.py of a clone, or the installed package."""
    program = [str(ROOT / "demo_image.py")] if in_clone() else ["-m", "openpose_lab"]
    return [sys.executable, *program, "--output", str(output), *options]


def start_commands(folder: Path) -> dict[str, Callable[[], list[str]]]:
    """What is started, by how people write it.

    Args:
        folder: An empty folder for outputs and caches.

    Returns:
        For each, a function that gives the command line of the next run.
    """
    output = folder / "output.png"

    def first_run() -> list[str]:
        cache = tempfile.mkdtemp(prefix="cache-", dir=folder)
        return [sys.executable, "-c", _FIRST_RUN, cache, "--output", str(output)]

    found: dict[str, Callable[[], list[str]]] = {
        "the demo, first run": first_run,
        "the demo": lambda: demo_command(output),
        "the demo, --quality fast": lambda: demo_command(output, "--quality", "fast"),
        "the demo, --help": lambda: demo_command(output, "--help"),
    }
    for names in (("numpy", "cv2"), ("numpy", "cv2", "openvino"), ("tensorflow",)):
        if all(map(is_installed, names)):
            imports = f"import {', '.join(names)}"
            found[f'python -c "{imports}"'] = lambda imports=imports: [sys.executable, "-c", imports]  # type: ignore[misc]
    return found


def benchmark_start(
    repeat: int,
    commands: Mapping[str, Callable[[], list[str]]],
    tick: Callable[[], object] = lambda: None,
) -> Table:
    """Time the demo in processes of its own, from the start of the process to its end.

    Args:
        repeat: How often each command is timed.
        commands: As ``start_commands`` gives them.
        tick: Is called after each run, for a progress bar.

    Returns:
        The times, with the peak memory of each process.
    """
    memory: dict[str, list[int]] = {}
    tasks = {name: _task(command, memory.setdefault(name, [])) for name, command in commands.items()}
    timings = time_in_turns(tasks, repeat, tick=tick)
    rows = []
    for name, timing in timings.done.items():
        most = max(memory[name])
        figures = {"peak_memory": None if most < 0 else most}
        shown = "not measured" if most < 0 else f"{most / 1e6:.0f} MB"
        rows.append(Row((name,), timing, 1, {_MEMORY: shown}, figures))
    notes = [
        "the demo writes the picture of the sample photo; the first run has no compiled network in its cache; files "
        "are in the system's cache in every run",
        f"{_MEMORY}: the largest resident set of the process",
        *(f"{name} is left out: {sentence}" for name, sentence in timings.failed.items()),
    ]
    return Table("start", "From Enter to the picture", ("command",), "s", rows, (_MEMORY,), notes=notes)


def start_runs(commands: int, repeat: int) -> int:
    """Compute how often ``benchmark_start`` calls ``tick``."""
    return count_runs(commands, repeat)


def _task(command: Callable[[], list[str]], memory: list[int]) -> Task:
    def run() -> float:
        seconds, most = run_process(command())
        memory.append(most)
        return seconds

    return run


def run_process(command: list[str]) -> tuple[float, int]:
    """Run a command in a process of its own.

    Args:
        command: The program and its arguments. The project can be imported there.

    Returns:
        The seconds from its start to its end, and its peak memory in bytes: -1 where the system does not say.

    Raises:
        OpenPoseLabError: It failed, or took longer than ten minutes.
    """
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), environment.get("PYTHONPATH")]))
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command]
    try:
        done = subprocess.run(
            launcher, env=environment, capture_output=True, text=True, errors="replace", timeout=_LONGEST
        )
    except subprocess.TimeoutExpired:
        raise OpenPoseLabError(f"it took longer than {_LONGEST} s") from None
    words = done.stdout.split()
    if len(words) != 3:
        raise OpenPoseLabError(f"it cannot be started: {one_line(done.stderr, 150)}")
    if int(words[2]):
        raise OpenPoseLabError(f"it ended with status {words[2]}: {one_line(done.stderr.strip(), 150)}")
    return float(words[0]), int(words[1])

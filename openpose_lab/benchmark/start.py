"""Time the demo in new processes, from Enter to the picture, with its peak memory and the time of its imports."""

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
_LONGEST = 600  # seconds until a process is stopped
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
"""A program that times another process. It is small, because Linux adds its memory to the memory of that process."""
_FIRST_RUN = """
import sys
from pathlib import Path
from openpose_lab import paths
folder = Path(sys.argv.pop(1))
paths.cache_folder = lambda: folder
from openpose_lab.__main__ import main
sys.exit(main())
"""
"""Run the command with an empty cache folder, so that the cache contains no compiled network."""


def demo_command(output: Path, *options: str) -> list[str]:
    """Return the command line of the demo on the sample photo: demo_image.py of a clone, or the installed package."""
    program = [str(ROOT / "demo_image.py")] if in_clone() else ["-m", "openpose_lab"]
    return [sys.executable, *program, "--output", str(output), *options]


def start_commands(folder: Path) -> dict[str, Callable[[], list[str]]]:
    """List the commands to time.

    Args:
        folder: An empty folder for outputs and caches.

    Returns:
        By the name of each command, a function that returns the command line of its next run.
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
    """Time each command in its own process, from the start of the process to its end.

    Args:
        repeat: The number of times that each command is timed.
        commands: The commands, as ``start_commands`` returns them.
        tick: A function that is called after each run, for a progress bar.

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
    """Compute the number of times that ``benchmark_start`` calls ``tick``."""
    return count_runs(commands, repeat)


def _task(command: Callable[[], list[str]], memory: list[int]) -> Task:
    def run() -> float:
        seconds, most = run_process(command())
        memory.append(most)
        return seconds

    return run


def run_process(command: list[str]) -> tuple[float, int]:
    """Run a command in its own process, in which the project can be imported.

    Args:
        command: The program and its arguments.

    Returns:
        The seconds from the start of the process to its end, and its peak memory in bytes. The memory is -1 if the
        system does not report it.

    Raises:
        OpenPoseLabError: The command failed, or took longer than ten minutes.
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

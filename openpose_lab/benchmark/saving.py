"""Time ``check-merge --watch``, from saving a merge to the answer."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path

from estimation.errors import OpenPoseLabError
from estimation.grouping import LAB_MERGE
from openpose_lab.benchmark.table import Row, Table
from openpose_lab.benchmark.timing import Task, count_runs, time_in_turns
from openpose_lab.paths import ROOT

_LONGEST = 60.0  # seconds until an answer counts as missing
_PAUSE = 1.0  # seconds before each save, because a person does not save faster
_ANSWER = re.compile(r"\d\d:\d\d:\d\d ")
_FIRST_ATTEMPT = """
import numpy as np


def merge(subset, min_num_body_parts=4, min_score=0.4):
    people = []
    for row in subset.copy():
        for person in people:
            if ((person[:18] == row[:18]) & (row[:18] != -1)).any():
                person[:18] = np.where(person[:18] == -1, row[:18], person[:18])
                person[18] += row[18]
                person[19] = (person[:18] != -1).sum()
                break
        else:
            people.append(row)
    people = np.array(people).reshape(-1, subset.shape[1])
    keep = (people[:, 19] >= min_num_body_parts) & (people[:, 18] >= min_score * people[:, 19])
    return people[keep]
"""


def saved_texts() -> dict[str, str]:
    """Return the texts to save, by name."""
    return {
        "the project's merge: all checks pass": LAB_MERGE.read_text(encoding="utf-8"),
        "one pass over the rows: many checks fail": _FIRST_ATTEMPT,
        "a syntax error": "def merge(subset)\n",
    }


def benchmark_saving(
    repeat: int, texts: Mapping[str, str], folder: Path, tick: Callable[[], object] = lambda: None
) -> Table:
    """Time ``check-merge --watch`` from a save to the answer.

    Args:
        repeat: The number of times that each text is saved.
        texts: The texts to save, by name.
        folder: An empty folder for the merge.
        tick: A function that is called after each run, for a progress bar.

    Returns:
        The times.

    Raises:
        OpenPoseLabError: The program cannot be started.
    """
    path, number = folder / "merge.py", count()
    path.write_text(_FIRST_ATTEMPT, encoding="utf-8")
    with _watching(path) as answers:

        def save(text: str) -> float:
            while not answers.empty():
                answers.get()
            path.write_text(f"{text}# save {next(number)}\n", encoding="utf-8")
            start = time.perf_counter()
            _wait_for(answers)
            return time.perf_counter() - start

        tasks: dict[str, Task] = {name: partial(save, text) for name, text in texts.items()}
        timings = time_in_turns(tasks, repeat, pause=_PAUSE, tick=tick)
    rows = [Row((name,), timing) for name, timing in timings.done.items()]
    notes = [f"{name} is left out: {sentence}" for name, sentence in timings.failed.items()]
    return Table("save", "From the save to the answer of check-merge --watch", ("saved",), "s", rows, notes=notes)


def saving_runs(texts: int, repeat: int) -> int:
    """Compute the number of times that ``benchmark_saving`` calls ``tick``."""
    return count_runs(texts, repeat)


@contextmanager
def _watching(path: Path) -> Iterator[queue.Queue[str]]:
    """Run the program during the block. Yield a queue with the first line of each answer, and "" when it ends.

    The program writes a whole answer into the pipe at once, so the first line arrives with the rest.
    """
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), environment.get("PYTHONPATH")]))
    process = subprocess.Popen(
        [sys.executable, "-m", "openpose_lab", "check-merge", "--watch", str(path)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        errors="replace",
    )
    answers: queue.Queue[str] = queue.Queue()
    listener = threading.Thread(target=_listen, args=(process, answers), daemon=True)
    listener.start()
    try:
        _wait_for(answers)
        yield answers
    finally:
        process.terminate()
        process.wait()
        listener.join()


def _listen(process: subprocess.Popen[str], answers: queue.Queue[str]) -> None:
    assert process.stdout
    with process.stdout as lines:
        for line in lines:
            if _ANSWER.match(line):
                answers.put(line)
    answers.put("")


def _wait_for(answers: queue.Queue[str]) -> None:
    try:
        answer = answers.get(timeout=_LONGEST)
    except queue.Empty:
        raise OpenPoseLabError(f"check-merge --watch gave no answer within {_LONGEST:g} s") from None
    if not answer:
        raise OpenPoseLabError("check-merge --watch has ended")

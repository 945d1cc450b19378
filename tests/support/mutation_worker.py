"""The process that reads mutants, one after the other, and tells what came of each.

It is started by mutation_runner.py, which watches its time and memory. It writes lines of JSON to the standard output.
What readers write to the terminal goes to a file, so that it shows.
"""

from __future__ import annotations

import contextlib
import faulthandler
import functools
import importlib
import json
import os
import random
import shutil
import sys
import time
import traceback
import unicodedata
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from tests.conftest import ROOT
from tests.support.mutation import Inside, mutate
from tests.support.seeds import Files

NOISE, STACK = "noise", "stack"
"""Files in the worker's folder: what is written to the terminal; where the process was when it ended."""
PACKAGES = ("estimation", "openpose_lab", "models")
"""Folders of the project's code."""
LONGEST_SENTENCE = 300
Said = Iterable[str]
"""Sentences for people, which are looked at as those of errors are."""
_SILENT = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)
"""Warnings that Python does not show unless it is asked to."""


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        seeds: Makes valid files.
        read: Reads a file with all that a program would do with it next. It returns sentences, or raises
            OpenPoseLabError.
        passes_header: Whether the reader takes the beginning of the file for what it should be.
        insides: The containers in it.
        all_files: Whether files beside the first one are mutated too.
        tensorflow: Whether reading takes TensorFlow.
    """

    seeds: Callable[[], list[Files]]
    read: Callable[[Path], Said]
    passes_header: Callable[[Path], bool]
    insides: tuple[Inside, ...] = ()
    all_files: bool = True
    tensorflow: bool = False


def mutant(module: str, kind: str, seed: int, number: int) -> Files:
    """Make a mutant.

    Args:
        module: The module with the table ``KINDS``.
        kind: A name in the table.
        seed: The seed of the run.
        number: The mutant's number in the run.

    Returns:
        The files, one of them mutated.
    """
    rng = random.Random(f"{seed} {kind} {number}")
    seeds = _seeds(module, kind)
    files, others = dict(rng.choice(seeds)), rng.choice(seeds)
    described = _kinds(module)[kind]
    name = next(iter(files))
    if described.all_files and rng.random() < 0.25:
        name = rng.choice(list(files))
    files[name] = mutate(files[name], rng, others.get(name, b""), described.insides)
    return files


@functools.cache
def _seeds(module: str, kind: str) -> list[Files]:
    seeds: list[Files] = _kinds(module)[kind].seeds()
    if not seeds:
        raise ValueError(f"nothing on this system can make a seed of {kind}")
    return seeds


def _kinds(module: str) -> dict[str, Kind]:
    kinds: dict[str, Kind] = importlib.import_module(module).KINDS
    return kinds


def write_files(files: Files, folder: Path) -> Path:
    """Write files into a new folder, and return the path of the first."""
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder / next(iter(files))


def examine(kind: Kind, path: Path) -> dict[str, Any]:
    """Read a file.

    Returns:
        ``past``: whether it got past the header check. ``refused``: whether a sentence refused it. ``faults``: what,
        where, and a text, of each thing that must not happen.
    """
    faults: list[tuple[str, str, str]] = []
    said: list[str] = []
    refused = False
    past = kind.passes_header(path)
    start = time.process_time()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            said += kind.read(path)
        except OpenPoseLabError as error:
            refused = True
            said.append(str(error))
        except Exception as error:
            faults.append(
                (f"traceback {type(error).__name__}", _function(error), f"{place(error)}: {str(error)[:200]}")
            )
    seconds = time.process_time() - start
    for warning in caught:
        if issubclass(warning.category, OpenPoseLabWarning):
            said.append(str(warning.message))
        elif not issubclass(warning.category, _SILENT):
            where = f"{_short(warning.filename)}:{warning.lineno}"
            faults.append((f"warning {warning.category.__name__}", where, str(warning.message)[:200]))
    for sentence in said:
        if len(sentence) >= LONGEST_SENTENCE:
            faults.append(("long sentence", _beginning(sentence), f"{len(sentence)} letters: {sentence[:200]}"))
        if any(unicodedata.category(letter)[0] == "C" for letter in sentence):
            faults.append(("control characters", _beginning(sentence), ascii(sentence[:200])))
    first = {fault[:2]: fault for fault in reversed(faults)}  # once each, though a loop warns many times
    return {"past": past, "refused": refused, "seconds": seconds, "faults": list(first.values())}


def place(error: BaseException) -> str:
    """Where in the project an exception came up, and where below it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_own(frame.filename)]
    found = [own[-1]] if own else []
    if frames and frames[-1] not in found:
        found.append(frames[-1])
    return " > ".join(f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in found)


def _function(error: BaseException) -> str:
    """The innermost function of the project that an exception came through."""
    names = [
        f"{_short(frame.filename)} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
        if _is_own(frame.filename)
    ]
    return names[-1] if names else ""


def _is_own(filename: str) -> bool:
    with contextlib.suppress(ValueError):
        return Path(filename).resolve().relative_to(ROOT).parts[0] in PACKAGES
    return False


def _short(filename: str) -> str:
    """A path from the project's root, or the last parts of another."""
    path = Path(filename)
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else "/".join(path.parts[-2:])


def _beginning(sentence: str) -> str:
    """A few words that tell sentences apart, without the path that most begin with."""
    words = [word for word in ascii(sentence).strip("'\"").split() if os.sep not in word]
    return " ".join(words[:6])[:80]


def main() -> None:
    """Read the mutants of the plan on standard input."""
    plan = json.load(sys.stdin)
    folder = Path(plan["folder"])
    report = os.fdopen(os.dup(1), "w", encoding="utf-8")
    noise = (folder / NOISE).open("w+b")
    for descriptor in (1, 2):
        os.dup2(noise.fileno(), descriptor)
    stack = (folder / STACK).open("w")
    faulthandler.enable(stack)

    def tell(**message: Any) -> None:
        report.write(json.dumps(message) + "\n")
        report.flush()

    kinds = _kinds(plan["module"])
    if plan["tensorflow"]:
        from openpose_lab.networks.runtimes.tensorflow_loading import load_tensorflow

        load_tensorflow()
    for name, _, _ in plan["plan"]:
        _seeds(plan["module"], name)
    _limit_addresses(plan["addresses"])
    tell(ready=True)
    for name, first, end in plan["plan"]:
        for number in range(first, end):
            inside = folder / str(number)
            path = write_files(mutant(plan["module"], name, plan["seed"], number), inside)
            before = noise.seek(0, os.SEEK_END)
            tell(start=[name, number])
            outcome = examine(kinds[name], path)
            sys.stderr.flush()
            noise.seek(before)
            if said := noise.read(2000):
                text = said.decode(errors="replace")
                outcome["faults"].append(("noise", _beginning(text), text[:200]))
            outcome["size"] = sum(file.stat().st_size for file in inside.iterdir())
            tell(done=outcome, seconds=time.process_time())
            shutil.rmtree(inside, ignore_errors=True)


def _limit_addresses(more: int) -> None:
    """Keep the process from asking for very much more than it has now: a second net, should the watch be late."""
    try:
        import resource

        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = used + more if hard == resource.RLIM_INFINITY else min(used + more, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


if __name__ == "__main__":
    main()

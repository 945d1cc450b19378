"""Checks and measures of a merge as one result, which ``result_text`` and ``result_html`` show."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from estimation.errors import OpenPoseLabError
from estimation.files import read_input
from openpose_lab.lab.accuracy import measure_f1, merge_seconds, read_photo_rows, reading_seconds
from openpose_lab.lab.alone import Alone
from openpose_lab.lab.cases import HANDOUT
from openpose_lab.lab.merge_checks import CHECKS, Bench, MergeCheck, run_checks
from openpose_lab.lab.notebook_code import LARGEST_NOTEBOOK, NotebookError, merge_of_notebook
from openpose_lab.lab.outcomes import Outcome
from openpose_lab.lab.sandbox.limits import Limits
from openpose_lab.lab.sandbox.runner import Runner, SandboxReply
from openpose_lab.lab.waiting import find_waiting


@dataclass(frozen=True)
class Figures:
    """Accuracy and time on the rows of real photos.

    Attributes:
        rows: the number of rows.
        photos: the number of photos.
        others: the F1 of other groupings, by name.
        f1: the F1 of the merge; None if an answer breaks the contract.
        milliseconds: the time of the merge for all rows. 0 without an F1.
        others_milliseconds: the approximate time of the project's own merge on this machine. 0 without an F1.
    """

    rows: int
    photos: int
    others: Mapping[str, float]
    f1: float | None
    milliseconds: float = 0.0
    others_milliseconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Result:
    """The result of the checks and the measures of a merge.

    Attributes:
        checks: the checks that were run.
        outcome: the failures.
        of_handout: the reply to the handout's nine rows, unchecked.
        figures: accuracy and time; None if the checks used up the merge's time.
    """

    checks: tuple[MergeCheck, ...]
    outcome: Outcome
    of_handout: SandboxReply
    figures: Figures | None


def check_file(file: Path, limits: Limits, advance: Callable[[], object] = lambda: None) -> Result:
    """Check and measure a merge in the sandbox.

    Args:
        file: the merge's Python file, or a notebook. Of a notebook, the code that the grader takes is checked.
        limits: the limits of its process.
        advance: a function that is called after each check.

    Returns:
        The result of all checks.

    Raises:
        OpenPoseLabError: The file cannot be loaded.
    """
    with _checked(file, limits, advance) as (bench, outcome):
        return measure(bench, CHECKS, outcome)


def find_outcome(file: Path, limits: Limits, advance: Callable[[], object] = lambda: None) -> Outcome:
    """Check a merge as ``check_file`` does, but do not measure it."""
    with _checked(file, limits, advance) as (_, outcome):
        return outcome


@contextmanager
def _checked(file: Path, limits: Limits, advance: Callable[[], object]) -> Iterator[tuple[Bench, Outcome]]:
    """Check a merge, and keep its process until the block ends."""
    with python_file(file) as (path, locate), Runner(path, limits) as runner:
        loaded = runner.load()
        if loaded.error:
            raise OpenPoseLabError(f"no check was run: {locate(loaded.error)}")
        bench = Bench(runner, loaded)
        with Alone(path, runner.limits) as alone:
            failures = run_checks(CHECKS, bench, advance)
            not_graded = alone.find_problem(bench)
        failures = {name: replace(one, sentence=locate(one.sentence)) for name, one in failures.items()}
        yield bench, Outcome(failures, find_waiting(failures), not_graded and locate(not_graded))


@contextmanager
def python_file(file: Path) -> Iterator[tuple[Path, Callable[[str], str]]]:
    """Convert a merge's file to a Python file if it is a notebook.

    Args:
        file: a Python file, or a notebook.

    Yields:
        The file, or a file with the code that the grader takes from the notebook; and a function that rewrites the
        places in a sentence about this file as places in the given file.

    Raises:
        OpenPoseLabError: The notebook cannot be read, or has no merge.
    """
    if file.suffix.lower() != ".ipynb":
        yield file, str
        return
    try:
        code = merge_of_notebook(read_input(file, "notebook", LARGEST_NOTEBOOK))
    except NotebookError as error:
        raise OpenPoseLabError(f"{file} cannot be checked: {error}") from None
    with tempfile.TemporaryDirectory(prefix="check-merge-") as folder:
        path = Path(folder).resolve() / "merge.py"
        path.write_bytes(code.code)
        yield path, lambda sentence: code.locate(sentence.replace(str(path), file.name))


def measure(bench: Bench, checks: tuple[MergeCheck, ...], outcome: Outcome) -> Result:
    """Measure a merge after its checks.

    Args:
        bench: the caller of the merge.
        checks: the checks that were run.
        outcome: the outcome of these checks.

    Returns:
        The result.
    """
    return Result(checks, outcome, bench.call(HANDOUT), None if bench.hung else _find_figures(bench))


def _find_figures(bench: Bench) -> Figures:
    photos = read_photo_rows()
    size = sum(map(len, photos.rows)), len(photos.rows)
    f1 = measure_f1(photos, lambda rows: bench.call(rows).value)
    if f1 is None:
        return Figures(*size, photos.figures, None)
    milliseconds = 1000 * merge_seconds(photos, bench.again)
    return Figures(*size, photos.figures, f1, milliseconds, 1000 * reading_seconds(photos) * photos.effort)

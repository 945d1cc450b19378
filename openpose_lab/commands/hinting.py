"""``check-merge --hint`` and ``--list``: the next hint for a failed check, and the steps of the task."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from estimation.built_in_groupings import LAB_MERGE
from estimation.errors import OpenPoseLabError
from openpose_lab.commands.program import how_started, quoted
from openpose_lab.extras import is_installed
from openpose_lab.paths import in_clone

if TYPE_CHECKING:
    from openpose_lab.commands.watching import Report
    from openpose_lab.lab.outcomes import Outcome
    from openpose_lab.lab.sandbox.limits import Limits

_WIDTH = 110


def print_hint(name: str, file: Path, limits: Limits, explain: Report) -> None:
    """Check a merge, and print the next hint for one of the checks that fail.

    Args:
        name: The name of the check, or a part of it. Empty for the check to correct first.
        file: The merge's Python file.
        limits: The limits of the merge's process.
        explain: A function that prints failures of checks.

    Raises:
        OpenPoseLabError: The check does not exist, or the file cannot be loaded.
    """
    from openpose_lab.lab.hint_memory import HintMemory
    from openpose_lab.lab.hints import HINTS, hints_for
    from openpose_lab.lab.steps import next_check

    wanted = find_check(name) if name else None
    outcome = check_all(file, limits)
    memory = HintMemory(file)
    memory.forget_passed(outcome.failures)
    check = wanted or next_check(outcome)
    if check is None:
        print(f"All {len(HINTS)} checks pass, so you need no hint.")
        return
    if check not in outcome.failures:
        first = next_check(outcome)
        print(f"{check}: passed" + (f". This check fails: {first}" if first else ""))
        return
    waits_for = outcome.waiting.get(check)
    others = {other: basic for other, basic in outcome.waiting.items() if other != check}
    explain({check: outcome.failures[check]}, others)
    if waits_for:
        print_wrapped(f"This check waits for a more basic check. Begin with: {waits_for}")
    hints = hints_for(check, outcome.failures[check])
    count = memory.given(check)
    kept = True
    if count < len(hints):
        print_numbered(hints, count)
        kept = memory.note(check, count + 1)
    else:
        for number in range(len(hints)):
            print_numbered(hints, number)
    print()
    if not kept:
        print("The count of hints cannot be saved, so you get the same hint next time.")
    elif count + 1 < len(hints):
        print(f"Next hint: `{command(file, '--hint')}" + (f' "{check}"`' if wanted else "`"))
    else:
        print_what_else_helps(check, file)


def print_steps(file: Path, limits: Limits) -> None:
    """Check a merge, and print the steps of the task, the state of their checks, and which step is next.

    Raises:
        OpenPoseLabError: The file cannot be loaded.
    """
    from openpose_lab.lab.steps import STEPS, due_step, next_check

    outcome = check_all(file, limits)
    forget_passed(file, outcome.failures)
    first = next_check(outcome)
    step_now = due_step(first, outcome.failures[first]) if first else None
    for number, step in enumerate(STEPS, 1):
        passed = sum(name not in outcome.failures for name in step.checks)
        note = "   <- next" if step is step_now else ""
        print(f"{number:2} {step.title:39} {step.marker:17} {passed} of {len(step.checks)}{note}")
        for name in step.checks:
            print(f"   {_state(name, outcome)}")
    print()
    if not first or not step_now:
        print("All steps are done.")
        return
    print_wrapped(f"Next: step {STEPS.index(step_now) + 1}, {step_now.title}; begin with: {first}")
    if in_clone() and is_own(file) and is_installed("pytest"):
        pytest = how_started().replace("-m openpose_lab", f"-m pytest -m {step_now.marker}")
        print(f"Run only this step's checks with pytest: `{pytest} tests/estimation/test_merge.py`")
    print(hint_line(file))


def _state(name: str, outcome: Outcome) -> str:
    """Return a line with the state of a check: passes, waits or fails."""
    from openpose_lab.lab.steps import STEPS, due_step, step_of

    if name not in outcome.failures:
        return f"passes  {name}"
    if name in outcome.waiting:
        return f"waits   {name}"
    later = due_step(name, outcome.failures[name])
    return f"fails   {name}" + (f" (belongs to step {STEPS.index(later) + 1})" if later is not step_of(name) else "")


def find_check(name: str) -> str:
    """Return the one check that a name matches. If none or several match, print their names and raise."""
    from openpose_lab.lab.hints import HINTS, find_checks

    found = find_checks(name)
    if len(found) == 1:
        return found[0]
    print("\n".join(found or HINTS))
    if found:
        raise OpenPoseLabError(f"{name!r} matches {len(found)} checks; give a longer part of one of the names above")
    raise OpenPoseLabError(f"no check matches {name!r}; give one of the names above, or a part of it")


def check_all(file: Path, limits: Limits) -> Outcome:
    """Run all checks of a merge.

    Raises:
        OpenPoseLabError: The file cannot be loaded.
    """
    from tqdm import tqdm

    from openpose_lab.lab.merge_checks import CHECKS
    from openpose_lab.lab.results import find_outcome

    with tqdm(total=len(CHECKS), desc="checks", leave=False, disable=None, delay=1) as bar:
        return find_outcome(file, limits, bar.update)


def forget_passed(file: Path, failed: Collection[str]) -> None:
    """Reset the hints of each check that the merge passes."""
    from openpose_lab.lab.hint_memory import HintMemory

    HintMemory(file).forget_passed(failed)


def hint_line(file: Path) -> str:
    """Return the line that says how to get a hint."""
    return f"Get a hint: `{command(file, '--hint')}`"


def command(file: Path, option: str) -> str:
    """Return the command that starts ``check-merge`` for the same file with an option."""
    return f"{how_started()} check-merge{'' if is_own(file) else f' {quoted(file)}'} {option}"


def is_own(file: Path) -> bool:
    """Return whether a file is ``estimation/merge.py``, the default of ``check-merge``."""
    return os.path.realpath(file) == os.path.realpath(LAB_MERGE)


def is_notebook(file: Path) -> bool:
    """Return whether a merge's file is a notebook. ``--case`` and ``--watch`` refuse notebooks."""
    return file.suffix.lower() == ".ipynb"


def print_what_else_helps(check: str, file: Path) -> None:
    """Print other ways to get help after the last hint for a check."""
    from openpose_lab.lab.one_case import ALL_CASES

    has_case = any(case.name == check for case in ALL_CASES)
    option = f'--case "{check}"'
    if is_notebook(file):
        one_case, explain = f'`merge(case("{check}").rows)` in a cell', "`explain(photo, merge)` in a cell"
    else:
        one_case = f"`{command(file, option)}`"
        explain = f"`{how_started()} explain" + ("`" if is_own(file) else f" --grouping {quoted(file)}`")
    print("This check has no more hints. You can also:")
    if has_case:
        print(f"  run one case with prints and breakpoints: {one_case}")
    else:
        print(f"  see rows with which the check fails: `{command(file, '--all')}`")
    print(f"  see what your merge does row by row: {explain}")
    print("  ask a teaching assistant")


def print_numbered(hints: tuple[str, ...], number: int) -> None:
    """Print a hint with its number. ``number`` counts from 0, the printed number from 1."""
    print_wrapped(f"hint {number + 1} of {len(hints)}: {hints[number]}")


def print_wrapped(text: str) -> None:
    """Print a sentence, wrapped if it is long."""
    print(textwrap.fill(text, _WIDTH, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False))

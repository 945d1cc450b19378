"""``check-merge --watch``: run the checks again after each save of the file, and print the changes."""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from estimation.errors import OpenPoseLabError
from openpose_lab.commands.program import shown

if TYPE_CHECKING:
    from estimation.grouping.contract import Failure
    from openpose_lab.lab.outcomes import Outcome
    from openpose_lab.lab.sandbox.limits import Limits

    Report = Callable[[Mapping[str, Failure], Mapping[str, str]], None]
    """A function that prints failures. Arguments: failures by check, and the more basic check of each waiting one."""

_WIDTH = 110
_MOST_NAMES = 6


def watch(file: Path, limits: Limits, explain: Report, print_score: Report, next_steps: str, hint: str) -> None:
    """Check a merge, and check it again after each save of its file, until Ctrl-C.

    Args:
        file: The merge's Python file.
        limits: The limits of the merge's process.
        explain: A function that prints failures of checks.
        print_score: A function that prints how many checks of each category pass.
        next_steps: The next commands for a merge that passes all checks.
        hint: A line that says how to get a hint.

    Raises:
        OpenPoseLabError: The file cannot be read at the start.
    """
    from tqdm import tqdm

    from openpose_lab.lab.check_again import CheckAgain, Superseded
    from openpose_lab.lab.hint_memory import HintMemory
    from openpose_lab.lab.merge_checks import CHECKS
    from openpose_lab.lab.watched_file import WatchedFile

    watched = WatchedFile(file)
    if watched.content and watched.content.problem:
        raise OpenPoseLabError(watched.content.problem)
    print(f"The checks run again after each save of {shown(file)}. Press Ctrl-C to stop.\n", flush=True)
    before: Outcome | None = None
    with CheckAgain(file, limits, watched) as checks:
        while not getattr(sys.stdout, "failure", None):  # the output is closed, as after `| head`
            content = watched.content
            if content and content.gone:
                tell(f"{shown(file)} is missing; the checks run again when the file is back")
            elif content and content.problem:
                tell(content.problem)
            else:
                try:
                    # The bar appears only if the checks take over 2 seconds, as with an endless loop.
                    with tqdm(total=len(CHECKS), desc="checks", leave=False, disable=None, delay=2) as bar:
                        after, f1 = checks.run(bar.update)
                except Superseded:
                    watched.forget()
                except OpenPoseLabError as error:
                    tell(str(error))
                else:
                    HintMemory(file).forget_passed(after.failures)
                    if before is None:
                        print_first(after, f1, next_steps, hint, explain, print_score)
                    else:
                        print_changes(before, after, f1, next_steps, explain)
                    before = after
            watched.wait()


def tell(sentence: str) -> None:
    """Print a sentence with the time of day, and an empty line."""
    print(f"{time.strftime('%H:%M:%S')} {sentence}\n", flush=True)


def print_first(
    outcome: Outcome, f1: float | None, next_steps: str, hint: str, explain: Report, print_score: Report
) -> None:
    """Print how many checks pass, the failures, and how many checks of each category pass."""
    print_counts(outcome, f1)
    if not outcome.failures:
        print_next(outcome, next_steps)
        return
    print()
    explain(outcome.failures, outcome.waiting)
    print_score(outcome.failures, outcome.waiting)
    print(f"\n{hint}\n", flush=True)


def print_changes(before: Outcome, after: Outcome, f1: float | None, next_steps: str, explain: Report) -> None:
    """Print how many checks pass and which checks changed. Explain the failures that are new or different."""
    from openpose_lab.lab.outcomes import find_changes

    changes = find_changes(before, after)
    print_counts(after, f1)
    if not any(vars(changes).values()):
        print("no check has changed")
    print_names("now passing", changes.passing)
    told = {*changes.failing, *changes.due, *changes.otherwise}
    print_names("still failing", [name for name in after.own if name not in told])
    if changes.waiting:
        count = len(changes.waiting)
        print(f"now waiting for a more basic check: {count} {'checks' if count > 1 else 'check'}")
    explained = [
        ("now failing", changes.failing),
        ("no longer waiting, now failing", changes.due),
        ("still failing, but differently", changes.otherwise),
    ]
    for title, names in explained:
        if names:
            print(f"{title}:\n")
            explain({name: after.failures[name] for name in names}, after.waiting)
    if not after.failures and (before.failures or before.not_graded != after.not_graded):
        print_next(after, next_steps)
    elif not told:  # explanations already end in an empty line
        print()
    sys.stdout.flush()


def print_counts(outcome: Outcome, f1: float | None) -> None:
    """Print how many checks pass, fail and wait, and the F1 if it was measured."""
    from openpose_lab.lab.merge_checks import CHECKS

    text = f"{len(CHECKS) - len(outcome.failures)} of {len(CHECKS)} checks pass"
    if outcome.failures:
        text += f"; {len(outcome.own)} failed{outcome.and_waiting}"
    if f1 is not None:
        text += f"; F1 on the rows of real photos: {f1:.3f}"
    print(f"{time.strftime('%H:%M:%S')} {text}")


def print_names(title: str, names: list[str]) -> None:
    """Print the first names of a list. Print nothing for an empty list."""
    if names:
        more = f"; and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        text = f"{title}: {'; '.join(names[:_MOST_NAMES])}{more}"
        print(textwrap.fill(text, _WIDTH, subsequent_indent="  "))


def print_next(outcome: Outcome, next_steps: str) -> None:
    """Print the next commands for a merge that passes all checks."""
    print(f"{outcome.not_graded or f'All checks pass. Next: {next_steps}'}\n", flush=True)

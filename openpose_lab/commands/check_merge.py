"""Check a merge on small rows of limbs, and explain each failure in plain words.

The program also measures the merge's accuracy and time on rows from real photos. It needs no photos and no network.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from estimation.built_in_groupings import LAB_MERGE
from estimation.errors import OpenPoseLabError
from openpose_lab.commands.hinting import forget_passed, hint_line, is_notebook, is_own, print_hint, print_steps
from openpose_lab.commands.one_case import run_case
from openpose_lab.commands.options import add_merge_argument, add_seconds_option, check_limits, make_parser
from openpose_lab.commands.program import how_started, quoted
from openpose_lab.commands.watching import watch
from openpose_lab.paths import PACKAGE

if TYPE_CHECKING:
    from estimation.grouping.contract import Failure

EXAMPLES = """examples:
  python -m openpose_lab check-merge                   check estimation/merge.py
  python -m openpose_lab check-merge my_merge.py       check your own file
  python -m openpose_lab check-merge lab.ipynb         check the merge in a notebook, as the grader extracts it
  python -m openpose_lab check-merge --all my_merge.py print every failure, not only the first of each category
  python -m openpose_lab check-merge --watch           check again after each save, and print what changed
  python -m openpose_lab check-merge --list            list the steps of the task, and which step is next
  python -m openpose_lab check-merge --hint            give a hint for the check to correct first; repeat for more
  python -m openpose_lab check-merge --hint "peak 0"   give a hint for this check
  python -m openpose_lab check-merge --case "peak 0"   run one case; prints and breakpoints work in it
  python -m openpose_lab check-merge --case photo.jpg  print the peaks and rows of a photo, and the merge's answer

The merge runs in a separate process with a time limit. With --case it runs in this process without a limit.
An unknown name after --case prints the list of cases; an unknown name after --hint prints the list of checks.
"""


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    options = parse_options(arguments)
    if is_notebook(options.file) and (options.watch or options.case is not None):
        raise OpenPoseLabError(
            f"--case and --watch need a Python file, but {options.file} is a notebook; call merge(case(NAME).rows) or "
            "check(merge) in one of its cells"
        )
    if options.case is not None:
        run_case(options.case, options.file)
        return
    if options.hint is not None:
        explain = partial(print_failures, all_of_them=False)
        print_hint(options.hint, options.file, check_limits(options), explain)
        return
    if options.list:
        print_steps(options.file, check_limits(options))
        return
    if options.watch:
        explain = partial(print_failures, all_of_them=options.all)
        next_ones = next_steps(options.file)
        watch(options.file, check_limits(options), explain, print_score, next_ones, hint_line(options.file))
        return

    from tqdm import tqdm

    from openpose_lab.lab.merge_checks import CHECKS
    from openpose_lab.lab.result_text import format_result
    from openpose_lab.lab.results import check_file

    with tqdm(total=len(CHECKS), desc="checks", leave=False, disable=None, delay=1) as bar:
        result = check_file(options.file, check_limits(options), bar.update)
    outcome = result.outcome
    print(format_result(result, options.all), end="")
    forget_passed(options.file, outcome.failures)
    if outcome.failures:
        print(f"\n{hint_line(options.file)}")
        more = outcome.and_waiting + (f"; {outcome.not_graded}" if outcome.not_graded else "")
        raise OpenPoseLabError(f"{len(outcome.own)} of {len(CHECKS)} checks failed in {options.file}{more}")
    if outcome.not_graded:
        raise OpenPoseLabError(outcome.not_graded)
    print(f"\nAll {len(CHECKS)} checks pass. Next: {next_steps(options.file)}")


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options of the command line."""
    parser = make_parser("openpose-lab check-merge", __doc__, EXAMPLES)
    add_merge_argument(parser)
    parser.add_argument("--all", action="store_true", help="print every failure, not only the first of each category")
    manner = parser.add_mutually_exclusive_group()
    manner.add_argument(
        "--watch", action="store_true", help="check again after each save of the file, and print what changed"
    )
    manner.add_argument(
        "--case",
        metavar="NAME",
        help="run one case, in which prints and breakpoints work; NAME is a case, a part of its name, or a photo",
    )
    manner.add_argument(
        "--hint",
        nargs="?",
        const="",
        metavar="CHECK",
        help="give the next of three hints for a check; CHECK is its name or a part of it (default: the check to "
        "correct first)",
    )
    manner.add_argument("--list", action="store_true", help="list the steps of the task, and which step is next")
    add_seconds_option(parser)
    options = parser.parse_args(arguments)
    if options.hint and options.hint.endswith((".py", ".ipynb")) and options.file == LAB_MERGE:
        options.file, options.hint = Path(options.hint), ""  # argparse took the file for the check's name
    return options


def next_steps(file: Path) -> str:
    """Return the next commands for a merge that passes. Only programs of this installation are named."""
    if is_notebook(file):
        return f"`{how_started()} report {quoted(file)}` makes the report; hand in both"
    own = is_own(file)
    grouping = "" if own else f" --grouping {quoted(file)}"
    steps = {
        "explain": (grouping, "shows it step by step on a photo"),
        "compare-groupings": (grouping, "measures it beside the other groupings"),
        "report": ("" if own else f" {quoted(file)}", "makes the report to hand in"),
    }
    # The students' archive has no compare-groupings, so there the report is the second step.
    there = [name for name in steps if (PACKAGE / "commands" / f"{name.replace('-', '_')}.py").is_file()]
    return ", ".join(f"`{how_started()} {name}{steps[name][0]}` {steps[name][1]}" for name in there[:2])


def print_failures(failures: Mapping[str, Failure], waiting: Mapping[str, str], all_of_them: bool) -> None:
    """Print the failures with their rows. Checks that wait for a more basic check are only counted.

    Args:
        failures: The failures by the checks' names.
        waiting: The more basic check by the name of each check that waits for it.
        all_of_them: Whether to print every failure, not only the simplest of each category.
    """
    from openpose_lab.lab.result_text import format_failures

    print(format_failures(failures, waiting, all_of_them), end="")


def print_score(failures: Mapping[str, Failure], waiting: Mapping[str, str]) -> None:
    """Print how many checks of each category pass, and which checks the waiting ones wait for."""
    from openpose_lab.lab.result_text import format_score

    print(format_score(failures, waiting), end="")

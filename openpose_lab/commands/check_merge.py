"""Check a merge on small rows of limbs, and say in plain words what fails.

Then measure its accuracy and its time on rows from real photos. This needs neither photos nor a network.
"""

from __future__ import annotations

import argparse
import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from estimation.built_in_groupings import LAB_MERGE
from estimation.errors import OpenPoseLabError
from openpose_lab.commands.options import add_seconds_option, check_limits, make_parser

if TYPE_CHECKING:
    from estimation.grouping.contract import Failure
    from openpose_lab.lab.merge_checks import Bench

EXAMPLES = """examples:
  python -m openpose_lab check-merge                   estimation/merge.py
  python -m openpose_lab check-merge my_merge.py       a file of your own
  python -m openpose_lab check-merge --all my_merge.py every failure, not only the first of each category

The merge runs in a process of its own and is stopped if it does not come back.
"""
_WIDTH = 110
_THIS = "this merge"
_NAMES = {"lab": "the project's merge"}


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    options = parse_options(arguments)

    from tqdm import tqdm

    from openpose_lab.lab.merge_checks import CHECKS, NO_ANSWER, Bench, run_checks
    from openpose_lab.lab.sandbox.runner import Runner

    with Runner(options.file, check_limits(options)) as runner:
        loaded = runner.load()
        if loaded.error:
            raise OpenPoseLabError(f"there is nothing to check: {loaded.error}")
        bench = Bench(runner, loaded)
        with tqdm(total=len(CHECKS), desc="checks", leave=False, disable=None, delay=1) as bar:
            failures = run_checks(CHECKS, bench, bar.update)
        if failures and all(reply.error for _, reply in bench.replies):
            why = {check.name for check in CHECKS if check.category in ("contract", "speed")}  # others lack an answer
            first = next(name for name in failures if name in why and failures[name] is not NO_ANSWER)
            print_failures({first: failures[first]}, all_of_them=True)
        else:
            print_failures(failures, options.all)
        print_score(failures)
        print_rows(bench)
        if not bench.hung:
            print_figures(bench)
    if failures:
        raise OpenPoseLabError(f"{len(failures)} of {len(CHECKS)} checks failed in {options.file}")


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of the command line."""
    parser = make_parser("openpose-lab check-merge", __doc__, EXAMPLES)
    parser.add_argument(
        "file", nargs="?", type=Path, default=LAB_MERGE, metavar="FILE", help="default: estimation/merge.py"
    )
    parser.add_argument("--all", action="store_true", help="tell every failure, not only the first of each category")
    add_seconds_option(parser)
    return parser.parse_args(arguments)


def print_failures(failures: dict[str, Failure], all_of_them: bool) -> None:
    """What went wrong, with the rows concerned."""
    from openpose_lab.lab.merge_checks import CATEGORIES, CHECKS
    from openpose_lab.lab.row_tables import format_rows

    for category in CATEGORIES:
        failed = [check for check in CHECKS if check.category == category and check.name in failures]
        failed.sort(key=lambda check: (check.random, _size(failures[check.name])))  # the simplest first
        names = [check.name for check in failed]
        for name in names if all_of_them else names[:1]:
            print(f"{category}: {name}")
            print(textwrap.fill(failures[name].sentence, _WIDTH, initial_indent="  ", subsequent_indent="  "))
            if failures[name].rows:
                print(textwrap.indent(format_rows(failures[name].rows), "  "))
            print()
        if len(names) > 1 and not all_of_them:
            rest = ", ".join(names[1:])
            print(textwrap.fill(f"also failed: {rest} (--all tells how)", _WIDTH, subsequent_indent="  "), end="\n\n")


def _size(failure: Failure) -> float:
    """The number of rows concerned; no rows at all show little."""
    return len(failure.rows.get("given", ())) or math.inf


def print_score(failures: dict[str, Failure]) -> None:
    """How many checks of each category are passed."""
    from openpose_lab.lab.merge_checks import CATEGORIES, CHECKS

    for category in CATEGORIES:
        names = [check.name for check in CHECKS if check.category == category]
        passed = sum(name not in failures for name in names)
        print(f"{category:12} {passed:2} of {len(names):2}{'' if passed == len(names) else '   <- not yet'}")


def print_rows(bench: Bench) -> None:
    """What became of each of the handout's rows."""
    import numpy as np

    from estimation.subset import MISSING
    from openpose_lab.lab.cases import HANDOUT
    from openpose_lab.lab.row_tables import format_rows, is_subset

    subset = bench.call(HANDOUT).value
    if not is_subset(subset):
        return
    print("\nwhat became of the handout's rows:")
    slots = range(HANDOUT.shape[1] - 2)
    went = []
    for row in HANDOUT:
        peaks = [(slot, row[slot]) for slot in slots if row[slot] != MISSING]
        of = [number for number, person in enumerate(subset) if all(person[slot] == peak for slot, peak in peaks)]
        went.append(f"person {of[0]}" if of else "nobody")
    titles = [f"row {number} -> {who}" for number, who in enumerate(went)]
    people_titles = [f"person {number}" for number in range(len(subset))]
    rows = [row[np.newaxis] for row in (*HANDOUT, *subset)]
    print(format_rows(dict(zip([*titles, *people_titles], rows))))


def print_figures(bench: Bench) -> None:
    """How right it is on real rows and how fast, beside others."""
    from openpose_lab.lab.accuracy import measure_f1, merge_seconds, read_photo_rows, reading_seconds

    photos = read_photo_rows()
    own = measure_f1(photos, lambda rows: bench.call(rows).value)
    print(
        f"\n{sum(map(len, photos.rows))} rows of {len(photos.rows)} real photos: F1 of the pairs of parts put together"
    )
    if own is None:
        print("  not measured, as there is an answer that breaks the contract")
        return
    ranked = {**photos.figures, _THIS: own}
    for name, figure in sorted(ranked.items(), key=lambda item: -item[1]):
        print(f"  {_NAMES.get(name, name):19} {figure:.3f}{'   <-' if name == _THIS else ''}")
    milliseconds = 1000 * merge_seconds(photos, bench.again)
    theirs = 1000 * reading_seconds(photos) * photos.effort
    print(f"time for all of them: {milliseconds:.0f} ms; the project's own merge takes about {theirs:.0f} ms here")

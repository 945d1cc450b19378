"""Mutate small files of every kind that the project reads, and count the faults.

A reader may take a mutant or refuse it in one sentence. A traceback, a hang, a gigabyte of memory, a crash, and output
on the terminal are findings. The program exits with 1 if it finds anything, or if less than half of the mutants of a
kind get past the header check.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

from tqdm import tqdm

from tests.support.mutation_kinds import KINDS
from tests.support.mutation_runner import KINDS_MODULE, Run, run_mutations
from tests.support.mutation_worker import examine, mutant, write_files

EXAMPLES = """examples:
  python -m tests.mutation_run --count 10000 --seed 1
  python -m tests.mutation_run --only photos/png weights/npz --count 500
  python -m tests.mutation_run --seed 1 --only photos/png --number 17 --keep mutants   one mutant again, kept as a file
"""


def main() -> int:
    """Run the program with the options of the command line."""
    options = parse_options()
    if options.number is not None:
        return again(options)
    names = options.only or list(KINDS)
    counts = dict.fromkeys(names, math.ceil(options.count / len(names)))
    with tqdm(total=sum(counts.values()), unit="input", disable=None) as bar:
        run = run_mutations(counts, options.seed, first=options.first, advance=lambda run: bar.update())
    print(run.table())
    if run.findings:
        print(f"\n{run.listing()}")
    if options.keep:
        keep(run, options.keep)
    return int(bool(run.findings) or any(tally.share < 0.5 for tally in run.tallies.values()))


def parse_options() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        "python -m tests.mutation_run", None, __doc__, EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10_000, metavar="N", help="inputs in all (default: 10000)")
    parser.add_argument("--seed", type=int, default=0, help="another number gives other mutants (default: 0)")
    parser.add_argument("--only", nargs="+", choices=KINDS, metavar="KIND", help=f"of {', '.join(KINDS)}")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first mutant of each kind")
    parser.add_argument("--number", type=int, metavar="N", help="read just this mutant, of one kind, without limits")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="write the smallest mutant of each finding here")
    return parser.parse_args()


def again(options: argparse.Namespace) -> int:
    """Read one mutant in this process, and tell what came of it."""
    (kind,) = options.only
    files = mutant(KINDS_MODULE, kind, options.seed, options.number)
    folder = (options.keep or Path("mutants")) / f"{kind.replace('/', '-')}-{options.seed}-{options.number}"
    path = write_files(files, folder)
    print(f"wrote {path}", flush=True)
    if KINDS[kind].tensorflow:
        from openpose_lab.networks.runtimes.tensorflow_loading import load_tensorflow

        load_tensorflow()
    outcome = examine(KINDS[kind], path)
    print(outcome)
    return int(bool(outcome["faults"]))


def keep(run: Run, folder: Path) -> None:
    """Write the smallest mutant of each finding."""
    for found in run.findings.values():
        inside = folder / f"{found.kind.replace('/', '-')}-{run.seed}-{found.number}"
        if not inside.exists():
            write_files(mutant(KINDS_MODULE, found.kind, run.seed, found.number), inside)


if __name__ == "__main__":
    sys.exit(main())

"""Mark a folder of submissions, each in a sandbox.

The folder or zip is an export of Moodle, Canvas, Gradescope or Blackboard, or contains files such as
StudentID_Lab3.zip with merge.py. Each submission runs in a separate process with limits, and another process judges
its answers. The program writes a table with one row per student, and a page per student. Finished marks are saved,
so the same command continues a stopped run. With --one, it marks one submission, as an autograder does.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from estimation.errors import OpenPoseLabError, one_line
from openpose_lab.commands.options import (
    add_measuring_options,
    add_memory_option,
    add_seconds_option,
    check_limits,
    check_measuring_options,
    check_range,
    chosen_views,
    make_parser,
    output_path,
)
from openpose_lab.commands.program import claim_outputs, shown
from openpose_lab.lab.grading.points import POINTS
from openpose_lab.lab.sandbox.limits import Limits

if TYPE_CHECKING:
    from openpose_lab.lab.accuracy import PhotoRows
    from openpose_lab.lab.grading.likeness import Alike
    from openpose_lab.lab.grading.marking import Record, Setting

EXAMPLES = """examples:
  python -m openpose_lab grade submissions
  python -m openpose_lab grade submissions --out lab3.csv --points my_points.toml
  python -m openpose_lab grade --one merge.py --format json --out -
  python -m openpose_lab grade submissions --images val2017 --annotations person_keypoints_val2017.json

docs/lab_instructor.md has the sandbox limits by platform.
"""
MOST_JOBS = 61 if sys.platform == "win32" else 1000
"""Windows can wait for at most 61 processes at once."""
NAMES = {"csv": "grades.csv", "json": "grades.jsonl", "gradescope": "results.json"}
"""The default output file of each format."""
MOST_PAIRS = 10
"""The number of pairs of similar submissions that the program prints."""


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    options = parse_options(arguments)
    if options.format == "gradescope":
        for_gradescope(options)
    elif options.one:
        one_submission(options)
    else:
        all_submissions(options)


def all_submissions(options: argparse.Namespace) -> None:
    """Mark a folder of submissions, and write the table and the pages."""
    import tempfile

    from estimation.files import is_standard_output
    from openpose_lab.lab.grading.judges import mark_all, prepare
    from openpose_lab.lab.grading.points import read_points
    from openpose_lab.lab.grading.report import find_all_alike, write_pages
    from openpose_lab.lab.grading.submissions import find_submissions

    limits = check_options(options)
    points = read_points(options.points)
    print(f"reading {shown(options.folder)}", flush=True)  # reading thousands of archives takes a minute
    submissions = find_submissions(options.folder)
    print(_counted(len(submissions), "student", "students"), flush=True)
    alone = is_standard_output(options.out)  # no file can be written beside it
    pages = None if alone else options.out.with_name(f"{options.out.stem}_sheets")
    try:
        if pages:
            pages.mkdir(exist_ok=True)
        photos = read_photos(options)  # takes minutes with photos, so it comes before the temporary folder
        with tempfile.TemporaryDirectory(prefix="grade-") as folder:
            kept = progress_file(Path(folder) / "grades" if alone else options.out)
            setting = prepare(photos, limits, Path(folder))
            records = mark_all(submissions, setting, kept, options.jobs, partial(tell_beginning, kept, setting))
    except OSError as error:  # such as a full disk
        where = f" ({error.filename})" if error.filename else ""
        raise OpenPoseLabError(
            f"cannot write a file for marking{where}: {error.strerror}; free some space or choose another --out, and "
            f"run the same command again, which continues"
        ) from error
    alike = find_all_alike(records)
    write_table(options, records, points, alike, has_pages=pages is not None)
    report(records, points, alike)
    if pages:
        print(f"wrote {shown(options.out)}, and a page for each student to {shown(pages)}")
        write_pages(pages, records, points)


def write_table(
    options: argparse.Namespace,
    records: list[Record],
    points: dict[str, float],
    alike: Mapping[str, Alike],
    has_pages: bool,
) -> None:
    """Write the results of all submissions in the requested format."""
    from estimation.files import write_whole
    from openpose_lab.lab.grading.report import marks_csv, marks_json

    if options.format == "json":
        data = marks_json(records, points, alike).encode()
    else:
        encoding = "utf-8-sig" if options.excel else "utf-8"
        data = marks_csv(records, points, alike, has_pages).encode(encoding, "replace")
    write_whole(options.out, data)


def one_submission(options: argparse.Namespace) -> None:
    """Mark one submission, and write the result."""
    from openpose_lab.lab.grading.points import read_points
    from openpose_lab.lab.grading.report import find_all_alike

    limits = check_options(options, beside=False)
    points = read_points(options.points)
    record = mark_one_record(options, limits)
    alike = find_all_alike([record])
    write_table(options, [record], points, alike, has_pages=False)
    report([record], points, alike)


def for_gradescope(options: argparse.Namespace) -> None:
    """Mark one submission, and write results.json. If marking fails, results.json says why."""
    from estimation.files import write_whole
    from openpose_lab.lab.grading.gradescope import render_failure, render_results
    from openpose_lab.lab.grading.points import read_points
    from openpose_lab.lab.grading.result import result_of

    limits = check_options(options, beside=False)
    try:
        points = read_points(options.points)
        record = mark_one_record(options, limits)
        write_whole(options.out, render_results(result_of(record, points)))
    except Exception as error:  # the student gets a sentence for every kind of error
        known = str(error) if isinstance(error, OpenPoseLabError) else f"{type(error).__name__}: {error}"
        why = one_line(known, 1000)
        write_whole(
            options.out,
            render_failure(f"The autograder failed, which is not your fault. Show this to your instructor: {why}"),
        )
        raise
    report([record], points, {})


def mark_one_record(options: argparse.Namespace, limits: Limits) -> Record:
    """Mark one submission, and print the sandbox limits on this system."""
    from openpose_lab.lab.grading.one import mark_one

    record, guards = mark_one(options.folder, read_photos(options), limits)
    tell_guards(guards)
    return record


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options of the command line."""
    parser = make_parser("openpose-lab grade", __doc__, EXAMPLES)
    parser.add_argument(
        "folder", type=Path, metavar="SUBMISSIONS_DIR", help="the folder or .zip file with the submissions"
    )
    parser.add_argument("--one", action="store_true", help="mark one submission; SUBMISSIONS_DIR is its folder or file")
    parser.add_argument(
        "--format",
        choices=list(NAMES),
        default="csv",
        help="csv: a table; json: a line per student; gradescope: results.json of one student (default: csv)",
    )
    parser.add_argument(
        "--out",
        type=output_path,
        metavar="FILE",
        help=f"the file to write; - is the standard output (default by format: {', '.join(NAMES.values())})",
    )
    parser.add_argument("--excel", action="store_true", help="begin the table with a byte-order mark for Excel")
    parser.add_argument(
        "--points", type=Path, default=POINTS, help="a TOML file with the points of each category (default: the lab's)"
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=min(os.cpu_count() or 1, MOST_JOBS),
        metavar="N",
        help="mark N submissions at once (default: the number of cores)",
    )
    add_seconds_option(parser)
    add_memory_option(parser)
    photos = parser.add_argument_group("photos to measure on, instead of the rows that come with the project")
    add_measuring_options(photos, required=False)
    options: argparse.Namespace = parser.parse_args(arguments)
    options.out = options.out or Path(NAMES[options.format])
    return options


def check_options(options: argparse.Namespace, beside: bool = True) -> Limits:
    """Check the options before marking begins.

    Args:
        options: The options of the command line.
        beside: Whether the progress and the pages are written beside the table.

    Returns:
        The limits of each submission.

    Raises:
        OpenPoseLabError: An option is wrong, or an output cannot be written.
    """
    from estimation.files import check_place_of_files, is_standard_output

    check_measuring_options(options, otherwise="")
    check_range("--jobs", options.jobs, 1, MOST_JOBS)
    limits = check_limits(options)
    inputs = [("points", options.points), ("annotations", options.annotations), ("weights", options.weights)]
    outputs = [options.out]
    if beside and not is_standard_output(options.out):
        check_place_of_files(options.out)
        outputs.append(progress_file(options.out))
        check_place_of_files(outputs[1])
    folder = Path(os.path.realpath(options.folder))
    for out in outputs:
        place = Path(os.path.realpath(out))
        if place.is_file() and folder in (place, *place.parents):
            inputs.append(("submission", out))
    claim_outputs(outputs, inputs)
    return limits


def read_photos(options: argparse.Namespace) -> PhotoRows:
    """Read the rows on which accuracy is measured, or find them in the user's photos."""
    if options.images:
        from openpose_lab.evaluation.map_cache import MapCache
        from openpose_lab.lab.photos import find_limbs

        maps = MapCache(options.network, options.weights, chosen_views(options), options.runtime, options.precision)
        return find_limbs(options.images, options.annotations, maps)
    from openpose_lab.lab.accuracy import read_photo_rows

    return read_photo_rows()


def progress_file(out: Path) -> Path:
    """Return the path of the file that keeps the finished marks."""
    return out.with_name(f"{out.name}.progress")


def tell_beginning(kept: Path, setting: Setting, known: int, left: int) -> None:
    """Print how many submissions are already marked, and the sandbox limits on this system.

    Raises:
        OpenPoseLabError: The grader's reference answer does not get full marks on this system.
    """
    from openpose_lab.lab.grading.judges import check_reference

    if known:
        print(f"{known} of {known + left} are already marked ({shown(kept)})")
    if left:
        tell_guards(check_reference(setting))


def tell_guards(guards: list[str]) -> None:
    """Print the sandbox limits on this system."""
    from openpose_lab.lab.grading.judges import FULL_SANDBOX

    print(f"the sandbox limits: time, {', '.join(guards)}")
    if not set(guards) >= FULL_SANDBOX:
        print("this system lacks some sandbox limits: see docs/lab_instructor.md, or use a virtual machine")


def report(records: list[Record], points: dict[str, float], alike: Mapping[str, Alike]) -> None:
    """Print a summary of all results in a few lines."""
    from openpose_lab.lab.grading.report import find_pairs, labels
    from openpose_lab.lab.grading.result import result_of

    totals = [result_of(record, points).points for record in records]
    most = sum(points.values())
    number = _counted(len(records), "submission", "submissions")
    print(f"{number}, {sum(totals) / len(totals):.1f} of {most:g} points on average")
    passing = sum(not record.failures and not record.problem for record in records)
    print(_counted(passing, "passes every check", "pass every check"))
    if unread := sum(bool(record.problem) for record in records):
        print(f"{unread} cannot be loaded or read")
    if not alike:
        return
    if similar := sum(alike[label].count > 0 for label in labels(records)):
        print(_counted(similar, "is similar to another one:", "are similar to another one:"))
    pairs = find_pairs(records, alike)
    for one, other, share in pairs[:MOST_PAIRS]:
        print(f"  {one_line(one)} and {one_line(other)} ({share:.2f})")
    if len(pairs) > MOST_PAIRS:
        print(f"  and {len(pairs) - MOST_PAIRS} more pairs; the column alike names them")


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"

"""Make the students' archive, or the archive for Gradescope's autograder.

In the students' archive, the body of merge.py is missing, and the demo and check-merge run. This archive does not
contain the answer or the grader's hidden checks. The autograder's archive contains both, so do not publish it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from estimation.errors import OpenPoseLabError
from openpose_lab.commands.options import add_memory_option, add_seconds_option, check_limits, make_parser
from openpose_lab.commands.program import claim_outputs, shown
from openpose_lab.lab.grading.points import POINTS
from openpose_lab.lab.sandbox.limits import Limits

_EXAMPLES = """examples:
  python -m openpose_lab handout --out lab.zip
  python -m openpose_lab handout --gradescope autograder.zip --points my_points.toml
"""


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    options = parse_options(arguments)
    limits = check_limits(options)
    if not options.gradescope and (options.points != POINTS or limits != Limits()):
        raise OpenPoseLabError("--points, --seconds and --memory are for the autograder; give --gradescope too")
    out = options.out or (None if options.gradescope else Path("lab.zip"))
    outputs = [path for path in (out, options.gradescope) if path]
    for path in outputs:
        if path.suffix != ".zip":
            raise OpenPoseLabError(f"cannot write {path}: its name must end in .zip")
    claim_outputs(outputs, [("points", options.points)])
    if out:
        write_handout(out)
    if options.gradescope:
        write_autograder(options.gradescope, options.points, limits)


def write_handout(out: Path) -> None:
    """Write the students' archive."""
    from estimation.files import write_whole
    from openpose_lab.lab.handout import handout_files, pack
    from openpose_lab.lab.importable import MERGE

    files = handout_files()
    data = pack(files, out.stem)
    write_whole(out, data)
    print(f"wrote {shown(out)}: {len(files)} files, {len(data) / 1e6:.1f} MB; students write {MERGE}")


def write_autograder(out: Path, points: Path, limits: Limits) -> None:
    """Write the archive for Gradescope's autograder."""
    from estimation.files import write_whole
    from openpose_lab.lab.autograder import SCRIPTS, autograder_files
    from openpose_lab.lab.grading.points import read_points
    from openpose_lab.lab.handout import pack

    most = sum(read_points(points).values())
    files = autograder_files(points.read_bytes(), limits)
    data = pack(files, executable=SCRIPTS)
    write_whole(out, data)
    print(
        f"wrote {shown(out)}: {len(files)} files, {len(data) / 1e6:.1f} MB; it gives up to {most:g} points, and "
        f"contains the answer and the hidden checks"
    )


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options of the command line."""
    parser = make_parser("openpose-lab handout", __doc__, _EXAMPLES)
    add = parser.add_argument
    add(
        "--out",
        type=Path,
        metavar="FILE",
        help="the students' archive to write (default: lab.zip, or none with --gradescope)",
    )
    autograder = parser.add_argument_group("Gradescope")
    autograder.add_argument("--gradescope", type=Path, metavar="FILE", help="the autograder's archive to write")
    autograder.add_argument(
        "--points", type=Path, default=POINTS, help="a TOML file with the points of each category (default: the lab's)"
    )
    add_seconds_option(autograder)
    add_memory_option(autograder)
    return parser.parse_args(arguments)

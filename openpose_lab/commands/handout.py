"""Make the archive that students get, with merge.py left to be written.

The archive holds neither an answer nor the checks that only the grader makes. The demo and check-merge run in it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from estimation.errors import OpenPoseLabError
from openpose_lab.commands.options import make_parser
from openpose_lab.commands.program import claim_outputs, shown

_EXAMPLES = """example:
  python -m openpose_lab handout --out lab.zip
"""


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    options = parse_options(arguments)

    from estimation.files import write_whole
    from openpose_lab.lab.handout import handout_files, pack
    from openpose_lab.lab.importable import MERGE

    if options.out.suffix != ".zip":
        raise OpenPoseLabError(f"cannot write {options.out}: its name must end in .zip")
    claim_outputs([options.out], [])
    files = handout_files()
    data = pack(files, options.out.stem)
    write_whole(options.out, data)
    print(f"wrote {shown(options.out)}: {len(files)} files, {len(data) / 1e6:.1f} MB; {MERGE} is left to be written")


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of the command line."""
    parser = make_parser("openpose-lab handout", __doc__, _EXAMPLES)
    parser.add_argument("--out", type=Path, default=Path("lab.zip"), help="the archive (default: lab.zip)")
    return parser.parse_args(arguments)

"""Put measured tables into docs/performance.md, each between its two marks.

`openpose-lab benchmark --markdown FILE` and `scripts.measure_limits` write these tables.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from estimation.errors import OpenPoseLabError
from estimation.files import read_input, write_whole
from openpose_lab.commands.options import make_parser
from openpose_lab.commands.program import shown, start
from openpose_lab.paths import ROOT

EXAMPLES = """example:
  python -m openpose_lab benchmark --networks lightweight mobilenet_thin --markdown tables.md
  python -m scripts.measure_limits > limits.txt
  python -m scripts.update_performance --tables tables.md --limits limits.txt
"""
PAGE = ROOT / "docs" / "performance.md"
_LARGEST = 1 << 20
_WIDTH = 100
_LEFT_OUT = re.compile(r"- .*\b(?:is|are) left out: ")
"""Notes about one machine, which may contain its paths."""
_OUTPUT = re.compile(r" --(?:markdown|json) (?:'[^']*'|\S+)")
_INPUT = re.compile(r" --(images|annotations) (?:'[^']*'|\S+)")
"""Options of the command line with paths of one machine."""


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    parser = make_parser("python -m scripts.update_performance", __doc__, EXAMPLES)
    parser.add_argument("--tables", type=Path, metavar="FILE", help="the file of benchmark --markdown")
    parser.add_argument("--limits", type=Path, metavar="FILE", help="the output of measure_limits")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page (default: docs/performance.md)")
    options = parser.parse_args(arguments)
    page = _read(options.page)
    if options.tables:
        page = replace_between(page, "benchmark", tidy(_read(options.tables)))
    if options.limits:
        page = replace_between(page, "limits", f"```\n{_read(options.limits).strip()}\n```\n")
    write_whole(options.page, page.encode())
    print(f"wrote {shown(options.page)}")


def _read(path: Path) -> str:
    return read_input(path, "text", _LARGEST).decode("utf-8", "replace")


def replace_between(page: str, name: str, text: str) -> str:
    """Replace the text between two marks.

    Args:
        page: The page.
        name: The name in the marks ``<!-- NAME -->`` and ``<!-- end of NAME -->``.
        text: The new text.

    Returns:
        The page with the new text.

    Raises:
        OpenPoseLabError: The page lacks a mark.
    """
    before, mark, rest = page.partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- end of {name} -->\n")
    if not mark or not end:
        raise OpenPoseLabError(f"the page lacks the mark <!-- {name} --> or <!-- end of {name} -->; add both")
    return f"{before}{mark}\n{text.strip()}\n\n{end}{after}"


def tidy(text: str) -> str:
    """Wrap the notes of tables. Drop notes about missing software, and replace the paths of the command line."""
    names = {"images": "DIR", "annotations": "FILE"}
    lines = [line for line in text.splitlines() if not _LEFT_OUT.match(line)]
    for number, line in enumerate(lines):
        if line.startswith("openpose-lab benchmark"):
            lines[number] = _INPUT.sub(lambda found: f" --{found[1]} {names[found[1]]}", _OUTPUT.sub("", line))
    wrap = partial(textwrap.fill, width=_WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    wrapped = [wrap(line) if line.startswith("- ") else line for line in lines]
    return "\n".join(wrapped) + "\n"


if __name__ == "__main__":
    sys.exit(start("update_performance", main, sys.argv[1:]))

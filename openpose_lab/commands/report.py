"""Make the report to hand in: tables and pictures of a merge, and headings for your text.

Write your text into report.md, between the blocks of tables and pictures. You can run this program again at any time:
it replaces the blocks and keeps your text. Then open report.html in a browser, and print it as a PDF.
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from openpose_lab.commands.options import add_merge_argument, make_parser
from openpose_lab.commands.program import claim_outputs, shown
from openpose_lab.paths import sample_photo

EXAMPLES = """examples:
  python -m openpose_lab report                                  report on estimation/merge.py, in the folder report
  python -m openpose_lab report my_merge.py --out my_report      report on your own file
  python -m openpose_lab report --photos class.jpg holiday.jpg   also show these photos; name them in each run

Do not edit the blocks of tables and pictures: the program does not overwrite a block that you have changed.
"""
_SECOND_SAMPLE = "people.jpg"
TEXT, PAGE, PICTURES = "report.md", "report.html", "generated"


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    options = parse_options(arguments)

    from tqdm import tqdm

    from estimation.files import open_input
    from openpose_lab.extras import is_installed
    from openpose_lab.lab.report.blocks import make_blocks, picture_names
    from openpose_lab.lab.report.document import BLOCKS, find_blocks, find_prompts
    from openpose_lab.lab.report.findings import STEPS, find
    from openpose_lab.lab.report.own_files import sign
    from openpose_lab.sources import list_photos

    if not is_installed("markdown_it"):
        raise OpenPoseLabError(f"{PAGE} needs markdown-it-py, which is not installed; run `pip install markdown-it-py`")
    open_input(options.file, "Python file").close()
    photos = list_photos([*sample_photos(), *options.photos])
    names = [f"{PICTURES}/{name}" for name in picture_names(photos)]
    claim_files(options, [photo.path for photo in photos], names)
    check_unchanged(options.out, names)  # before the work, so that no time is lost

    with tqdm(total=STEPS + len(photos), desc="report", unit="step", leave=False, disable=None) as bar:
        found = find(options.file, photos, bar.update)
    pictures = {name: sign(drawn.picture) for name, drawn in zip(names, found.photos) if drawn.picture}
    text = write_report(options.out, make_blocks(found, names), pictures)
    absent = [name for name in BLOCKS if name not in find_blocks(text, options.out / TEXT)]
    print_report(options.out, find_prompts(text), absent)
    if found.lacking:
        raise OpenPoseLabError(f"the report is not complete yet: {found.lacking}")


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options of the command line."""
    parser = make_parser("openpose-lab report", __doc__, EXAMPLES)
    add_merge_argument(parser)
    parser.add_argument(
        "--out", type=Path, default=Path("report"), metavar="DIR", help="the report's folder (default: report)"
    )
    parser.add_argument(
        "--photos",
        type=Path,
        nargs="+",
        default=[],
        metavar="PATH",
        help="photos to show in addition to the sample photos: files, folders or globs",
    )
    return parser.parse_args(arguments)


def sample_photos() -> list[Path]:
    """Return the sample photos that exist. The installed package has only the first."""
    return [path for path in (sample_photo(), sample_photo().with_name(_SECOND_SAMPLE)) if path.is_file()]


def claim_files(options: argparse.Namespace, photos: Sequence[Path | None], pictures: Sequence[str]) -> None:
    """Make the report's folder. Raises OpenPoseLabError if a file cannot be written or is also an input."""
    from openpose_lab.job.outputs import make_folder

    make_folder(options.out)
    if (options.out / PICTURES).is_symlink():
        raise OpenPoseLabError(
            f"{options.out / PICTURES} is a link to another folder; remove it, or give another --out"
        )
    make_folder(options.out / PICTURES)
    inputs = [("Python file", options.file), *(("photo", photo) for photo in photos)]
    claim_outputs([options.out / name for name in (TEXT, PAGE, *pictures)], inputs)


def check_unchanged(folder: Path, pictures: Iterable[str]) -> None:
    """Raise OpenPoseLabError if the user has changed a file or a block that the program would overwrite."""
    from openpose_lab.lab.report.document import find_blocks, read_document
    from openpose_lab.lab.report.own_files import check_own

    for name in (PAGE, *pictures):
        check_own(folder / name)
    if (text := read_document(folder / TEXT)) is not None:
        find_blocks(text, folder / TEXT)


def write_report(folder: Path, blocks: Mapping[str, str], pictures: Mapping[str, bytes]) -> str:
    """Write pictures, text and page. Return the text, read again because the user may have saved it meanwhile."""
    from estimation.files import write_whole
    from openpose_lab.lab.report.document import new_document, read_document, update_document
    from openpose_lab.lab.report.own_files import sign
    from openpose_lab.lab.report.page import render_page

    check_unchanged(folder, pictures)
    before = read_document(folder / TEXT)
    text = new_document(blocks) if before is None else update_document(before, blocks, folder / TEXT)
    page = sign(render_page(text, folder, pictures, warn).encode())
    for name, data in pictures.items():
        write_whole(folder / name, data)
    if text != before:
        write_whole(folder / TEXT, text.encode())
    write_whole(folder / PAGE, page)
    return text


def warn(sentence: str) -> None:
    """Warn about a picture that is missing in the page."""
    warnings.warn(f"{sentence}; the page leaves it out", OpenPoseLabWarning, stacklevel=2)


def print_report(folder: Path, to_write: Sequence[str], absent: Sequence[str]) -> None:
    """Print what was written, and what the student does next."""
    text, page = folder / TEXT, folder / PAGE
    print(f"wrote {shown(text)} and {shown(page)}, with pictures in {shown(folder / PICTURES)}{os.sep}")
    if absent:
        print(f"left out, because {TEXT} does not contain their blocks: {', '.join(absent)}")
    if to_write:
        print(f"to write: {'; '.join(to_write)}")
        print(f"Write your text into {shown(text)}, and run this command again; it keeps your text.")
    else:
        print(f"Next: open {shown(page)} in a browser, and print it as a PDF.")

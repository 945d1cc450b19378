"""Write a page that shows every stage on one photo, and a grouping step by step.

The page is one HTML file that works offline. It shows heatmaps, PAFs, peaks, candidate limbs and people over the
photo, the maps after every stage of the network, and the grouping as a film. --beside shows a second grouping next
to the first and marks the differences. If a grouping fails or breaks the contract, the page shows where, and the exit
status is 1.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from estimation.built_in_groupings import GROUPINGS
from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from openpose_lab.commands.options import (
    add_grouping_option,
    add_network_options,
    add_photo_option,
    add_set_option,
    apply_settings,
    chosen_views,
    make_parser,
    warn_of_unused_settings,
)
from openpose_lab.commands.program import claim_outputs, shown
from openpose_lab.commands.watching_page import keep_up
from openpose_lab.paths import sample_photo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from estimation.config import Config
    from estimation.connections import Candidates
    from estimation.coordinates import Coordinates
    from estimation.grouping import Grouping
    from estimation.pipeline import Estimate
    from openpose_lab.lab.explain.data import Told

EXAMPLES = """examples:
  python -m openpose_lab explain                                       write explain.html for the sample photo
  python -m openpose_lab explain photo.jpg --grouping my_merge.py      use your grouping instead of estimation/merge.py
  python -m openpose_lab explain --grouping my_merge.py --beside lab   compare your grouping with another one
  python -m openpose_lab explain --watch                               update the open page after each save of merge.py
"""
PAGE_TYPES = (".html", ".htm")


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    options = parse_options(arguments)
    if not options.grouping.lower().endswith(".ipynb"):
        run(options, [options.grouping, *options.beside])
        return
    if options.watch:
        raise OpenPoseLabError("--watch needs a Python file; in a notebook, run the cell with explain(photo, merge)")

    from openpose_lab.lab.results import python_file

    with python_file(Path(options.grouping)) as (path, _):
        run(options, [str(path), *options.beside])


def run(options: argparse.Namespace, names: list[str]) -> None:
    """Write the page for groupings, given by their names or files."""
    views = chosen_views(options)

    from estimation.grouping import load_grouping
    from estimation.grouping.plugin import find_file
    from estimation.photos import read_photo
    from estimation.pipeline import estimate_people
    from estimation.views import check_input
    from openpose_lab.lab.explain.page_file import Page
    from openpose_lab.lab.explain.stages import see_stages
    from openpose_lab.networks.loading import load_network, network_config

    photo = read_photo(options.photo)
    (config,) = apply_settings(options.set, network_config(options.network, options.weights))
    check_input(photo, views.height, config)
    files = [find_file(name) for name in names]
    check_differ(files)
    check_files(options, files)

    shown_as = titles([options.grouping, *options.beside])

    def load() -> list[Grouping]:
        groupings = [load_grouping(name) for name in names]
        warn_of_unused_settings(options.set, groupings)
        return groupings

    groupings = [] if options.watch else load()
    network = load_network(options.network, options.weights, options.runtime, options.precision)
    found = estimate_people(photo, network, views.height, nobody, config, scales=views.scales, flip=views.flip)
    stages = see_stages(photo, network, views, config, found.maps)
    page = Page(options.output, options.photo.name, photo, config, found, stages)
    if options.watch:
        keep_up(files[0], page, lambda: tell(load(), shown_as, config, found))
        return
    told = tell(groupings, shown_as, config, found)
    size = page.write(told)
    print_report(options.photo, photo.shape, told)
    print(f"wrote {shown(options.output)} ({size / 1e6:.1f} MB); open it in a browser")
    if sentence := breaches(told):
        raise OpenPoseLabError(f"{sentence}; the page shows where")


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options of the command line."""
    parser = make_parser("openpose-lab explain", __doc__, EXAMPLES)
    add_photo_option(parser, sample_photo())
    add_grouping_option(parser)
    parser.add_argument(
        "--beside",
        type=lambda name: [name],
        default=[],
        metavar="GROUPING",
        help="show a second grouping beside the first, and mark the differences",
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="write the page again after each save of the file of --grouping; the open page reloads itself",
    )
    add_network_options(parser)
    add_set_option(parser)
    parser.add_argument(
        "--output", type=Path, default=Path("explain.html"), help="the page to write (default: explain.html)"
    )
    return parser.parse_args(arguments)


def nobody(candidates: Candidates, coordinates: Coordinates, config: Config) -> NDArray[np.float64]:
    """Return no people. It lets the earlier stages run first; ``tell`` runs the real groupings, which may fail."""
    import numpy as np

    from estimation.subset import row_length

    return np.empty((0, row_length(config)))


def check_differ(files: list[Path]) -> None:
    """Raise OpenPoseLabError if both groupings are the same file."""
    if len(files) < 2 or not files[0].samefile(files[1]):
        return
    advice = "give another grouping or another file"
    if len(GROUPINGS) == 1:
        advice = "this archive holds no other grouping, so keep an older version of your merge in a file, and give it"
    raise OpenPoseLabError(f"--grouping and --beside are the same file, {files[0]}; {advice}")


def check_files(options: argparse.Namespace, files: list[Path]) -> None:
    """Raise OpenPoseLabError if the page cannot be written or is also an input."""
    from openpose_lab.lab.explain.page_file import script_of

    inputs = [("photo", options.photo), ("weights file", options.weights)]
    inputs += [("grouping file", file) for file in files]
    claim_outputs([options.output, *([script_of(options.output)] if options.watch else [])], inputs)
    if options.output.suffix.lower() not in PAGE_TYPES:
        raise OpenPoseLabError(f"cannot write {options.output}: its name must end in one of {' '.join(PAGE_TYPES)}")


def titles(names: list[str]) -> list[str]:
    """Return the groupings' titles on the page: their names or file names, with numbers if two are equal."""
    short = [name if name in GROUPINGS else Path(name).name for name in names]
    return [title if short.count(title) == 1 else f"{title} ({k})" for k, title in enumerate(short, start=1)]


def tell(groupings: list[Grouping], names: list[str], config: Config, found: Estimate) -> list[Told]:
    """Run each grouping on the limbs and record its steps. The time of a grouping that fails is 0.

    Warns:
        OpenPoseLabWarning: For each call of ``step`` with wrong arguments.
    """
    from tqdm import tqdm

    from openpose_lab.lab.explain.telling import tell as tell_one

    told: list[Told] = []
    for grouping, name in zip(groupings, names):
        rows = len(found.connections.accepted)
        with tqdm(total=rows, desc=name, unit="row", leave=False, delay=1, disable=None) as bar:
            told.append(tell_one(grouping, name, config, found, bar.update, told[0].film if told else None))
        for problem in told[-1].film.problems:
            warnings.warn(f"{name}: {problem}", OpenPoseLabWarning, stacklevel=2)
    return told


def breaches(told: list[Told]) -> str:
    """Return why groupings gave no valid answer, as one sentence; empty if all answers are valid."""
    return "; ".join(one.film.breach.sentence for one in told if one.film.breach)


def print_report(path: Path, shape: tuple[int, ...], told: list[Told]) -> None:
    """Print a line for the photo, and one for each grouping."""
    from openpose_lab.lab.explain.telling import summary

    width = max(12, *(len(one.title) for one in told))
    print(f"{'photo':{width}} {shown(path)} ({shape[1]}x{shape[0]})")
    for one in told:
        print(f"{one.title:{width}} {summary(one)}")

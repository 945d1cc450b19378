"""Options and loading that the programs for photos and for videos share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from estimation.errors import OpenPoseLabError
from openpose_lab.commands.options import (
    Options,
    add_scale_option,
    check_range,
    chosen_views,
    output_path,
    warn_of_unused_settings,
)
from openpose_lab.formats import FORMATS, TableFormat

if TYPE_CHECKING:
    from estimation.config import Config
    from estimation.grouping import Grouping
    from openpose_lab.estimator import PoseEstimator
    from openpose_lab.job.look import Look
    from openpose_lab.lab.sandbox.isolated import Isolated

_MOST_PEOPLE = 10_000


def add_format_options(parser: Options) -> None:
    """Add one option for each output format."""
    for one in FORMATS.values():
        parser.add_argument(
            f"--{one.name}",
            type=output_path,
            metavar="FILE" if isinstance(one, TableFormat) else "PATH",
            dest=_dest(one.name),
            help=one.help.replace("%", "%%"),
        )
    add_scale_option(parser)


def add_look_options(parser: Options) -> None:
    """Add the options for rotating photos, selecting people and drawing them."""
    add = parser.add_argument
    add(
        "--rotate",
        type=int,
        choices=(90, 180, 270),
        default=0,
        help="rotate each photo or frame clockwise by this many degrees first",
    )
    add("--max-people", type=int, metavar="N", help="keep the N people of each photo or frame with the highest scores")
    add("--blank", action="store_true", help="draw the skeletons on a black background")
    add(
        "--blur-faces",
        action="store_true",
        help="blur the faces of the people that are found; --quality best finds the most people",
    )


def formats_asked_for(options: argparse.Namespace) -> dict[str, Path]:
    """Return the output path of each requested format."""
    paths = {name: getattr(options, _dest(name)) for name in FORMATS}
    return {name: path for name, path in paths.items() if path is not None}


def split_formats(options: argparse.Namespace, what: str) -> tuple[dict[str, Path], dict[str, Path]]:
    """Divide the requested formats into formats with one file per photo, and tables with one file for all photos.

    Args:
        options: The options of the command line.
        what: The items that get one file each, such as "the frames", for the message.

    Returns:
        Two dictionaries by format name: the folders of the formats with one file per item, and the files of the
        tables.

    Raises:
        OpenPoseLabError: A format with one file per item has the standard output as its path.
    """
    asked_for = formats_asked_for(options)
    tables = {name: path for name, path in asked_for.items() if isinstance(FORMATS[name], TableFormat)}
    files = {name: path for name, path in asked_for.items() if name not in tables}
    for name, path in files.items():
        if path == output_path("-"):
            raise OpenPoseLabError(f"--{name} - works only for one photo; give a folder for the files of {what}")
    return files, tables


def _dest(format_name: str) -> str:
    return f"format_{format_name}"


def check_look(options: argparse.Namespace) -> None:
    """Raise OpenPoseLabError if ``--max-people`` is out of range."""
    if options.max_people is not None:
        check_range("--max-people", options.max_people, 1, _MOST_PEOPLE)


def look_of(options: argparse.Namespace) -> Look:
    """Return which people are kept and how they are drawn."""
    from openpose_lab.job.look import Look

    return Look(options.max_people, options.blank, options.blur_faces)


def load_estimator(options: argparse.Namespace, config: Config, isolated: Isolated) -> tuple[PoseEstimator, Grouping]:
    """Load the network while another process loads the grouping, and make an estimator of both."""
    from openpose_lab.estimator import PoseEstimator
    from openpose_lab.networks.loading import load_network

    network = load_network(options.network, options.weights, options.runtime, options.precision)
    grouping = isolated.load()
    warn_of_unused_settings(options.set, [grouping])
    views = chosen_views(options)
    estimator = PoseEstimator(
        network, height=views.height, scales=views.scales, flip=views.flip, grouping=grouping, config=config
    )
    return estimator, grouping

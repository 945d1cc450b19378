"""What the programs for photos and for videos share: options of people and their outputs, and loading the estimator."""

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
    """The formats of the people that are found."""
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
    """How photos are turned, which people are kept, and how they are drawn."""
    add = parser.add_argument
    add(
        "--rotate",
        type=int,
        choices=(90, 180, 270),
        default=0,
        help="turn each photo or frame first, by degrees clockwise",
    )
    add("--max-people", type=int, metavar="N", help="keep the N people of each photo or frame with the highest scores")
    add("--blank", action="store_true", help="draw the skeletons on black")
    add(
        "--blur-faces",
        action="store_true",
        help="blur the faces in the picture; a person who is not found keeps theirs (--quality best finds most)",
    )


def formats_asked_for(options: argparse.Namespace) -> dict[str, Path]:
    """The file to write in each format that was asked for."""
    paths = {name: getattr(options, _dest(name)) for name in FORMATS}
    return {name: path for name, path in paths.items() if path is not None}


def split_formats(options: argparse.Namespace, what: str) -> tuple[dict[str, Path], dict[str, Path]]:
    """Divide the formats that were asked for.

    Args:
        options: The options of the command line.
        what: What has one file each, such as "the frames".

    Returns:
        The folders of those with one file each, and the files of those with one file for all, by name.

    Raises:
        OpenPoseLabError: One file each is to go to the standard output.
    """
    asked_for = formats_asked_for(options)
    tables = {name: path for name, path in asked_for.items() if isinstance(FORMATS[name], TableFormat)}
    files = {name: path for name, path in asked_for.items() if name not in tables}
    for name, path in files.items():
        if path == output_path("-"):
            raise OpenPoseLabError(f"--{name} - is for one photo; give the folder for the files of {what}")
    return files, tables


def _dest(format_name: str) -> str:
    return f"format_{format_name}"


def check_look(options: argparse.Namespace) -> None:
    """Raise OpenPoseLabError if the number of people to keep makes no sense."""
    if options.max_people is not None:
        check_range("--max-people", options.max_people, 1, _MOST_PEOPLE)


def look_of(options: argparse.Namespace) -> Look:
    """Which people are kept, and how they are drawn."""
    from openpose_lab.job.look import Look

    return Look(options.max_people, options.blank, options.blur_faces)


def load_estimator(options: argparse.Namespace, config: Config, isolated: Isolated) -> tuple[PoseEstimator, Grouping]:
    """Load the network, while another process loads the grouping, and put both together."""
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

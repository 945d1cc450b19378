"""Find the people in a photo: draw their skeletons, or write them as JSON.

The time of each stage is printed.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from openpose_lab.commands.options import (
    add_grouping_option,
    add_network_options,
    add_photo_option,
    add_scale_option,
    add_set_option,
    apply_settings,
    chosen_views,
    make_parser,
    output_path,
    warn_of_unused_settings,
)
from openpose_lab.commands.program import claim_outputs, shown
from openpose_lab.formats import FORMATS
from openpose_lab.paths import sample_photo

if TYPE_CHECKING:
    from estimation.grouping import Grouping
    from estimation.pipeline import Estimate

EXAMPLES = """examples:
  {program}                                   the sample photo, drawn to output.png
  {program} photo.jpg --output skeletons.png
  {program} photo.jpg --json people.json --no-draw
  {program} photo.jpg --json - --no-draw      JSON to the standard output, and the report to the standard error
  {program} photo.jpg --grouping my_merge.py  your grouping in place of estimation/merge.py
"""


def main(arguments: Sequence[str], program: str = "openpose-lab") -> None:
    """Run the program with the options of the command line. ``program``: how it was started, for ``--help``."""
    options = parse_options(arguments, program)
    views = chosen_views(options)

    from estimation.files import encode_picture, write_whole
    from estimation.photos import read_photo
    from estimation.pipeline import estimate_people
    from estimation.renderers import draw_skeletons
    from estimation.views import check_input
    from openpose_lab.formats.coco_results import image_ids
    from openpose_lab.formats.record import Record
    from openpose_lab.lab.sandbox.isolated import Isolated
    from openpose_lab.networks.loading import load_network, network_config

    photo = read_photo(options.photo)
    (config,) = apply_settings(options.set, network_config(options.network))
    check_input(photo, views.height, config)
    with Isolated(options.grouping) as isolated:  # it loads the file while this process loads the network
        outputs = check_files(options, isolated.source)
        network = load_network(options.network, options.weights, options.runtime, options.precision)
        grouping = isolated.load()
        warn_of_unused_settings(options.set, [grouping])
        result = estimate_people(photo, network, views.height, grouping, config, scales=views.scales, flip=views.flip)
    milliseconds = {**result.milliseconds, "grouping": isolated.milliseconds(result.milliseconds["grouping"])}

    if options.output:
        picture = draw_skeletons(config, photo, result.skeletons)
        write_whole(options.output, encode_picture(options.output, picture))
    name, (height, width) = options.photo.name, photo.shape[:2]
    record = Record(name, 0, None, width, height, result.skeletons, *image_ids([name]))
    for name, path in formats_asked_for(options).items():
        write_whole(path, FORMATS[name].encode(record, config.layout, options.keypoint_scale))
    print_report(options, grouping, photo.shape, replace(result, milliseconds=milliseconds))
    for path in outputs:
        print(f"wrote {shown(path)}")


def parse_options(arguments: Sequence[str], program: str) -> argparse.Namespace:
    """The options of the command line."""
    parser = make_parser(program, __doc__, EXAMPLES.format(program=program))
    add_photo_option(parser, sample_photo())
    parser.add_argument(
        "--output", type=Path, default=Path("output.png"), help="the picture to write (default: output.png)"
    )
    for one in FORMATS.values():
        parser.add_argument(
            f"--{one.name}", type=output_path, metavar="FILE", dest=_dest(one.name), help=one.help.replace("%", "%%")
        )
    add_scale_option(parser)
    add_network_options(parser)
    add_grouping_option(parser)
    add_set_option(parser)
    parser.add_argument("--no-draw", dest="output", action="store_const", const=None, help="write no picture")
    return parser.parse_args(arguments)


def formats_asked_for(options: argparse.Namespace) -> dict[str, Path]:
    """The file to write in each format that was asked for."""
    paths = {name: getattr(options, _dest(name)) for name in FORMATS}
    return {name: path for name, path in paths.items() if path is not None}


def _dest(format_name: str) -> str:
    return f"format_{format_name}"


def check_files(options: argparse.Namespace, grouping_file: Path) -> list[Path]:
    """The files that will be written. Raises OpenPoseLabError if one cannot be, or would overwrite an input."""
    from estimation.files import check_picture_type

    for name in formats_asked_for(options):
        FORMATS[name].check()
    outputs = [path for path in (options.output, *formats_asked_for(options).values()) if path is not None]
    inputs = [("photo", options.photo), ("grouping file", grouping_file), ("weights file", options.weights)]
    claim_outputs(outputs, inputs)
    if options.output:
        check_picture_type(options.output)
    return outputs


def print_report(options: argparse.Namespace, grouping: Grouping, shape: tuple[int, ...], result: Estimate) -> None:
    """Print people, parts, and the milliseconds of each stage."""
    people, parts = result.skeletons.present.shape
    found = int(result.skeletons.present.sum())
    print(f"photo        {shown(options.photo)} ({shape[1]}x{shape[0]})")
    print(f"people       {people}")
    print(f"parts        {found} of {people * parts}")
    by = {"network": f"{options.network} at {chosen_views(options).title}", "grouping": shown(grouping.source)}
    for stage, milliseconds in result.milliseconds.items():
        print(f"{stage:12} {milliseconds:.2f} ms{f'   <- {by[stage]}' if stage in by else ''}")

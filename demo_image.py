"""A photo in, its people out: a picture with the skeletons, JSON, and the time of each stage."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from estimation.config import DEFAULT_HEIGHT
from estimation.files import check_outputs, check_picture_type, encode_picture, read_photo, write_whole
from estimation.formats import to_openpose
from estimation.grouping import GROUPINGS, Grouping, load_grouping
from estimation.pipeline import Estimate, check_input, estimate_people
from estimation.renderers import draw_skeletons
from models import NETWORKS, load_network
from tools.program import run

SAMPLE = Path(__file__).parent / "images" / "people.jpg"
EXAMPLES = """examples:
  python demo_image.py                                   the sample photo, drawn to output.png
  python demo_image.py photo.jpg --output skeletons.png
  python demo_image.py photo.jpg --json people.json --no-draw
  python demo_image.py photo.jpg --grouping my_merge.py  your grouping in place of estimation/merge.py
"""


def main() -> None:
    """Run the program with the options of the command line."""
    options = parse_options()
    photo = read_photo(options.photo)
    check_input(photo, options.height)
    grouping = load_grouping(options.grouping)
    outputs = check_files(options, grouping)
    network = load_network(options.network, options.weights)

    result = estimate_people(photo, network, options.height, grouping)

    if options.output:
        write_whole(
            options.output, encode_picture(options.output, draw_skeletons(network.config, photo, result.skeletons))
        )
    if options.json:
        write_whole(options.json, json.dumps(to_openpose(result.skeletons)).encode())
    print_report(options, grouping, photo.shape, result)
    for path in outputs:
        print(f"wrote {path}")


def parse_options() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photo", nargs="?", type=Path, default=SAMPLE, help="the photo (default: the sample)")
    parser.add_argument(
        "--output", type=Path, default=Path("output.png"), help="the picture to write (default: output.png)"
    )
    parser.add_argument("--json", type=Path, help="also write the people as JSON in OpenPose's format")
    parser.add_argument(
        "--network", default="mobilenet_thin", help=f"one of {', '.join(NETWORKS)} (default: mobilenet_thin)"
    )
    parser.add_argument("--weights", type=Path, help="a weights file for the network (default: its own)")
    parser.add_argument(
        "--grouping",
        default="lab",
        help=f"one of {', '.join(GROUPINGS)}, or a Python file with merge or group (default: lab, estimation/merge.py)",
    )
    parser.add_argument(
        "--height",
        type=int,
        default=DEFAULT_HEIGHT,
        help=f"input height of the network in pixels (default: {DEFAULT_HEIGHT})",
    )
    parser.add_argument("--no-draw", dest="output", action="store_const", const=None, help="write no picture")
    return parser.parse_args()


def check_files(options: argparse.Namespace, grouping: Grouping) -> list[Path]:
    """The files that will be written. Raises OpenPoseLabError if one cannot be, or would overwrite an input."""
    outputs = [path for path in (options.output, options.json) if path is not None]
    inputs = [("photo", options.photo), ("grouping file", grouping.source), ("weights file", options.weights)]
    check_outputs(outputs, inputs)
    if options.output:
        check_picture_type(options.output)
    return outputs


def print_report(options: argparse.Namespace, grouping: Grouping, shape: tuple[int, ...], result: Estimate) -> None:
    """People, parts, and the milliseconds of each stage."""
    people, parts = result.skeletons.present.shape
    found = int(result.skeletons.present.sum())
    print(f"photo        {shown(options.photo)} ({shape[1]}x{shape[0]})")
    print(f"people       {people}")
    print(f"parts        {found} of {people * parts}")
    for stage, milliseconds in result.milliseconds.items():
        note = f"   <- {shown(grouping.source)}" if stage == "grouping" else ""
        print(f"{stage:12} {milliseconds:.2f} ms{note}")


def shown(path: Path) -> Path:
    """The path from here, if it leads down from here."""
    absolute = path.absolute()
    return absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    sys.exit(run("demo_image.py", main))

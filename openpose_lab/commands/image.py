"""Find the people in photos: draw their skeletons, or write them as JSON and tables.

For one photo, the program writes output.png and prints the time of each stage. For several photos, a folder or a
glob, it writes a picture NAME_rendered.jpg and a JSON file NAME_keypoints.json for each photo, in the folder output/.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from estimation.errors import OpenPoseLabError
from openpose_lab.commands.estimating import (
    add_format_options,
    add_look_options,
    check_look,
    formats_asked_for,
    load_estimator,
    look_of,
    split_formats,
)
from openpose_lab.commands.options import (
    Options,
    add_grouping_option,
    add_network_options,
    add_set_option,
    apply_settings,
    chosen_views,
    make_parser,
)
from openpose_lab.commands.program import claim_outputs, quoted, shown
from openpose_lab.formats import FORMATS
from openpose_lab.paths import sample_photo

if TYPE_CHECKING:
    from estimation.grouping import Grouping
    from estimation.pipeline import Estimate
    from openpose_lab.job.outputs import Outputs
    from openpose_lab.job.run import Failure
    from openpose_lab.sources import PhotoFile

EXAMPLES = """examples:
  {program}                                   draw the sample photo to output.png
  {program} photo.jpg --output skeletons.png
  {program} photo.jpg --json people.json --no-draw
  {program} photo.jpg --json - --no-draw      JSON to the standard output, the report to the standard error
  {program} photo.jpg --grouping my_merge.py  use your grouping instead of estimation/merge.py
  {program} photos                            write a picture and a JSON file per photo to output/
  {program} photos --recursive --resume       include sub-folders, skip the photos that are done
  {program} "photos/*.jpg" --output drawn --csv people.csv
  {program} photos --no-draw --coco results.json
"""
OUTPUT_FILE = Path("output.png")
OUTPUT_FOLDER = Path("output")


def main(arguments: Sequence[str], program: str = "openpose-lab") -> None:
    """Run the program with the options of the command line. ``--help`` names it ``program``."""
    options = parse_options(arguments, program)
    chosen_views(options)
    check_look(options)
    if is_one_photo(options):
        process_one(options)
    else:
        from openpose_lab.overlap import share_heaps

        share_heaps()  # before NumPy is imported
        process_many(options)


def parse_options(arguments: Sequence[str], program: str) -> argparse.Namespace:
    """Parse the options of the command line."""
    parser = make_parser(program, __doc__, EXAMPLES.format(program=program))
    parser.add_argument(
        "photo",
        nargs="*",
        default=[sample_photo()],
        help="photos, folders, globs, or - for a photo on the standard input (default: the sample photo)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="PATH",
        help=f"the picture of one photo, or the folder for several photos "
        f"(default: {OUTPUT_FILE}, or {OUTPUT_FOLDER}{os.sep})",
    )
    parser.add_argument("--no-draw", dest="draw", action="store_false", help="do not write pictures")
    add_format_options(parser)
    add_folder_options(parser.add_argument_group("several photos"))
    add_look_options(parser)
    add_network_options(parser)
    add_grouping_option(parser)
    add_set_option(parser)
    return parser.parse_args(arguments)


def add_folder_options(parser: Options) -> None:
    """Add the options for several photos."""
    add = parser.add_argument
    add("--recursive", action="store_true", help="include the photos in sub-folders")
    add("--resume", action="store_true", help="continue an earlier run: skip the photos that are done")
    add("--overwrite", action="store_true", help="process all photos again, and replace existing files")
    add(
        "--image-format",
        choices=("jpg", "png"),
        default="jpg",
        help="format of the pictures (default: jpg, which is faster to write)",
    )


def is_one_photo(options: argparse.Namespace) -> bool:
    """Return whether the options name one photo file, and no folder as an output."""
    from openpose_lab.sources.photo_files import is_file_source

    folders = [options.output, *formats_asked_for(options).values()]
    if any(path is not None and os.path.isdir(path) for path in folders):
        return False
    if options.recursive or options.resume or options.overwrite:
        return False
    return len(options.photo) == 1 and is_file_source(os.fspath(options.photo[0]))


# One photo


def process_one(options: argparse.Namespace) -> None:
    """Find the people in one photo, and print the time of each stage."""
    from estimation.files import encode_picture, write_whole
    from estimation.grouping.contract import ContractError
    from estimation.views import check_input
    from openpose_lab.formats.coco_results import image_ids
    from openpose_lab.formats.record import Record
    from openpose_lab.lab.sandbox.isolated import Isolated
    from openpose_lab.networks.loading import network_config
    from openpose_lab.sources import list_photos
    from openpose_lab.sources.frame import rotated

    (photo,) = list_photos(options.photo)
    pixels = rotated(photo.read(), options.rotate)
    (config,) = apply_settings(options.set, network_config(options.network, options.weights))
    check_input(pixels, chosen_views(options).height, config)
    picture_file = (options.output or OUTPUT_FILE) if options.draw else None
    with Isolated(options.grouping) as isolated:  # its process loads the grouping while this one loads the network
        outputs = check_files(options, photo, picture_file, isolated.source)
        estimator, grouping = load_estimator(options, config, isolated)
        try:
            result = estimator.estimate(pixels)
        except ContractError as error:
            raise ContractError(f"{error}; run python -m openpose_lab explain to see where") from error
    milliseconds = {**result.milliseconds, "grouping": isolated.milliseconds(result.milliseconds["grouping"])}
    look = look_of(options)
    kept = look.keep(result.skeletons)

    if picture_file:
        write_whole(picture_file, encode_picture(picture_file, look.draw(estimator, pixels, result.skeletons)))
    name = "standard input" if photo.path is None else photo.path.name
    record = Record(name, 0, None, pixels.shape[1], pixels.shape[0], kept, *image_ids([name]))
    for format_name, path in formats_asked_for(options).items():
        write_whole(path, FORMATS[format_name].encode(record, config.layout, options.keypoint_scale))
    print_report(options, grouping, pixels.shape, replace(result, skeletons=kept, milliseconds=milliseconds))
    for path in outputs:
        print(f"wrote {shown(path)}")


def check_files(options: argparse.Namespace, photo: PhotoFile, picture: Path | None, grouping_file: Path) -> list[Path]:
    """Return the files to write. Raises OpenPoseLabError if one cannot be written or is also an input."""
    from estimation.files import check_picture_type

    asked_for = formats_asked_for(options)
    for name in asked_for:
        FORMATS[name].check()
    outputs = [path for path in (picture, *asked_for.values()) if path is not None]
    inputs = [("photo", photo.path), ("grouping file", grouping_file), ("weights file", options.weights)]
    claim_outputs(outputs, inputs)
    if picture:
        check_picture_type(picture)
    return outputs


def print_report(options: argparse.Namespace, grouping: Grouping, shape: tuple[int, ...], result: Estimate) -> None:
    """Print the number of people and of body parts, and the milliseconds of each stage."""
    people, parts = result.skeletons.present.shape
    found = int(result.skeletons.present.sum())
    print(f"photo        {shown(options.photo[0])} ({shape[1]}x{shape[0]})")
    print(f"people       {people}")
    print(f"parts        {found} of {people * parts}")
    by = {"network": f"{options.network} at {chosen_views(options).title}", "grouping": shown(grouping.source)}
    for stage, milliseconds in result.milliseconds.items():
        print(f"{stage:12} {milliseconds:.2f} ms{f'   <- {by[stage]}' if stage in by else ''}")


# Several photos


def process_many(options: argparse.Namespace) -> None:
    """Find the people in several photos, with a progress bar, and list the photos that failed."""
    from tqdm import tqdm

    from openpose_lab.job import journal as journals
    from openpose_lab.job.outputs import check_places
    from openpose_lab.job.run import Job
    from openpose_lab.lab.sandbox.isolated import Isolated
    from openpose_lab.networks.loading import network_config
    from openpose_lab.sources import list_photos

    if options.resume and options.overwrite:
        raise OpenPoseLabError("--resume keeps finished photos, but --overwrite processes them again; give only one")
    (config,) = apply_settings(options.set, network_config(options.network, options.weights))
    outputs = outputs_of(options)
    photos = list_photos(options.photo, options.recursive, leave_out=outputs.folders)
    with Isolated(options.grouping) as isolated:
        inputs = [("grouping file", isolated.source), ("weights file", options.weights)]
        goes_on = options.resume and os.path.lexists(outputs.journal)
        check_places(outputs, photos, inputs, replace=goes_on or options.overwrite)
        claim_outputs(list(outputs.tables.values()), inputs)
        estimator, grouping = load_estimator(options, config, isolated)
        job = Job(photos, outputs, options.rotate, look_of(options), options.keypoint_scale, options.overwrite)
        open_journal = journals.resume if options.resume else journals.begin
        with open_journal(outputs.journal, config.layout, settings_of(options, grouping)) as journal:
            job.check_names(journal)
            left = len(job.left(journal))
            with tqdm(total=len(photos), initial=len(photos) - left, unit="photo", disable=None) as bar:
                failures = job.run(estimator, journal, bar.update, on_stop=isolated.end_calls)
    print_summary(outputs, len(photos), left, failures)


def outputs_of(options: argparse.Namespace) -> Outputs:
    """Return the output paths for several photos. Without a format option, each photo gets a JSON file."""
    from openpose_lab.job.outputs import Outputs

    folder = options.output or OUTPUT_FOLDER
    files, tables = split_formats(options, "several photos")
    if not files and not tables:
        files = {"json": folder}
    return Outputs(folder if options.draw else None, f".{options.image_format}", files, tables)


def settings_of(options: argparse.Namespace, grouping: Grouping) -> dict[str, str]:
    """Return the settings that change the results, so that a resumed run can check that they are the same."""
    from openpose_lab.checksums import checksum
    from openpose_lab.networks.loading import find_weights

    weights = options.weights or find_weights(options.network)
    return {
        "network": options.network,
        "weights file": checksum(weights, "sha256"),
        "runtime": options.runtime,
        "precision": str(options.precision),
        "quality": chosen_views(options).title,
        "grouping": f"{grouping.source.name}, {checksum(grouping.source, 'sha256')[:12]}",
        "set": " ".join(options.set),
        "rotate": str(options.rotate),
        "max-people": str(options.max_people),
        "blank": str(options.blank),
        "blur-faces": str(options.blur_faces),
        "keypoint-scale": options.keypoint_scale,
    }


def print_summary(outputs: Outputs, photos: int, left: int, failures: Sequence[Failure]) -> None:
    """Print the results of the run. Raises OpenPoseLabError if photos failed, after listing them."""
    before = f", {photos - left} of them in an earlier run" if left < photos else ""
    print(f"photos       {photos - len(failures)} of {photos} done{before}")
    places = [*(f"{folder}{os.sep}" for folder in map(shown, outputs.folders)), *map(shown, outputs.tables.values())]
    for place in places:
        print(f"wrote {place}")
    if failures:
        print(f"failed       {len(failures)}")
        for failure in failures:
            print(f"  {quoted(Path(failure.photo.shown))}: {failure.reason}")
        raise OpenPoseLabError(
            f"{len(failures)} of {photos} photos failed, see the list above; repair or remove them, and run again with "
            "--resume"
        )

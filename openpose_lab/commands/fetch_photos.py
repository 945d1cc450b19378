"""Fetch the COCO photos and annotations behind the figures of docs/accuracy.md.

Without a SET, the program lists the sets. It downloads each photo from COCO's site and checks its SHA-256 checksum.
The annotations need 241 MB of temporary space. A stopped run continues if you run it again.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from estimation.errors import OpenPoseLabError
from openpose_lab.commands.options import make_parser
from openpose_lab.commands.program import quoted
from openpose_lab.evaluation.photo_lists import ANNOTATIONS, LISTS, PHOTOS, PhotoSet, load_photo_set, photo_set_names
from openpose_lab.networks import DEFAULT_NETWORK

EXAMPLES = """examples:
  python -m openpose_lab fetch-photos
  python -m openpose_lab fetch-photos coco_public20 --out photos/coco_public20

Each photo has its own licence, which the list of its set states. The annotations are CC BY 4.0.
"""


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    options = parse_options(arguments)
    if options.set is None:
        for name in photo_set_names():
            describe(load_photo_set(name))
        return
    photo_set = load_photo_set(options.set)
    if options.out is None:
        raise OpenPoseLabError(f"{photo_set.name} needs an output folder; give it with --out DIR")
    describe(photo_set)

    from openpose_lab.evaluation.coco_photos import fetch_photo_set

    failures = fetch_photo_set(photo_set, options.out)
    for failure in failures:
        print(f"FAILED {failure}")
    if failures:
        raise OpenPoseLabError(
            f"{len(failures)} of {len(photo_set.photos) + 1} files could not be fetched; the lines above give the "
            f"reasons"
        )
    print(f"{len(photo_set.photos)} photos and their annotations are in {options.out}, and all checksums are right")
    print(f"now run: {evaluate_command(options.out)}")


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options of the command line."""
    parser = make_parser("openpose-lab fetch-photos", __doc__, EXAMPLES)
    parser.add_argument("set", nargs="?", metavar="SET", help=f"the photo set: {', '.join(photo_set_names())}")
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"the folder for {PHOTOS}/ and {ANNOTATIONS}")
    return parser.parse_args(arguments)


def describe(photo_set: PhotoSet) -> None:
    """Print the number of photos of a set and their licences."""
    licences = Counter(photo.licence for photo in photo_set.photos)
    print(f"{photo_set.name}: {len(photo_set.photos)} photos of COCO {photo_set.split}")
    print(f"    list: {LISTS / photo_set.name}.csv")
    print(f"    licences of the photos: {', '.join(f'{name} ({count})' for name, count in licences.most_common())}")
    print("    licence of the annotations: CC BY 4.0")


def evaluate_command(folder: Path) -> str:
    """Return the command that measures average precision on the photos in a folder."""
    return (
        f"python -m openpose_lab evaluate --images {quoted(folder / PHOTOS)} "
        f"--annotations {quoted(folder / ANNOTATIONS)} --network {DEFAULT_NETWORK}"
    )

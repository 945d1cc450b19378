"""Draw the first picture of the README: the enlarged sample photo with the people found in it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from estimation.field_maps import cells_to_pixels
from estimation.files import check_writable, write_whole
from estimation.photos import read_photo
from estimation.pipeline import estimate_people
from estimation.renderers import draw_skeletons
from openpose_lab.commands.options import add_network_options, chosen_views, make_parser
from openpose_lab.commands.program import shown, start
from openpose_lab.networks.loading import load_network
from openpose_lab.paths import ROOT, sample_photo

EXAMPLES = """example:
  python -m scripts.draw_sample
"""
PICTURE = ROOT / "images" / "skiers_skeletons.jpg"
_ENLARGED = 2  # the README shows the picture wider than the photo
_QUALITY = 85  # quality of the JPEG; a small file loads fast with the README


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    parser = make_parser("python -m scripts.draw_sample", __doc__, EXAMPLES)
    parser.add_argument(
        "--out", type=Path, default=PICTURE, help="the JPEG to write (default: the picture of the README)"
    )
    add_network_options(parser)
    options = parser.parse_args(arguments)
    check_writable(options.out)
    network = load_network(options.network, options.weights, options.runtime, options.precision)
    views = chosen_views(options)
    photo = read_photo(sample_photo())
    found = estimate_people(photo, network, views.height, scales=views.scales, flip=views.flip).skeletons
    larger = cv2.resize(photo, None, fx=_ENLARGED, fy=_ENLARGED, interpolation=cv2.INTER_CUBIC)
    skeletons = replace(found, keypoints=cells_to_pixels(found.keypoints, _ENLARGED))
    picture = draw_skeletons(network.config, np.asarray(larger, np.uint8), skeletons)
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    write_whole(options.out, data.tobytes())
    print(f"wrote {shown(options.out)}: {len(skeletons)} people")


if __name__ == "__main__":
    sys.exit(start("draw_sample", main, sys.argv[1:]))

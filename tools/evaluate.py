"""Average precision of the whole pipeline on photos with COCO keypoints, as pycocotools counts it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from estimation.errors import OpenPoseLabError
from estimation.field_maps import FieldMaps
from estimation.files import check_writable, read_photo, write_whole
from estimation.formats import to_coco
from estimation.grouping import GROUPINGS, load_grouping
from estimation.guesses import guess_missing
from estimation.pipeline import Network, check_height, compute_maps, group_maps, timed
from models import load_network
from tools.coco import FIGURES, add_measuring_options, find_photos, read_annotations, score
from tools.program import run

EXAMPLES = """example:
  python -m tools.evaluate --images val2017 --annotations person_keypoints_val2017.json --results out.json
"""


def main() -> None:
    """Run the program with the options of the command line."""
    options = parse_options()
    check_height(options.height)
    if options.results:
        check_writable(options.results)
    truth = read_annotations(options.annotations)
    photos = find_photos(truth, options.images)
    grouping = load_grouping(options.grouping)
    network = load_network(options.network, options.weights)

    results: list[dict[str, Any]] = []
    times: list[dict[str, float]] = []
    with tqdm(total=len(photos), desc="photos", unit="photo", disable=None) as bar:
        # By blocks: right after the network, whose data fills the processor's caches, the stages take
        # half as long again, and would be measured with it.
        for block in blocks(list(photos.items()), 16):
            maps = [timed_maps(path, network, options.height) for _, path in block]
            for (image_id, _), (photo_maps, milliseconds) in zip(block, maps):
                found = group_maps(photo_maps, network.config, grouping, milliseconds)
                skeletons = found.skeletons
                if options.guesses:
                    skeletons = guess_missing(network.config, found.people, found.connections, photo_maps)
                results += to_coco(network.config, skeletons, image_id)
                times.append(milliseconds)
            bar.update(len(block))

    if options.results:
        write_whole(options.results, json.dumps(results).encode())
    if not results:
        raise OpenPoseLabError(f"nobody was found in any of the {len(photos)} photos, so there is nothing to score")
    print(f"{len(photos)} photos, {len(results)} people found, {options.network} at height {options.height}")
    for name, figure in zip(FIGURES, score(truth, results)):
        print(f"{name:10} {figure:.3f}")
    for stage in times[0]:
        print(f"{stage:12} {np.median([stages[stage] for stages in times]):8.2f} ms, median")
    after = [sum(stages.values()) - stages["network"] for stages in times]
    print(f"{'after network':12}{np.median(after):8.2f} ms, median;{np.max(after):7.1f} ms, slowest")


def parse_options() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.evaluate",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_measuring_options(parser)
    parser.add_argument(
        "--grouping", default="lab", help=f"one of {', '.join(GROUPINGS)}, or a Python file (default: lab)"
    )
    parser.add_argument(
        "--no-guesses",
        dest="guesses",
        action="store_false",
        help="leave out parts that only weak evidence shows; pictures and the demo's JSON never have them",
    )
    parser.add_argument("--results", type=Path, help="also write the people in COCO's result format, JSON")
    return parser.parse_args()


def blocks(items: list[tuple[int, Path]], size: int) -> list[list[tuple[int, Path]]]:
    """The items in lists of at most ``size``."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def timed_maps(path: Path, network: Network, height: int) -> tuple[FieldMaps, dict[str, float]]:
    """The maps of a photo, and the milliseconds that they took, by stage."""
    photo = read_photo(path)
    milliseconds: dict[str, float] = {}
    with timed("network", milliseconds):
        maps = compute_maps(photo, network, height)
    return maps, milliseconds


if __name__ == "__main__":
    sys.exit(run("evaluate", main))

"""Average precision of the whole pipeline on photos with COCO keypoints, as pycocotools counts it."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from estimation.errors import OpenPoseLabError
from estimation.files import check_outputs, write_whole
from estimation.formats import to_coco
from estimation.grouping import GROUPINGS, load_grouping
from estimation.guesses import guess_missing
from estimation.pipeline import check_height, group_maps
from tools.coco import FIGURES, add_measuring_options, confidence, find_photos, read_annotations, score
from tools.map_cache import MapCache
from tools.program import run

EXAMPLES = """example:
  python -m tools.evaluate --images val2017 --annotations person_keypoints_val2017.json --results out.json
"""


def main() -> None:
    """Run the program with the options of the command line."""
    options = parse_options()
    for scale in options.scales:
        check_height(round(options.height * scale) if math.isfinite(scale) else 0)
    if options.limit is not None and options.limit < 1:
        raise OpenPoseLabError(f"--limit must be at least 1 but is {options.limit}")
    grouping = load_grouping(options.grouping)
    inputs = [("annotations", options.annotations), ("grouping file", grouping.source), ("weights", options.weights)]
    check_outputs([options.results] if options.results else [], inputs)
    truth = read_annotations(options.annotations, options.limit)
    photos = find_photos(truth, options.images)
    maps = MapCache(options.network, options.weights, options.height, options.scales, options.flip)

    results: list[dict[str, Any]] = []
    times: list[dict[str, float]] = []
    with tqdm(total=len(photos), desc="photos", unit="photo", disable=None) as bar:
        # By blocks: right after the network, whose data fills the processor's caches, the stages take
        # half as long again, and would be measured with it.
        for block in blocks(list(photos.items()), 16):
            milliseconds: list[dict[str, float]] = [{} for _ in block]
            found_maps = [maps.maps_of(path, stages) for (_, path), stages in zip(block, milliseconds)]
            for (image_id, _), photo_maps, stages in zip(block, found_maps, milliseconds):
                found = group_maps(photo_maps, maps.config, grouping, stages)
                skeletons = found.skeletons
                if options.guesses:
                    skeletons = guess_missing(maps.config, found.people, found.connections, photo_maps)
                results += to_coco(maps.config, skeletons, image_id)
            times += milliseconds
            bar.update(len(block))

    if options.results:
        write_whole(options.results, json.dumps(results).encode())
    if not results:
        raise OpenPoseLabError(f"nobody was found in any of the {len(photos)} photos, so there is nothing to score")
    print(f"{len(photos)} photos, {len(results)} people found, {maps.title}")
    figures = dict(zip(FIGURES, score(truth, results)))
    low, high = confidence(truth, results)
    print(f"{'AP':10} {figures.pop('AP'):.3f}  (95 %: {low:.3f} to {high:.3f})")
    for name, figure in figures.items():
        print(f"{name:10} {figure:.3f}")
    print_times(times)


def print_times(times: list[dict[str, float]]) -> None:
    """Medians of the stages over the photos; of the network over those that it was asked for."""
    for stage in dict.fromkeys(stage for stages in times for stage in stages):
        of_stage = [stages[stage] for stages in times if stage in stages]
        asked = f" of {len(of_stage)} photos; the others' maps were kept" if len(of_stage) < len(times) else ""
        print(f"{stage:12} {np.median(of_stage):8.2f} ms, median{asked}")
    after = [sum(time for stage, time in stages.items() if stage != "network") for stages in times]
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
    parser.add_argument(
        "--scales",
        type=float,
        nargs="+",
        default=[1.0],
        metavar="S",
        help="average the maps at these multiples of the height, on the cells of the first (default: 1)",
    )
    parser.add_argument("--flip", action="store_true", help="average with the maps of the mirrored photo")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N photos")
    parser.add_argument("--results", type=Path, help="also write the people in COCO's result format, JSON")
    return parser.parse_args()


def blocks(items: list[tuple[int, Path]], size: int) -> list[list[tuple[int, Path]]]:
    """The items in lists of at most ``size``."""
    return [items[start : start + size] for start in range(0, len(items), size)]


if __name__ == "__main__":
    sys.exit(run("evaluate", main))

"""Measure average precision on photos with COCO keypoints.

pycocotools computes the figures. The accuracy of each body part follows, and a picture of the worst photos with ground
truth and answer side by side. --breakdown shows where precision is lost.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from estimation.errors import OpenPoseLabError
from estimation.files import check_picture_type, encode_picture, write_whole
from estimation.grouping import load_grouping
from estimation.pipeline import check_height
from openpose_lab.commands.options import (
    add_grouping_option,
    add_measuring_options,
    add_set_option,
    apply_settings,
    make_parser,
    warn_of_unused_settings,
)
from openpose_lab.commands.program import claim_outputs
from openpose_lab.evaluation.annotations import find_photos, read_annotations
from openpose_lab.evaluation.breakdown import Loss, find_losses
from openpose_lab.evaluation.coco_figures import FIGURES, confidence, score
from openpose_lab.evaluation.completion import Completion
from openpose_lab.evaluation.map_cache import MapCache, measuring_inputs
from openpose_lab.evaluation.measurement import measure
from openpose_lab.evaluation.pairing import PartFigures, pair_people, part_figures, worst_photos
from openpose_lab.evaluation.photo_sheet import draw_photo_sheet
from openpose_lab.evaluation.scenes import photo_scenes
from openpose_lab.networks.loading import network_config

EXAMPLES = """examples:
  python -m openpose_lab evaluate --images val2017 --annotations person_keypoints_val2017.json --results out.json
  python -m openpose_lab evaluate --images val2017 --annotations person_keypoints_val2017.json --limit 100 --breakdown
"""
WORST = 10
"""So many photos are in the picture of the worst."""


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    options = parse_options(arguments)
    check_options(options)
    grouping = load_grouping(options.grouping)
    truth = read_annotations(options.annotations, options.limit)
    photos = find_photos(truth, options.images)
    config, completion = apply_settings(options.set, network_config(options.network), Completion())
    warn_of_unused_settings(options.set, [grouping])
    maps = MapCache(options.network, options.weights, options.height, options.scales, options.flip, config=config)
    inputs = [("grouping file", grouping.source), *measuring_inputs(options.annotations, photos, maps)]
    claim_outputs([path for path in (options.worst, options.results) if path], inputs)

    imputing = completion if options.guesses else None
    measured = measure(photos, maps, grouping, imputing)
    if options.results:
        write_whole(options.results, json.dumps(measured.results).encode())
    if not measured.results:
        raise OpenPoseLabError(f"nobody was found in any of the {len(photos)} photos, so AP is 0")
    print(f"{len(photos)} photos, {len(measured.results)} people found, {maps.title}")
    print_figures(score(truth, measured.results), confidence(truth, measured.results))
    print_times(measured.times)
    pairs = pair_people(truth, measured.results)
    print_parts(part_figures(pairs, measured.found))
    if options.breakdown:
        scenes = photo_scenes(truth, photos, maps)
        print_losses(find_losses(truth, measured.results, scenes, config, grouping, imputing))
    sheet = draw_photo_sheet(maps.config, truth, measured.found, photos, worst_photos(pairs, measured.results, WORST))
    write_whole(options.worst, encode_picture(options.worst, sheet))
    print(f"\nwrote {options.worst}")


def check_options(options: argparse.Namespace) -> None:
    """Raise OpenPoseLabError if something cannot be done, before it is begun."""
    for scale in options.scales:
        height = round(options.height * scale) if math.isfinite(scale) else 0
        try:
            check_height(height)
        except OpenPoseLabError as error:
            at = f" at --scales {scale:g}" if options.scales != [1.0] else ""
            raise OpenPoseLabError(f"{error}{at}") from None
    if options.limit is not None and options.limit < 1:
        raise OpenPoseLabError(f"--limit must be at least 1 but is {options.limit}")
    check_picture_type(options.worst)
    claim_outputs([path for path in (options.worst, options.results) if path], [("annotations", options.annotations)])


def print_figures(figures: list[float], interval: tuple[float, float]) -> None:
    """COCO's figures, AP with its confidence interval."""
    for name, figure in zip(FIGURES, figures):
        within = f"  (95 %: {interval[0]:.3f} to {interval[1]:.3f})" if name == "AP" else ""
        print(f"{name:10} {figure:.3f}{within}")


def print_parts(figures: dict[str, PartFigures]) -> None:
    """A line for each body part."""
    with_heads = not math.isnan(figures["all"].pckh)
    print(f"\n{'part':15} labelled  found  PCK@0.1    OKS{'  PCKh@0.5' if with_heads else ''}")
    for name, part in figures.items():
        line = f"{name:15} {part.labelled:8} {part.found:6.3f} {part.pck:8.3f} {part.oks:6.3f}"
        print(line + (f" {part.pckh:9.3f}" if with_heads else ""))


def print_losses(losses: list[Loss]) -> None:
    """A line for each kind of mistake, and for what is presumed."""
    print(f"\n{'where AP is lost':36} number  AP without it")
    for loss in losses:
        number = "" if loss.number is None else loss.number
        print(f"{loss.what:36} {number:6} {loss.ap:7.3f}  {loss.meaning}")


def print_times(times: list[dict[str, float]]) -> None:
    """Medians of the stages over the photos; of the network over those that it was asked for."""
    for stage in dict.fromkeys(stage for stages in times for stage in stages):
        of_stage = [stages[stage] for stages in times if stage in stages]
        asked = f" of {len(of_stage)} photos; the others' maps were kept" if len(of_stage) < len(times) else ""
        print(f"{stage:12} {np.median(of_stage):8.2f} ms, median{asked}")
    after = [sum(time for stage, time in stages.items() if stage != "network") for stages in times]
    print(f"{'after network':12}{np.median(after):8.2f} ms, median;{np.max(after):7.1f} ms, slowest")


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of the command line."""
    parser = make_parser("openpose-lab evaluate", __doc__, EXAMPLES)
    add_measuring_options(parser)
    add_grouping_option(parser)
    add_set_option(parser)
    parser.add_argument(
        "--no-guesses",
        dest="guesses",
        action="store_false",
        help="impute no missing keypoints; pictures and the demo's JSON never have imputed ones",
    )
    parser.add_argument(
        "--scales",
        type=float,
        nargs="+",
        default=[1.0],
        metavar="S",
        help="average the maps at these multiples of the height, in any order (default: 1)",
    )
    parser.add_argument("--flip", action="store_true", help="average with the maps of the mirrored photo")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N photos")
    parser.add_argument("--breakdown", action="store_true", help="also tell where precision is lost")
    parser.add_argument(
        "--worst",
        type=Path,
        default=Path("worst.jpg"),
        metavar="PICTURE",
        help=f"the {WORST} worst photos, the truth beside the answer (default: worst.jpg)",
    )
    parser.add_argument("--results", type=Path, help="also write the people in COCO's result format, JSON")
    return parser.parse_args(arguments)

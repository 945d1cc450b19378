"""Measure the rows of docs/accuracy.md: average precision of one network on one set of photos.

A row is the command ``evaluate`` with the options that the row names. Its figures are AP, the difference from the first
row, and twice the standard deviation of that difference over bootstrap draws. A smaller difference is not significant.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from estimation.errors import OpenPoseLabError
from estimation.grouping import GROUPINGS, load_grouping
from estimation.quality import QUALITIES
from openpose_lab.commands import evaluate
from openpose_lab.commands.options import add_measuring_options, apply_settings, chosen_views, make_parser
from openpose_lab.commands.program import start
from openpose_lab.evaluation.annotations import find_photos, read_annotations
from openpose_lab.evaluation.coco_figures import bootstrap, score
from openpose_lab.evaluation.comparison import compare
from openpose_lab.evaluation.completion import Completion
from openpose_lab.evaluation.map_cache import MapCache
from openpose_lab.evaluation.measurement import measure
from openpose_lab.evaluation.scenes import photo_scenes
from openpose_lab.networks.loading import network_config

if TYPE_CHECKING:
    from pycocotools.coco import COCO

EXAMPLES = """example:
  python -m scripts.accuracy_tables --images train2017 --annotations person_keypoints_train2017.json
"""
SETTINGS = (
    "half_tolerance=0",
    "half_tolerance=3",
    "half_tolerance=8",
    "half_tolerance=1e9",
    "completion_floor=100",
    "completion_reach=0.07",
    "completion_reach=0.15",
    "completion_floor=0.0003",
    "completion_floor=0.01",
    "peak_threshold=0.1",
    "min_agreement=0.8",
    "min_agreement=0.9",
    "max_limb_length=99",
    "long_limb_samples=10",
    "short_limb=0",
    "short_limb=0.36",
    "min_num_body_parts=3",
)
ROWS = (
    "",
    "--no-guesses --set half_tolerance=0",
    "--no-guesses",
    *(f"--set {setting}" for setting in SETTINGS),
    *(f"--grouping {name}" for name in GROUPINGS if name != "lab"),
    *(f"--quality {quality}" for quality in QUALITIES),
)
ORACLE = "oracle grouping"


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    check_options(arguments)
    options = evaluate.parse_options(arguments)
    truth = read_annotations(options.annotations)
    photos = find_photos(truth, options.images)
    print(f"{ORACLE:36} {oracle_precision(truth, photos, options):.3f}", flush=True)
    first = None
    for row in ROWS:
        results = find_people(photos, parse_row(arguments, row))
        if not results:
            raise OpenPoseLabError(
                f"no people were found with {row or 'the defaults'}, so AP is 0; choose other photos"
            )
        precision, draws = score(truth, results)[0], bootstrap(truth, results)
        first = first or (precision, draws)
        difference, error = precision - first[0], 2 * np.std(draws - first[1])
        print(f"{row or 'defaults':36} {precision:.3f} {difference:+.3f} +-{error:.3f}", flush=True)


def check_options(arguments: Sequence[str]) -> None:
    """Raise OpenPoseLabError unless the options only choose a network and photos, which all rows share."""
    parser = make_parser("python -m scripts.accuracy_tables", __doc__, EXAMPLES)
    add_measuring_options(parser)
    parser.parse_args(arguments)
    evaluate.check_options(evaluate.parse_options(arguments))


def parse_row(arguments: Sequence[str], row: str) -> argparse.Namespace:
    """Return the options of a row. A quality of the row replaces the views of the command line."""
    options = evaluate.parse_options([*arguments, *row.split()])
    if "--quality" in row.split():
        options.height = options.scales = options.flip = None
    return options


def find_people(photos: dict[int, Path], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Find the people in all photos, in COCO's form, as ``evaluate`` does with these options."""
    config, completion = apply_settings(options.set, network_config(options.network), Completion())
    maps = MapCache(
        options.network, options.weights, chosen_views(options), options.runtime, options.precision, config=config
    )
    return measure(photos, maps, load_grouping(options.grouping), completion if options.guesses else None).results


def oracle_precision(truth: COCO, photos: dict[int, Path], options: argparse.Namespace) -> float:
    """Compute the AP of oracle grouping, which uses the ground-truth owner of every peak."""
    maps = MapCache(options.network, options.weights, chosen_views(options), options.runtime, options.precision)
    (oracle,) = compare(photo_scenes(truth, photos, maps), maps.config, {}, lambda: None)
    return oracle.figures["AP"]


if __name__ == "__main__":
    sys.exit(start("accuracy_tables", main, sys.argv[1:]))

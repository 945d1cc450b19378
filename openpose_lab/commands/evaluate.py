"""Measure average precision on photos with COCO keypoints.

pycocotools computes the figures. The program also prints the accuracy of each body part, and draws the worst photos
with ground truth and answer side by side. --breakdown shows where precision is lost. --predictions also measures the
COCO results of another system. Without --annotations, --results writes the people found in any photos.
"""

from __future__ import annotations

import argparse
import json
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from estimation.config import COCO_18
from estimation.errors import OpenPoseLabError, OpenPoseLabWarning, one_line
from openpose_lab.commands.options import (
    add_grouping_option,
    add_measuring_options,
    add_set_option,
    apply_settings,
    chosen_views,
    make_parser,
    output_path,
    warn_of_unused_settings,
)
from openpose_lab.commands.program import claim_outputs, shown
from openpose_lab.evaluation.defaults import WORST
from openpose_lab.extras import require

if TYPE_CHECKING:
    from pycocotools.coco import COCO

    from estimation.grouping import Grouping
    from openpose_lab.evaluation.assessment import Assessment, System
    from openpose_lab.evaluation.breakdown import Loss
    from openpose_lab.evaluation.pairing import PartFigures

PROGRAM = "openpose-lab evaluate"
EXAMPLES = """examples:
  python -m openpose_lab evaluate --images val2017 --annotations person_keypoints_val2017.json --results out.json
  python -m openpose_lab evaluate --images val2017 --annotations person_keypoints_val2017.json --limit 100 --breakdown
  python -m openpose_lab evaluate --images val2017 --annotations person_keypoints_val2017.json --predictions other.json
  python -m openpose_lab evaluate --annotations person_keypoints_val2017.json --predictions other.json \\
      --only-predictions --json figures.json
  python -m openpose_lab evaluate --images test2017 --results out.json
"""
SHEET = Path("worst.jpg")
_NOTHING = 0.0005  # a smaller AP is printed as 0.000
_LONGEST_NAME = 60  # letters; a longer file name of predictions is shortened in the output
_OF_NETWORK = {
    **{name: f"--{name}" for name in ("network", "weights", "runtime", "precision", "quality", "height", "scales")},
    **{"flip": "--flip", "grouping": "--grouping", "set": "--set", "guesses": "--no-guesses"},
}
"""Options that change the people that the project's network finds, by their names in the namespace."""


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    options = parse_options(arguments)

    from estimation.files import encode_picture, write_whole
    from estimation.grouping import load_grouping
    from openpose_lab.evaluation.annotations import find_photos
    from openpose_lab.evaluation.assessment import worst_photos
    from openpose_lab.evaluation.photo_sheet import draw_photo_sheet
    from openpose_lab.evaluation.report import differences, photo_table, report
    from openpose_lab.networks.loading import network_config

    check_options(options)
    require("pycocotools", "measuring")
    if options.worst:
        require("matplotlib", "the picture of the worst photos")
    grouping = None if options.only_predictions else load_grouping(options.grouping)
    truth = read_truth(options)
    photos = find_photos(truth, options.images) if options.images else {}
    claim_outputs(outputs_of(options), [("photo", path) for path in photos.values()])
    others = [measure_predictions(options, truth)] if options.predictions else []
    ours = [measure_network(options, truth, photos, grouping)] if grouping else []
    systems = ours + others
    for number, system in enumerate(systems):
        print_system(system, len(truth.imgs), "\n" if number else "")
    for one, two, difference, (low, high) in differences(systems):
        print(f"\nAP of {two.name} - {one.name}: {difference:+.3f}  (95 %: {low:+.3f} to {high:+.3f})")
    if outputs_of(options):
        print()
    if options.results:
        print(f"wrote {shown(options.results)}")
    if options.json:
        write_whole(options.json, report([PROGRAM, *arguments], truth, options.annotations, systems))
        print(f"wrote {shown(options.json)}")
    if options.photos_csv:
        write_whole(options.photos_csv, photo_table(truth, systems))
        print(f"wrote {shown(options.photos_csv)}")
    worst = worst_photos((system.assessment for system in systems if system.assessment), WORST)
    if photos and worst:
        config = network_config(options.network, options.weights) if grouping else COCO_18
        sheet = draw_photo_sheet(config, truth, systems, photos, worst)
        write_whole(options.worst, encode_picture(options.worst, sheet))
        print(f"wrote {shown(options.worst)}")


def read_truth(options: argparse.Namespace) -> COCO:
    """Read the annotations. Without annotations, read only the names of the photos."""
    from openpose_lab.evaluation.annotations import list_photos, read_annotations

    if not options.annotations:
        return list_photos(options.images, options.limit)
    only_found = options.results and not options.predictions and not options.breakdown
    return read_annotations(options.annotations, options.limit, need_people=not only_found)


def measure_network(options: argparse.Namespace, truth: COCO, photos: dict[int, Path], grouping: Grouping) -> System:
    """Find the people in the photos with the project's network, write them if requested, and compute the figures."""
    from estimation.files import write_whole
    from openpose_lab.evaluation.assessment import System, assess
    from openpose_lab.evaluation.breakdown import find_losses
    from openpose_lab.evaluation.completion import Completion
    from openpose_lab.evaluation.map_cache import MapCache, measuring_inputs
    from openpose_lab.evaluation.measurement import measure
    from openpose_lab.evaluation.report import describe_file, describe_thresholds
    from openpose_lab.evaluation.scenes import photo_scenes
    from openpose_lab.networks.loading import network_config

    config, completion = apply_settings(options.set, network_config(options.network, options.weights), Completion())
    warn_of_unused_settings(options.set, [grouping])
    views = chosen_views(options)
    maps = MapCache(options.network, options.weights, views, options.runtime, options.precision, config=config)
    inputs = [("grouping file", grouping.source), *measuring_inputs(options.annotations, photos, maps)]
    claim_outputs(outputs_of(options), inputs)

    imputing = completion if options.guesses else None
    measured = measure(photos, maps, grouping, imputing)
    if options.results:
        write_whole(options.results, json.dumps(measured.results).encode())
    assessment = None
    if truth.anns:
        if not measured.results:
            raise OpenPoseLabError(
                f"the network found no people in the {len(photos)} photos, so AP is 0; check the photos and the weights"
            )
        losses: list[Loss] = []
        if options.breakdown:
            scenes = photo_scenes(truth, photos, maps)
            losses = find_losses(truth, measured.results, scenes, config, grouping, imputing)
        assessment = assess(truth, measured, losses)
    settings = {
        "network": options.network,
        "runtime": maps.runtime,
        "precision": maps.precision,
        "quality": views.quality,
        "height": views.height,
        "scales": views.scales,
        "flip": views.flip,
        "grouping": {"name": options.grouping, **describe_file(grouping.source)},
        "imputed_keypoints": options.guesses,
        "thresholds": describe_thresholds(config, *([completion] if options.guesses else [])),
    }
    weights = [{"file": str(p), "sha256": known} for p, known in zip(maps.weights_files, maps.weights_checksums)]
    described = {"kind": "network", "settings": settings, "weights": weights}
    return System(options.network, maps.title, described, measured, assessment)


def measure_predictions(options: argparse.Namespace, truth: COCO) -> System:
    """Read the people that another system found, and compute the figures."""
    from openpose_lab.evaluation.assessment import System, assess
    from openpose_lab.evaluation.breakdown import find_mistakes
    from openpose_lab.evaluation.predictions import read_predictions
    from openpose_lab.evaluation.report import describe_file

    predictions = read_predictions(options.predictions, truth)
    measured, used = predictions.measured, len(predictions.measured.results)
    losses = find_mistakes(truth, measured.results) if options.breakdown else []
    left_out = ", ".join(f"{count} {reason}" for reason, count in predictions.left_out.items())
    rows = f"{used} of {predictions.rows} rows used" + (f", {left_out} left out" if left_out else "")
    about = {**describe_file(options.predictions), "rows": predictions.rows, "used": used}
    name = one_line(options.predictions.name, _LONGEST_NAME)
    described = {"kind": "predictions", "predictions": {**about, "left_out": predictions.left_out}}
    return System(name, f"{name} ({rows})", described, measured, assess(truth, measured, losses))


def outputs_of(options: argparse.Namespace) -> list[Path]:
    """Return the files that the program writes."""
    return [path for path in (options.worst, options.results, options.json, options.photos_csv) if path]


def check_options(options: argparse.Namespace) -> None:
    """Check the options before the work begins, and set the default of ``--worst``.

    Raises OpenPoseLabError if an option is wrong.
    """
    from estimation.files import check_picture_type

    check_inputs(options)
    chosen_views(options)
    if options.limit is not None and options.limit < 1:
        raise OpenPoseLabError(f"--limit must be at least 1 but is {options.limit}")
    if options.worst is None and options.images and options.annotations:
        options.worst = SHEET
    if options.worst:
        check_picture_type(options.worst)
    claim_outputs(outputs_of(options), [("annotations", options.annotations), ("predictions", options.predictions)])


def check_inputs(options: argparse.Namespace) -> None:
    """Raise OpenPoseLabError if options conflict or an input is missing."""
    if options.only_predictions:
        if not options.predictions:
            raise OpenPoseLabError("--only-predictions needs --predictions, the file to measure")
        if options.results:
            raise OpenPoseLabError(
                "--results writes the people that the network finds; remove it or --only-predictions"
            )
        defaults = parse_options([])
        for name, option in _OF_NETWORK.items():
            if getattr(options, name) != getattr(defaults, name):
                raise OpenPoseLabError(f"{option} changes only the network; remove it or --only-predictions")
    if not options.images and (options.worst or not options.only_predictions):
        instead = ", or add --only-predictions" if options.predictions else ""
        raise OpenPoseLabError(f"the photos are missing; give their folder with --images{instead}")
    if not options.annotations:
        for name in ("predictions", "breakdown", "worst"):
            if getattr(options, name):
                raise OpenPoseLabError(f"--{name} needs the ground truth; give it with --annotations")
        if not options.results:
            raise OpenPoseLabError(
                "--annotations is missing; give it to measure, or give --results to only write the people found"
            )


def print_system(system: System, photos: int, before: str) -> None:
    """Print all figures of one system."""
    print(f"{before}{photos} photos, {len(system.measured.results)} people found, {system.title}")
    if system.assessment:
        print_figures(system.assessment)
    if system.measured.times:
        print_times(system.measured.times)
    if system.assessment:
        print_parts(system.assessment.parts)
        if system.assessment.losses:
            print_losses(system.assessment.losses)
        if system.assessment.figures["AP"] < _NOTHING:
            warnings.warn(
                f"AP of {system.name} is 0, because none of the people found is near an annotated person; check that "
                f"the annotations belong to these upright photos, and are in pixels of photos of this size",
                OpenPoseLabWarning,
                stacklevel=2,
            )


def print_figures(assessment: Assessment) -> None:
    """Print COCO's figures, and the 95 % confidence interval of AP."""
    from openpose_lab.evaluation.coco_figures import interval

    low, high = interval(assessment.draws)
    for name, figure in assessment.figures.items():
        within = f"  (95 %: {low:.3f} to {high:.3f})" if name == "AP" else ""
        print(f"{name:10} {figure:.3f}{within}")


def print_parts(figures: dict[str, PartFigures]) -> None:
    """Print a line for each body part."""
    with_heads = not math.isnan(figures["all"].pckh)
    print(f"\n{'part':15} labelled  found  PCK@0.1    OKS{'  PCKh@0.5' if with_heads else ''}")
    for name, part in figures.items():
        line = f"{name:15} {part.labelled:8} {part.found:6.3f} {part.pck:8.3f} {part.oks:6.3f}"
        print(line + (f" {part.pckh:9.3f}" if with_heads else ""))


def print_losses(losses: list[Loss]) -> None:
    """Print a line for each kind of error, with the AP without these errors."""
    print(f"\n{'where AP is lost':36} number  AP without it")
    for loss in losses:
        number = "" if loss.number is None else loss.number
        label, explanation = loss.printed
        print(f"{label:36} {number:6} {loss.ap:7.3f}  {explanation}")


def print_times(times: list[dict[str, float]]) -> None:
    """Print the median time of each stage. The network's median leaves out photos with cached maps."""
    from openpose_lab.evaluation.report import milliseconds

    by_stage = milliseconds(times)
    after = by_stage.pop("after network")
    for stage, of_stage in by_stage.items():
        photos = of_stage["photos"]
        asked = f" of {photos} photos; the maps of the others were cached" if photos < len(times) else ""
        print(f"{stage:12} {of_stage['median']:8.2f} ms, median{asked}")
    print(f"{'after network':12}{after['median']:8.2f} ms, median;{after['slowest']:7.1f} ms, slowest")


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options of the command line."""
    parser = make_parser(PROGRAM, __doc__, EXAMPLES)
    add_measuring_options(parser, required=False)
    add_grouping_option(parser)
    add_set_option(parser)
    parser.add_argument(
        "--no-guesses",
        dest="guesses",
        action="store_false",
        help="do not impute missing keypoints (pictures and the demo's JSON never contain imputed keypoints)",
    )
    parser.add_argument("--limit", type=int, metavar="N", help="use only the first N photos")
    parser.add_argument("--breakdown", action="store_true", help="also print where precision is lost")
    parser.add_argument(
        "--worst",
        type=Path,
        metavar="PICTURE",
        help=f"the picture to write: the {WORST} worst photos, with ground truth and answer (default: {SHEET})",
    )
    parser.add_argument(
        "--results",
        type=output_path,
        metavar="FILE",
        help="also write the people that the network finds, in COCO's result format (JSON); needs no annotations; "
        "- is the standard output",
    )
    parser.add_argument(
        "--json",
        type=output_path,
        metavar="FILE",
        help="also write all figures, settings, versions and checksums as JSON",
    )
    parser.add_argument("--photos-csv", type=output_path, metavar="FILE", help="also write a CSV row for each photo")
    parser.add_argument(
        "--predictions",
        type=Path,
        metavar="FILE",
        help="also measure the people that another system found: COCO keypoint results (JSON)",
    )
    parser.add_argument(
        "--only-predictions", action="store_true", help="measure only --predictions, and load no network"
    )
    return parser.parse_args(arguments)

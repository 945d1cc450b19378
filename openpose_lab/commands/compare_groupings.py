"""Compare the project's groupings, and yours, on the same limbs.

Simulated crowds show how accurate each grouping is with more and closer people, because the owner of every peak is
known. With --images and --annotations, the program measures average precision on photos with COCO keypoints. The
network's maps of photos are cached, so a second run takes seconds.
"""

from __future__ import annotations

import argparse
import itertools
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from estimation.built_in_groupings import GROUPINGS
from estimation.config import COCO_18, Config
from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from openpose_lab.commands.options import (
    add_measuring_options,
    add_set_option,
    apply_settings,
    check_measuring_options,
    chosen_views,
    make_parser,
    warn_of_unused_settings,
)
from openpose_lab.commands.program import claim_outputs, shown
from openpose_lab.evaluation.defaults import Disturbance, listed
from openpose_lab.extras import how_to_install, is_installed
from openpose_lab.networks import DEFAULT_NETWORK
from openpose_lab.networks.catalogue import AUTO

if TYPE_CHECKING:
    from estimation.grouping import Grouping
    from openpose_lab.evaluation.comparison import Result
    from openpose_lab.evaluation.scenes import SceneSet

EXAMPLES = """examples:
  python -m openpose_lab compare-groupings                              measure on simulated crowds
  python -m openpose_lab compare-groupings --grouping my_merge.py       add a row for your grouping
  python -m openpose_lab compare-groupings --people 50 --overlap 0.5    measure on one kind of crowd
  python -m openpose_lab compare-groupings --images val2017 --annotations person_keypoints_val2017.json
"""
OVERLAPS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
PEOPLE = (1, 2, 5, 10, 20, 50, 100)
USUAL_OVERLAP, USUAL_PEOPLE = 0.2, 10


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    options = parse_options(arguments)

    from tqdm import tqdm

    from estimation.files import write_whole
    from estimation.grouping import load_grouping
    from openpose_lab.evaluation.comparison import compare
    from openpose_lab.evaluation.comparison_plot import plot
    from openpose_lab.evaluation.comparison_tables import figures_csv, format_tables

    groupings = {name: load_grouping(name) for name in (*options.only, *options.grouping)}
    check_options(options, groupings)
    (of_crowds,) = apply_settings(options.set, COCO_18)
    warn_of_unused_settings(options.set, groupings.values())
    warn_of_failed_checks({name: groupings[name] for name in options.grouping}, of_crowds)

    results: list[Result] = []
    for scene_set, config in scene_sets(options, of_crowds):
        runs = len(groupings) * len(scene_set.scenes)
        with tqdm(total=runs, desc=scene_set.title, unit="scene", leave=False, disable=None) as bar:
            results += compare(scene_set, config, groupings, bar.update)

    if not any(result.results for result in results):
        raise OpenPoseLabError("no grouping found any people, so there is nothing to compare; change --set or the data")
    failed = {result.grouping: result.failed for result in reversed(results) if result.failed}
    whole = [result for result in results if not result.failed]
    print("\n\n".join(format_tables(whole)))
    wrong = list(failed.values())
    outputs = {options.csv: figures_csv(whole)}
    if is_installed("matplotlib"):
        outputs[options.plot] = plot(whole, options.plot)
    warn_of_missing_libraries()
    for path, data in outputs.items():
        try:
            write_whole(path, data)
            print(f"wrote {shown(path)}")
        except OpenPoseLabError as error:  # the other file can still be written
            wrong.append(str(error))
    if wrong:
        raise OpenPoseLabError("; ".join(wrong))


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options of the command line."""
    parser = make_parser("openpose-lab compare-groupings", __doc__, EXAMPLES)
    parser.add_argument(
        "--grouping", action="append", default=[], metavar="FILE.py", help="add a grouping; can be repeated"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=GROUPINGS,
        default=list(GROUPINGS),
        metavar="NAME",
        help=f"the project's groupings to compare (default: {' '.join(GROUPINGS)})",
    )
    parser.add_argument(
        "--csv", type=Path, default=Path("groupings.csv"), help="the table to write (default: groupings.csv)"
    )
    parser.add_argument(
        "--plot", type=Path, default=Path("groupings.png"), help="the plot to write (default: groupings.png)"
    )
    add_set_option(parser)
    photos = parser.add_argument_group("photos")
    add_measuring_options(photos, required=False)
    crowds = parser.add_argument_group("simulated crowds")
    crowds.add_argument("--crowds", action="store_true", help="measure on crowds as well as on the given photos")
    crowds.add_argument(
        "--people", type=int, nargs="+", metavar="N", help=f"number of people in a crowd (default: {listed(PEOPLE)})"
    )
    crowds.add_argument(
        "--overlap",
        type=float,
        nargs="+",
        metavar="SHARE",
        help=f"share of each person's bounding box that a neighbour's box covers (default: {listed(OVERLAPS)})",
    )
    crowds.add_argument(
        "--scenes",
        type=int,
        default=20,
        metavar="N",
        help="number of crowds of each kind (default: 20); fewer if a crowd has over 10 people",
    )
    crowds.add_argument("--seed", type=int, default=0, help="random seed of the crowds (default: 0)")
    crowds.add_argument(
        "--skeletons", type=Path, metavar="FILE.npz", help="keypoints of real people, from which crowds are made"
    )
    usual = Disturbance()
    for name, what in (
        ("noise", "standard deviation of the noise in the maps"),
        ("missing", "share of keypoints without a peak"),
        ("doubled", "share of keypoints with a second peak beside the first"),
        ("crossing", "share of people with a forearm that crosses a neighbour's forearm"),
    ):
        value = getattr(usual, name)
        crowds.add_argument(f"--{name}", type=float, default=value, metavar="X", help=f"{what} (default: {value})")
    return parser.parse_args(arguments)


def check_options(options: argparse.Namespace, groupings: dict[str, Grouping]) -> None:
    """Check the options before the work begins. Raises OpenPoseLabError if one is wrong."""
    from openpose_lab.evaluation.comparison import CROWD_RANGES, check_crowds
    from openpose_lab.evaluation.comparison_plot import check_plot_type

    check_measuring_options(options, otherwise=" for crowds")
    if options.images is None:
        usual: dict[str, str | None] = {"network": DEFAULT_NETWORK, "runtime": AUTO}
        usual |= dict.fromkeys(("weights", "precision", "quality", "height", "scales", "flip"))
        for name, value in usual.items():
            if getattr(options, name) != value:
                raise OpenPoseLabError(f"--{name} is only for photos; give --images and --annotations too")
    chosen_views(options)
    try:
        for name in CROWD_RANGES:
            given = getattr(options, name)
            for value in given if isinstance(given, list) else [given]:
                if value is not None:
                    check_crowds({name: value}, prefix="--")
    except ValueError as error:
        raise OpenPoseLabError(str(error)) from None
    check_plot_type(options.plot)
    inputs = [("annotations", options.annotations), ("skeletons", options.skeletons), ("weights file", options.weights)]
    inputs += [("grouping file", grouping.source) for grouping in groupings.values()]
    claim_outputs([options.csv, options.plot], inputs)


def scene_sets(options: argparse.Namespace, of_crowds: Config) -> Iterator[tuple[SceneSet, Config]]:
    """Yield the requested sets of scenes, each with the config of its limbs."""
    from openpose_lab.evaluation.annotations import find_photos, read_annotations
    from openpose_lab.evaluation.crowds import read_skeletons
    from openpose_lab.evaluation.map_cache import MapCache, measuring_inputs
    from openpose_lab.evaluation.scenes import crowd_scenes, photo_scenes
    from openpose_lab.networks.loading import network_config

    if options.images is not None:
        truth = read_annotations(options.annotations)
        photos = find_photos(truth, options.images)
        (config,) = apply_settings(options.set, network_config(options.network, options.weights))
        views = chosen_views(options)
        maps = MapCache(options.network, options.weights, views, options.runtime, options.precision, config=config)
        claim_outputs([options.csv, options.plot], measuring_inputs(options.annotations, photos, maps))
        yield photo_scenes(truth, photos, maps), maps.config
    if options.images is None or options.crowds:
        disturbance = Disturbance(options.noise, options.missing, options.doubled, options.crossing)
        skeletons = read_skeletons(options.skeletons, COCO_18) if options.skeletons else None
        for people, overlap in kinds_of_crowds(options.people, options.overlap):
            count = max(min(options.scenes, 3), round(options.scenes * min(1, USUAL_PEOPLE / people)))
            yield crowd_scenes(of_crowds, people, overlap, count, options.seed, disturbance, skeletons), of_crowds


def kinds_of_crowds(people: list[int] | None, overlaps: list[float] | None) -> list[tuple[int, float]]:
    """Return (people, overlap) of each kind of crowd.

    These are all combinations of the requested values. Without a request, people and overlap vary one at a time.
    """
    if people or overlaps:
        kinds = itertools.product(people or [USUAL_PEOPLE], overlaps or [USUAL_OVERLAP])
        return list(dict.fromkeys(kinds))
    return [(USUAL_PEOPLE, overlap) for overlap in OVERLAPS] + [
        (count, USUAL_OVERLAP) for count in PEOPLE if count != USUAL_PEOPLE
    ]


def warn_of_missing_libraries() -> None:
    """Warn about results that are left out because a library of the extra ``evaluate`` is not installed."""
    lost = {"pycocotools": "AP and AR", "matplotlib": "the plot"}
    missing = [library for library in lost if not is_installed(library)]
    if missing:
        what = " and ".join(lost[library] for library in missing)
        sentence = f"without {' and '.join(missing)}, {what} are left out; {how_to_install(missing[0])}"
        warnings.warn(sentence, OpenPoseLabWarning, stacklevel=1)


def warn_of_failed_checks(groupings: dict[str, Grouping], config: Config) -> None:
    """Warn about contract checks that the groupings fail, if the measured figures will not show the failure."""
    if not groupings:
        return

    from estimation.grouping.conformance import check_grouping
    from estimation.grouping.contract import CALL_CHECKS
    from openpose_lab.evaluation.scenes import crowd_scenes

    crowd = crowd_scenes(config, 3, USUAL_OVERLAP, 5, 0, Disturbance())
    for name, grouping in groupings.items():
        told: set[str] = set()
        for scene in crowd.scenes:
            for check, sentence in check_grouping(grouping, config, scene.connections).items():
                if check in CALL_CHECKS and not told & {check, sentence}:  # every run reports failures of other checks
                    warnings.warn(f"{name} fails {check!r}: {sentence}", OpenPoseLabWarning, stacklevel=1)
                    told |= {check, sentence}

"""Tune thresholds for one network on one set of photos, by coordinate search on cached maps.

The program varies one threshold at a time. It keeps the value with the highest AP if AP rises by at least --gain. The
search ends when a round changes no threshold. The last column is twice the standard deviation of the gain over
bootstrap draws. A smaller gain is not significant: check it on other photos.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from estimation.config import Config
from estimation.errors import OpenPoseLabError
from estimation.field_maps import FieldMaps
from estimation.grouping import Grouping, load_grouping
from estimation.pipeline import group_maps
from openpose_lab.commands.options import (
    add_grouping_option,
    add_measuring_options,
    add_set_option,
    apply_settings,
    chosen_views,
    make_parser,
)
from openpose_lab.commands.program import start
from openpose_lab.evaluation.annotations import find_photos, read_annotations
from openpose_lab.evaluation.breakdown import to_results
from openpose_lab.evaluation.coco_figures import MOST_PEOPLE, average_precision, bootstrap
from openpose_lab.evaluation.completion import Completion
from openpose_lab.evaluation.map_cache import MapCache
from openpose_lab.networks.loading import network_config

if TYPE_CHECKING:
    from pycocotools.coco import COCO

EXAMPLES = """example:
  python -m scripts.tune --images train2017 --annotations person_keypoints_train2017.json --quality balanced
"""
Settings = dict[str, float]
STEPS: dict[str, tuple[float, ...]] = {
    "offset_x": (-0.1, -0.05, 0, 0.05, 0.1),
    "offset_y": (-0.1, -0.05, 0, 0.05, 0.1),
    "peak_threshold": (0.02, 0.03, 0.05, 0.07, 0.1, 0.15),
    "sample_threshold": (0.02, 0.03, 0.05, 0.07, 0.1),
    "min_agreement": (0.5, 0.6, 0.7, 0.8, 0.9),
    "limb_samples": (7, 10, 15, 20),
    "long_limb_samples": (10, 20, 30, 40),
    "max_limb_length": (0.35, 0.5, 0.7, 99),
    "short_limb": (0, 0.36, 1, 1.5),
    "min_score": (0.2, 0.3, 0.4, 0.5, 0.6),
    "half_tolerance": (2, 3.5, 5, 7, 10, 15),
    "completion_reach": (0.07, 0.085, 0.1, 0.12, 0.15),
    "completion_floor": (0.0003, 0.001, 0.003, 0.01),
}
"""The values that each threshold takes. ``offset_x`` and ``offset_y``, in cells, are added to the network's offset."""


@dataclass(frozen=True)
class Row:
    """The trials of one threshold.

    Attributes:
        name: The threshold.
        trials: The AP of each value.
        settings: The best settings so far, including the chosen value.
    """

    name: str
    trials: dict[float, float]
    settings: Settings


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    options = parse_options(arguments)
    truth = read_annotations(options.annotations)
    photos = find_photos(truth, options.images)
    config, completion = apply_settings(options.set, network_config(options.network), Completion())
    cache = MapCache(options.network, options.weights, chosen_views(options), config=config)
    grouping = load_grouping(options.grouping)
    maps = {
        image_id: cache.maps_of(path)
        for image_id, path in tqdm(photos.items(), desc="maps", unit="photo", disable=None)
    }
    steps = {name: STEPS[name] for name in options.only}
    before = {name: start_of(name, config, completion) for name in steps}

    def results(settings: Settings) -> list[dict[str, Any]]:
        return find_people(maps, config, completion, grouping, settings)

    print(f"{cache.title}; * marks the chosen value, which must raise AP by at least {options.gain:g}")
    best = before
    with tqdm(desc="thresholds", unit="trial", disable=None) as bar:
        for row in search(lambda one: precision(truth, results(one)), before, steps, options.gain, bar.update):
            best = row.settings
            kept = best[row.name]
            trials = "  ".join(f"{value:g}{'*' * (value == kept)} {ap:.4f}" for value, ap in row.trials.items())
            bar.write(f"{row.name:18} {trials}", file=sys.stdout)
    print_result(truth, results(before), results(best), {name: v for name, v in best.items() if v != before[name]})


def search(
    measure: Callable[[Settings], float],
    start: Settings,
    steps: dict[str, tuple[float, ...]],
    gain: float,
    after_trial: Callable[[], object] = lambda: None,
) -> Iterator[Row]:
    """Search for the settings with the highest measure, one threshold at a time.

    Args:
        measure: The function to maximise.
        start: The settings to begin with.
        steps: The values that each threshold takes.
        gain: The least gain of a new value. It must be above 0, otherwise the search may not end.
        after_trial: A function that is called after each trial.

    Yields:
        The trials of each threshold in turn, until a round through all of them changes nothing.
    """
    best, highest = dict(start), measure(start)
    changed = True
    while changed:
        changed = False
        for name, values in steps.items():
            trials = {best[name]: highest}
            for value in values:
                if value not in trials:
                    trials[value] = measure({**best, name: value})
                    after_trial()
            top = max(trials, key=lambda value: trials[value])
            if trials[top] >= highest + gain:
                best, highest, changed = {**best, name: top}, trials[top], True
            yield Row(name, dict(sorted(trials.items())), best)


def start_of(name: str, config: Config, completion: Completion) -> float:
    """Return the value of a threshold before the search."""
    value: float = 0 if name.startswith("offset_") else getattr(config, name, getattr(completion, name, 0))
    return value


def find_people(
    maps: dict[int, FieldMaps], config: Config, completion: Completion, grouping: Grouping, settings: Settings
) -> list[dict[str, Any]]:
    """Find the people in the maps of photos with these settings, in COCO's form."""
    given = [f"{name}={value}" for name, value in settings.items() if not name.startswith("offset_")]
    config, completion = apply_settings(given, config, completion)
    move = np.array([settings.get("offset_x", 0), settings.get("offset_y", 0)])
    found = []
    for image_id, one in maps.items():
        x, y = (move + one.offset).tolist()
        moved = replace(one, offset=(x, y))
        people = group_maps(moved, config, grouping)
        found += to_results(config, people.subset, people.coordinates, moved, image_id, completion)
    return found


def precision(truth: COCO, results: list[dict[str, Any]]) -> float:
    """Compute the AP of results. It is 0 without results."""
    return average_precision(truth, results, MOST_PEOPLE)[0]


def print_result(truth: COCO, before: list[dict[str, Any]], after: list[dict[str, Any]], changed: Settings) -> None:
    """Print AP before and after, the gain with twice its standard deviation, and the options of the best settings."""
    if not before or not after:
        raise OpenPoseLabError("no people were found, so AP is 0; choose other photos")
    gain = precision(truth, after) - precision(truth, before)
    error = 2 * np.std(bootstrap(truth, after) - bootstrap(truth, before))
    print(f"\nAP {precision(truth, before):.4f} -> {precision(truth, after):.4f}, {gain:+.4f} +-{error:.4f}")
    print(" ".join(f"--set {name}={value:g}" for name, value in changed.items()) or "no threshold was changed")


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options of the command line."""
    parser = make_parser("python -m scripts.tune", __doc__, EXAMPLES)
    add_measuring_options(parser)
    add_grouping_option(parser)
    add_set_option(parser)
    parser.add_argument(
        "--only",
        nargs="+",
        choices=STEPS,
        default=list(STEPS),
        metavar="NAME",
        help="tune only these thresholds (default: all)",
    )
    parser.add_argument(
        "--gain", type=float, default=0.001, metavar="AP", help="least rise of AP for a new value (default: 0.001)"
    )
    options = parser.parse_args(arguments)
    if not options.gain > 0:
        raise OpenPoseLabError(f"--gain must be above 0 but is {options.gain:g}")
    return options


if __name__ == "__main__":
    sys.exit(start("tune", main, sys.argv[1:]))

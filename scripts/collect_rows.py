"""Collect rows of limbs from photos with COCO keypoints in one small file. ``check-merge`` scores a merge on them.

The file contains only numbers: the kind of each limb, the ids of its two peaks, its score, and the owner of each peak.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from estimation.errors import OpenPoseLabError
from estimation.files import write_whole
from estimation.grouping import GROUPINGS, LAB_MERGE, load_grouping, run_grouping
from openpose_lab.commands.options import add_measuring_options, chosen_views, make_parser
from openpose_lab.commands.program import claim_outputs, shown, start
from openpose_lab.evaluation.annotations import find_photos, read_annotations
from openpose_lab.evaluation.map_cache import MapCache
from openpose_lab.evaluation.measures import NOBODY, Pairs, count_pairs
from openpose_lab.evaluation.scenes import Scene, photo_scenes
from openpose_lab.lab.accuracy import PHOTO_ROWS, decode, merge_seconds, reading_seconds
from openpose_lab.lab.sandbox.runner import Runner

EXAMPLES = """example:
  python -m scripts.collect_rows --images train2017 --annotations person_keypoints_train2017.json --photos 12 \\
      --network mobilenet_thin --height 368
"""


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    options = parse_options(arguments)
    claim_outputs([options.out], [("annotations", options.annotations), ("weights", options.weights)])
    truth = read_annotations(options.annotations)
    maps = MapCache(options.network, options.weights, chosen_views(options), options.runtime, options.precision)
    scenes = photo_scenes(truth, find_photos(truth, options.images), maps).scenes
    chosen = sorted(scenes, key=crowdedness, reverse=True)[: options.photos]
    if not chosen or not crowdedness(chosen[0]):
        raise OpenPoseLabError("no limb of an annotated person was found in these photos; choose other photos")
    figures = {}
    for name in GROUPINGS:
        pairs = Pairs()
        for scene in chosen:
            subset = run_grouping(load_grouping(name), maps.config, scene.connections)
            pairs += count_pairs(subset, scene.owner, all_known=False)
        figures[name] = round(pairs.f1, 4)
    photos = decode(encode(chosen, figures, effort=1))
    with Runner(LAB_MERGE) as runner:
        effort = merge_seconds(photos, runner.call) / reading_seconds(photos)
    write_whole(options.out, encode(chosen, figures, effort))
    rows = sum(len(scene.connections.accepted) for scene in chosen)
    print(f"wrote {shown(options.out)}: {rows} rows of {len(chosen)} photos")


def crowdedness(scene: Scene) -> int:
    """Count the accepted limbs between peaks with known owners."""
    ends = scene.connections.candidates.peaks[scene.connections.accepted]
    return int((scene.owner[ends] != NOBODY).all(axis=1).sum())


def encode(scenes: list[Scene], figures: dict[str, float], effort: float) -> bytes:
    """Encode the content of the file.

    Args:
        scenes: The photos.
        figures: The F1 of each grouping of the project.
        effort: The time of the project's merge, divided by the time of reading the rows.

    Returns:
        An .npz archive.
    """
    limbs, peaks, scores = [], [], []
    for scene in scenes:
        found, accepted = scene.connections.candidates, scene.connections.accepted
        limbs.append(found.limb[accepted])
        peaks.append(found.peaks[accepted])
        scores.append(found.peak_scores[accepted].sum(axis=1) + found.score[accepted])
    data = io.BytesIO()
    np.savez_compressed(
        data,
        limb=np.concatenate(limbs).astype(np.int8),
        peaks=np.concatenate(peaks).astype(np.int16),
        score=np.concatenate(scores).astype(np.float32),
        rows_until=np.cumsum([len(limb) for limb in limbs]),
        owner=np.concatenate([scene.owner for scene in scenes]).astype(np.int16),
        peaks_until=np.cumsum([len(scene.owner) for scene in scenes]),
        figures=np.array(json.dumps(figures)),
        effort=round(effort, 2),
    )
    return data.getvalue()


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options of the command line."""
    parser = make_parser("python -m scripts.collect_rows", __doc__, EXAMPLES)
    add_measuring_options(parser)
    parser.add_argument(
        "--photos", type=int, default=12, metavar="N", help="number of photos, those with the most limbs (default: 12)"
    )
    parser.add_argument(
        "--out", type=Path, default=PHOTO_ROWS, help="the file to write (default: the one in openpose_lab/lab)"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(start("collect_rows", main, sys.argv[1:]))

"""Average precision of the whole pipeline on photos with COCO keypoints, as pycocotools counts it."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from tqdm import tqdm

from estimation.errors import OpenPoseLabError
from estimation.field_maps import FieldMaps
from estimation.files import check_writable, read_photo, write_whole
from estimation.formats import COCO_KEYPOINTS, to_coco
from estimation.grouping import GROUPINGS, load_grouping
from estimation.pipeline import DEFAULT_HEIGHT, Network, check_height, compute_maps, group_maps, timed
from models import NETWORKS, load_network
from tools.program import run

EXAMPLES = """example:
  python -m tools.evaluate --images val2017 --annotations person_keypoints_val2017.json --results out.json
"""
FIGURES = ("AP", "AP .5", "AP .75", "AP medium", "AP large", "AR", "AR .5", "AR .75", "AR medium", "AR large")


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
                results += to_coco(network.config, found.skeletons, image_id)
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
    parser.add_argument("--results", type=Path, help="also write the people in COCO's result format, JSON")
    return parser.parse_args()


def add_measuring_options(parser: argparse.ArgumentParser) -> None:
    """What every program that measures on photos has to be told."""
    parser.add_argument("--images", type=Path, required=True, help="the folder with the photos")
    parser.add_argument("--annotations", type=Path, required=True, help="COCO keypoint annotations of them, JSON")
    parser.add_argument("--network", default="mobilenet_thin", help=f"one of {', '.join(NETWORKS)}")
    parser.add_argument("--weights", type=Path, help="a weights file for the network (default: its own)")
    parser.add_argument("--height", type=int, default=DEFAULT_HEIGHT, help=f"input height (default: {DEFAULT_HEIGHT})")


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


def read_annotations(path: Path) -> COCO:
    """COCO's annotations. Raises OpenPoseLabError if the file is not there or not of that kind."""
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise OpenPoseLabError(f"cannot read the annotations {path}: {error.strerror}; check the path") from error
    except ValueError:
        raise OpenPoseLabError(
            f"the annotations {path} are not JSON, or cut short; give a COCO keypoint file"
        ) from None
    if problem := _problem(content):
        raise OpenPoseLabError(f"the annotations {path} are not COCO keypoints: {problem}")
    truth = COCO()
    truth.dataset = content
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
    return truth


def _problem(content: Any) -> str | None:
    if not isinstance(content, dict):
        return "the file must hold an object"
    for key, needed in (
        ("images", {"id", "file_name"}),
        ("annotations", {"id", "image_id", "category_id", "area", "bbox", "iscrowd"}),
        ("categories", {"id"}),
    ):
        entries = content.get(key)
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            return f"there must be a list {key!r}"
        for number, entry in enumerate(entries):
            if missing := needed - entry.keys():
                return f"entry {number} of {key!r} has no {sorted(missing)[0]!r}"
    if not content["images"]:
        return "the list 'images' is empty"
    length = 3 * len(COCO_KEYPOINTS)
    for number, entry in enumerate(content["annotations"]):
        if (found := len(entry.get("keypoints", []))) != length:
            return f"entry {number} of 'annotations' has {found} keypoint numbers, expected {length}"
    return None


def find_photos(truth: COCO, folder: Path) -> dict[int, Path]:
    """The photo of each image id. Raises OpenPoseLabError at the first that is missing."""
    photos = {image["id"]: folder / image["file_name"] for image in truth.dataset["images"]}
    for path in photos.values():
        if not path.is_file():
            raise OpenPoseLabError(f"the annotations name {path.name}, but there is no {path}; check --images")
    return photos


def score(truth: COCO, results: list[dict[str, Any]]) -> list[float]:
    """COCO's ten keypoint figures, in the order of ``FIGURES``; -1 where there is nobody to find."""
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(truth, truth.loadRes(results), "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(figure) for figure in evaluation.stats]


if __name__ == "__main__":
    sys.exit(run("evaluate", main))

"""Measure the accuracy of trackers' identities on simulated videos, and the time of a tracker.

In 640x480 pixels at 25 frames per second, six people of 80 to 250 pixels cross three times each. They are hidden at
each crossing or a little later. Once, they leave the picture and come back. The program prints IDF1, HOTA and identity
switches: of all videos, and by the speed at crossings and the time for which people are hidden. It needs trackeval.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from estimation.config import COCO_18, Config
from openpose_lab.commands.options import make_parser
from openpose_lab.commands.program import start
from openpose_lab.evaluation.identities import Figures, Ids, figures, identify, oracle, to_sequence
from openpose_lab.evaluation.nearest import NearestTracker
from openpose_lab.evaluation.track_scenes import HIDDEN, SPEEDS, TrackScene, simulate_video
from openpose_lab.extras import require
from openpose_lab.tracking import Tracker, load_tracker
from openpose_lab.tracking.oks import MEMORY

EXAMPLES = """examples:
  python -m scripts.measure_tracking
  python -m scripts.measure_tracking --tracker my_tracker.py --seeds 5
"""
_SPEEDS = {"slow": (0.02, 0.17), "middling": (0.17, 0.33), "fast": (0.33, 0.5)}  # body widths per frame
_HIDDEN = ((5, 14), (15, 27), (28, 40))  # frames
_ONE_HEIGHT = 150.0  # pixels
_ORACLE, _NEAREST, _NONE = "no mistake", "nearest", "none"
_COST_PEOPLE = 10
_COST_REPEATS = 5


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    parser = make_parser("python -m scripts.measure_tracking", __doc__, EXAMPLES)
    parser.add_argument(
        "--tracker",
        action="append",
        default=[],
        help="name or Python file of a tracker; can be repeated (default: oks, nearest and none)",
    )
    parser.add_argument("--seeds", type=int, default=20, help="the number of videos (default: 20)")
    parser.add_argument("--first-seed", type=int, default=0, help="the seed of the first video (default: 0)")
    options = parser.parse_args(arguments)
    require("trackeval", "measuring identities")
    trackers = options.tracker or ["oks", _NEAREST, _NONE]
    seeds = range(options.first_seed, options.first_seed + options.seeds)

    print(f"{len(seeds)} videos; a person who is absent for more than {MEMORY:g} s counts as new\n")
    print("| tracker | IDF1 | of the worst video (seed) | HOTA | switches a video |\n| -- | -- | -- | -- | -- |")
    scenes = _scenes(COCO_18, seeds)
    for tracker in (*trackers, _ORACLE):
        found = [_measured(tracker, scene) for scene in scenes]
        worst = int(np.argmin([one.idf1 for one in found]))
        print(f"| {tracker} | {_mean(found, 'idf1')} | {found[worst].idf1:.3f} ({seeds[worst]}) | ", end="")
        print(f"{_mean(found, 'hota')} | {_mean(found, 'switches', 1)} |", flush=True)

    print(f"\nThe same with people who are all {_ONE_HEIGHT:g} pixels tall:\n")
    print("| tracker | IDF1 | HOTA | switches a video |\n| -- | -- | -- | -- |")
    scenes = [simulate_video(COCO_18, seed, heights=(_ONE_HEIGHT, _ONE_HEIGHT)) for seed in seeds]
    for tracker in trackers:
        found = [_measured(tracker, scene) for scene in scenes]
        print(f"| {tracker} | {_mean(found, 'idf1')} | {_mean(found, 'hota')} | {_mean(found, 'switches', 1)} |")

    print("\nIDF1, HOTA and switches a video by the speed at crossings and the time for which people are hidden:\n")
    print(f"| body widths a frame | frames hidden | {' | '.join(trackers)} |\n| -- | -- |{' -- |' * len(trackers)}")
    for name, speeds in _SPEEDS.items():
        for hidden in _HIDDEN:
            scenes = _scenes(COCO_18, seeds, speeds, hidden)
            cells = []
            for tracker in trackers:
                found = [_measured(tracker, scene) for scene in scenes]
                cells.append(f"{_mean(found, 'idf1')}, {_mean(found, 'hota')}, {_mean(found, 'switches', 1)}")
            row = f"{name}, {speeds[0]:g} to {speeds[1]:g}", f"{hidden[0]} to {hidden[1]}", *cells
            print(f"| {' | '.join(row)} |", flush=True)

    print()
    for tracker in trackers:
        print(f"{tracker}: {_cost(_maker(tracker)):.2f} ms a frame with {_COST_PEOPLE} people")


def _scenes(
    config: Config, seeds: range, speeds: tuple[float, float] = SPEEDS, hidden: tuple[int, int] = HIDDEN
) -> list[TrackScene]:
    return [simulate_video(config, seed, speeds, hidden) for seed in seeds]


def _maker(tracker: str) -> Callable[[], Tracker]:
    if tracker == _NEAREST:
        return lambda: NearestTracker(COCO_18.layout, MEMORY)
    return lambda: load_tracker(tracker, COCO_18.layout)


def _measured(tracker: str, scene: TrackScene) -> Figures:
    found: Ids = oracle(scene, MEMORY) if tracker == _ORACLE else identify(scene, _maker(tracker)())
    return figures(to_sequence(scene, found, MEMORY, each_its_own=tracker == _NONE))


def _mean(found: list[Figures], name: str, decimals: int = 3) -> str:
    return f"{np.mean([getattr(one, name) for one in found]):.{decimals}f}"


def _cost(make: Callable[[], Tracker]) -> float:
    """Measure milliseconds per frame, the minimum of several runs over frames in which almost all people are found."""
    scene = simulate_video(COCO_18, 0, people=_COST_PEOPLE)
    frames = [people for people in scene.frames if len(people) >= _COST_PEOPLE - 2]
    times = []
    for _ in range(_COST_REPEATS):
        tracker = make()
        begin = time.perf_counter()
        for number, people in enumerate(frames):
            tracker.update(people, scene.timestamp(number))
        times.append(time.perf_counter() - begin)
    return 1000 * min(times) / len(frames)


if __name__ == "__main__":
    sys.exit(start("measure_tracking", main, sys.argv[1:]))

"""Measure how fast the programs are on this machine.

The parts are:
  network   the forward pass, by network, runtime and precision; with --annotations also AP
  stages    the stages after the network, on crowds of 1 to 100 people
  start     the time from Enter to the picture in a new process, and its peak memory
  photos    photos a second, on copies of the sample photo or on --images
  folder    a run over these photos, and each of its stages separately
  video     a run over --video or a clip of the sample photo, and each of its stages separately
  save      the time from the save of a merge to the answer of check-merge --watch
  training  photos a second of the targets, the examples and the training steps

Compared variants run in turns. The program downloads nothing; it lists networks without weights as missing.
"""

from __future__ import annotations

import argparse
import json
import shlex
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from estimation.errors import OpenPoseLabError, one_line
from openpose_lab.commands.options import add_known_photos_options, check_range, make_parser, output_path
from openpose_lab.commands.program import claim_outputs, shown
from openpose_lab.networks import DEFAULT_NETWORK, NETWORKS

if TYPE_CHECKING:
    from tqdm import tqdm

    from openpose_lab.benchmark.table import Table

PROGRAM = "openpose-lab benchmark"
EXAMPLES = """examples:
  python -m openpose_lab benchmark                           measure all parts, in a few minutes
  python -m openpose_lab benchmark --only stages start       measure these parts
  python -m openpose_lab benchmark --only network --networks lightweight --repeat 30
  python -m openpose_lab benchmark --only photos --images holiday
  python -m openpose_lab benchmark --only video --video clip.mp4
  python -m openpose_lab benchmark --images val2017 --annotations person_keypoints_val2017.json   also measure AP
"""
REPEATS = {"network": 15, "stages": 50, "start": 7, "photos": 5, "folder": 5, "video": 5, "save": 9, "training": 7}
"""The parts, and the number of timed runs of each variant in them."""
_MOST_RUNS = 10_000
_IN_FOLDER = 100
"""The largest number of photos of the part ``folder``."""


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    options = parse_options(arguments)
    check_options(options)

    from estimation.files import write_whole
    from openpose_lab.benchmark.machine import describe_machine
    from openpose_lab.benchmark.table import as_markdown, as_text

    outputs = [path for path in (options.json, options.markdown) if path]
    claim_outputs(outputs, [("annotations", options.annotations)])
    machine = describe_machine()
    print("\n".join(machine.sentences), flush=True)
    tables: list[Table] = []
    for part in REPEATS:
        if part in options.only:
            tables.append(measure(part, options))
            print(f"\n{as_text(tables[-1])}", flush=True)
    command = f"{PROGRAM} {shlex.join(arguments)}".rstrip()
    if options.json:
        found = {"command": command, "machine": machine.json(), "parts": {one.part: one.json() for one in tables}}
        write_whole(options.json, json.dumps(found, indent=1).encode())
    if options.markdown:
        described = "".join(f"- {sentence}\n" for sentence in machine.sentences)
        text = "\n".join([f"```\n{command}\n```\n\n{described}", *map(as_markdown, tables)])
        write_whole(options.markdown, text.encode())
    for number, path in enumerate(outputs):
        print(f"{'' if number else chr(10)}wrote {shown(path)}")


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options of the command line."""
    parser = make_parser(PROGRAM, __doc__, EXAMPLES)
    add = parser.add_argument
    add(
        "--only",
        nargs="+",
        choices=REPEATS,
        default=list(REPEATS),
        metavar="PART",
        help=f"the parts to measure: {', '.join(REPEATS)} (default: all)",
    )
    add(
        "--networks",
        nargs="+",
        choices=NETWORKS,
        default=list(NETWORKS),
        metavar="NAME",
        help="the networks to measure (default: all)",
    )
    usual = ", ".join(f"{count} in {part}" for part, count in REPEATS.items())
    add("--repeat", type=int, metavar="N", help=f"number of timed runs of each variant (default: {usual})")
    add_known_photos_options(parser, required=False)
    add("--video", type=Path, metavar="FILE", help="the video of the part video (default: a clip of the sample photo)")
    add("--people", type=int, nargs="+", metavar="N", help="number of people in the crowds (default: 1 5 9 30 100)")
    add("--seed", type=int, default=0, help="random seed of the crowds (default: 0)")
    add("--json", type=output_path, metavar="FILE", help="write all times in seconds as JSON")
    add("--markdown", type=output_path, metavar="FILE", help="write the tables as Markdown")
    return parser.parse_args(arguments)


def check_options(options: argparse.Namespace) -> None:
    """Check the options before the work begins. Raises OpenPoseLabError if one is wrong."""
    if options.repeat is not None:
        check_range("--repeat", options.repeat, 1, _MOST_RUNS)
    for count in options.people or []:
        check_range("--people", count, 1, 200)
    check_range("--seed", options.seed, 0, 2**32 - 1)
    if options.annotations and not options.images:
        raise OpenPoseLabError("--annotations needs the folder of the photos; give it with --images")
    if options.annotations:
        from openpose_lab.evaluation.annotations import find_photos, read_annotations
        from openpose_lab.extras import require

        require("pycocotools", "measuring AP")
        find_photos(read_annotations(options.annotations), options.images)
    elif options.images:
        from openpose_lab.benchmark.throughput import photos_in

        photos_in(options.images)


def measure(part: str, options: argparse.Namespace) -> Table:
    """Measure a part. If it cannot be measured, return an empty table with the reason as a note."""
    from openpose_lab.benchmark.table import Table

    measures = {
        "network": measure_network,
        "stages": measure_stages,
        "start": measure_start,
        "photos": measure_photos,
        "folder": measure_folder,
        "video": measure_video,
        "save": measure_save,
        "training": measure_training,
    }
    try:
        return measures[part](options, options.repeat or REPEATS[part])
    except (OpenPoseLabError, OSError, ImportError) as error:
        return Table(part, f"The part {part} cannot be measured", (), "ms", [], notes=[one_line(str(error))])


def measure_network(options: argparse.Namespace, repeat: int) -> Table:
    """Measure the forward pass."""
    from openpose_lab.benchmark.forward import benchmark_networks, measure_precision, network_runs
    from openpose_lab.benchmark.variants import find_variants

    variants, missing = find_variants(options.networks)
    precision_of = None
    if options.annotations:
        precision_of = partial(measure_precision, images=options.images, annotations=options.annotations)
    with _progress("network", network_runs(len(variants), repeat)) as bar:
        table = benchmark_networks(variants, repeat, precision_of=precision_of, tick=bar.update)
    table.notes.extend(missing)
    return table


def measure_stages(options: argparse.Namespace, repeat: int) -> Table:
    """Measure the stages after the network."""
    from openpose_lab.benchmark.stages import PEOPLE, benchmark_stages, stage_runs

    people = options.people or PEOPLE
    with _progress("stages", stage_runs(people, repeat)) as bar:
        return benchmark_stages(repeat, people, options.seed, tick=bar.update)


def measure_start(_: argparse.Namespace, repeat: int) -> Table:
    """Measure the demo in fresh processes."""
    from openpose_lab.benchmark.start import benchmark_start, start_commands, start_runs

    with tempfile.TemporaryDirectory(prefix="openpose-lab-", ignore_cleanup_errors=True) as folder:
        commands = start_commands(Path(folder))
        with _progress("start", start_runs(len(commands), repeat)) as bar:
            return benchmark_start(repeat, commands, bar.update)


def measure_photos(options: argparse.Namespace, repeat: int) -> Table:
    """Measure photos a second of the default network, or of the first requested network."""
    from openpose_lab.benchmark.throughput import benchmark_photos, copies_of_sample, photo_runs, photos_in
    from openpose_lab.networks.loading import load_network

    network = load_network(_network_with_weights(options))
    with tempfile.TemporaryDirectory(prefix="openpose-lab-", ignore_cleanup_errors=True) as folder:
        paths = photos_in(options.images) if options.images else copies_of_sample(Path(folder))
        with _progress("photos", photo_runs(repeat)) as bar:
            return benchmark_photos(paths, network, repeat, tick=bar.update)


def measure_folder(options: argparse.Namespace, repeat: int) -> Table:
    """Measure a run of ``demo_image.py`` over many photos."""
    from openpose_lab.benchmark.folder import benchmark_folder, folder_runs
    from openpose_lab.benchmark.throughput import copies_of_sample, photos_in
    from openpose_lab.estimator import PoseEstimator

    estimator = PoseEstimator(_network_with_weights(options))
    with tempfile.TemporaryDirectory(prefix="openpose-lab-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        paths = photos_in(options.images, _IN_FOLDER) if options.images else copies_of_sample(scratch, _IN_FOLDER)
        with _progress("folder", folder_runs(repeat)) as bar:
            return benchmark_folder(paths, estimator, scratch / "outputs", repeat, bar.update)


def measure_video(options: argparse.Namespace, repeat: int) -> Table:
    """Measure a run of ``demo_video.py`` over a video."""
    from openpose_lab.benchmark.video import benchmark_video, make_clip, video_runs
    from openpose_lab.estimator import PoseEstimator

    estimator = PoseEstimator(_network_with_weights(options))
    with tempfile.TemporaryDirectory(prefix="openpose-lab-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        clip = options.video or make_clip(scratch / "clip.mp4")
        with _progress("video", video_runs(repeat)) as bar:
            return benchmark_video(clip, estimator, scratch / "drawn.mp4", repeat, bar.update)


def measure_save(_: argparse.Namespace, repeat: int) -> Table:
    """Measure the time from the save of a merge to the answer."""
    from openpose_lab.benchmark.saving import benchmark_saving, saved_texts, saving_runs

    texts = saved_texts()
    with (
        tempfile.TemporaryDirectory(prefix="openpose-lab-", ignore_cleanup_errors=True) as name,
        _progress("save", saving_runs(len(texts), repeat)) as bar,
    ):
        return benchmark_saving(repeat, texts, Path(name), bar.update)


def measure_training(options: argparse.Namespace, repeat: int) -> Table:
    """Measure targets, examples and steps of training."""
    from openpose_lab.benchmark.training import benchmark_training, training_runs

    with (
        tempfile.TemporaryDirectory(prefix="openpose-lab-", ignore_cleanup_errors=True) as name,
        _progress("training", training_runs(repeat)) as bar,
    ):
        return benchmark_training(repeat, Path(name), options.seed, bar.update)


def _network_with_weights(options: argparse.Namespace) -> str:
    """Return the default network if it was requested, and otherwise the first requested network."""
    from openpose_lab.networks.loading import weights_here

    name: str = DEFAULT_NETWORK if DEFAULT_NETWORK in options.networks else options.networks[0]
    if weights_here(name) is None:
        raise OpenPoseLabError(f"the weights of {name} are missing; docs/weights.md says how to get them")
    return name


def _progress(part: str, runs: int) -> tqdm[NoReturn]:
    from tqdm import tqdm

    return tqdm(total=runs, desc=part, unit="run", leave=False, disable=None)

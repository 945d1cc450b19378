"""Find the people in a data set, on one machine or on a Ray cluster.

The data set is a folder of photos and videos, a list of them, a Parquet file, or the address of one of these, such as
s3://bucket/photos. The program writes Parquet files to the folder OUT: people/ has one row per person, failures/ has
one row per photo or video that failed. Run the same command again to continue a stopped job: finished parts are not
done again.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from estimation.errors import OpenPoseLabError, one_line
from openpose_lab.commands.options import (
    Options,
    add_grouping_option,
    add_network_options,
    add_set_option,
    apply_settings,
    check_range,
    chosen_views,
    make_parser,
    warn_of_unused_settings,
)
from openpose_lab.extras import require

if TYPE_CHECKING:
    from openpose_lab.batch.cluster import Resources
    from openpose_lab.batch.output import Output
    from openpose_lab.batch.plan import Plan
    from openpose_lab.batch.settings import Settings

EXAMPLES = """examples:
  {program} photos out                            all photos and videos below photos/, with one worker
  {program} photos out --workers 4 --threads 2    four workers that compute two photos each at once
  {program} photos out --dry-run                  count the photos, and estimate the time from a sample
  {program} list.txt out                          the paths in a list, one a line
  {program} train.parquet out --column image.bytes
  {program} s3://bucket/photos s3://bucket/people --address auto --workers 16
  {program} photos out --gpus --workers 2         Keras on two GPUs
  {program} photos out --retry-failed             do the parts with failures again

Read the table with: pandas.read_parquet("out/people")
"""
MOST_WORKERS = 10_000
_SAMPLE = 64
_SAMPLED_VIDEOS = 3
_FEWEST = 8
"""The smallest number of sampled photos from which a rate is estimated."""
_SHOWN_FAILURES = 10


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    options = parse_options(arguments)
    views = chosen_views(options)
    require("ray", "openpose-lab batch")
    require("pyarrow", "openpose-lab batch")
    from openpose_lab.batch.cluster import SMALLEST_STORE
    from openpose_lab.sources.videos import check_part

    check_range("--workers", options.workers, 1, MOST_WORKERS)
    if options.threads is not None:
        check_range("--threads", options.threads, 1, MOST_WORKERS)
    check_range("--photos-per-part", options.photos_per_part, 1, 100_000)
    check_range("--store", options.store, SMALLEST_STORE, 1_000_000)
    check_part(options.every, None, None)
    if options.gpus and options.runtime == "openvino":
        raise OpenPoseLabError("--gpus needs the runtime keras, because OpenVINO does not use these GPUs")
    if options.gpus:
        options.runtime = "keras"
        require("tensorflow", "--gpus")
    process(options, views)


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options of the command line."""
    from openpose_lab.batch.items import PHOTOS_A_PART

    parser = make_parser("openpose-lab batch", __doc__, EXAMPLES.format(program="openpose-lab batch"))
    add = parser.add_argument
    add(
        "source",
        metavar="SRC",
        help="a folder (all folders below are included), a list of paths (.txt), a Parquet file, or an address such as "
        "s3://bucket/folder",
    )
    add("out", metavar="OUT", help="the output: a new or empty folder, the folder of a job to continue, or an address")
    add("--dry-run", action="store_true", help="write nothing; count the photos, and estimate the time from a sample")
    add("--retry-failed", action="store_true", help="do the parts with failures again, too")
    add("--column", metavar="NAME", help="the column of a Parquet file with paths or with the bytes of photos")
    add("--every", type=int, default=1, metavar="N", help="process only every Nth frame of videos (default: 1)")
    add(
        "--photos-per-part",
        type=int,
        default=PHOTOS_A_PART,
        metavar="N",
        help=f"photos in each file of people; a stopped job loses its unfinished parts (default: {PHOTOS_A_PART})",
    )
    add_worker_options(parser.add_argument_group("workers"))
    add_network_options(parser)
    add_grouping_option(parser)
    add_set_option(parser)
    return parser.parse_args(arguments)


def add_worker_options(parser: Options) -> None:
    """Add the options for the workers and for Ray."""
    from openpose_lab.batch.cluster import Resources

    add = parser.add_argument
    add("--workers", type=int, default=1, metavar="N", help="processes that each load the network once (default: 1)")
    add(
        "--threads",
        type=int,
        metavar="N",
        help="photos that a worker computes at once (default: the cores of this machine, divided by --workers)",
    )
    add("--gpus", action="store_true", help="give each worker a GPU; the runtime is then keras")
    add("--address", metavar="HOST:PORT", help="join a Ray cluster; auto for the one that this machine belongs to")
    add(
        "--store",
        type=int,
        default=Resources.store,
        metavar="MB",
        help=f"memory for decoded photos that wait, on this machine (default: {Resources.store})",
    )


def process(options: argparse.Namespace, views: Any) -> None:
    """List the source, and process the parts that are not finished."""
    from openpose_lab.batch.listing import list_items
    from openpose_lab.batch.output import Output

    settings, resources = settings_of(options, views), resources_of(options)
    print("listing the photos...", flush=True)
    listing = list_items(options.source, options.column, options.photos_per_part)
    settings = settings.of(listing.folder, listing.column)
    if options.dry_run:
        from openpose_lab.batch.plan import empty_plan

        estimate(empty_plan().extended(listing.items, options.photos_per_part), settings, resources)
        return
    with Output(options.out) as output:
        before = output.begin(settings_shown(options, settings))
        plan = before.extended(listing.items, options.photos_per_part)
        check_libraries(plan)
        if plan.parts > before.parts:
            output.keep_plan(plan)
        done = output.finished()
        if options.retry_failed:
            done -= output.with_failures()
        people = work(plan, done, settings, resources, output)
        print_summary(plan, done, people, output)


def work(plan: Plan, done: set[int], settings: Settings, resources: Resources, output: Output) -> int:
    """Process the parts that are not done, with a progress bar. Return the number of people that were found."""
    from tqdm import tqdm

    from openpose_lab.batch.pipeline import run

    tasks = plan.tasks(done)
    if not tasks:
        return 0
    begun = plan.photos_in(done)
    with started(resources), tqdm(total=plan.photos, initial=begun, unit=unit_of(plan), disable=None) as bar:
        rate = Rate()

        def tick(count: int) -> None:
            rate.count(count)
            bar.update(count)

        people = run(plan, tasks, settings, resources, output, tick)
    if rate.per_second:
        print(f"{'rate':12} {rate.per_second:.1f} {unit_of(plan)}s a second, after the start")
    return people


class Rate:
    """The rate at which results come. The first result is not counted, because the workers load the network before it.

    Attributes:
        counted: The number of photos and videos after the first result.
    """

    def __init__(self) -> None:
        self.counted = 0
        self._began: float | None = None
        self._ended = 0.0

    def count(self, number: int) -> None:
        """Note that a result has come, with a number of photos and videos."""
        self._ended = time.monotonic()
        if self._began is None:
            self._began = self._ended
        else:
            self.counted += number

    @property
    def per_second(self) -> float | None:
        """Photos and videos a second; None for fewer than two results."""
        return self.counted / (self._ended - self._began) if self.counted and self._began is not None else None


@contextmanager
def started(resources: Resources) -> Iterator[None]:
    """Start Ray, and say so, because it takes seconds."""
    from openpose_lab.batch.cluster import ray_started

    print(f"{'joining the cluster' if resources.address else 'starting Ray'}...", flush=True)
    with ray_started(resources):
        yield


def settings_of(options: argparse.Namespace, views: Any) -> Settings:
    """Return the settings that the workers need. Raises OpenPoseLabError if weights or grouping cannot be loaded."""
    from openpose_lab.batch.settings import Settings
    from openpose_lab.lab.sandbox.isolated import Isolated
    from openpose_lab.networks.loading import find_weights, network_config

    weights = Path(options.weights or find_weights(options.network)).absolute()
    (config,) = apply_settings(options.set, network_config(options.network, options.weights))
    with Isolated(options.grouping) as isolated:
        warn_of_unused_settings(options.set, [isolated.load()])
        grouping = str(isolated.source.absolute())
    threads = resources_of(options).threads
    return Settings(
        options.network, weights, options.runtime, options.precision, views, grouping, config, options.every, threads
    )


def resources_of(options: argparse.Namespace) -> Resources:
    """Return the workers that the options request."""
    from openpose_lab.batch.cluster import Resources
    from openpose_lab.overlap import count_cores

    threads = options.threads or max(1, count_cores() // options.workers)
    return Resources(options.workers, threads, options.gpus, options.store, options.address)


def settings_shown(options: argparse.Namespace, settings: Settings) -> dict[str, str]:
    """Return the settings that change the results, so that a continued job can check that they are the same."""
    from openpose_lab.batch.stores import is_address, shown_address
    from openpose_lab.checksums import checksum
    from openpose_lab.networks.catalogue import find_runtime

    source = shown_address(options.source) if is_address(options.source) else str(Path(options.source).resolve())
    grouping = Path(settings.grouping)
    return {
        "source": source,
        "photos-per-part": str(options.photos_per_part),
        "network": settings.network,
        "weights file": checksum(settings.weights, "sha256"),
        "runtime": find_runtime(settings.runtime).name,
        "precision": str(settings.precision),
        "quality": settings.views.title,
        "grouping": f"{grouping.name}, {checksum(grouping, 'sha256')[:12]}",
        "set": " ".join(options.set),
        "every": str(settings.every),
        "column": str(settings.column),
    }


def check_libraries(plan: Plan) -> None:
    """Raise MissingLibraryError if the plan has videos or HEIC photos, and the library that decodes them is missing."""
    from openpose_lab.batch.items import VIDEO
    from openpose_lab.sources.photo_files import HEIC_ENDINGS

    if plan.kinds()[VIDEO]:
        require("av", "reading videos")
    if next(plan.names(HEIC_ENDINGS), None):
        require("pillow_heif", "reading HEIC photos")


def unit_of(plan: Plan) -> str:
    """Return the word for the items of a plan: photo, video or file."""
    kinds = [kind for kind, count in plan.kinds().items() if count]
    return kinds[0] if len(kinds) == 1 else "file"


def print_summary(plan: Plan, done: set[int], people: int, output: Output) -> None:
    """Print the results. Raises OpenPoseLabError if photos failed, in this run or an earlier one."""
    before = plan.photos_in(done)
    failures = output.failures(sorted(output.with_failures()))
    earlier = f", {before} processed in an earlier run" if before else ""
    print(f"{unit_of(plan) + 's':12} {plan.photos - len(failures)} of {plan.photos} done{earlier}")
    if before < plan.photos:
        print(f"{'people':12} {people}{' in this run' if before else ''}")
    print(f"wrote {output.shown}")
    if not failures:
        return
    print(f"{'failed':12} {len(failures)}")
    for failure in failures[:_SHOWN_FAILURES]:
        print(f"  {one_line(failure['source'], 120)}: {failure['reason']}")
    if len(failures) > _SHOWN_FAILURES:
        print(f"  and {len(failures) - _SHOWN_FAILURES} more in {output.shown}/failures")
    raise OpenPoseLabError(
        f"{len(failures)} of {plan.photos} {unit_of(plan)}s failed, see {output.shown}/failures; repair them, and run "
        "again with --retry-failed"
    )


def estimate(plan: Plan, settings: Settings, resources: Resources) -> None:
    """Count the items, process a sample with Ray, and print how long all of them would take."""
    from dataclasses import replace

    from openpose_lab.batch.cluster import memory_bound
    from openpose_lab.batch.pipeline import results
    from openpose_lab.batch.sample import sample_of
    from openpose_lab.overlap import count_cores

    check_libraries(plan)
    for kind, count in plan.kinds().items():
        if count:
            print(f"{kind + 's':12} {count:,}")
    photos, videos = sample_of(plan, _SAMPLE, _SAMPLED_VIDEOS)
    settings = replace(settings, most_frames=_SAMPLE)
    total = 0.0
    with started(resources):
        if photos:
            rate = Rate()
            for row in results(photos, settings, resources):
                rate.count(len(row["indexes"]))
            total += seconds_of_photos(plan, rate)
        if videos:
            total += seconds_of_videos(
                plan, list(results(videos, settings, resources)), resources.workers, settings.every
            )
    if not resources.address:
        most = memory_bound(resources, count_cores(), items=plan.photos) / 1000
        print(f"{'memory':12} at most {most:.1f} GB, if all photos are below 5 megapixels")
    print(f"{'about':12} {duration(total)} for all, with --workers {resources.workers} --threads {resources.threads}")


def seconds_of_photos(plan: Plan, rate: Rate) -> float:
    """Estimate the seconds for all photos from the rate of a sample."""
    from openpose_lab.batch.items import PHOTO

    if not rate.per_second or rate.counted < _FEWEST:
        timed = f"only {rate.counted} photos of the sample were timed"
        raise OpenPoseLabError(f"{timed}, but an estimate needs {_FEWEST}; run without --dry-run")
    print(f"{'rate':12} {rate.per_second:.1f} photos a second, measured on {rate.counted} photos")
    return plan.kinds()[PHOTO] / rate.per_second


def seconds_of_videos(plan: Plan, rows: list[dict[str, Any]], workers: int, every: int) -> float:
    """Estimate the seconds for all videos from the first frames of some videos."""
    from openpose_lab.batch.items import VIDEO

    frames, seconds = sum(int(row["frames"]) for row in rows), sum(float(row["seconds"]) for row in rows)
    expected = [row["expected"] for row in rows if row["expected"]]
    if not frames or not expected:
        why = "do not state their length" if frames else "cannot be read"
        raise OpenPoseLabError(f"the sampled videos {why}, so no time can be estimated; run without --dry-run")
    videos = plan.kinds()[VIDEO]
    in_all: float = videos * sum(expected) / len(expected) / every
    print(f"{'frames':12} about {in_all:,.0f}, from the lengths of {len(expected)} videos")
    print(f"{'rate':12} {frames / seconds:.1f} frames a second for each worker, measured on {frames} frames")
    return in_all * seconds / frames / min(workers, videos)


def duration(seconds: float) -> str:
    """Return a time for people, such as ``2 h 05 min``."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{max(1, round(seconds))} s"
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"

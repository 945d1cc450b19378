"""Draw AP against time for docs/performance.md: sets of views, among them the presets.

With photos, the program measures the AP and the time of each set of views, and writes them to a table. Without photos,
it draws the picture from the existing table.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from tqdm import tqdm

from estimation.errors import OpenPoseLabError
from estimation.files import check_writable, read_input, write_whole
from estimation.photos import read_photo
from estimation.pipeline import estimate_people
from estimation.quality import QUALITIES, Views
from openpose_lab.benchmark.timing import Task, count_runs, time_in_turns
from openpose_lab.commands.options import add_measuring_options, check_measuring_options, make_parser
from openpose_lab.commands.program import shown, start
from openpose_lab.evaluation.annotations import find_photos, read_annotations
from openpose_lab.extras import require
from openpose_lab.networks.loading import load_network
from openpose_lab.paths import ROOT

EXAMPLES = """examples:
  python -m scripts.draw_quality --images train2017 --annotations person_keypoints_train2017.json
  python -m scripts.draw_quality                draw the picture again
"""
TABLE = ROOT / "docs" / "pictures" / "quality.csv"
PICTURE = ROOT / "docs" / "pictures" / "quality.png"
SETS = (
    Views(256),
    Views(320),
    Views(368),
    Views(432),
    Views(496),
    Views(560),
    Views(640),
    Views(432, flip=True),
    Views(368, (1.0, 1.5)),
    Views(480, (0.5, 1.0)),
    Views(496, (0.5, 1.0), flip=True),
    Views(496, (0.5, 1.0, 1.5), flip=True),
    *QUALITIES.values(),
)
"""The sets of views to measure. Some occur twice."""
_REPEAT, _TIMED = 3, 8
"""The number of times that each photo is timed, and the number of timed photos."""
_LARGEST_TABLE = 1 << 20
_UNIT = Views(368)
_LABEL = (-8, 8)  # offset of a preset's name from its mark, in points


@dataclass(frozen=True)
class Measured:
    """The figures of a set of views.

    Attributes:
        views: The views in words.
        quality: The preset with these views. Empty if no preset has them.
        cost: The input pixels of the network for all photos, divided by the input pixels of one view of height 368.
        precision: The AP.
        milliseconds: The median time of all stages for a photo, as a mean over photos.
    """

    views: str
    quality: str
    cost: float
    precision: float
    milliseconds: float


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    parser = make_parser("python -m scripts.draw_quality", __doc__, EXAMPLES)
    add_measuring_options(parser, required=False)
    parser.add_argument("--table", type=Path, default=TABLE, help="the table of the figures, a CSV file")
    parser.add_argument("--out", type=Path, default=PICTURE, help="the picture, a PNG file")
    options = parser.parse_args(arguments)
    check_measuring_options(options, otherwise="")
    check_writable(options.out)
    measured = [] if options.images else decode_table(options.table)
    require("matplotlib", "drawing")
    if options.images:
        check_writable(options.table)
        measured = measure_sets(options, list(dict.fromkeys(SETS)))
        write_whole(options.table, encode_table(measured))
        print(f"wrote {shown(options.table)}")
    write_whole(options.out, draw(measured))
    print(f"wrote {shown(options.out)}")


def measure_sets(options: Any, sets: Sequence[Views]) -> list[Measured]:
    """Measure the AP and the time of each set of views, in order of cost."""
    from estimation.grouping import load_grouping
    from openpose_lab.evaluation.coco_figures import score
    from openpose_lab.evaluation.completion import Completion
    from openpose_lab.evaluation.map_cache import MapCache
    from openpose_lab.evaluation.measurement import measure

    truth = read_annotations(options.annotations)
    photos = find_photos(truth, options.images)
    sizes = [(image["width"], image["height"]) for image in truth.dataset["images"]]
    times = time_sets(options, sets, list(photos.values()))
    found = []
    for views, milliseconds in zip(sets, times):
        maps = MapCache(options.network, options.weights, views, options.runtime, options.precision)
        people = measure(photos, maps, load_grouping("lab"), Completion()).results
        precision = score(truth, people)[0] if people else 0.0
        cost = input_pixels(views, sizes) / input_pixels(_UNIT, sizes)
        found.append(Measured(views.title, views.quality or "", cost, precision, milliseconds))
        print(f"{views.title:40} {cost:6.2f} units {precision:.3f} AP {milliseconds:7.1f} ms", flush=True)
    return sorted(found, key=lambda one: one.cost)


def time_sets(options: Any, sets: Sequence[Views], photos: Sequence[Path]) -> list[float]:
    """Time all stages with each set of views.

    Returns:
        For each set, the median time of a photo in milliseconds, as a mean over ``_TIMED`` photos.
    """
    network = load_network(options.network, options.weights, options.runtime, options.precision)
    chosen = photos[:: max(1, len(photos) // _TIMED)][:_TIMED]
    total = [0.0] * len(sets)
    with tqdm(total=len(chosen) * count_runs(len(sets), _REPEAT), desc="times", disable=None) as bar:
        for path in chosen:
            photo = read_photo(path)

            def task(views: Views, photo: Any = photo) -> Task:
                def run() -> None:
                    estimate_people(photo, network, views.height, scales=views.scales, flip=views.flip)

                return run

            timings = time_in_turns({views.title: task(views) for views in sets}, _REPEAT, tick=bar.update)
            for number, views in enumerate(sets):
                total[number] += 1000 * timings.done[views.title].median / len(chosen)
    return total


def input_pixels(views: Views, sizes: Iterable[tuple[int, int]]) -> int:
    """Compute the number of input pixels of the network for photos of these widths and heights."""
    seen = sum(round(width * one / height) * one for width, height in sizes for one in views.heights)
    return seen * (2 if views.flip else 1)


def encode_table(measured: Sequence[Measured]) -> bytes:
    """Write figures as CSV."""
    text = io.StringIO()
    table = csv.DictWriter(text, [field.name for field in fields(Measured)], lineterminator="\n")
    table.writeheader()
    for one in measured:
        rounded = {"cost": f"{one.cost:.3f}", "precision": f"{one.precision:.4f}"}
        table.writerow(asdict(one) | rounded | {"milliseconds": f"{one.milliseconds:.1f}"})
    return text.getvalue().encode()


def decode_table(path: Path) -> list[Measured]:
    """Read figures from CSV. Raises OpenPoseLabError if the file cannot be read or is no table of this program."""
    text = read_input(path, "table", _LARGEST_TABLE).decode("utf-8", "replace")
    try:
        return [
            Measured(
                row["views"], row["quality"], *(float(row[name]) for name in ("cost", "precision", "milliseconds"))
            )
            for row in csv.DictReader(io.StringIO(text))
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise OpenPoseLabError(f"the table {path} is not one of this program; measure again with --images") from error


def draw(measured: Sequence[Measured]) -> bytes:
    """Draw AP against time, with a line through the best sets of views, and with the names of the presets.

    Args:
        measured: The figures, at least one.

    Returns:
        A PNG file.
    """
    from matplotlib.figure import Figure

    figure = Figure((7.5, 4.2), layout="constrained")
    axes = figure.subplots()
    kinds: dict[str, list[Measured]] = {"one view": [], "several scales": [], "mirrored too": []}
    for one in measured:
        kind = "mirrored too" if "mirrored" in one.views else "several scales" if "times" in one.views else "one view"
        kinds[kind].append(one)
    for (kind, found), marker in zip(kinds.items(), "osD"):
        axes.plot([one.milliseconds for one in found], [one.precision for one in found], marker, label=kind)
    best = best_of(measured)
    axes.plot([one.milliseconds for one in best], [one.precision for one in best], "-", color="grey", zorder=0)
    for one in measured:
        if one.quality:
            place = one.milliseconds, one.precision
            axes.plot(*place, "o", markersize=14, markerfacecolor="none", markeredgecolor="black")
            axes.annotate(
                one.quality, place, _LABEL, textcoords="offset points", ha="right", va="bottom", weight="bold"
            )
    axes.set(xlabel="milliseconds a photo, all stages", ylabel="AP", xscale="log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    axes.tick_params(axis="x", which="both", labelsize=8, length=3, pad=3)
    axes.margins(y=0.1)
    axes.grid(alpha=0.3, which="both")
    axes.legend(loc="lower right")
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110)
    return data.getvalue()


def best_of(measured: Sequence[Measured]) -> list[Measured]:
    """Find the best sets of views: no other set is both faster and better. The fastest comes first."""
    best: list[Measured] = []
    for one in sorted(measured, key=lambda one: (one.milliseconds, -one.precision)):
        if not best or one.precision > best[-1].precision:
            best.append(one)
    return best


if __name__ == "__main__":
    sys.exit(start("draw_quality", main, sys.argv[1:]))

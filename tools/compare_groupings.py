"""The project's groupings, and yours, side by side on photos with COCO keypoints; all are given the same limbs."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from estimation.connections import get_connections
from estimation.coordinates import get_coordinates
from estimation.errors import OpenPoseLabError
from estimation.files import check_writable, read_photo, write_whole
from estimation.formats import to_coco
from estimation.grouping import GROUPINGS, load_grouping, run_grouping
from estimation.pipeline import check_height, compute_maps, timed
from estimation.skeletons import to_skeletons
from estimation.subset import GroupingError
from models import load_network
from tools.evaluate import add_measuring_options, blocks, find_photos, read_annotations, score
from tools.program import run

EXAMPLES = """examples:
  python -m tools.compare_groupings --images val2017 --annotations person_keypoints_val2017.json
  python -m tools.compare_groupings --images val2017 --annotations person_keypoints_val2017.json \\
      --network lightweight --grouping my_merge.py --csv table.csv
"""
COLUMNS = ("grouping", "AP", "AR", "people", "ms median", "ms 95%", "ms slowest")


def main() -> None:
    """Run the program with the options of the command line."""
    options = parse_options()
    check_height(options.height)
    if options.csv:
        check_writable(options.csv)
    truth = read_annotations(options.annotations)
    photos = find_photos(truth, options.images)
    groupings = {name: load_grouping(name) for name in (*GROUPINGS, *options.grouping)}
    check_inputs_are_kept(options.csv, [options.annotations, *(grouping.source for grouping in groupings.values())])
    network = load_network(options.network, options.weights)
    config = network.config

    people: dict[str, list[dict[str, Any]]] = {name: [] for name in groupings}
    times: dict[str, list[float]] = {name: [] for name in groupings}
    failed: dict[str, str] = {}
    with tqdm(total=len(photos), desc="photos", unit="photo", disable=None) as bar:
        # By blocks, so that no grouping is the one to find the caches full of the network's data.
        for block in blocks(list(photos.items()), 16):
            limbs = []
            for image_id, path in block:
                maps = compute_maps(read_photo(path), network, options.height)
                connections = get_connections(config, get_coordinates(config, maps.heatmaps), maps.pafs)
                limbs.append((image_id, maps.cell_size, connections))
            for name, grouping in groupings.items():
                for image_id, cell_size, connections in limbs:
                    if name in failed:
                        break
                    milliseconds: dict[str, float] = {}
                    try:
                        with timed("grouping", milliseconds):
                            found = run_grouping(grouping, config, connections)
                    except GroupingError as error:  # the others go on
                        failed[name] = f"{error} (photo {photos[image_id].name})"
                        break
                    times[name].append(milliseconds["grouping"])
                    skeletons = to_skeletons(found, connections.coordinates, cell_size)
                    people[name] += to_coco(config, skeletons, image_id)
            bar.update(len(block))

    if not any(people.values()):
        raise OpenPoseLabError(f"nobody was found in any of the {len(photos)} photos, so there is nothing to compare")
    rows = [row_of(name, truth, people[name], times[name]) for name in groupings if name not in failed]
    print(f"{len(photos)} photos, {options.network} at height {options.height}")
    print_table(rows)
    if options.csv:
        write_whole(options.csv, to_csv(rows))
        print(f"wrote {options.csv}")
    if failed:
        raise OpenPoseLabError("; ".join(failed.values()))


def parse_options() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.compare_groupings",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_measuring_options(parser)
    parser.add_argument(
        "--grouping", action="append", default=[], metavar="FILE.py", help="one more grouping; may be given again"
    )
    parser.add_argument("--csv", type=Path, help="also write the table as CSV")
    return parser.parse_args()


def check_inputs_are_kept(output: Path | None, inputs: list[Path]) -> None:
    """Raise OpenPoseLabError if the output would overwrite something that is read."""
    for path in inputs:
        if output and output.resolve() == path.resolve():
            raise OpenPoseLabError(f"{output} is read, and would be overwritten; choose another --csv")


def row_of(name: str, truth: Any, people: list[dict[str, Any]], times: list[float]) -> dict[str, str]:
    """One line of the table."""
    figures = score(truth, people) if people else np.zeros(10)
    values = (
        name,
        f"{figures[0]:.3f}",
        f"{figures[5]:.3f}",
        str(len(people)),
        f"{np.median(times):.2f}",
        f"{np.quantile(times, 0.95):.2f}",
        f"{max(times):.2f}",
    )
    return dict(zip(COLUMNS, values))


def print_table(rows: list[dict[str, str]]) -> None:
    """The rows under their headings, in columns."""
    widths = {column: max(len(column), *(len(row[column]) for row in rows)) for column in COLUMNS}
    first = COLUMNS[0]
    for row in [dict(zip(COLUMNS, COLUMNS)), *rows]:
        print(row[first].ljust(widths[first]), *(row[column].rjust(widths[column]) for column in COLUMNS[1:]), sep="  ")


def to_csv(rows: list[dict[str, str]]) -> bytes:
    """The rows as a CSV file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


if __name__ == "__main__":
    sys.exit(run("compare_groupings", main))

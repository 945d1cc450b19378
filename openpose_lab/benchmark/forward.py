"""Time the forward pass of each network in each runtime and precision, and compare the maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError, one_line
from estimation.photos import read_photo
from estimation.quality import Views
from openpose_lab.benchmark.other_engines import Compute
from openpose_lab.benchmark.table import Row, Table
from openpose_lab.benchmark.timing import Task, count_runs, time_in_turns
from openpose_lab.benchmark.variants import Variant
from openpose_lab.networks.runtimes.base import BatchMaps
from openpose_lab.paths import sample_photo

SIZES = ((736, 368), (496, 368))
"""Width and height of the photos in pixels, multiples of the stride."""
AGREEMENT = 1e-4
"""Largest difference of correct maps in f32, as a share of the largest value of the map."""
_PAUSE = 0.02
"""Seconds before each run. The threads of TensorFlow and ONNX Runtime stay busy for a moment after a call."""
_DIFFERENCE, _AP = "difference", "AP"


def benchmark_networks(
    variants: Sequence[Variant],
    repeat: int,
    sizes: Sequence[tuple[int, int]] = SIZES,
    precision_of: Callable[[Variant], float] | None = None,
    tick: Callable[[], object] = lambda: None,
) -> Table:
    """Time the forward pass of each network in turns, from a photo to its maps.

    Args:
        variants: The variants. The reference of a network is its last variant with a runtime of the project in f32:
            Keras, if it is installed. The maps of the network's other variants are compared with those of the
            reference.
        repeat: The number of times that each variant is timed.
        sizes: Width and height of each photo in pixels, multiples of 8.
        precision_of: A function that measures the AP of a variant with a runtime of the project.
        tick: A function that is called after each run, for a progress bar.

    Returns:
        The times.
    """
    ready, notes = {}, []
    for variant in variants:
        try:
            ready[variant] = variant.load()
        except (OpenPoseLabError, OSError, ImportError) as error:
            notes.append(f"{', '.join(variant.names)} is left out: {one_line(str(error), 200)}")
    precisions = {variant: _precision(variant, precision_of, notes) for variant in ready}
    photo = read_photo(sample_photo())
    rows = []
    for width, height in sizes:
        size = f"{width}x{height}"
        resized = np.asarray(cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        tasks = {" ".join(variant.names): _task(compute, resized) for variant, compute in ready.items()}
        timings = time_in_turns(tasks, repeat, pause=_PAUSE, tick=tick)
        notes += [f"{key}, {size} is left out: {one_line(sentence, 150)}" for key, sentence in timings.failed.items()]
        done = {variant: compute for variant, compute in ready.items() if " ".join(variant.names) in timings.done}
        differences = compare_maps(done, resized)
        for variant in done:
            difference = differences.get(variant)
            more = {} if difference is None else {_DIFFERENCE: f"{difference:.0e}" if difference else "0"}
            wrong = difference is not None and variant.precision == "f32" and not difference <= AGREEMENT
            if wrong:
                more[_DIFFERENCE] += " WRONG"
            figures: dict[str, Any] = {"difference": difference, "wrong": wrong, "ap": precisions[variant]}
            if precisions[variant] is not None:
                more[_AP] = f"{precisions[variant]:.3f}"
            rows.append(Row((*variant.names, size), timings.done[" ".join(variant.names)], 1, more, figures))
    notes.insert(
        0,
        f"{_DIFFERENCE}: largest difference from the maps of Keras, or of OpenVINO in f32 if TensorFlow is missing, "
        f"as a share of their largest value; WRONG: above {AGREEMENT:g} in f32",
    )
    columns = ("network", "runtime", "precision", "photo")
    measured = (_AP,) if any(value is not None for value in precisions.values()) else ()
    rows.sort(key=lambda row: (row.names[0], row.names[3]))
    return Table("network", "The forward pass", columns, "ms", rows, (_DIFFERENCE, *measured), notes=notes)


def network_runs(variants: int, repeat: int, sizes: Sequence[tuple[int, int]] = SIZES) -> int:
    """Compute the largest number of times that ``benchmark_networks`` calls ``tick``."""
    return len(sizes) * count_runs(variants, repeat)


def compare_maps(ready: dict[Variant, Compute], photo: NDArray[np.uint8]) -> dict[Variant, float]:
    """Compare the maps of each variant with the maps of its network's reference.

    Args:
        ready: The loaded variants.
        photo: (h, w, 3) BGR uint8.

    Returns:
        The largest difference of each variant that is not a reference, as a share of the reference's largest value.
    """
    found: dict[Variant, float] = {}
    for network in dict.fromkeys(variant.network for variant in ready):
        own = [variant for variant in ready if variant.network == network]
        references = [variant for variant in own if variant.ours and variant.precision == "f32"]
        if references:
            expected = ready[references[-1]](photo)
            found |= {
                variant: _difference(ready[variant](photo), expected) for variant in own if variant != references[-1]
            }
    return found


def _difference(maps: BatchMaps, expected: BatchMaps) -> float:
    pairs = ((maps.heatmaps, expected.heatmaps), (maps.pafs, expected.pafs))
    if any(own.shape != other.shape for own, other in pairs):
        return float("inf")
    return max(float(np.abs(own - other).max() / np.abs(other).max()) for own, other in pairs)


def _task(compute: Compute, photo: NDArray[np.uint8]) -> Task:
    def run() -> None:
        compute(photo)

    return run


def _precision(variant: Variant, precision_of: Callable[[Variant], float] | None, notes: list[str]) -> float | None:
    if precision_of is None or not variant.ours:
        return None
    try:
        return precision_of(variant)
    except OpenPoseLabError as error:
        notes.append(f"AP of {', '.join(variant.names)} is left out: {error}")
        return None


def measure_precision(variant: Variant, images: Path, annotations: Path, height: int = 368) -> float:
    """Measure the AP of a variant on photos with ground truth, with one view of each photo.

    Args:
        variant: The variant.
        images: The folder of the photos.
        annotations: COCO keypoint annotations of the photos.
        height: The height of the view in pixels.

    Returns:
        The average precision.

    Raises:
        OpenPoseLabError: A file cannot be read, or pycocotools is not installed.
    """
    from estimation.grouping import load_grouping
    from openpose_lab.evaluation.annotations import find_photos, read_annotations
    from openpose_lab.evaluation.coco_figures import score
    from openpose_lab.evaluation.completion import Completion
    from openpose_lab.evaluation.map_cache import MapCache
    from openpose_lab.evaluation.measurement import measure

    truth = read_annotations(annotations)
    photos = find_photos(truth, images)
    maps = MapCache(variant.network, None, Views(height), variant.runtime, variant.option)
    results = measure(photos, maps, load_grouping("lab"), Completion()).results
    return score(truth, results)[0] if results else 0.0

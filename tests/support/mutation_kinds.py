"""Every kind of file that is mutated: how seeds are made, what reads them, and what their header is."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from estimation.config import COCO_18
from estimation.connections import get_connections
from estimation.coordinates import get_coordinates
from estimation.errors import OpenPoseLabError
from estimation.photos import read_photo
from openpose_lab.commands.weights import kept_verdict
from openpose_lab.evaluation import crowds, map_cache
from openpose_lab.evaluation.annotations import find_photos, read_annotations
from openpose_lab.evaluation.assessment import assess
from openpose_lab.evaluation.fit import check_photos, check_units
from openpose_lab.evaluation.measurement import Measured
from openpose_lab.evaluation.predictions import read_predictions
from openpose_lab.extras import is_installed
from openpose_lab.lab.grading.judges import read_progress
from openpose_lab.lab.grading.likeness import fingerprint
from openpose_lab.lab.grading.points import POINTS, read_points
from openpose_lab.lab.grading.report import find_all_alike, marks_csv
from openpose_lab.lab.grading.student_page import render_student_page
from openpose_lab.lab.grading.submissions import Submission, find_submissions
from openpose_lab.lab.merge_checks import CHECKS, Bench, run_checks
from openpose_lab.lab.row_tables import format_rows
from openpose_lab.lab.sandbox import messages
from openpose_lab.lab.sandbox.limits import Limits
from openpose_lab.lab.sandbox.runner import SandboxReply
from openpose_lab.networks.importers.trained_weights import Weights
from openpose_lab.networks.reading import files_of, forms, read_weights
from openpose_lab.networks.runtimes.keras import set_weights
from openpose_lab.sources.photo_files import PhotoFile
from tests.support import containers
from tests.support.mutation import Inside
from tests.support.mutation_worker import Kind, Said
from tests.support.seeds import Files, archives, photos, rows, texts, weights

# Photos


def photo(path: Path) -> Said:
    """Read a photo, and look at what comes back."""
    image = read_photo(path)
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert image.size
    return ()


def listed_photo(path: Path) -> Said:
    """Read a photo as programs do that take many."""
    assert PhotoFile(path, "photo").read().shape[2:] == (3,)
    return ()


def begins(pattern: bytes) -> Callable[[Path], bool]:
    """Make a check of the first bytes of a file by a regular expression."""
    compiled = re.compile(pattern, re.DOTALL)

    def check(path: Path) -> bool:
        with path.open("rb") as file:
            return bool(compiled.match(file.read(4096)))

    return check


_TIFF = rb"(II(\*\0|\+\0\x08\0)|MM(\0\*|\0\+\0\x08))"
_NET_PBM = rb"P([1-6]\s+(#[^\n]*\n)?\d+\s+\d+\s|7\n)"
_SIZES = containers.in_sized_picture(photos.COLOUR.shape[1], photos.COLOUR.shape[0])


def _photos(seeds: Callable[[], list[Files]], header: bytes, *insides: Inside) -> Kind:
    return Kind(seeds, photo, begins(header), (_SIZES, *insides))


PHOTOS = {
    "jpeg": _photos(photos.jpegs, rb"\xff\xd8\xff.*?\xff[\xc0-\xc2]\0.\x08"),
    "png": _photos(photos.pngs, rb"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", containers.in_png),
    "webp": _photos(photos.webps, rb"RIFF....WEBPVP8[ LX]"),
    "tiff": _photos(photos.tiffs, _TIFF),
    "bmp": _photos(photos.bmps, rb"BM.{12}[\x0c\x28\x40\x6c\x7c]\0\0\0"),
    "pnm": _photos(photos.pnms, _NET_PBM),
    "pfm": _photos(photos.pfms, rb"P[fF]\s+\d+\s+\d+\s+-?[\d.]+"),
    "hdr": _photos(photos.hdrs, rb"#\?(RADIANCE|RGBE)"),
    "gif": _photos(photos.gifs, rb"GIF8[79]a"),
    "avif": _photos(photos.avifs, rb"....ftypavi[fs]"),
    "jp2-ras": _photos(photos.others, rb"(\0\0\0\x0cjP {2}|\x59\xa6\x6a\x95|\x76\x2f\x31\x01)"),
}
if is_installed("pillow_heif"):
    PHOTOS["heic"] = Kind(photos.heics, listed_photo, begins(rb"....ftyphei[cxms]|....ftypm(if|sf)1"), (_SIZES,))


# Weights


def trained(path: Path) -> Said:
    """Read weights, and put them into the small network that they are for."""
    form, found = read_weights(path)
    set_weights(_small_network(form), found.arrays, path, "small")
    return ()


@functools.cache
def _small_network(form: str) -> Any:
    """A Keras model with the layers of this form's seeds."""
    import keras

    arrays = _seed_weights(form)
    layers: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, array in arrays.items():
        layer, _, variable = name.rpartition("/")
        layers.setdefault(layer, {})[variable] = array.shape
    inputs, outputs = [], []
    for name, shapes in layers.items():
        kernel = shapes.get("kernel", shapes.get("alpha", (1, 1, 1)))
        inputs.append(keras.Input((None, None, kernel[2])))
        if "kernel" in shapes:
            layer = keras.layers.Conv2D(kernel[3], kernel[:2], use_bias="bias" in shapes, name=name)
        else:
            layer = keras.layers.PReLU(shared_axes=[1, 2], name=name)
        outputs.append(layer(inputs[-1]))
    return keras.Model(inputs, outputs)


def _seed_weights(form: str) -> Weights:
    """The weights in the first seed of a form."""
    for kind in WEIGHTS.values():
        if kind.read is trained:
            with tempfile.TemporaryDirectory() as folder:
                files = kind.seeds()[0]
                for name, data in files.items():
                    (Path(folder) / name).write_bytes(data)
                its_form, found = read_weights(Path(folder) / next(iter(files)))
                if its_form == form:
                    return {name: array for name, array in found.arrays.items() if array.ndim in (1, 3, 4)}
    raise ValueError(f"no seed is of the form {form}")


def recognised(path: Path) -> bool:
    """Whether some form of weights takes the file for its own."""
    first = files_of(path)[0]
    with first.open("rb") as file:
        head = file.read(4096)
    for form in forms():
        with contextlib.suppress(Exception):
            if head and form.recognises(first, head):
                return True
    return False


def record(path: Path) -> Said:
    """What ``weights verify`` says of a file with this record."""
    return [kept_verdict(path.with_name("a.weights.h5"))]


def _weights(seeds: Callable[[], list[Files]], *insides: Inside) -> Kind:
    return Kind(seeds, trained, recognised, insides, tensorflow=True)


WEIGHTS = {
    "own": _weights(weights.own),
    "keras-1-2": _weights(weights.keras_h5),
    "npz": _weights(weights.npz, containers.in_zip),
    "graph": _weights(weights.frozen_graph, containers.in_message),
    "wheel": _weights(weights.wheel, containers.in_zip, containers.in_message),
    "checkpoint": _weights(weights.checkpoint, containers.in_table, containers.in_message),
    "openvino": _weights(weights.openvino_ir, containers.in_xml),
    "pytorch": _weights(weights.pytorch, containers.in_zip),
    "old-pytorch": _weights(weights.old_pytorch),
    "caffe": _weights(weights.caffemodel, containers.in_message),
}


# Annotations, results, points


def is_json(path: Path) -> bool:
    """Whether the file is JSON."""
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    return True


def annotations(path: Path) -> Said:
    """Read annotations, compare them with their photos, and measure two people on them."""
    truth = read_annotations(path)
    check_units(truth)
    with contextlib.suppress(OpenPoseLabError):  # the name of no photo; its sentence is looked at below
        check_photos(truth, find_photos(truth, path.parent))
    found = json.loads(texts.results()[0]["results.json"])
    found = [{**result, "imputed": []} for result in found if result["image_id"] in truth.imgs]
    if found:
        assess(truth, Measured(found, found, []))
    find_photos(truth, path.parent)
    return ()


def predictions(path: Path) -> Said:
    """Read the people that another system found, and measure them."""
    truth = read_annotations(path.with_name("annotations.json"))
    assess(truth, read_predictions(path, truth).measured)
    return ()


def points(path: Path) -> Said:
    """Read points."""
    read_points(path)
    return ()


def is_table(path: Path) -> bool:
    """Whether the file is TOML."""
    from openpose_lab.lab.grading.points import tomllib

    try:
        tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return False
    return True


def progress(path: Path) -> Said:
    """Read what is marked, and write it into the table and the pages."""
    table = read_points(POINTS)
    known = read_progress(path).values()
    records = [record.of(Submission(f"student {number}", "merge.py")) for number, record in enumerate(known)]
    marks_csv(records, table, find_all_alike(records))
    for one in records:
        render_student_page(one, table)
    return ()


def has_a_record(path: Path) -> bool:
    """Whether a line is JSON."""
    for line in path.read_bytes().splitlines():
        with contextlib.suppress(ValueError, RecursionError):
            if isinstance(json.loads(line), dict):
                return True
    return False


TEXTS = {
    "annotations": Kind(texts.annotations, annotations, is_json, (containers.in_json,), all_files=False),
    "predictions": Kind(texts.results, predictions, is_json, (containers.in_json,), all_files=False),
    "record": Kind(weights.record, record, is_json, (containers.in_json,), all_files=False, tensorflow=True),
    "points": Kind(texts.points, points, is_table, (containers.in_toml,)),
    "progress": Kind(texts.progress, progress, has_a_record, (containers.in_json_lines,)),
}


# Rows


class _Answers:
    """Stands for a runner: it answers every call with the same value."""

    limits = Limits()

    def __init__(self, reply: SandboxReply) -> None:
        self.reply = reply

    def call(self, rows: Any, **options: float) -> SandboxReply:
        return self.reply


def answer(path: Path) -> Said:
    """Receive an answer of a merge, and check it as check-merge does."""
    try:
        message = messages.receive(io.BytesIO(path.read_bytes()))
        if message is None:
            return ()
        value, kind = messages.decode_value(*message)
    except messages.MessageError as error:
        return [str(error)]
    reply = SandboxReply(value=value, type=kind)
    quick = [check for check in CHECKS if not check.random]
    failures = run_checks(quick, Bench(_Answers(reply), reply)).values()
    for failure in failures:
        if failure.rows:
            format_rows(failure.rows)
    return [failure.sentence for failure in failures]


def has_lengths(path: Path) -> bool:
    """Whether a message begins with lengths that are allowed, and a header."""
    with contextlib.suppress(messages.MessageError):
        return messages.receive(io.BytesIO(path.read_bytes())) is not None
    return False


def skeletons(path: Path) -> Said:
    """Read skeletons, and simulate a crowd of them."""
    found = crowds.read_skeletons(path, COCO_18)
    crowds.simulate(COCO_18, np.random.default_rng(0), 2, 0.2, crowds.Disturbance(), found)
    return ()


def maps(path: Path) -> Said:
    """Read maps out of the cache, and find limbs in them."""
    found = map_cache._decode(path.read_bytes())
    if found is None:
        raise OpenPoseLabError("there are no maps, so they are made again")
    get_connections(COCO_18, get_coordinates(COCO_18, found.heatmaps), found.pafs)
    return ()


ROWS = {
    "answer": Kind(rows.answers, answer, has_lengths, (containers.in_answer,)),
    "skeletons": Kind(rows.skeletons, skeletons, zipfile.is_zipfile, (containers.in_zip,)),
    "maps": Kind(rows.maps, maps, zipfile.is_zipfile, (containers.in_zip,)),
}


# Submissions


def submission(path: Path) -> Said:
    """Find what was handed in in the folder, and compare it."""
    found = find_submissions(path.parent)
    for one in found:
        fingerprint(one.code)
    return [text for one in found for text in (one.student, one.source, one.problem, one.id, one.note) if text]


def is_text(path: Path) -> bool:
    """Whether the file is UTF-8."""
    try:
        path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False
    return True


SUBMISSIONS = {
    "archive": Kind(archives.submissions, submission, zipfile.is_zipfile, (containers.in_zip, containers.in_json)),
    "notebook": Kind(archives.notebooks, submission, is_json, (containers.in_json,)),
    "python": Kind(archives.python_files, submission, is_text, (containers.in_text,)),
}


KINDS: dict[str, Kind] = {
    f"{family}/{name}": kind
    for family, kinds in (
        ("photos", PHOTOS),
        ("texts", TEXTS),
        ("rows", ROWS),
        ("submissions", SUBMISSIONS),
        ("weights", WEIGHTS),
    )
    for name, kind in kinds.items()
}
"""Every kind by its name."""

"""A weights file: reading it whatever its form, putting it into a model, and keeping a model's weights.

Weights are kept in Keras' own form, ``NAME.weights.h5``, with ``NAME.weights.json`` beside it that says what
they were made from.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from estimation.errors import OpenPoseLabError
from estimation.files import write_whole
from openpose_lab.downloads import checksum
from openpose_lab.networks.importers import (
    archive,
    caffemodel,
    frozen_graph,
    keras_h5,
    npz,
    openvino_ir,
    pytorch,
    tf_checkpoint,
)
from openpose_lab.networks.importers.trained_weights import TrainedWeights, Weights

if TYPE_CHECKING:
    import keras

FORMS = (keras_h5, npz, pytorch, openvino_ir, tf_checkpoint, frozen_graph, caffemodel)
"""Every importer; the one that recognises a file reads it."""

_HEAD_BYTES = 4096


def read_weights(path: Path) -> tuple[str, TrainedWeights]:
    """The form of a weights file, and the weights in it; what is in the file decides, not its name.

    Where a form is several files, any of them may be given, or their common beginning.
    Raises OpenPoseLabError if the file is of no known form, damaged, or has no weights.
    """
    path = files_of(path)[0]
    head = _read_head(path)
    form = next((form for form in FORMS if _recognises(form, path, head)), None)
    if form is None:
        raise OpenPoseLabError(f"the weights file {path} {_unknown(path, head)}")
    try:
        trained = form.read(path)
    except OpenPoseLabError as error:
        raise OpenPoseLabError(f"the weights file {path} {error}") from error
    except Exception as error:
        # Libraries that read a damaged file raise whatever they come upon; there is no list of it.
        reason = next(iter(str(error).splitlines()), "")[:200] or type(error).__name__
        raise OpenPoseLabError(f"the weights file {path} is damaged, or no {form.FORM} after all: {reason}") from error
    if not trained.arrays:
        raise OpenPoseLabError(f"the weights file {path} ({form.FORM}) has no weights in it that are known here")
    return form.FORM, trained


def files_of(path: Path) -> list[Path]:
    """The files that belong together, the one to read first: NAME.index and NAME.data-…, NAME.xml and NAME.bin."""
    if not path.name:
        return [path]
    xml, binary = path.with_suffix(".xml"), path.with_suffix(".bin")
    if path in (xml, binary) and xml.is_file() and binary.is_file():
        return [xml, binary]
    prefix = path.with_name(path.name.partition(".data-")[0].removesuffix(".index"))
    index = prefix.with_name(prefix.name + ".index")
    if index.is_file() and (path != prefix or not path.is_file()):
        return [index, *sorted(file for file in path.parent.iterdir() if file.name.startswith(f"{prefix.name}.data-"))]
    return [path]


def _read_head(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise OpenPoseLabError(f"the weights file {path} is a folder; give the path of a file in it")
        if path.exists() and not path.is_file():
            raise OpenPoseLabError(f"the weights file {path} is no file that can be read twice; give a plain file")
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise OpenPoseLabError(f"cannot read the weights file {path}: {error.strerror}; check the path") from error
    if not head:
        raise OpenPoseLabError(f"the weights file {path} is empty; fetch or copy it again")
    return head


def _recognises(form: ModuleType, path: Path, head: bytes) -> bool:
    try:
        return bool(form.recognises(path, head))
    except Exception:  # a damaged archive, say: it is not what was looked for
        return False


def _unknown(path: Path, head: bytes) -> str:
    if head.startswith(archive.ZIP) and zipfile.is_zipfile(path):
        return "is a zip archive with no weights that can be read as they are; unpack it, and give a file out of it"
    forms = ", ".join(form.FORM for form in FORMS)
    return f"is of no form that can be read, or is damaged; the forms are: {forms}"


def set_weights(model: keras.Model, arrays: Weights, path: Path) -> None:
    """Put the ``layer/variable`` arrays of a file into a model.

    Raises OpenPoseLabError at the first that does not fit.
    """
    variables = {f"{layer.name}/{variable.name}": variable for layer in model.layers for variable in layer.weights}
    for name, variable in variables.items():
        expected = tuple(variable.shape)
        if name not in arrays:
            raise OpenPoseLabError(f"{path} is not for {model.name}: {name} is missing, expected with shape {expected}")
        if arrays[name].shape != expected:
            raise OpenPoseLabError(
                f"{path} is not for {model.name}: {name} has shape {arrays[name].shape}, expected {expected}"
            )
        if not np.isfinite(arrays[name]).all():
            raise OpenPoseLabError(f"{path} is damaged: {name} has values that are no numbers; give another file")
    if unknown := sorted(arrays.keys() - variables.keys()):
        raise OpenPoseLabError(f"{path} is not for {model.name}: the network has no layer for {unknown[0]}")
    for name, variable in variables.items():
        variable.assign(arrays[name])


def keep_weights(path: Path, data: bytes, made_from: dict[str, Any]) -> None:
    """Write what ``keras_h5.encode`` made to ``path``, and a JSON beside it that says what it was made from.

    Raises OpenPoseLabError if they cannot be written.
    """
    record = {"file": path.name, "sha256": hashlib.sha256(data).hexdigest(), "made_from": made_from}
    write_whole(path, data)
    write_whole(record_path(path), json.dumps(record, indent=2).encode() + b"\n")


def read_record(path: Path) -> dict[str, Any] | None:
    """What the JSON beside a weights file says it was made from; None if there is none.

    Raises OpenPoseLabError if it is no such JSON, or the weights have changed since.
    """
    record = record_path(path)
    if not record.is_file():
        return None
    try:
        stated = json.loads(record.read_text(encoding="utf-8"))
        expected, made_from = stated["sha256"], dict(stated["made_from"])
    except (ValueError, LookupError, TypeError):
        raise OpenPoseLabError(f"{record} is damaged; delete it, or import the weights again") from None
    if expected != checksum(path, "sha256"):
        raise OpenPoseLabError(f"{path} has changed since it was written: its checksum is not that in {record.name}")
    return made_from


def record_path(path: Path) -> Path:
    """The JSON beside a weights file: vgg19.weights.json for vgg19.weights.h5, anything.json for anything else."""
    return path.with_suffix(".json") if path.name.endswith(".weights.h5") else path.with_name(f"{path.name}.json")


def check_folder(folder: Path) -> None:
    """Make the folder for weights if need be. Raises OpenPoseLabError now, before the work, if it cannot be used."""
    try:
        folder.mkdir(exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise OpenPoseLabError(
            f"the weights cannot be kept in {folder}, which cannot be written; "
            f"allow that, or give a weights file with --weights"
        )

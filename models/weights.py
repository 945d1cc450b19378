"""A weights file: reading it whatever its form, putting it into a model, and keeping a model's weights.

Weights are kept in Keras' own form, ``NAME.weights.h5``, with ``NAME.weights.json`` beside it that says what
they were made from.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from estimation.errors import OpenPoseLabError
from estimation.files import write_whole
from models.importers import caffemodel, frozen_graph, keras_h5, npz, openvino_ir, pytorch, tf_checkpoint
from models.importers.trained_weights import TrainedWeights, Weights

if TYPE_CHECKING:
    import keras

FORMS = (keras_h5, npz, pytorch, openvino_ir, tf_checkpoint, frozen_graph, caffemodel)
"""Every importer; the one that recognises a file reads it."""

_HEAD_BYTES = 4096
_CHUNK_BYTES = 1 << 20


def read_weights(path: Path) -> tuple[str, TrainedWeights]:
    """The form of a weights file, and the weights in it; what is in the file decides, not its name.

    Where a form is several files, any of them may be given, or their common beginning.
    Raises OpenPoseLabError if the file is of no known form, damaged, or has no weights.
    """
    path = main_file(path)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        form = next((form for form in FORMS if head and form.recognises(path, head)), None)
        if form is None:
            raise OpenPoseLabError(f"is of no form that can be read, or is damaged; {_known_forms()}")
        trained = form.read(path)
    except OSError as error:
        raise OpenPoseLabError(f"cannot read the weights file {path}: {error.strerror}; check the path") from error
    except OpenPoseLabError as error:
        raise OpenPoseLabError(f"the weights file {path} {error}") from error
    if not trained.arrays:
        raise OpenPoseLabError(f"the weights file {path} ({form.FORM}) has no weights in it that are known here")
    return form.FORM, trained


def main_file(path: Path) -> Path:
    """The file that stands for a form of several: NAME.index for a checkpoint NAME, NAME.xml for NAME.bin."""
    if path.suffix == ".bin" and path.with_suffix(".xml").is_file():
        return path.with_suffix(".xml")
    prefix = path.with_name(path.name.partition(".data-")[0])
    index = prefix.with_name(prefix.name + ".index")
    return index if index.is_file() and (path != prefix or not path.is_file()) else path


def _known_forms() -> str:
    return f"the forms are: {', '.join(form.FORM for form in FORMS)}"


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
    write_whole(path, data)
    record = {"file": path.name, "sha256": checksum(path, "sha256"), "made_from": made_from}
    write_whole(record_path(path), json.dumps(record, indent=2).encode() + b"\n")


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


def record_path(path: Path) -> Path:
    """The JSON beside a weights file: vgg19.weights.json for vgg19.weights.h5."""
    return path.with_suffix(".json")


def checksum(path: Path, algorithm: str) -> str:
    """The checksum of a file, in hexadecimal."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()

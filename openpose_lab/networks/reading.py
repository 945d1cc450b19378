"""Reading a weights file of any form. What is in the file decides, not its name."""

from __future__ import annotations

import zipfile
from pathlib import Path
from types import ModuleType

from estimation.errors import OpenPoseLabError
from openpose_lab.networks import storage
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
from openpose_lab.networks.importers.trained_weights import TrainedWeights

FORMS = (keras_h5, storage, npz, pytorch, openvino_ir, tf_checkpoint, frozen_graph, caffemodel)
"""The modules that read a form, in the order in which they are asked. The first that recognises a file reads it."""

_HEAD_BYTES = 4096


def read_weights(path: Path) -> tuple[str, TrainedWeights]:
    """Read a weights file of any form.

    Args:
        path: The file. If a form consists of several files, any of them, or the beginning that their names share.

    Returns:
        The name of the form, and the weights.

    Raises:
        OpenPoseLabError: The file is of no known form, is damaged, or has no weights.
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
    """Find the files that belong together: NAME.index and NAME.data-…, or NAME.xml and NAME.bin.

    Args:
        path: One of the files, or the beginning that the names of a checkpoint's files share.

    Returns:
        The files, the one to read first. Only ``path`` if it belongs to no others.
    """
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

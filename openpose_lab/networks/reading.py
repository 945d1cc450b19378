"""Reading a weights file of any form. What is in the file decides, not its name."""

from __future__ import annotations

import os
import re
import warnings
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np

from estimation.errors import OpenPoseLabError, one_line
from estimation.files import open_input
from openpose_lab.checksums import checksum
from openpose_lab.extras import require
from openpose_lab.networks.importers import hdf5
from openpose_lab.networks.importers.trained_weights import TrainedWeights
from openpose_lab.networks.storage import check_record, record_path

LARGEST_FILE = 1 << 30
"""Bytes. A training file of vgg19, with the variables of its optimizer, has 0.6 GB."""
_HEAD_BYTES = 4096
_MOST_SAID = 170
"""Letters of the reason, after the path of the file."""
_MOST_QUOTED = 90
"""Letters of a library's message."""
_NO_WEIGHTS = {
    (b"<!doctype html", b"<html", b"<head", b"<body"): "a web page, not weights; download the file that the page shows",
    (b"version https://git-lfs",): "a pointer of Git LFS, not weights; run `git lfs pull`, or download the file itself",
    (b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"\xfd7zXZ\0", b"BZh", b"Rar!"): "a packed archive; unpack it, and give a "
    "file out of it",
}
"""First bytes of files that people take for weights -> their kind, and advice."""
_kept: dict[Path, tuple[list[tuple[int, ...]], tuple[str, TrainedWeights]]] = {}
"""At most one result that was read to be kept for the next call, by its first file, with the state of its files."""
_XML = re.compile(rb"^<\?xml[^>]*>\s*")
"""What may stand before a web page."""


@cache
def forms() -> tuple[ModuleType, ...]:
    """Import the modules that read a form, which a run without weights to read does not need.

    Returns:
        The modules, in the order in which they are asked. The first that recognises a file reads it.
    """
    from openpose_lab.networks import storage
    from openpose_lab.networks.importers import (
        caffemodel,
        frozen_graph,
        keras_h5,
        npz,
        openvino_ir,
        pytorch,
        tf_checkpoint,
    )

    return keras_h5, storage, npz, pytorch, openvino_ir, tf_checkpoint, frozen_graph, caffemodel


def read_weights(path: Path, keep: bool = False) -> tuple[str, TrainedWeights]:
    """Read a weights file of any form.

    Args:
        path: The file. If a form consists of several files, any of them, or the beginning that their names share.
        keep: Whether to keep the result for the next call, which is spared reading the file if it has not changed.

    Returns:
        The name of the form, and the weights.

    Raises:
        OpenPoseLabError: The file is of no known form, is damaged, differs from its record, or has no weights.
    """
    files = files_of(path)
    state = _state(files)
    kept = _kept.pop(files[0], None)
    _kept.clear()
    found = kept[1] if kept and kept[0] == state else _read(files)
    if keep:
        _kept[files[0]] = state, found
    return found


def _state(files: list[Path]) -> list[tuple[int, ...]]:
    """Look up what differs once a file has changed. A file that is missing has no state."""
    stats = [os.stat(file) for file in files if os.path.isfile(file)]
    return [(stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns) for stat in stats]


def _read(files: list[Path]) -> tuple[str, TrainedWeights]:
    """Read the files that belong together: see ``read_weights``."""
    path, head = files[0], _read_head(files[0])
    for file in files[1:]:
        _read_head(file)
    if os.path.isfile(record_path(path)):
        checksums_of(path)  # compares them with the record
    if head.startswith(hdf5.SIGNATURE):
        require("h5py", f"the weights file {path}")
    form = next((form for form in forms() if _recognises(form, path, head)), None)
    if form is None:
        raise OpenPoseLabError(f"the weights file {path} {_unknown(path, head)}")
    try:
        # Values that are no numbers are refused once they are in a network.
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trained = form.read(path)
    except OpenPoseLabError as error:
        raise OpenPoseLabError(f"the weights file {path} {one_line(str(error), _MOST_SAID)}") from error
    except Exception as error:
        # Libraries raise exceptions of many kinds at a damaged file.
        reason = one_line(str(error).partition("\n")[0][:_MOST_QUOTED]) or type(error).__name__
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
    if path in (xml, binary) and os.path.isfile(xml) and os.path.isfile(binary):
        return [xml, binary]
    prefix = path.name.partition(".data-")[0].removesuffix(".index")
    index = path.parent / f"{prefix}.index"
    if prefix and os.path.isfile(index) and (path.name != prefix or not os.path.isfile(path)):
        try:
            names = sorted(os.listdir(path.parent))
        except OSError as error:
            raise OpenPoseLabError(
                f"the folder of the weights {path} cannot be listed ({error.strerror}); make it readable"
            ) from error
        return [index, *(path.parent / name for name in names if name.startswith(f"{prefix}.data-"))]
    return [path]


def checksums_of(path: Path) -> list[str]:
    """Compute the SHA-256 of the files that belong to weights: see ``files_of``. Compare them with their record.

    Args:
        path: One of the files.

    Returns:
        The checksums in hexadecimal, in the order of the files.

    Raises:
        OpenPoseLabError: A file cannot be read, is of no size that weights have, or differs from its record.
    """
    files = files_of(path)
    for file in files:
        _read_head(file)
    try:
        checksums = [checksum(file, "sha256", "weights file") for file in files]
    except OSError as error:
        raise OpenPoseLabError(f"cannot read the weights file {path}: {error.strerror}; copy it again") from error
    if files == [path]:
        check_record(path, checksums[0])
    return checksums


def _read_head(path: Path) -> bytes:
    """Read the beginning of a file that is to be read by its path, too. Check that this ends."""
    with open_input(path, "weights file") as file:
        try:
            head = file.read(_HEAD_BYTES)
        except OSError as error:
            raise OpenPoseLabError(f"cannot read the weights file {path}: {error.strerror}; copy it again") from error
        size = os.fstat(file.fileno()).st_size
    if not head:
        raise OpenPoseLabError(f"the weights file {path} is empty; fetch or copy it again")
    if size > LARGEST_FILE:
        raise OpenPoseLabError(f"{path} is larger than {LARGEST_FILE >> 20} MB, so it is no weights file; check it")
    return head


def _recognises(form: ModuleType, path: Path, head: bytes) -> bool:
    try:
        return bool(form.recognises(path, head))
    except Exception:  # a damaged archive, say: it is not what was looked for
        return False


def _unknown(path: Path, head: bytes) -> str:
    text = _XML.sub(b"", head.removeprefix(b"\xef\xbb\xbf").lstrip().lower())
    for beginnings, what in _NO_WEIGHTS.items():
        if head.startswith(beginnings) or text.startswith(beginnings):
            return f"is {what}"
    from openpose_lab.networks.importers import archive

    if _recognises(archive, path, head):
        return "is a zip archive with no weights that can be read as they are; unpack it, and give a file out of it"
    known = ", ".join(form.FORM for form in forms())
    return f"is of no form that can be read, or is damaged; the forms are: {known}"

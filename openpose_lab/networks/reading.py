"""Read weights files of every supported form. The content of a file decides its form, not its name."""

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
"""The length of the reason that follows the path of the file, in letters."""
_MOST_QUOTED = 90
"""The length of a library's quoted message, in letters."""
_NO_WEIGHTS = {
    (b"<!doctype html", b"<html", b"<head", b"<body"): "a web page, not weights; download the file that the page shows",
    (b"version https://git-lfs",): "a pointer of Git LFS, not weights; run `git lfs pull`, or download the file itself",
    (b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"\xfd7zXZ\0", b"BZh", b"Rar!"): "a packed archive; unpack it, and give the "
    "weights file inside",
}
"""The first bytes of files that users often take for weights -> the kind of the file, and what to do."""
_kept: dict[Path, tuple[list[tuple[int, ...]], tuple[str, TrainedWeights]]] = {}
"""The cached result of at most one call: its first file -> the state of its files, and the result."""
_XML = re.compile(rb"^<\?xml[^>]*>\s*")
"""A declaration that may stand before a web page."""


@cache
def forms() -> tuple[ModuleType, ...]:
    """Import the module of every form. The import is late, because many runs read no weights.

    Returns:
        The modules, in order. The first module that recognises a file reads it.
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
    """Read a weights file of any supported form.

    Args:
        path: The file. If the weights consist of several files, any of them, or the common beginning of their names.
        keep: Whether to cache the result. The next call returns it without reading, if the files have not changed.

    Returns:
        The name of the form, and the weights.

    Raises:
        OpenPoseLabError: The file has no supported form, is damaged, differs from its record, or holds no weights.
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
    """Return the values that show whether a file has changed: device, inode, size and time. Skip missing files."""
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
        # NaN and infinity pass here. They are refused when the weights are put into a network.
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trained = form.read(path)
    except OpenPoseLabError as error:
        raise OpenPoseLabError(f"the weights file {path} {one_line(str(error), _MOST_SAID)}") from error
    except Exception as error:
        # Libraries raise many kinds of exceptions for a damaged file.
        reason = one_line(str(error).partition("\n")[0][:_MOST_QUOTED]) or type(error).__name__
        raise OpenPoseLabError(
            f"the weights file {path} is damaged, or is not in the form {form.FORM}: {reason}"
        ) from error
    if not trained.arrays:
        raise OpenPoseLabError(f"the weights file {path} ({form.FORM}) holds no weights that can be used here")
    return form.FORM, trained


def files_of(path: Path) -> list[Path]:
    """Find the files that belong together: NAME.index and NAME.data-…, or NAME.xml and NAME.bin.

    Args:
        path: One of the files, or the common beginning of the names of a checkpoint's files.

    Returns:
        The files. The first is the one to read. Only ``path`` if the weights are in one file.

    Raises:
        OpenPoseLabError: The folder cannot be listed.
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
    """Compute the SHA-256 of all files of weights (see ``files_of``), and compare them with the record.

    Args:
        path: One of the files.

    Returns:
        The checksums in hexadecimal, in the order of the files.

    Raises:
        OpenPoseLabError: A file cannot be read, is empty or too large, or differs from its record.
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
    """Read the first bytes of a file. Check that it is neither empty nor too large to be weights."""
    with open_input(path, "weights file") as file:
        try:
            head = file.read(_HEAD_BYTES)
        except OSError as error:
            raise OpenPoseLabError(f"cannot read the weights file {path}: {error.strerror}; copy it again") from error
        size = os.fstat(file.fileno()).st_size
    if not head:
        raise OpenPoseLabError(f"the weights file {path} is empty; fetch or copy it again")
    if size > LARGEST_FILE:
        raise OpenPoseLabError(
            f"{path} is larger than {LARGEST_FILE >> 20} MB, so it is not a weights file; check the path"
        )
    return head


def _recognises(form: ModuleType, path: Path, head: bytes) -> bool:
    try:
        return bool(form.recognises(path, head))
    except Exception:  # for example, a damaged archive: it has another form
        return False


def _unknown(path: Path, head: bytes) -> str:
    text = _XML.sub(b"", head.removeprefix(b"\xef\xbb\xbf").lstrip().lower())
    for beginnings, what in _NO_WEIGHTS.items():
        if head.startswith(beginnings) or text.startswith(beginnings):
            return f"is {what}"
    from openpose_lab.networks.importers import archive

    if _recognises(archive, path, head):
        return "is a zip archive without weights that can be read directly; unpack it, and give the weights file inside"
    known = ", ".join(form.FORM for form in forms())
    return f"has no supported form, or is damaged; the forms are: {known}"

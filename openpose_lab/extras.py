"""Libraries that only some tasks need: whether they are installed, and the command that installs them."""

from __future__ import annotations

import importlib.util
import sys

from estimation.errors import OpenPoseLabError
from openpose_lab.paths import in_clone

_EXTRAS = {
    "h5py": "keras",
    "tensorflow": "keras",
    "matplotlib": "evaluate",
    "pycocotools": "evaluate",
    "pyarrow": "parquet",
    "pillow_heif": "heic",
}
"""The extra of pyproject.toml that brings each library."""
_HAS_TENSORFLOW = sys.version_info < (3, 14)
"""Whether TensorFlow has wheels for this Python."""


class MissingLibraryError(OpenPoseLabError):
    """A library is not installed that a task needs."""


def is_installed(library: str) -> bool:
    """Tell whether a library is installed. It is not imported."""
    return importlib.util.find_spec(library) is not None


def require(library: str, task: str) -> None:
    """Check that a library is installed.

    Args:
        library: The library.
        task: What needs it; the sentence begins with this.

    Raises:
        MissingLibraryError: The library is missing. The text says how it is installed.
    """
    if not is_installed(library):
        raise MissingLibraryError(f"{task} needs {library}, which is not installed; {how_to_install(library)}")


def how_to_install(library: str) -> str:
    """Say which command installs a library, with the others of its extra if it is in one."""
    if library not in _EXTRAS:
        return f"run `pip install {library}`"
    if library == "tensorflow" and not _HAS_TENSORFLOW:
        return "it does not run on Python 3.14 yet, so use Python 3.13"
    if in_clone():
        return "run `pip install -r requirements.txt` in the project's folder"
    return f'run `pip install "openpose-lab[{_EXTRAS[library]}]"`'

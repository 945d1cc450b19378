"""Check whether optional libraries are installed, and name the command that installs them."""

from __future__ import annotations

import importlib.util
import sys

from estimation.errors import OpenPoseLabError
from openpose_lab.paths import ROOT, in_clone

_EXTRAS = {
    "h5py": "keras",
    "tensorflow": "keras",
    "matplotlib": "evaluate",
    "pycocotools": "evaluate",
    "pyarrow": "parquet",
    "pillow_heif": "heic",
    "av": "video",
    "ray": "batch",
}
"""The extra in pyproject.toml that installs each library."""
_HAS_TENSORFLOW = sys.version_info < (3, 14)
"""Whether TensorFlow has wheels for this version of Python."""


class MissingLibraryError(OpenPoseLabError):
    """A task needs a library that is not installed."""


def is_installed(library: str) -> bool:
    """Return whether a library is installed, without importing it."""
    return importlib.util.find_spec(library) is not None


def require(library: str, task: str) -> None:
    """Check that a library is installed.

    Args:
        library: The name of the library.
        task: The task that needs it, as the beginning of the message.

    Raises:
        MissingLibraryError: The library is missing. The message says how to install it.
    """
    if not is_installed(library):
        raise MissingLibraryError(f"{task} needs {library}, which is not installed; {how_to_install(library)}")


def how_to_install(library: str) -> str:
    """Name the command that installs a library. If the library belongs to an extra, the whole extra is installed."""
    if library == "tensorflow" and not _HAS_TENSORFLOW:
        return "it does not run on Python 3.14 yet, so use Python 3.13"
    extra = _EXTRAS.get(library)
    if extra is None or (extra == "keras" and not _HAS_TENSORFLOW):
        return f"run `pip install {library}`"
    if not in_clone():
        return f'run `pip install "openpose-lab[{extra}]"`'
    # An unpacked handout without pyproject.toml is not a package. Double quotes work in all shells, also in cmd.exe.
    what = f'-e ".[{extra}]"' if (ROOT / "pyproject.toml").is_file() else "-r requirements.txt"
    return f"run `pip install {what}` in the project's folder"

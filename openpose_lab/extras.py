"""Libraries that only some tasks need: whether they are installed, and the command that installs them."""

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
    if library == "tensorflow" and not _HAS_TENSORFLOW:
        return "it does not run on Python 3.14 yet, so use Python 3.13"
    extra = _EXTRAS.get(library)
    if extra is None or (extra == "keras" and not _HAS_TENSORFLOW):
        return f"run `pip install {library}`"
    if not in_clone():
        return f'run `pip install "openpose-lab[{extra}]"`'
    # An unpacked handout is no package. All shells need or allow these quotes, of which cmd.exe knows no others.
    what = f'-e ".[{extra}]"' if (ROOT / "pyproject.toml").is_file() else "-r requirements.txt"
    return f"run `pip install {what}` in the project's folder"

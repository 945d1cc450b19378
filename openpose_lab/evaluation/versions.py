"""Versions of the software that measured figures depend on."""

from __future__ import annotations

import platform
import re
from importlib.metadata import PackageNotFoundError, version

from openpose_lab.paths import ROOT

_PROJECT = "openpose-lab"
_LIBRARIES = [
    "openvino",
    "tensorflow",
    "keras",
    "numpy",
    "scipy",
    "opencv-python",
    "opencv-python-headless",
    "pycocotools",
]


def versions() -> dict[str, str]:
    """Return the versions of Python, of this project, and of the installed packages that figures depend on."""
    found = {"python": platform.python_version(), _PROJECT: library_version(_PROJECT) or _version_of_clone()}
    found |= {name: library_version(name) for name in _LIBRARIES}
    return {name: number for name, number in found.items() if number}


def library_version(name: str) -> str:
    """Return the version of an installed package without importing it. Empty if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _version_of_clone() -> str:
    """Return the version in the clone's pyproject.toml, for a clone that is not installed as a package."""
    try:
        stated = re.search(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    except OSError:
        return ""
    return stated[1] if stated else ""

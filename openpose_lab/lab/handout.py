"""The handout: the files that students get, with merge.py reduced to its task."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Mapping

from estimation.errors import OpenPoseLabError
from openpose_lab.lab.importable import MODULES, PROGRAMS, needed_by, read_files
from openpose_lab.lab.steps import pytest_settings
from openpose_lab.paths import ROOT, in_clone

_OTHERS = (
    "requirements.txt",
    "requirements-light.txt",
    "LICENSE",
    "NOTICE",
    *MODULES,
    "models/**/*.py",
    "images/skiers.jpg",
    "images/people.jpg",
    "images/CREDITS.md",
    "model_weights/README.md",
    "model_weights/human-pose-estimation-0001-FP16-INT8.*",
    "model_weights/LICENSE-Apache-2.0.txt",
    "openpose_lab/lab/explain/page/*",
    "openpose_lab/lab/photo_rows.npz",
    "docs/lab_student.md",
    "docs/lab.ipynb",
    "docs/explain.md",
    "docs/weights.md",
    "docs/pictures/lab_*",
)
_UNIX = 3
_README = """# The lab: design your own grouping algorithm

Begin with [docs/lab_student.md](docs/lab_student.md).
"""


def handout_files() -> dict[str, bytes]:
    """Collect the contents of the handout's files.

    Returns:
        The contents by path, with slashes.

    Raises:
        OpenPoseLabError: The project was installed as a package, which lacks documents and tests.
    """
    if not in_clone():
        raise OpenPoseLabError(
            "the handout needs a clone of the project, because the package lacks documents; run the command there"
        )
    found = (path for pattern in _OTHERS for path in ROOT.glob(pattern) if path.is_file())
    others = {path.relative_to(ROOT).as_posix() for path in found}
    modules = {
        name for name in others if name.endswith(".py")
    }  # programs find these files by listing folders, so needed_by does not see them
    made = {"README.md": _README.encode(), "pytest.ini": pytest_settings().encode()}
    return {**read_files(others.union(needed_by([*PROGRAMS, *modules]))), **made}


def pack(files: Mapping[str, bytes], folder: str = "", executable: Collection[str] = ()) -> bytes:
    """Pack files into a zip archive. The same files give the same bytes.

    Args:
        files: the contents by path.
        folder: the folder in the archive for all files; by default none.
        executable: the paths of the executable files.

    Returns:
        The bytes of the archive.
    """
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(f"{folder}/{name}" if folder else name)
            entry.create_system = _UNIX  # on every system, so that file modes are stored
            entry.external_attr = (0o100755 if name in executable else 0o100644) << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return data.getvalue()

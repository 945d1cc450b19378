"""The checksum of the code that networks are made with."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from openpose_lab.paths import PACKAGE, keras_folder


@functools.cache
def checksum_of_code() -> str:
    """Compute the checksum of the code between a weights file and a network's maps, with the networks' Keras code."""
    code = hashlib.sha256()
    for folder in (PACKAGE / "networks", keras_folder()):
        for path in sorted(Path(folder).rglob("*.py")):
            code.update(path.read_bytes())
    return code.hexdigest()

"""The checksum of the code that networks are made with."""

from __future__ import annotations

import hashlib

from openpose_lab.paths import PACKAGE, keras_folder


def checksum_of_code() -> str:
    """Compute the checksum of the code between a weights file and a network's maps, with the networks' Keras code."""
    code = hashlib.sha256()
    for folder in (PACKAGE / "networks", keras_folder()):
        for path in sorted(folder.rglob("*.py")):
            code.update(path.read_bytes())
    return code.hexdigest()

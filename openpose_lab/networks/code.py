"""The checksum of the code that builds and runs the networks."""

from __future__ import annotations

import hashlib

from openpose_lab.paths import PACKAGE, keras_folder


def checksum_of_code() -> str:
    """Compute the SHA-256 of all code that turns a weights file into maps, in hexadecimal.

    This is the code of ``openpose_lab/networks`` and the networks' Keras code.
    """
    code = hashlib.sha256()
    for folder in (PACKAGE / "networks", keras_folder()):
        for path in sorted(folder.rglob("*.py")):
            code.update(path.read_bytes())
    return code.hexdigest()

"""Checksums of files.

A checksum is written ``algorithm:hexadecimal``, for example ``sha256:113a...``. The algorithm is one of hashlib's.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from estimation.files import open_input

_READ_BYTES = 1 << 20


def checksum(path: Path, algorithm: str, what: str = "file") -> str:
    """Compute the checksum of a file.

    Args:
        path: The file.
        algorithm: The name of a hashlib algorithm.
        what: What the file should be, for error messages.

    Returns:
        The checksum in hexadecimal.

    Raises:
        OpenPoseLabError: The path leads to no regular file that can be opened.
        OSError: The file cannot be read.
    """
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with open_input(path, what) as file:
        while chunk := file.read(_READ_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def checksum_like(path: Path, expected: str) -> str:
    """Compute the checksum of a file with the algorithm of another checksum.

    Args:
        path: The file.
        expected: A checksum, ``algorithm:hexadecimal``.

    Returns:
        The file's checksum, ``algorithm:hexadecimal``.

    Raises:
        OpenPoseLabError: The path leads to no regular file that can be opened.
        OSError: The file cannot be read.
    """
    algorithm = expected.partition(":")[0]
    return f"{algorithm}:{checksum(path, algorithm)}"

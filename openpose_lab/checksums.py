"""Checksums of files.

A checksum is written ``algorithm:hexadecimal``, for example ``sha256:113a...``. The algorithm is a name in hashlib.
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
        what: The expected content, for error messages.

    Returns:
        The checksum in hexadecimal, without the algorithm.

    Raises:
        OpenPoseLabError: The path does not lead to a readable regular file.
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
        OpenPoseLabError: The path does not lead to a readable regular file.
        OSError: The file cannot be read.
    """
    algorithm = expected.partition(":")[0]
    return f"{algorithm}:{checksum(path, algorithm)}"

"""Files that end with their own checksum. The program notices files that a person has changed, and keeps them.

The checksum is an HTML comment in the last line. Viewers ignore it after the data of a JPEG.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from estimation.errors import OpenPoseLabError
from estimation.files import read_input

_LENGTH = 16  # characters of a checksum
_LAST_LINE = b"\n<!-- openpose-lab report %s -->\n"
_LARGEST = 64 << 20
"""The size limit of such a file in bytes."""


def short_checksum(data: bytes) -> str:
    """Compute a checksum of 16 characters that does not depend on the kind of line ends."""
    return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()[:_LENGTH]


def sign(data: bytes) -> bytes:
    """Append the checksum to the content of a file."""
    return data + _LAST_LINE % short_checksum(data).encode()


def is_signed(data: bytes) -> bool:
    """Return whether a file is unchanged since ``sign`` made it."""
    found = re.search(rb"\r?\n<!-- openpose-lab report ([0-9a-f]{%d}) -->\r?\n\Z" % _LENGTH, data)
    return found is not None and found[1].decode() == short_checksum(data[: found.start()])


def check_own(path: Path) -> None:
    """Raise OpenPoseLabError if a file exists that the program did not write, or that was changed since then."""
    if os.path.lexists(path) and not is_signed(read_input(path, "file of the report", _LARGEST)):
        raise OpenPoseLabError(
            f"{path} was changed, or made by another program, and would be overwritten; move it to another folder, "
            "and run again"
        )

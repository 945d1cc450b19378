"""Read JSON files of users with bounded memory."""

from __future__ import annotations

import gc
import json
import re
from pathlib import Path
from typing import Any

from estimation.errors import OpenPoseLabError
from estimation.files import read_input

_LARGEST_FILE = 512 << 20
"""In bytes. COCO's largest keypoint file, person_keypoints_train2017.json, has 238 MB."""
_MOST_MEMORY = 1 << 30
"""Largest memory of the values of a file, in bytes by ``estimated_bytes``."""
_BYTES_OF = {b",": 40, b"[": 64, b"{": 160, b'"': 16}
"""Estimated bytes in memory for each of these characters: a number, a list, an object, half of a string."""
_OUTLINE = re.compile(rb'"segmentation"\s*:\s*(\[[][\d\s.,eE+-]*\]|\{[^{}]*\})')
"""An outline in COCO's form: polygons or run lengths. Most of a file is outlines, and evaluation does not need them."""


def read_json(path: Path, what: str, expected: str, outlines: bool = False) -> Any:
    """Read a JSON file of a user. Replace outlines of people, the values of ``segmentation``, by 0.

    Args:
        path: The file.
        what: The kind of file, such as "annotations file", for messages.
        expected: The file to give instead, for the message about a file that is not JSON.
        outlines: Whether to replace an outline by its JSON text instead of 0. Text takes a tenth of the memory of the
            parsed outline.

    Returns:
        The content.

    Raises:
        OpenPoseLabError: The file cannot be read, is not JSON, or would take too much memory.
    """
    content = read_input(path, what, _LARGEST_FILE)
    data = _OUTLINE.sub(b'"segmentation":0', content)
    if estimated_bytes(data) > _MOST_MEMORY:
        most = f"more than {_MOST_MEMORY >> 20} MB in memory"
        raise OpenPoseLabError(f"the {what} {path} contains too many values to read ({most}); give a part of it")
    if outlines:
        data = _OUTLINE.sub(_as_text, content)
    collected = gc.isenabled()
    gc.disable()  # the collector would scan the growing values again and again
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise OpenPoseLabError(f"the {what} {path} is not JSON, or cut short; give {expected}") from None
    finally:
        if collected:
            gc.enable()


def _as_text(outline: re.Match[bytes]) -> bytes:
    """Return the key with its value as a JSON string."""
    value = outline[1].decode("utf-8", "replace")
    return b'"segmentation":' + json.dumps(value).encode()


def estimated_bytes(data: bytes) -> int:
    """Estimate an upper bound of the memory that the values of the JSON text ``data`` take, in bytes."""
    return sum(size * data.count(letter) for letter, size in _BYTES_OF.items())

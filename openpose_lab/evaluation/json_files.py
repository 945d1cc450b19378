"""JSON that a user hands over, read with bounded memory."""

from __future__ import annotations

import gc
import json
import re
from pathlib import Path
from typing import Any

from estimation.errors import OpenPoseLabError
from estimation.files import read_input

_LARGEST_FILE = 512 << 20
"""Bytes. COCO's largest keypoint file, person_keypoints_train2017.json, has 238 MB."""
_MOST_MEMORY = 1 << 30
"""Bytes that the values of a file may take in memory, by ``estimated_bytes``."""
_BYTES_OF = {b",": 40, b"[": 64, b"{": 160, b'"': 16}
"""Bytes in memory that come with each of these letters: a number, a list, an object, half of a string."""
_OUTLINE = re.compile(rb'"segmentation"\s*:\s*(\[[][\d\s.,eE+-]*\]|\{[^{}]*\})')
"""An outline in COCO's form: polygons or run lengths. Outlines are most of a file, and nothing here needs them."""


def read_json(path: Path, what: str, expected: str, outlines: bool = False) -> Any:
    """Read a JSON file that a user hands over. Outlines of people, the key ``segmentation``, are replaced by 0.

    Args:
        path: The file.
        what: What the file should be, such as "annotations file", for messages.
        expected: The form of file to give instead, for the message that it is no JSON.
        outlines: Whether to replace outlines by text, JSON again, which takes a tenth of the memory of values.

    Returns:
        The content.

    Raises:
        OpenPoseLabError: The file cannot be read, is no JSON, or would take too much memory.
    """
    content = read_input(path, what, _LARGEST_FILE)
    data = _OUTLINE.sub(b'"segmentation":0', content)
    if estimated_bytes(data) > _MOST_MEMORY:
        most = f"more than {_MOST_MEMORY >> 20} MB in memory"
        raise OpenPoseLabError(f"the {what} {path} holds too many values to read ({most}); keep a part of it")
    if outlines:
        data = _OUTLINE.sub(_as_text, content)
    collected = gc.isenabled()
    gc.disable()  # it would go through the growing values again and again
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise OpenPoseLabError(f"the {what} {path} is not JSON, or cut short; give {expected}") from None
    finally:
        if collected:
            gc.enable()


def _as_text(outline: re.Match[bytes]) -> bytes:
    """The key and its value, which is made into text."""
    value = outline[1].decode("utf-8", "replace")
    return b'"segmentation":' + json.dumps(value).encode()


def estimated_bytes(data: bytes) -> int:
    """Estimate the memory that the values of JSON ``data`` take, from above."""
    return sum(size * data.count(letter) for letter, size in _BYTES_OF.items())

"""A record as one line of text, exact to the last bit, for the journal of a run.

A line is JSON in ASCII. Reading its numbers gives the same bits that were written.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

import numpy as np

from estimation.layouts import Layout
from estimation.skeletons import FILLED, NO_IDENTITY, Skeletons
from estimation.subset import MISSING
from openpose_lab.formats.record import Record

_VERSION = 2
_LARGEST = 2**31 - 1
"""The largest whole number in a line, ids of photos excepted."""
_LARGEST_ID = 10**18
_KEYS = {
    "version",
    "name",
    "index",
    "timestamp",
    "width",
    "height",
    "image_id",
    "person_scores",
    "keypoints",
    "scores",
    "peak_ids",
    "person_ids",
}


def to_line(record: Record) -> bytes:
    """Convert a record to one line.

    Args:
        record: The people of a photo.

    Returns:
        The line. Its only line feed is at the end.

    Raises:
        ValueError: A number is infinite, or a number of a present part is NaN.
    """
    skeletons = record.skeletons
    content = {
        "version": _VERSION,
        "name": record.name,
        "index": int(record.index),
        "timestamp": None if record.timestamp is None else float(record.timestamp),
        "width": int(record.width),
        "height": int(record.height),
        "image_id": None if record.image_id is None else int(record.image_id),
        "person_scores": skeletons.person_scores.tolist(),
        "keypoints": skeletons.keypoints[skeletons.present].ravel().tolist(),
        "scores": skeletons.scores.ravel().tolist(),
        "peak_ids": skeletons.peak_ids.ravel().tolist(),
        "person_ids": skeletons.person_ids.tolist(),
    }
    return f"{json.dumps(content, allow_nan=False, separators=(',', ':'))}\n".encode("ascii")


def from_line(line: bytes, layout: Layout) -> Record:
    """Read a record from a line that ``to_line`` wrote.

    Args:
        line: The line, with its line feed.
        layout: The layout of the skeletons.

    Returns:
        The record, equal to the written one to the last bit.

    Raises:
        ValueError: The line is cut, is not a record, or has another number of body parts than the layout.
    """
    if not line.endswith(b"\n"):
        raise ValueError("the line is cut: it has no line feed at its end")
    try:
        content = json.loads(line.decode("ascii"), parse_constant=_refuse)
    except RecursionError:
        raise ValueError("the line is nested too deeply") from None
    if not isinstance(content, dict) or content.keys() != _KEYS or content["version"] != _VERSION:
        raise ValueError("the line has other keys than a record, or has another version")
    name, timestamp = content["name"], content["timestamp"]
    if not isinstance(name, str) or not (timestamp is None or _is_finite(timestamp)):
        raise ValueError("the name must be text, and the timestamp a finite number or null")
    image_id = content["image_id"]
    return Record(
        name,
        _whole(content["index"], 0, _LARGEST),
        timestamp,
        _whole(content["width"], 1, _LARGEST),
        _whole(content["height"], 1, _LARGEST),
        _skeletons(content, len(layout.body_parts)),
        None if image_id is None else _whole(image_id, 0, _LARGEST_ID),
    )


def _skeletons(content: dict[str, Any], parts: int) -> Skeletons:
    person_scores = _floats(content["person_scores"])
    shape = len(person_scores), parts
    scores = _floats(content["scores"])
    ids, person_ids = content["peak_ids"], content["person_ids"]
    if not isinstance(ids, list) or not len(ids) == len(scores) == math.prod(shape):
        raise ValueError(f"each of {shape[0]} people must have {parts} scores and {parts} peak ids")
    if not isinstance(person_ids, list) or len(person_ids) != shape[0]:
        raise ValueError(f"each of {shape[0]} people must have one person id")
    peak_ids = np.array([_whole(one, FILLED, _LARGEST) for one in ids], dtype=np.intp).reshape(shape)
    present = peak_ids != MISSING
    found = _floats(content["keypoints"])
    if len(found) != 2 * present.sum():
        raise ValueError(f"{present.sum()} keypoints must have x and y, but the line has {len(found)} numbers")
    keypoints = np.full((*shape, 2), np.nan)
    keypoints[present] = np.array(found, dtype=np.float64).reshape(-1, 2)
    return Skeletons(
        keypoints,
        np.array(scores, dtype=np.float64).reshape(shape),
        np.array(person_scores, dtype=np.float64),
        peak_ids,
        np.array([_whole(one, NO_IDENTITY, _LARGEST) for one in person_ids], dtype=np.intp),
    )


def _floats(values: Any) -> list[float]:
    if not isinstance(values, list) or not all(map(_is_finite, values)):
        raise ValueError("scores and keypoints must be lists of finite numbers")
    return values


def _is_finite(value: Any) -> bool:
    return type(value) is float and math.isfinite(value)


def _whole(value: Any, lowest: int, highest: int) -> int:
    if type(value) is not int or not lowest <= value <= highest:
        raise ValueError(f"index, sizes and ids must be whole numbers from {lowest} to {highest}")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} must not be in a record: its numbers are finite")

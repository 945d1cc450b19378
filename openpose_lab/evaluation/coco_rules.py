"""Rules for the entries of COCO's JSON files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from openpose_lab.formats.coco import COCO_KEYPOINTS

_FARTHEST = 1e6  # pixels; no photo is larger
_LARGEST_AREA = 1e10  # square pixels; COCO leaves out larger people

Rule = Callable[[Any], str | None]
"""A function that returns None for a correct value, and otherwise what the value must be."""


def is_integer(value: Any) -> str | None:
    """Require an integer that a float64 represents exactly."""
    good = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
    return None if good else "a whole number"


def is_flag(value: Any) -> str | None:
    """Require COCO's form of true and false, 1 and 0."""
    return None if value in (0, 1) and isinstance(value, int) else "0 or 1"


def is_count(value: Any) -> str | None:
    """Require a count, such as the number of keypoints."""
    return None if not is_integer(value) and value >= 0 else "a whole number that is not negative"


def _is_number(value: Any, lowest: float = -_FARTHEST, highest: float = _FARTHEST) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and lowest <= value <= highest


def is_area(value: Any) -> str | None:
    """Require an area in square pixels."""
    return None if _is_number(value, 0, _LARGEST_AREA) else f"a number from 0 to {_LARGEST_AREA:g}"


def is_length(value: Any) -> str | None:
    """Require a length in pixels."""
    return None if _is_number(value, 0) else f"a number from 0 to {_FARTHEST:g}"


def is_box(value: Any) -> str | None:
    """Require a box in pixels: x, y, width and height."""
    good = isinstance(value, list) and len(value) == 4 and all(map(_is_number, value)) and min(value[2:]) >= 0
    return None if good else "a list of x, y, width and height"


def are_keypoints_of(count: int) -> Rule:
    """Return the rule for the ``count`` keypoints of a person."""

    def are_keypoints(value: Any) -> str | None:
        good = isinstance(value, list) and len(value) == 3 * count and all(map(_is_number, value))
        return None if good else f"a list of {3 * count} numbers: x, y and visibility of each keypoint"

    return are_keypoints


def is_file_name(value: Any) -> str | None:
    """Require a possible name of a file."""
    good = isinstance(value, str) and 0 < len(value) < 256 and value.isprintable()
    return None if good else "the name of a photo"


def is_order(value: Any) -> str | None:
    """Require the names of COCO's keypoints in COCO's order."""
    good = isinstance(value, list) and tuple(value) == COCO_KEYPOINTS
    return None if good else f"COCO's {len(COCO_KEYPOINTS)} names in COCO's order, {', '.join(COCO_KEYPOINTS[:3])}, …"


def are_names(value: Any) -> str | None:
    """Require different names of keypoints, in any order."""
    good = isinstance(value, list) and value and all(isinstance(name, str) for name in value)
    return None if good and len(set(value)) == len(value) else "a list of names that all differ"


def is_score(value: Any) -> str | None:
    """Require a number that people can be sorted by."""
    return None if _is_number(value) else "a number"


def broken_rule(entry: dict[str, Any], needed: dict[str, Rule], optional: dict[str, Rule]) -> str | None:
    """Return the first rule that an entry breaks, as the end of a sentence. None if it breaks no rule."""
    for key, rule in {**needed, **optional}.items():
        if key not in entry:
            if key in needed:
                return f"{key!r} is missing"
        elif expected := rule(entry[key]):
            return f"{key!r} must be {expected}"
    return None

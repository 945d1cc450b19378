"""How many points each category of checks is worth."""

from __future__ import annotations

import sys
from pathlib import Path

from estimation.errors import OpenPoseLabError, one_line

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

POINTS = Path(__file__).parent / "points.toml"
"""The lab's own."""
_LARGEST_POINTS = 1 << 16
"""Bytes of such a file."""


def read_points(path: Path) -> dict[str, float]:
    """The points of each category. Raises OpenPoseLabError if the file is not there, or no such thing."""
    from estimation.files import read_input
    from openpose_lab.lab.merge_checks import CATEGORIES

    data = read_input(path, "points file", _LARGEST_POINTS)
    try:
        content = tomllib.loads(data.decode("utf-8-sig"))  # editors of Windows begin a file with a mark
    except (ValueError, RecursionError) as error:
        raise OpenPoseLabError(f"the points {path} are not TOML: {one_line(str(error), 100)}") from None
    points = content.get("points")
    if (
        not isinstance(points, dict)
        or set(points) != set(CATEGORIES)
        or not all(type(value) in (int, float) and 0 <= value < 1e6 for value in points.values())  # no true or false
    ):
        raise OpenPoseLabError(
            f"the points {path} must have a table [points] with a number for each of {', '.join(CATEGORIES)}"
        )
    if not any(points.values()):
        raise OpenPoseLabError(f"the points {path} are all 0; give at least one category more")
    return {category: abs(float(points[category])) for category in CATEGORIES}  # -0.0 would be shown with its sign

"""Reads how many points each category of checks is worth."""

from __future__ import annotations

import sys
from pathlib import Path

from estimation.errors import OpenPoseLabError, one_line

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

POINTS = Path(__file__).parent / "points.toml"
"""The lab's default points file."""
_LARGEST_POINTS = 1 << 16
"""The size limit of a points file in bytes."""


def read_points(path: Path) -> dict[str, float]:
    """Read the points of each category from a TOML file.

    Args:
        path: the points file.

    Returns:
        The points by category.

    Raises:
        OpenPoseLabError: The file cannot be read, or is not a points file.
    """
    from estimation.files import read_input
    from openpose_lab.lab.merge_checks import CATEGORIES

    data = read_input(path, "points file", _LARGEST_POINTS)
    try:
        content = tomllib.loads(data.decode("utf-8-sig"))  # editors on Windows may begin a file with a byte order mark
    except (ValueError, RecursionError) as error:
        raise OpenPoseLabError(f"the points file {path} is not TOML: {one_line(str(error), 100)}") from None
    points = content.get("points")
    if (
        not isinstance(points, dict)
        or set(points) != set(CATEGORIES)
        or not all(
            type(value) in (int, float) and 0 <= value < 1e6 for value in points.values()
        )  # type() excludes true and false
    ):
        raise OpenPoseLabError(
            f"the points file {path} must have a table [points] with a number for each of {', '.join(CATEGORIES)}"
        )
    if not any(points.values()):
        raise OpenPoseLabError(f"the points in {path} are all 0; give at least one category more")
    return {category: abs(float(points[category])) for category in CATEGORIES}  # so that -0.0 is shown without a sign

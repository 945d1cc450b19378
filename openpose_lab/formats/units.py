"""The units in which formats write x and y."""

from __future__ import annotations

PIXELS = "pixels"
ZERO_TO_ONE = "0..1"
PLUS_MINUS_ONE = "-1..1"
UNITS = {PIXELS: "px", ZERO_TO_ONE: "0_to_1", PLUS_MINUS_ONE: "minus_1_to_1"}
"""The name of a unit -> its words in the names of columns.

In order, the units are 0, 3 and 4 of OpenPose's ``--keypoint_scale``. They give the centre of the first pixel the value
0, 0 or -1, and the centre of the last pixel the size less 1, 1 or 1.
"""


def check_unit(unit: str) -> None:
    """Raise ValueError if ``unit`` is none of ``UNITS``."""
    if unit not in UNITS:
        raise ValueError(f"the unit must be one of {', '.join(UNITS)} but is {unit!r}")

"""Draw the picture of docs/angles.md: a person from the side, with each joint angle as an arc that starts at 0."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from estimation.angles import joint_angles
from estimation.files import check_writable, write_whole
from estimation.layouts import LAYOUTS
from openpose_lab.commands.options import make_parser
from openpose_lab.commands.program import shown, start
from openpose_lab.extras import require
from openpose_lab.paths import ROOT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EXAMPLES = """example:
  python -m scripts.draw_angles
"""
PICTURE = ROOT / "docs" / "pictures" / "joint_angles.png"
STANDING = {"trunk": 0.0, "hip": 0.0, "knee": 0.0, "ankle": 0.0, "shoulder": 0.0, "elbow": 0.0}
POSE = {"trunk": 20.0, "hip": 85.0, "knee": 75.0, "ankle": 15.0, "shoulder": 50.0, "elbow": 40.0}
LAYOUT = LAYOUTS["BODY_25"]
_TRUNK, _THIGH, _SHANK, _ARM, _FOREARM, _HEEL, _FOOT = 30.0, 25.0, 25.0, 18.0, 16.0, 6.0, 15.0  # lengths
_SIZE_INCHES, _DPI = (11.0, 5.0), 100
_BODY, _ZERO = "#c3ced9", "#555555"
_UNSIGNED = ("knee", "elbow")


@dataclass(frozen=True)
class _Drawn:
    """The style of an angle.

    Attributes:
        vertex: The body part at the vertex.
        end: The body part at the end of the limb that turns.
        radius: The radius of the arc.
        colour: The colour of the arc and the text.
        text: x and y of the text relative to the vertex, and the text's alignment there, for a person who faces the
            right edge.
    """

    vertex: str
    end: str
    radius: float
    colour: str
    text: tuple[float, float, str]


_DRAWN = {
    "trunk": _Drawn("mid_hip", "neck", 23, "#333333", (-2, -29, "right")),
    "shoulder": _Drawn("neck", "left_elbow", 12, "#8e44ad", (9, 4, "left")),
    "elbow": _Drawn("left_elbow", "left_wrist", 12, "#a8650a", (15, 9, "left")),
    "hip": _Drawn("mid_hip", "left_knee", 12, "#c0392b", (7, 17, "center")),
    "knee": _Drawn("left_knee", "left_ankle", 12, "#1f6fb2", (12, 13, "left")),
    "ankle": _Drawn("left_ankle", "left_big_toe", 20, "#27803b", (-1, 9, "left")),
}
_STANDING_TEXTS = {"trunk": (-5, -15, "right"), "ankle": (5, -5, "left")}


def person(angles: dict[str, float]) -> NDArray[np.float64]:
    """Place the parts of a person who faces the right edge. Left and right parts are at the same places.

    Args:
        angles: The six angles in degrees, by name.

    Returns:
        (parts, 2) x and y of the parts of ``LAYOUT``, y downward. NaN for parts that the angles do not determine.
    """
    trunk = -angles["trunk"]
    thigh = trunk + angles["hip"]
    shank = thigh - angles["knee"]
    foot = shank + 90 + angles["ankle"]
    arm = trunk + angles["shoulder"]
    forearm = arm + angles["elbow"]
    places = {"mid_hip": np.zeros(2), "hip": np.zeros(2)}
    places["neck"] = places["shoulder"] = -_TRUNK * _downward(trunk)
    places["knee"] = _THIGH * _downward(thigh)
    places["ankle"] = places["knee"] + _SHANK * _downward(shank)
    places["heel"] = places["ankle"] - _HEEL * _downward(foot)
    places["big_toe"] = places["ankle"] + _FOOT * _downward(foot)
    places["elbow"] = places["neck"] + _ARM * _downward(arm)
    places["wrist"] = places["elbow"] + _FOREARM * _downward(forearm)
    places["nose"] = places["neck"] - 11 * _downward(trunk - 25)
    missing = np.full(2, np.nan)
    sideless = [part.removeprefix("left_").removeprefix("right_") for part in LAYOUT.body_parts]
    return np.stack([places.get(part, missing) for part in sideless])


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    parser = make_parser("python -m scripts.draw_angles", __doc__, EXAMPLES)
    parser.add_argument(
        "--out", type=Path, default=PICTURE, help="the PNG to write (default: the picture of docs/angles.md)"
    )
    out = parser.parse_args(arguments).out
    check_writable(out)
    require("matplotlib", "drawing")
    write_whole(out, draw())
    print(f"wrote {shown(out)}")


def draw() -> bytes:
    """Draw three people side by side, as PNG: one with all angles 0, and a bent person facing right and facing left."""
    from matplotlib.figure import Figure  # imported here, because it takes half a second

    figure = Figure(_SIZE_INCHES, layout="constrained")
    row = figure.subplots(1, 3, width_ratios=(56, 92, 92))
    for axes, title, (left, right) in zip(
        row, ("all angles are 0", "facing the right edge", "facing the left edge"), ((-29, 27), (-36, 56), (-56, 36))
    ):
        axes.set_title(title, fontsize=14)
        axes.set(aspect="equal", xlim=(left, right), ylim=(57, -50))
        axes.axis("off")
    _draw_person(row[0], person(STANDING), side=0)
    _draw_person(row[1], person(POSE), side=1)
    _draw_person(row[2], person(POSE) * (-1, 1), side=-1)
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=_DPI, bbox_inches="tight", pad_inches=0.1)
    return data.getvalue()


def _draw_person(axes: Axes, keypoints: NDArray[np.float64], side: int) -> None:
    """Draw a person with their angles.

    Args:
        axes: The axes.
        keypoints: (parts, 2) the parts of the person.
        side: 1 for a person who faces the right edge, -1 for the left edge. 0 for a standing person, with the texts
            beside the body.
    """
    place = dict(zip(LAYOUT.body_parts, keypoints))
    head = place["neck"] + 0.3 * (place["neck"] - place["mid_hip"])
    nose = head + 7 * (place["nose"] - head) / np.linalg.norm(place["nose"] - head)
    for line, width in (
        ([place["neck"], place["mid_hip"]], 13),
        ([place["mid_hip"], place["left_knee"], place["left_ankle"]], 13),
        ([place["left_heel"], place["left_ankle"], place["left_big_toe"]], 9),
        ([place["neck"], place["left_elbow"], place["left_wrist"]], 9),
        ([place["neck"], head], 11),
        ([head, nose], 7),
    ):
        axes.plot(*np.stack(line).T, color=_BODY, linewidth=width, solid_capstyle="round", solid_joinstyle="round")
    axes.plot(*head, "o", color=_BODY, markersize=33)

    names, (degrees,) = joint_angles(LAYOUT, keypoints[None])
    trunk = _direction(place["mid_hip"] - place["neck"])
    zeros = {
        "trunk": 180.0,
        "shoulder": trunk,
        "elbow": _direction(place["left_elbow"] - place["neck"]),
        "hip": trunk,
        "knee": _direction(place["left_knee"] - place["mid_hip"]),
        "ankle": _at_right_angle(place),
    }
    for name, drawn in _DRAWN.items():
        _draw_arc(axes, drawn, place, zeros[name])
        x, y, alignment = drawn.text if side else _STANDING_TEXTS.get(name, (5, 0, "left"))
        if side < 0:
            x, alignment = -x, {"left": "right", "right": "left"}.get(alignment, alignment)
        angle = float(degrees[names.index(name if name == "trunk" else f"left_{name}")])
        sign = "" if name in _UNSIGNED or not round(angle) else "+" if angle > 0 else "\N{MINUS SIGN}"
        text = f"{name} {sign}{abs(angle):.0f}°"
        spot = place[drawn.vertex] + (x, y)
        axes.annotate(text, spot, color=drawn.colour, fontsize=12, ha=alignment, va="center", zorder=6)
    for part in {drawn.vertex for drawn in _DRAWN.values()}:
        axes.plot(*place[part], "o", color="white", markeredgecolor="#33475b", markersize=6, zorder=5)


def _draw_arc(axes: Axes, drawn: _Drawn, place: dict[str, NDArray[np.float64]], zero: float) -> None:
    """Draw the line at which an angle is 0, and an arrow from this line to the limb."""
    from matplotlib.patches import FancyArrowPatch, PathPatch, Polygon
    from matplotlib.path import Path as Curve

    vertex = place[drawn.vertex]
    line = np.stack([vertex, vertex + (drawn.radius + 6) * _downward(zero)])
    axes.plot(*line.T, color=_ZERO, linewidth=1.3, linestyle=(0, (3, 2)), zorder=3)
    turn = (_direction(place[drawn.end] - vertex) - zero + 180) % 360 - 180
    if abs(turn) < 1:
        return
    arc = vertex + drawn.radius * np.stack([_downward(zero + share * turn) for share in np.linspace(0, 1, 40)])
    axes.add_patch(Polygon([vertex, *arc], facecolor=drawn.colour, alpha=0.15, linewidth=0, zorder=2))
    axes.add_patch(PathPatch(Curve(arc[:-2]), fill=False, edgecolor=drawn.colour, linewidth=2.2, zorder=4))
    head = FancyArrowPatch(
        arc[-6], arc[-1], arrowstyle="-|>", mutation_scale=14, color=drawn.colour, shrinkA=0, shrinkB=0, zorder=4
    )
    axes.add_patch(head)


def _at_right_angle(place: dict[str, NDArray[np.float64]]) -> float:
    """Return the direction of a foot at a right angle to the shank, on the side of the toes, in degrees."""
    shank = _direction(place["left_ankle"] - place["left_knee"])
    to_toes = _direction(place["left_big_toe"] - place["left_ankle"])
    return shank + (90.0 if (to_toes - shank) % 360 < 180 else -90.0)


def _downward(degrees: float) -> NDArray[np.float64]:
    """Return the unit vector of a direction: 0 degrees points down, 90 degrees points to the right edge."""
    angle = np.radians(degrees)
    return np.array([np.sin(angle), np.cos(angle)])


def _direction(vector: NDArray[np.float64]) -> float:
    """Return the direction of a vector in the degrees of ``_downward``."""
    return float(np.degrees(np.arctan2(vector[0], vector[1])))


if __name__ == "__main__":
    sys.exit(start("draw_angles", main, sys.argv[1:]))

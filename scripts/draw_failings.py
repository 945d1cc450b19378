"""Draw the pictures of docs/grouping.md: the problem, and errors of each grouping in small scenes made by hand."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from estimation.config import COCO_18
from estimation.connections import Candidates, Connections, accept_one_to_one
from estimation.coordinates import Coordinates
from estimation.files import check_writable, write_whole
from estimation.grouping import load_grouping, run_grouping
from estimation.layouts.human import STANDING
from estimation.subset import MISSING, PARTS_NUM, ids_of
from openpose_lab.commands.options import make_parser
from openpose_lab.commands.program import shown, start
from openpose_lab.evaluation.crowds import simulate
from openpose_lab.evaluation.defaults import Disturbance
from openpose_lab.evaluation.oracle import oracle_rows
from openpose_lab.extras import require
from openpose_lab.paths import ROOT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EXAMPLES = """example:
  python -m scripts.draw_failings --out pictures
"""
FOLDER = ROOT / "docs" / "pictures"
_HEIGHT = 30.0  # height of a standing person in cells
_RIGHT = 0.9  # PAF score of a correct limb, unless the scene sets another score
_PEAK, _SURE_PEAK = 0.8, 0.95  # the scores of peaks
_DPI = 90
_WIDTH_INCHES, _MOST_INCHES = 10, 4.5
Peak = tuple[int, str]
"""A person's number and a body part."""


@dataclass(frozen=True, eq=False)
class Failing:
    """A scene, and the groupings that fail on it.

    Attributes:
        name: The name of the picture.
        fail: The names of the groupings that fail. The picture shows the first.
        people: The x of each person in units of their height, and their visible parts.
        scores: PAF scores between peaks. By default, limbs within a person have ``_RIGHT``, and other pairs of peaks
            are no candidates.
        moved: The offset of peaks from their place in a standing person, in units of the person's height.
        sure: The peaks with a higher score than other peaks.
    """

    name: str
    fail: tuple[str, ...]
    people: tuple[tuple[float, str], ...]
    scores: dict[tuple[Peak, Peak], float]
    moved: dict[Peak, tuple[float, float]] = field(default_factory=dict)
    sure: tuple[Peak, ...] = ()

    @cached_property
    def peaks(self) -> list[Peak]:
        """The peaks in the order of their ids."""
        seen = [(person, part) for person, (_, parts) in enumerate(self.people) for part in parts.split()]
        return sorted(seen, key=lambda peak: (COCO_18.body_parts.index(peak[1]), peak[0]))

    @cached_property
    def owner(self) -> NDArray[np.intp]:
        """(P,) the owner of each peak."""
        return np.array([person for person, _ in self.peaks])

    @cached_property
    def connections(self) -> Connections:
        """The candidates and connections that a network might find."""
        places = [
            np.array(STANDING[part]) + np.array(self.moved.get((person, part), (0, 0))) + [self.people[person][0], 0]
            for person, part in self.peaks
        ]
        coordinates = Coordinates(
            np.array(places, dtype=np.float32) * np.float32(_HEIGHT),
            np.array([_SURE_PEAK if peak in self.sure else _PEAK for peak in self.peaks], dtype=np.float32),
            np.array([COCO_18.body_parts.index(part) for _, part in self.peaks]),
            COCO_18.body_parts,
        )
        limbs = []
        for index, limb in enumerate(COCO_18.limbs):
            for a, one in enumerate(self.peaks):
                for b, other in enumerate(self.peaks):
                    if (coordinates.part[a], coordinates.part[b]) == limb[:2]:
                        own = _RIGHT if one[0] == other[0] and not limb.redundant else 0
                        if score := self.scores.get((one, other), own):
                            limbs.append((-score, index, a, b))
        score, limb_index, first, second = np.array(sorted(limbs)).T
        peaks = np.stack([first, second], axis=1).astype(np.intp)
        found = Candidates(
            limb_index.astype(np.intp),
            peaks,
            coordinates.score[peaks].astype(np.float64),
            -score,
            np.ones(len(score)),
        )
        return Connections(found, accept_one_to_one(found), coordinates, len(COCO_18.limbs))


_TRUNK = "nose neck right_shoulder left_shoulder"
_SIDE = "nose neck right_shoulder right_eye right_ear"
FAILINGS = (
    Failing(
        # The best limb is wrong. A grouping that accepts it leaves two peaks without a partner.
        "greedy",
        ("lab", "openpose_cpu", "openpose_cuda", "spanning_tree", "best_first"),
        ((0.2, f"{_TRUNK} left_elbow left_wrist"), (0.7, f"{_TRUNK} left_elbow left_wrist")),
        {
            ((0, "left_shoulder"), (1, "left_elbow")): 0.8,
            ((0, "left_shoulder"), (0, "left_elbow")): 0.7,
            ((1, "left_shoulder"), (1, "left_elbow")): 0.7,
        },
        moved={(1, "left_elbow"): (-0.35, -0.03), (1, "left_wrist"): (-0.4, 0.05)},
    ),
    Failing(
        # Person 0's elbow is hidden, and person 2 is only a false peak. Two weak limbs have a larger sum than a
        # strong limb.
        "sum",
        ("hungarian", "optimal"),
        ((0.2, _TRUNK), (0.6, f"{_TRUNK} right_elbow right_wrist"), (0.85, "right_elbow")),
        {((0, "right_shoulder"), (1, "right_elbow")): 0.5, ((1, "right_shoulder"), (2, "right_elbow")): 0.5},
        sure=((1, "nose"),),
    ),
    Failing(
        # Without the neck, the person has two halves. Only the limb from ear to shoulder joins them.
        "halves",
        ("openpose_cpu",),
        ((0.2, "nose right_eye right_ear right_shoulder right_elbow right_wrist"),),
        {((0, "right_shoulder"), (0, "right_ear")): 0.6},
    ),
    Failing(
        # Person 0's head and person 2's body are hidden. The best ear for person 0's shoulder has a shoulder already.
        "second_best",
        ("openpose_cuda", "best_first", "optimal"),
        (
            (0.2, "neck right_shoulder left_shoulder right_elbow"),
            (0.5, _SIDE),
            (0.8, "nose right_eye right_ear left_eye"),
        ),
        {((0, "right_shoulder"), (1, "right_ear")): 0.5, ((0, "right_shoulder"), (2, "right_ear")): 0.3},
    ),
    Failing(
        # The limbs from shoulder to ear are right and better than those from neck to shoulder, but are not used.
        "relaxed",
        ("openpose_cpu", "spanning_tree"),
        ((0.2, _SIDE), (0.6, _SIDE)),
        {
            ((0, "neck"), (1, "right_shoulder")): 0.8,
            ((0, "neck"), (0, "right_shoulder")): 0.6,
            ((1, "neck"), (1, "right_shoulder")): 0.6,
            ((0, "right_shoulder"), (0, "right_ear")): 0.9,
            ((1, "right_shoulder"), (1, "right_ear")): 0.9,
        },
    ),
    Failing(
        # Person 0's elbow is hidden. Person 0 grows first and takes the neighbour's elbow.
        "claims",
        ("best_first",),
        ((0.2, _TRUNK), (0.6, f"{_TRUNK} right_elbow right_wrist")),
        {((0, "right_shoulder"), (1, "right_elbow")): 0.3},
        sure=((0, "nose"),),
    ),
    Failing(
        # Only three parts of person 1 are visible.
        "few",
        ("lab",),
        ((0.2, _TRUNK), (0.6, "right_shoulder right_elbow right_wrist")),
        {},
    ),
)


def people_by(name: str, failing: Failing) -> NDArray[np.float64]:
    """Return the people that a grouping finds in a scene, as rows."""
    return run_grouping(load_grouping(name), COCO_18, failing.connections)


def truth(failing: Failing) -> NDArray[np.float64]:
    """Return the ground-truth people of a scene, as rows. A single peak is no person."""
    subset = oracle_rows(COCO_18, failing.connections, failing.owner)
    return subset[subset[:, PARTS_NUM] > 1]


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    parser = make_parser("python -m scripts.draw_failings", __doc__, EXAMPLES)
    parser.add_argument("--out", type=Path, default=FOLDER, help="the folder for the pictures (default: docs/pictures)")
    out = parser.parse_args(arguments).out
    check_writable(out / "problem.png")
    require("matplotlib", "drawing")
    write_whole(out / "problem.png", draw_problem())
    for failing in tqdm(FAILINGS, unit="picture", disable=None):
        write_whole(out / f"{failing.name}.png", draw_failing(failing))
    print(f"wrote problem.png and {', '.join(f'{failing.name}.png' for failing in FAILINGS)} to {shown(out)}")


def draw_problem() -> bytes:
    """Draw peaks, candidates and people of a small crowd, as PNG."""
    crowd = simulate(COCO_18, np.random.default_rng(3), 4, 0.4, Disturbance(noise=0.1, missing=0, doubled=0))
    subset = oracle_rows(COCO_18, crowd.connections, crowd.owner)
    nobody = subset[:0]
    panels = {"peaks": (nobody, False), "candidates": (nobody, True), "people": (subset, False)}
    return _draw(crowd.connections, panels, labelled=False)


def draw_failing(failing: Failing) -> bytes:
    """Draw the candidates of a scene, the people of the first grouping that fails, and the ground truth, as PNG."""
    name = failing.fail[0]
    right = truth(failing)
    panels = {"PAF scores": (right[:0], True), name: (people_by(name, failing), False), "correct": (right, False)}
    return _draw(failing.connections, panels, labelled=True)


def _draw(connections: Connections, panels: dict[str, tuple[NDArray[np.float64], bool]], labelled: bool) -> bytes:
    """Draw panels side by side, as PNG.

    Args:
        connections: The peaks and the candidates.
        panels: By title, the rows of people to draw in colours, and whether to draw the candidates.
        labelled: Whether to write the scores beside candidates.
    """
    from matplotlib.figure import Figure  # imported here, because it takes half a second

    xy = connections.coordinates.xy
    width, height = np.ptp(xy, axis=0)
    inches = _WIDTH_INCHES / len(panels) * (height + 2) / (width + 2) + 0.5
    figure = Figure((_WIDTH_INCHES, min(inches, _MOST_INCHES)), layout="constrained")
    row = figure.subplots(1, len(panels), sharex=True, sharey=True)
    for axes, (title, (subset, with_candidates)) in zip(row, panels.items()):
        if with_candidates:
            _draw_candidates(axes, connections, labelled)
        axes.scatter(xy[:, 0], xy[:, 1], s=18, color="black", zorder=2)
        found = [row[row != MISSING].astype(int) for row in ids_of(subset)]
        for place, peaks in enumerate(sorted(found, key=lambda peaks: float(xy[peaks, 0].mean()))):
            _draw_person(axes, connections, peaks, f"C{place}")
        axes.set(title=title, aspect="equal")
        axes.axis("off")
    figure.axes[0].invert_yaxis()
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=_DPI)
    return data.getvalue()


def _draw_person(axes: Axes, connections: Connections, peaks: NDArray[np.intp], colour: str) -> None:
    xy = connections.coordinates.xy
    for ends in connections.candidates.peaks:
        if np.isin(ends, peaks).all():
            axes.plot(*xy[ends].T, color=colour, linewidth=3, zorder=1)
    axes.scatter(xy[peaks, 0], xy[peaks, 1], s=30, color=colour, zorder=3)


def _draw_candidates(axes: Axes, connections: Connections, labelled: bool) -> None:
    """Draw the candidates. A darker line has a higher score. Write scores that differ from ``_RIGHT``."""
    xy = connections.coordinates.xy
    for ends, score in zip(connections.candidates.peaks, connections.candidates.score.tolist()):
        start, end = xy[ends]
        axes.plot(*xy[ends].T, color=str(np.clip(1 - score, 0, 0.9)), linewidth=1 + score, zorder=1)
        if labelled and score != _RIGHT:
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
            axes.annotate(f"{score:g}", start + 0.55 * (end - start), ha="center", va="center", fontsize=9, bbox=box)


if __name__ == "__main__":
    sys.exit(start("draw_failings", main, sys.argv[1:]))

"""Body parts, limbs, channels and thresholds: the only index tables in the project, and frozen.

A body part's place in ``Config.body_parts`` is its heatmap channel and its slot in a subset row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Limb(NamedTuple):
    """An ordered pair of body parts, and the two PAF channels that point from the first to the second.

    ``redundant`` marks a limb that closes a cycle (ear to shoulder): evidence for grouping, but
    the limbs without it already form a tree over all parts, so it is not drawn.
    """

    from_part: int
    to_part: int
    paf_x: int
    paf_y: int
    redundant: bool = False


@dataclass(frozen=True)
class Config:
    """What a network's channels mean, and how its maps are read.

    Every default below was chosen on photographs with known keypoints; docs/architecture.md
    has the measurements. Distances are in map cells, scores in the units of the maps.
    """

    name: str
    body_parts: tuple[str, ...]
    limbs: tuple[Limb, ...]

    peak_threshold: float = 0.05
    """A heatmap maximum at or below this is noise (OpenPose's value)."""
    max_peaks_per_part: int = 127
    """Only so many of the best peaks of a part are kept (OpenPose's limit on people), which
    bounds the number of candidate limbs."""

    limb_samples: int = 10
    """Points at which a candidate limb reads the PAF (the lab's ``mid_num``)."""
    long_limb_samples: int = 30
    """The same for limbs longer than ``limb_samples`` cells, once they have passed with the few: about
    as many as OpenPose takes at most (25)."""
    sample_threshold: float = 0.05
    """A sample agrees with the limb if the PAF along it is above this (the lab's value)."""
    min_agreement: float = 0.6
    """Share of the samples that must agree. The lab says 80 %; its code asks for 9 of 10, OpenPose for more
    than 95 %; fewer found more people."""
    max_limb_length: float = 0.5
    """Limbs longer than this share of the map's height lose score (ZheC's length prior)."""
    short_limb: float = 1.0
    """Between two peaks closer than a cell there may be no cell for the PAF to speak in, so its silence does not count.
    OpenPose does so up to sqrt(W H) / 150 pixels, which is 0.36 cells at 496 x 368."""
    short_limb_score: float = 0.051
    """The least PAF score of such a pair: just above the noise, as in OpenPose."""

    @cached_property
    def limb_parts(self) -> NDArray[np.intp]:
        """(L, 2) part indices of each limb: from, to."""
        return _frozen([(limb.from_part, limb.to_part) for limb in self.limbs])

    @cached_property
    def paf_channels(self) -> NDArray[np.intp]:
        """(L, 2) PAF channels of each limb: x, y."""
        return _frozen([(limb.paf_x, limb.paf_y) for limb in self.limbs])

    def body_parts_size(self) -> int:
        """The number of body parts, 18 for COCO: the lab's name for it."""
        return len(self.body_parts)


def other_side(body_part: str) -> str:
    """The same part of the body's other side: left_eye for right_eye, nose for nose."""
    sides = {"left": "right", "right": "left"}
    return "_".join(sides.get(word, word) for word in body_part.split("_"))


def _frozen(rows: list[tuple[int, int]]) -> NDArray[np.intp]:
    table = np.array(rows, dtype=np.intp)
    table.setflags(write=False)
    return table


# The order of parts and of PAF channels is that of CMU's COCO networks; the order of limbs is
# the lab's, so that rows come to merge as in the handout's example.
COCO_18 = Config(
    name="COCO_18",
    body_parts=(
        "nose",
        "neck",
        "right_shoulder",
        "right_elbow",
        "right_wrist",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "right_hip",
        "right_knee",
        "right_ankle",
        "left_hip",
        "left_knee",
        "left_ankle",
        "right_eye",
        "left_eye",
        "right_ear",
        "left_ear",
    ),
    limbs=(
        Limb(1, 2, 12, 13),
        Limb(1, 5, 20, 21),
        Limb(2, 3, 14, 15),
        Limb(3, 4, 16, 17),
        Limb(5, 6, 22, 23),
        Limb(6, 7, 24, 25),
        Limb(1, 8, 0, 1),
        Limb(8, 9, 2, 3),
        Limb(9, 10, 4, 5),
        Limb(1, 11, 6, 7),
        Limb(11, 12, 8, 9),
        Limb(12, 13, 10, 11),
        Limb(1, 0, 28, 29),
        Limb(0, 14, 30, 31),
        Limb(14, 16, 34, 35),
        Limb(0, 15, 32, 33),
        Limb(15, 17, 36, 37),
        Limb(2, 16, 18, 19, redundant=True),
        Limb(5, 17, 26, 27, redundant=True),
    ),
)

# Order of parts, limbs and channels: OpenPose's poseParameters.cpp.
BODY_25 = Config(
    name="BODY_25",
    body_parts=(
        *COCO_18.body_parts[:8],  # nose to left_wrist
        "mid_hip",
        *COCO_18.body_parts[8:],  # right_hip to left_ear
        "left_big_toe",
        "left_small_toe",
        "left_heel",
        "right_big_toe",
        "right_small_toe",
        "right_heel",
    ),
    limbs=(
        Limb(1, 8, 0, 1),
        Limb(1, 2, 14, 15),
        Limb(1, 5, 22, 23),
        Limb(2, 3, 16, 17),
        Limb(3, 4, 18, 19),
        Limb(5, 6, 24, 25),
        Limb(6, 7, 26, 27),
        Limb(8, 9, 6, 7),
        Limb(9, 10, 2, 3),
        Limb(10, 11, 4, 5),
        Limb(8, 12, 8, 9),
        Limb(12, 13, 10, 11),
        Limb(13, 14, 12, 13),
        Limb(1, 0, 30, 31),
        Limb(0, 15, 32, 33),
        Limb(15, 17, 36, 37),
        Limb(0, 16, 34, 35),
        Limb(16, 18, 38, 39),
        Limb(2, 17, 20, 21, redundant=True),
        Limb(5, 18, 28, 29, redundant=True),
        Limb(14, 19, 40, 41),
        Limb(19, 20, 42, 43),
        Limb(14, 21, 44, 45),
        Limb(11, 22, 46, 47),
        Limb(22, 23, 48, 49),
        Limb(11, 24, 50, 51),
    ),
)

MPI_15 = Config(
    name="MPI_15",
    body_parts=("head", *COCO_18.body_parts[1:14], "chest"),
    limbs=(
        Limb(0, 1, 0, 1),
        Limb(1, 2, 2, 3),
        Limb(2, 3, 4, 5),
        Limb(3, 4, 6, 7),
        Limb(1, 5, 8, 9),
        Limb(5, 6, 10, 11),
        Limb(6, 7, 12, 13),
        Limb(1, 14, 14, 15),
        Limb(14, 8, 16, 17),
        Limb(8, 9, 18, 19),
        Limb(9, 10, 20, 21),
        Limb(14, 11, 22, 23),
        Limb(11, 12, 24, 25),
        Limb(12, 13, 26, 27),
    ),
)


def get_default_configuration() -> Config:
    """The lab's configuration: COCO's 18 parts and 19 limbs. The same frozen object every time."""
    return COCO_18

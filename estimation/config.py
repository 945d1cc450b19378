"""The configuration: a skeleton layout and every threshold of the stages, frozen.

Callers change a threshold with ``dataclasses.replace(config, peak_threshold=0.1)``, programs with ``--set NAME=VALUE``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from estimation.layouts import LAYOUTS, Layout, Limb
from estimation.thresholds import LARGEST, check_thresholds, threshold

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_HEIGHT = 368
"""Input height in pixels at which OpenPose's networks were trained and are compared."""
HEIGHTS = range(32, 2049)
"""Input heights that make sense: four map cells hold no person, and memory does not last beyond two thousand rows."""


@dataclass(frozen=True)
class Config:
    """A layout and the thresholds with which maps of that layout are read.

    Every default was chosen on photos with known keypoints: docs/accuracy.md has the measurements. Distances are in map
    cells and scores in the units of the maps where nothing else is said.

    Raises:
        ValueError: if a threshold is out of its range.
    """

    layout: Layout

    min_photo_side: int = threshold(8, 1)
    """Pixels. A photo with a shorter side is smaller than one map cell and holds no person."""
    max_input_pixels: int = threshold(4_000_000, 1)
    """A photo that would have more pixels at the given height is scaled to this many, to bound memory. A note
    says so."""

    peak_threshold: float = threshold(0.05)
    """A heatmap maximum at or below this is noise (OpenPose's value)."""
    max_peaks_per_part: int = threshold(127, 1)
    """Only this many of the best peaks of a part are kept, which bounds the time for candidate limbs (OpenPose's limit
    on people). A note says if a photo has more. Raise it for larger crowds: the time grows with its square."""

    limb_samples: int = threshold(10, 1, 1000)
    """Points at which a candidate limb reads the PAF (the lab's ``mid_num``)."""
    long_limb_samples: int = threshold(30, 1, 1000)
    """The same for limbs longer than ``limb_samples`` cells, once they have passed with the few. OpenPose takes up to
    25."""
    sample_threshold: float = threshold(0.05)
    """A sample agrees with the limb if the PAF along it is above this (the lab's value)."""
    min_agreement: float = threshold(0.6, 0, 1)
    """Share of the samples that must agree. The lab says 80 %, its code asks for 9 of 10, OpenPose for more than 95 %;
    a smaller share found more people."""
    max_limb_length: float = threshold(0.5)
    """Limbs longer than this share of the map's height lose score (ZheC's length prior)."""
    short_limb: float = threshold(1.0)
    """Between two peaks closer than this there may be no cell with a PAF, so its silence does not count. OpenPose does
    so up to sqrt(W H) / 150 pixels, which is 0.36 cells at 496 x 368."""
    short_limb_score: float = threshold(0.051)
    """The least PAF score of such a pair: just above the noise, as in OpenPose."""

    min_num_body_parts: int = threshold(4)
    """``merge`` drops people with fewer parts (the handout's value)."""
    min_score: float = threshold(0.4, -LARGEST)
    """``merge`` drops people with a smaller score / parts_num (the handout's value)."""
    min_parts: int = threshold(3)
    """Groupings that see the candidates drop people with fewer parts (OpenPose's value)."""
    min_mean_score: float = threshold(0.4, -LARGEST)
    """They drop people with a smaller score / parts_num (OpenPose's value)."""
    peak_weight: float = threshold(0.1)
    """What a peak's score counts beside the PAF's in ``openpose_cuda`` (OpenPose's value)."""
    tie: float = threshold(0.1)
    """PAF scores that differ by less are a tie in ``spanning_tree``. 0.05 does as well; 0.2 costs average precision."""
    time_limit: float = threshold(4.5)
    """Seconds that ``optimal`` may take to solve one photo. It joins the rest best first."""

    half_tolerance: float = threshold(5.0)
    """A part counts half in the person score if its tolerance is this many cells. From 3 to 8 does as well."""

    def __post_init__(self) -> None:
        check_thresholds(self)

    @property
    def name(self) -> str:
        """The layout's name."""
        return self.layout.name

    @property
    def body_parts(self) -> tuple[str, ...]:
        """The names of the body parts. A part's place is its heatmap channel and its slot in a subset row."""
        return self.layout.body_parts

    @property
    def limbs(self) -> tuple[Limb, ...]:
        """The limbs."""
        return self.layout.limbs

    @property
    def limb_parts(self) -> NDArray[np.intp]:
        """(L, 2) part indices of each limb: from, to."""
        return self.layout.limb_parts

    @property
    def paf_channels(self) -> NDArray[np.intp]:
        """(L, 2) PAF channels of each limb: x, y."""
        return self.layout.paf_channels

    def body_parts_size(self) -> int:
        """The number of body parts, 18 for COCO: the lab's name for it."""
        return len(self.body_parts)


COCO_18 = Config(LAYOUTS["COCO_18"])
"""The lab's configuration: COCO's 18 parts and 19 limbs, and the default thresholds."""


def get_default_configuration() -> Config:
    """The lab's configuration, ``COCO_18``. The same frozen object every time."""
    return COCO_18

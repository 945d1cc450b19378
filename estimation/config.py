"""The configuration: a skeleton layout and every threshold of the stages, frozen.

To change a threshold in Python, call ``dataclasses.replace(config, peak_threshold=0.1)``. On the command line, give
``--set NAME=VALUE``.
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
"""Input height in pixels. OpenPose's networks were trained at this height, and papers compare them at it."""
HEIGHTS = range(32, 2049)
"""Allowed input heights in pixels. Maps of fewer than four rows cannot show a person. Above 2048, memory runs out."""


@dataclass(frozen=True)
class Config:
    """A layout, and the thresholds for maps of that layout.

    Every default was chosen on photos with known keypoints (measurements: docs/accuracy.md). Unless stated otherwise,
    distances are in map cells, and scores are in the units of the maps.

    Raises:
        ValueError: if a threshold is out of its range.
    """

    layout: Layout

    min_photo_side: int = threshold(8, 1)
    """Least length of a photo's shorter side, in pixels. A smaller photo is smaller than one map cell."""
    max_input_pixels: int = threshold(4_000_000, 1)
    """Most pixels of the network's input, to bound memory. A photo with more pixels at the given height is scaled to
    this number, with a warning."""

    peak_threshold: float = threshold(0.05)
    """A heatmap peak of this value or less is noise (OpenPose's value)."""
    max_peaks_per_part: int = threshold(127, 1)
    """Most peaks of a part that are kept, the highest ones, with a warning if there are more. This bounds the time for
    candidate limbs (OpenPose's limit on people). Raise it for larger crowds: the time grows with its square."""

    limb_samples: int = threshold(10, 1, 1000)
    """Number of points on a candidate limb where the PAF is read (the lab's ``mid_num``)."""
    long_limb_samples: int = threshold(30, 1, 1000)
    """The same number for limbs longer than ``limb_samples`` cells. Such a limb first passes with ``limb_samples``
    points, and is then scored with these. OpenPose takes up to 25."""
    sample_threshold: float = threshold(0.05)
    """A sample agrees with the limb if the PAF's component along the limb is above this (the lab's value)."""
    min_agreement: float = threshold(0.6, 0, 1)
    """Share of the samples that must agree. The lab's text requires 80 %, its code 9 of 10, and OpenPose more than
    95 %. A smaller share found more people."""
    max_limb_length: float = threshold(0.5)
    """Limbs longer than this share of the map's height lose score (ZheC's length prior)."""
    short_limb: float = threshold(1.0)
    """A limb shorter than this may have no cell with a PAF, so it passes without one. OpenPose's limit is
    sqrt(W H) / 150 pixels, which is 0.36 cells at 496 x 368."""
    short_limb_score: float = threshold(0.051)
    """Least PAF score of a limb shorter than ``short_limb``: just above the noise, as in OpenPose."""

    min_num_body_parts: int = threshold(4)
    """``merge`` drops people with fewer parts (the handout's value)."""
    min_score: float = threshold(0.4, -LARGEST)
    """``merge`` drops people with a smaller score / parts_num (the handout's value)."""
    min_parts: int = threshold(3)
    """The built-in groupings with a function ``group`` drop people with fewer parts (OpenPose's value)."""
    min_mean_score: float = threshold(0.4, -LARGEST)
    """The same groupings drop people with a smaller score / parts_num (OpenPose's value)."""
    peak_weight: float = threshold(0.1)
    """Weight of a peak's score in ``openpose_cuda``, where the PAF score has weight 1 (OpenPose's value)."""
    tie: float = threshold(0.1)
    """PAF scores that differ by less are a tie in ``spanning_tree``. 0.05 gives equal average precision, 0.2 less."""
    time_limit: float = threshold(4.5)
    """Time in seconds that ``optimal`` may take to solve one photo. It joins the remaining limbs best first."""

    half_tolerance: float = threshold(5.0)
    """Tolerance in cells at which a part counts half in the person score. All values from 3 to 8 work equally well."""

    def __post_init__(self) -> None:
        check_thresholds(self)

    @property
    def name(self) -> str:
        """The layout's name."""
        return self.layout.name

    @property
    def body_parts(self) -> tuple[str, ...]:
        """The names of the body parts. A part's index is its heatmap channel and its slot in a subset row."""
        return self.layout.body_parts

    @property
    def limbs(self) -> tuple[Limb, ...]:
        """The limbs of the layout."""
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
        """Return the number of body parts, 18 for COCO. The lab's code calls it by this name."""
        return len(self.body_parts)


COCO_18 = Config(LAYOUTS["COCO_18"])
"""The lab's configuration: COCO's 18 parts and 19 limbs, and the default thresholds."""


def get_default_configuration() -> Config:
    """Return the lab's configuration, ``COCO_18``. Every call returns the same frozen object."""
    return COCO_18

"""The views of a photo that a network sees: a named preset, or exact heights and scales."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from estimation.config import DEFAULT_HEIGHT, HEIGHTS
from estimation.errors import OpenPoseLabError


@dataclass(frozen=True)
class Views:
    """The views of a photo. The network averages their maps.

    Attributes:
        height: Input height of the network in pixels at scale 1.
        scales: Multiples of ``height``, in any order. Each is a view.
        flip: Whether the network also sees each view mirrored, which doubles the time.

    Raises:
        OpenPoseLabError: ``scales`` is empty, or the height of a view is out of range.
    """

    height: int = DEFAULT_HEIGHT
    scales: tuple[float, ...] = (1.0,)
    flip: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "scales", tuple(self.scales))  # unlike a list, it is hashable and does not change
        if not self.scales:
            raise OpenPoseLabError("no scale is given; give at least one, such as 1")
        check_height(self.height)
        for scale in self.scales:
            try:
                check_height(self._height_at(scale))
            except OpenPoseLabError as error:
                raise OpenPoseLabError(f"{error} at scale {scale:g}") from None

    @property
    def heights(self) -> list[int]:
        """The input height of each view in pixels, in the order of ``scales``."""
        return [self._height_at(scale) for scale in self.scales]

    @property
    def title(self) -> str:
        """The views in words, such as ``height 368 times 0.5, 1, and mirrored``."""
        several = f" times {', '.join(f'{scale:g}' for scale in self.scales)}" if self.scales != (1,) else ""
        return f"height {self.height}{several}{', and mirrored' if self.flip else ''}"

    @property
    def quality(self) -> str | None:
        """The name of the preset with these views, or None."""
        return next((name for name, views in QUALITIES.items() if views == self), None)

    def _height_at(self, scale: float) -> int:
        return round(self.height * scale) if math.isfinite(scale) else 0


def check_height(height: int) -> None:
    """Raise OpenPoseLabError if an input height is out of range."""
    if height not in HEIGHTS:
        raise OpenPoseLabError(f"the height must be from {HEIGHTS[0]} to {HEIGHTS[-1]} pixels but is {height}")


QUALITIES = {
    "fast": Views(368),
    "balanced": Views(480, (0.5, 1.0)),
    "best": Views(800, (0.25, 0.5, 1.0), flip=True),
}
"""The presets by name, found by a search on photos with known keypoints (docs/accuracy.md)."""
DEFAULT_QUALITY = "balanced"
"""The preset of networks that do not name one."""


def choose_views(
    quality: str | None = None,
    height: int | None = None,
    scales: Sequence[float] | None = None,
    flip: bool | None = None,
    default: str = DEFAULT_QUALITY,
) -> Views:
    """Choose the views of a photo: a preset, or exact values.

    Args:
        quality: The name of a preset.
        height, scales, flip: The exact values, as in ``Views``. If at least one is given, the others have the defaults
            of ``Views``: height 368, one scale, not mirrored.
        default: The preset if all other arguments are None.

    Returns:
        The views.

    Raises:
        OpenPoseLabError: No preset has this name, both a preset and an exact value are given, or a value is out of
            range.
    """
    exact: dict[str, Any] = {"height": height, "scales": scales, "flip": flip}
    exact = {name: value for name, value in exact.items() if value is not None}
    if exact and quality is not None:
        raise OpenPoseLabError(
            f"quality {quality} stands for height, scales and flip together; give it or {' and '.join(exact)}, not both"
        )
    if exact:
        return Views(**exact)
    name = quality or default
    if name not in QUALITIES:
        raise OpenPoseLabError(f"there is no quality {name!r}; these are: {', '.join(QUALITIES)}")
    return QUALITIES[name]

"""The people of one photo, as the input of output formats and tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from estimation.skeletons import Skeletons


@dataclass(frozen=True, eq=False)
class Record:
    """The people of one photo or frame, and the columns of tables that describe the photo.

    Attributes:
        name: The photo's name, for display.
        index: The photo's position in its source, from 0.
        timestamp: Seconds from the start of the video. None for a photo.
        width: Width of the photo in pixels.
        height: Height of the photo in pixels.
        skeletons: The people.
        image_id: COCO's id of the photo, from ``image_ids``. None stands for ``index`` + 1.
    """

    name: str
    index: int
    timestamp: float | None
    width: int
    height: int
    skeletons: Skeletons
    image_id: int | None = None

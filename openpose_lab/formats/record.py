"""The people of one photo, as output formats and tables take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from estimation.skeletons import Skeletons


@dataclass(frozen=True, eq=False)
class Record:
    """The people of one photo or frame, and what tables say about the photo.

    Attributes:
        name: the photo's name, as people read it.
        index: the photo's place in its source, from 0.
        timestamp: seconds from the start of the video; None for a photo.
        width: width of the photo in pixels.
        height: height of the photo in pixels.
        skeletons: the people.
        image_id: COCO's id of the photo, one of those that ``image_ids`` gives. None stands for ``index`` + 1.
    """

    name: str
    index: int
    timestamp: float | None
    width: int
    height: int
    skeletons: Skeletons
    image_id: int | None = None

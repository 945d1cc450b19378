"""Lists of the COCO photos that the accuracy tables were measured on.

The folder ``photo_sets`` has one list per set, ``NAME.csv``. Each row is one photo:

    id                   COCO's image id
    file_name            the name of the file
    licence              the licence of the photo, as COCO states it
    converted_keypoints  yes: our figures use keypoints that were converted from another label format; no: COCO's own
    sha256               the SHA-256 checksum of the file
    coco_url             the address of the file at COCO's home
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from estimation.errors import OpenPoseLabError

LISTS = Path(__file__).parent / "photo_sets"
PHOTOS = "images"
"""The folder of the photos, beside ``ANNOTATIONS``."""
ANNOTATIONS = "annotations.json"


@dataclass(frozen=True)
class ListedPhoto:
    """One row of a list. The docstring of this module describes the columns."""

    image_id: int
    file_name: str
    licence: str
    converted_keypoints: bool
    sha256: str
    coco_url: str


@dataclass(frozen=True)
class PhotoSet:
    """Photos of one COCO split, for example ``train2017``, in the order of their list."""

    name: str
    photos: tuple[ListedPhoto, ...]

    @property
    def split(self) -> str:
        """The COCO split of the photos."""
        return self.photos[0].coco_url.split("/")[-2]


def photo_set_names() -> list[str]:
    """List the names of the photo sets.

    Returns:
        The names, sorted.
    """
    return sorted(path.stem for path in LISTS.glob("*.csv"))


def load_photo_set(name: str) -> PhotoSet:
    """Read the list of a photo set.

    Args:
        name: The name of the set.

    Returns:
        The set.

    Raises:
        OpenPoseLabError: No set has this name.
    """
    if name not in photo_set_names():
        raise OpenPoseLabError(f"no photo set is named {name!r}; choose one of: {', '.join(photo_set_names())}")
    with (LISTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        photos = tuple(
            ListedPhoto(
                int(row["id"]),
                row["file_name"],
                row["licence"],
                row["converted_keypoints"] == "yes",
                row["sha256"],
                row["coco_url"],
            )
            for row in csv.DictReader(file)
        )
    return PhotoSet(name, photos)

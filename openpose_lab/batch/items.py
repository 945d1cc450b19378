"""The items of a data set: photos, videos, and rows of Parquet files."""

from __future__ import annotations

from dataclasses import dataclass

PHOTO, VIDEO, ROWS = "photo", "video", "rows"
"""The kinds of items."""
PHOTOS_A_PART = 256
"""The usual number of photos in a part. A killed job loses the unfinished parts, at most a few seconds of work."""


@dataclass(frozen=True)
class Item:
    """One photo, one video, or successive rows of a Parquet file with a photo each.

    Attributes:
        kind: ``PHOTO``, ``VIDEO`` or ``ROWS``.
        name: The file's name in the source's folder, or an absolute path, or an address.
        row: The first row in the Parquet file; 0 for other kinds.
        count: The number of photos: the number of rows, and 1 for other kinds.
        group: The row group of the Parquet file that holds the rows; 0 for other kinds.
    """

    kind: str
    name: str
    row: int = 0
    count: int = 1
    group: int = 0

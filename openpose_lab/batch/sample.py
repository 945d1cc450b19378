"""A sample of a plan, from which ``--dry-run`` estimates the time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from openpose_lab.batch.items import PHOTO, ROWS, VIDEO
from openpose_lab.batch.plan import section

if TYPE_CHECKING:
    import pyarrow

    from openpose_lab.batch.plan import Plan

_TASKS = 8
"""The number of reading tasks for the photos of a sample, if it has as many photos."""


def sample_of(plan: Plan, photos: int, videos: int) -> tuple[list[pyarrow.Table], list[pyarrow.Table]]:
    """Choose photos and videos at even distances.

    Args:
        plan: The plan.
        photos: The largest number of photos.
        videos: The largest number of videos.

    Returns:
        Reading tasks: for the photos, about eight or more, so that several tasks run at once; and one for each video.
    """
    import pyarrow

    kinds = plan.table["kind"].to_pylist()
    still = [row for row, kind in enumerate(kinds) if kind != VIDEO]
    moving = [row for row, kind in enumerate(kinds) if kind == VIDEO]
    chosen = plan.table.take(pyarrow.array(_evenly(still, photos), pyarrow.int64())).to_pylist()
    files = [item for item in chosen if item["kind"] == PHOTO]
    size = max(1, len(files) // _TASKS)
    tasks = [files[start : start + size] for start in range(0, len(files), size)]
    for item in chosen:
        if item["kind"] == ROWS:
            tasks += _rows_of(item, photos // len(chosen), max(1, photos // _TASKS))
    photo_tasks = [pyarrow.Table.from_pylist(task, schema=plan.table.schema) for task in tasks]
    return photo_tasks, [plan.table.take([row]) for row in _evenly(moving, videos)]


def _rows_of(item: dict[str, Any], most: int, size: int) -> Iterator[list[dict[str, Any]]]:
    """Yield tasks of at most ``size`` rows for the first ``most`` rows of an item of a Parquet file."""
    count = min(item["count"], most)
    for start in range(0, count, size):
        yield [section(item, start, min(size, count - start))]


def _evenly(rows: list[int], most: int) -> list[int]:
    return list(dict.fromkeys(rows[number * len(rows) // most] for number in range(most))) if rows else []

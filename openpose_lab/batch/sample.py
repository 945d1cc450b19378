"""A sample of a plan, from which ``--dry-run`` estimates the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openpose_lab.batch.items import VIDEO

if TYPE_CHECKING:
    import pyarrow

    from openpose_lab.batch.plan import Plan


def sample_of(plan: Plan, photos: int, videos: int) -> tuple[list[pyarrow.Table], list[pyarrow.Table]]:
    """Choose photos and videos at even distances.

    Args:
        plan: The plan.
        photos: The largest number of photos.
        videos: The largest number of videos.

    Returns:
        Reading tasks: for the photos, one for each eighth of them, so that several tasks run at once; and one for each
        video.
    """
    kinds = plan.table["kind"].to_pylist()
    still = [row for row, kind in enumerate(kinds) if kind != VIDEO]
    moving = [row for row, kind in enumerate(kinds) if kind == VIDEO]
    chosen = _evenly(still, photos)
    size = max(1, len(chosen) // 8)
    starts = range(0, len(chosen), size)
    most = photos // len(chosen) if chosen else 0
    photo_tasks = [_first_photos(plan.table.take(chosen[start : start + size]), most) for start in starts]
    return photo_tasks, [plan.table.take([row]) for row in _evenly(moving, videos)]


def _first_photos(table: Any, most: int) -> Any:
    """Keep at most ``most`` photos of each item. Only an item of a Parquet file has several."""
    import pyarrow
    import pyarrow.compute as compute

    place = table.schema.get_field_index("count")
    counts = compute.min_element_wise(table["count"], pyarrow.scalar(most, pyarrow.int64()))
    return table.set_column(place, table.schema.field(place), counts)


def _evenly(rows: list[int], most: int) -> list[int]:
    return list(dict.fromkeys(rows[number * len(rows) // most] for number in range(most))) if rows else []

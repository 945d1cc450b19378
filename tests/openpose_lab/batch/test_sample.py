"""The sample of ``--dry-run`` has photos from all of a plan, also if it has few items with many rows."""

import pytest

from openpose_lab.batch.items import PHOTO, ROWS, VIDEO, Item
from openpose_lab.batch.plan import empty_plan
from openpose_lab.batch.sample import sample_of
from tests.support.extras import needs

pytestmark = needs("pyarrow")


def sampled(items, photos=64, videos=3):
    """Return (name, row, count) of the sampled photos, task by task, and the names of the sampled videos."""
    still, moving = sample_of(empty_plan().extended(items, photos_a_part=256), photos, videos)
    rows = [[(row["name"], row["row"], row["count"]) for row in task.to_pylist()] for task in still]
    return rows, [row["name"] for task in moving for row in task.to_pylist()]


def test_photos_are_at_even_distances_in_eight_tasks():
    tasks, _ = sampled([Item(PHOTO, f"{number}.jpg") for number in range(640)])
    assert [name for task in tasks for name, _, _ in task] == [f"{number}.jpg" for number in range(0, 640, 10)]
    assert [len(task) for task in tasks] == [8] * 8


@pytest.mark.parametrize("count", [1, 5, 64])
def test_few_photos_are_all_sampled(count):
    tasks, _ = sampled([Item(PHOTO, f"{number}.jpg") for number in range(count)])
    assert [name for task in tasks for name, _, _ in task] == [f"{number}.jpg" for number in range(count)]


def test_items_of_a_parquet_file_give_as_many_photos_as_fit():
    items = [Item(ROWS, "t.parquet", 256 * number, 256, number) for number in range(4)]
    tasks, _ = sampled(items)
    assert tasks == [[("t.parquet", 256 * number + start, 8)] for number in range(4) for start in (0, 8)]
    assert sampled([Item(ROWS, "t.parquet", 0, 3, 0)])[0] == [[("t.parquet", 0, 3)]]
    assert sampled([Item(ROWS, "t.parquet", 0, 200, 0)])[0] == [[("t.parquet", start, 8)] for start in range(0, 64, 8)]


def test_a_task_has_photos_or_one_item_of_a_parquet_file():
    items = [Item(PHOTO, f"{number}.jpg") for number in range(100)]
    items += [Item(ROWS, f"{number % 3}.parquet", 100 * number, 100, number) for number in range(200)]
    tasks, _ = sampled(items)
    assert sum(count for task in tasks for _, _, count in task) == 64
    for task in tasks:
        assert len(task) == 1 or all(name.endswith(".jpg") for name, _, _ in task)


def test_the_index_of_a_row_is_its_place_in_the_plan():
    plan = empty_plan().extended([Item(PHOTO, "a.jpg"), Item(ROWS, "t.parquet", 10, 20, 0)], photos_a_part=256)
    rows = [row for task in sample_of(plan, 16, 0)[0] for row in task.to_pylist()]
    assert [(row["index"], row["row"]) for row in rows] == [(0, 0), (1, 10), (3, 12), (5, 14), (7, 16)]


def test_videos_are_sampled_apart():
    tasks, videos = sampled([Item(VIDEO, f"{number}.mp4") for number in range(6)])
    assert (tasks, videos) == ([], ["0.mp4", "2.mp4", "4.mp4"])

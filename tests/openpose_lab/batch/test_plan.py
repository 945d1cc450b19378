"""Items become parts, and parts become reading tasks. A plan grows at its end only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openpose_lab.batch.items import PHOTO, ROWS, VIDEO, Item
from openpose_lab.batch.plan import empty_plan, from_bytes, to_bytes
from tests.support.extras import needs

pytestmark = needs("pyarrow")

MIXED = [
    *(Item(PHOTO, f"{number}.jpg") for number in range(5)),
    Item(VIDEO, "a.mp4"),
    Item(PHOTO, "z.jpg"),
    Item(ROWS, "t.parquet", 0, 3, 0),
    Item(ROWS, "t.parquet", 3, 2, 0),
    Item(ROWS, "t.parquet", 5, 4, 1),
]


def parts_of(plan):
    return plan.table["part"].to_pylist()


def test_a_video_and_rows_have_a_part_each():
    plan = empty_plan().extended(MIXED, photos_a_part=2)
    assert parts_of(plan) == [0, 0, 1, 1, 2, 3, 4, 5, 6, 7]
    assert plan.table["index"].to_pylist() == [0, 1, 2, 3, 4, 5, 6, 7, 10, 12]
    assert (plan.parts, plan.photos) == (8, 16)
    assert plan.counts() == [2, 2, 1, 1, 1, 3, 2, 4]
    assert plan.photos_in({0, 5, 8}) == 5
    assert plan.kinds() == {PHOTO: 15, VIDEO: 1}


def test_the_rows_of_one_row_group_are_one_task():
    tasks = empty_plan().extended(MIXED, photos_a_part=2).tasks()
    assert [parts["part"].to_pylist() for parts in tasks] == [[0, 0], [1, 1], [2], [3], [4], [5, 6], [7]]


def test_finished_parts_are_left_out_of_tasks():
    tasks = empty_plan().extended(MIXED, photos_a_part=2).tasks(done={0, 3, 5, 7})
    assert [parts["part"].to_pylist() for parts in tasks] == [[1, 1], [2], [4], [6]]


def test_new_items_come_after_the_old_parts():
    old = empty_plan().extended(MIXED[:3], photos_a_part=2)
    grown = old.extended([Item(PHOTO, "new.jpg"), *MIXED[:3]], photos_a_part=2)
    assert grown.table.slice(0, 3).equals(old.table)
    assert grown.table["name"].to_pylist() == ["0.jpg", "1.jpg", "2.jpg", "new.jpg"]
    assert parts_of(grown) == [0, 0, 1, 2]


def test_an_item_that_comes_twice_is_done_once():
    assert empty_plan().extended([MIXED[0], MIXED[0]]).photos == 1


def test_an_empty_plan_has_no_task():
    assert empty_plan().tasks() == []
    assert (empty_plan().photos, empty_plan().parts, empty_plan().counts()) == (0, 0, [])


def test_a_plan_is_the_same_after_its_file():
    plan = empty_plan().extended(MIXED)
    assert from_bytes(to_bytes(plan)).table.equals(plan.table)
    with pytest.raises(ValueError):
        from_bytes(to_bytes(plan)[:-20])


items = st.builds(Item, st.sampled_from([PHOTO, VIDEO]), st.text(min_size=1, max_size=4))


@given(st.lists(items), st.lists(items), st.integers(1, 5), st.sets(st.integers(0, 8)))
def test_each_unfinished_item_is_in_exactly_one_task(first, second, size, done):
    plan = empty_plan().extended(first, size).extended(second, size)
    assert plan.photos == len({*first, *second})
    named = [(row["part"], row["kind"], row["name"]) for task in plan.tasks(done) for row in task.to_pylist()]
    rows = plan.table.to_pylist()
    assert named == [(row["part"], row["kind"], row["name"]) for row in rows if row["part"] not in done]
    assert [row["index"] for row in rows] == list(range(len(rows)))
    assert max(plan.counts(), default=0) <= size

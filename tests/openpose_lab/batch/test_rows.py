"""The table of people keeps every number, and names its body parts."""

import io
import json

import numpy as np

from estimation.layouts import LAYOUTS
from estimation.skeletons import Skeletons
from openpose_lab.batch.rows import (
    Failure,
    Found,
    failures_table,
    from_stream,
    people_schema,
    people_table,
    to_parquet,
    to_stream,
)
from tests.support.extras import needs

pytestmark = needs("pyarrow")

LAYOUT = LAYOUTS["COCO_18"]
PARTS = len(LAYOUT.body_parts)


def people(rng, count, identities=None):
    keypoints = rng.uniform(0, 600, (count, PARTS, 2))
    peak_ids = np.arange(count * PARTS).reshape(count, PARTS)
    missing = rng.random((count, PARTS)) < 0.3
    keypoints[missing], peak_ids[missing] = np.nan, -1
    scores = np.where(missing, 0, rng.random((count, PARTS)))
    ids = None if identities is None else np.array(identities)
    return Skeletons(keypoints, scores, np.sort(rng.random(count))[::-1], peak_ids, ids)


def test_a_table_keeps_the_people(rng):
    found = [
        Found("a.jpg", 4, None, 640, 480, people(rng, 2)),
        Found("b.jpg", 5, None, 10, 20, people(rng, 0)),
        Found("c.mp4", 7, 0.25, 30, 40, people(rng, 1, [3])),
    ]
    table = people_table(found, LAYOUT)
    assert table.schema.equals(people_schema(LAYOUT), check_metadata=True)
    assert table["source"].to_pylist() == ["a.jpg", "a.jpg", "c.mp4"]
    assert table["index"].to_pylist() == [4, 4, 7]
    assert table["timestamp_s"].to_pylist() == [None, None, 0.25]
    assert table["person"].to_pylist() == [0, 1, 0]
    assert table["person_id"].to_pylist() == [None, None, 3]
    assert (table["width_px"].to_pylist(), table["height_px"].to_pylist()) == ([640, 640, 30], [480, 480, 40])
    expected = np.concatenate([one.skeletons.keypoints for one in found])
    kept = np.array(table["keypoints"].to_pylist(), float).reshape(-1, PARTS, 2)
    np.testing.assert_allclose(kept, expected, atol=5e-5)
    np.testing.assert_allclose(
        np.array(table["scores"].to_pylist()), np.concatenate([one.skeletons.scores for one in found]), atol=1e-6
    )


def test_people_come_in_the_order_of_their_scores(rng):
    skeletons = people(rng, 3).select([2, 0, 1])
    scores = people_table([Found("a", 0, None, 1, 1, skeletons)], LAYOUT)["score"].to_pylist()
    assert scores == sorted(scores, reverse=True)


def test_a_table_without_people_has_the_same_schema():
    for found in ([], [Found("a", 0, None, 1, 1, people(np.random.default_rng(0), 0))]):
        table = people_table(found, LAYOUT)
        assert (len(table), table.schema) == (0, people_schema(LAYOUT))


def test_a_file_is_sorted_by_index_and_names_the_body_parts(rng):
    import pyarrow.parquet

    tables = [people_table([Found(str(number), number, None, 9, 9, people(rng, 2))], LAYOUT) for number in (3, 0, 2)]
    data = to_parquet([from_stream(to_stream(table)) for table in tables], {"part": "7"})
    read = pyarrow.parquet.read_table(io.BytesIO(data))
    assert read["index"].to_pylist() == [0, 0, 2, 2, 3, 3]
    assert read["person"].to_pylist() == [0, 1, 0, 1, 0, 1]
    assert json.loads(read.schema.metadata[b"body_parts"]) == list(LAYOUT.body_parts)
    assert json.loads(read.schema.field("keypoints").metadata[b"body_parts"]) == list(LAYOUT.body_parts)
    assert read.schema.metadata[b"layout"] == LAYOUT.name.encode()
    assert read.schema.metadata[b"part"] == b"7"
    assert read.schema.field("keypoints").type.list_size == 2 * PARTS


def test_failures_are_rows():
    table = failures_table([Failure("a.jpg", 3, "it is broken")])
    assert table.to_pylist() == [{"source": "a.jpg", "index": 3, "reason": "it is broken"}]

"""The table of people, as CSV, Parquet and data frame, each read by what its users have."""

import csv
import io
import json
import math
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from estimation.layouts import LAYOUTS
from estimation.skeletons import FILLED
from openpose_lab import to_dataframe
from openpose_lab.formats import FORMATS, parquet_table
from openpose_lab.formats.tables import column_types
from tests.openpose_lab.formats.conftest import COCO_18, random_records, sizes_while_writing
from tests.support.extras import needs

FIRST = ["photo", "index", "timestamp_s", "width_px", "height_px", "person", "person_id", "score"]


def written(name, records, unit="pixels"):
    file = io.BytesIO()
    FORMATS[name].write(iter(records), COCO_18, file, unit)
    assert not file.closed
    return file.getvalue()


def test_every_column_has_its_unit():
    assert list(column_types(COCO_18, "pixels"))[:12] == [*FIRST, "filled", "nose_x_px", "nose_y_px", "nose_score"]
    assert list(column_types(COCO_18, "0..1"))[9:12] == ["nose_x_0_to_1", "nose_y_0_to_1", "nose_score"]
    assert list(column_types(COCO_18, "-1..1"))[9:11] == ["nose_x_minus_1_to_1", "nose_y_minus_1_to_1"]
    assert [len(column_types(LAYOUTS[name], "pixels")) for name in ("MPI_15", "BODY_25")] == [9 + 45, 9 + 75]


def test_csv_by_the_standard_library(record, nobody):
    text = written("csv", [record, nobody, replace(record, timestamp=0.25)]).decode("utf-8")
    assert "\r" not in text
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [(row["photo"], row["index"], row["timestamp_s"], row["person"], row["score"]) for row in rows] == [
        ("photo.jpg", "3", "", "0", "2.5"),
        ("photo.jpg", "3", "", "1", "0.75"),
        ("photo.jpg", "3", "0.25", "0", "2.5"),
        ("photo.jpg", "3", "0.25", "1", "0.75"),
    ]
    assert (rows[0]["width_px"], rows[0]["height_px"]) == ("640", "480")
    assert (rows[0]["nose_x_px"], rows[0]["nose_y_px"], rows[0]["nose_score"]) == ("11.5", "9.1235", "0.7")
    assert (rows[1]["neck_x_px"], rows[1]["neck_y_px"], rows[1]["neck_score"]) == ("", "", "")
    assert (rows[1]["right_eye_x_px"], rows[1]["right_eye_score"]) == ("639.0", "0.25")


def test_csv_in_another_unit(record):
    rows = list(csv.DictReader(io.StringIO(written("csv", [record], "-1..1").decode())))
    assert (rows[1]["nose_x_minus_1_to_1"], rows[1]["right_eye_y_minus_1_to_1"]) == ("-1.0", "1.0")


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=1+1.jpg", "'=1+1.jpg"),
        ("a;@b.jpg", "a;'@b.jpg"),
        ('"q", n\n\r.jpg', '"q", n\n\r.jpg'),
        ("é 🎿.jpg", "é 🎿.jpg"),
        ("caf\udce9.jpg", "caf\\udce9.jpg"),
    ],
)
def test_names_of_photos_in_csv(record, name, cell):
    text = written("csv", [replace(record, name=name)]).decode("utf-8")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert [row[0] for row in rows] == ["photo", cell, cell]
    assert {len(row) for row in rows} == {9 + 54}


def test_a_table_of_nobody_has_its_header(nobody):
    assert written("csv", [nobody]) == written("csv", []) == written("csv", []).strip() + b"\n"
    assert written("csv", []).startswith(b"photo,index,")


def test_tidy_csv_has_a_row_for_each_keypoint_that_was_found(record, nobody):
    rows = list(csv.DictReader(io.StringIO(written("tidy-csv", [record, nobody]).decode(), newline="")))
    people = list(csv.DictReader(io.StringIO(written("csv", [record]).decode(), newline="")))
    expected = [
        {**{name: person[name] for name in FIRST}, "part": part}
        | {f"part_{name}": person[f"{part}_{name}"] for name in ("x_px", "y_px", "score")}
        | {"part_filled": "0"}
        for person in people
        for part in COCO_18.body_parts
        if person[f"{part}_score"]
    ]
    assert 0 < len(rows) == record.skeletons.present.sum()
    assert rows == expected
    assert written("tidy-csv", [nobody]).decode().startswith("photo,index,")
    assert "part_x_0_to_1" in written("tidy-csv", [record], "0..1").decode()


@pytest.mark.parametrize("name", ["csv", pytest.param("parquet", marks=needs("pyarrow"))])
def test_skeletons_of_another_layout_are_refused(record, name):
    with pytest.raises(ValueError, match="the skeletons have 18 body parts, but MPI_15 has 15"):
        FORMATS[name].encode(record, LAYOUTS["MPI_15"])


def tracked(record):
    """The record of two people with identities; the left wrist and the nose of the surer one were filled."""
    ids = record.skeletons.peak_ids.copy()
    keypoints, scores = record.skeletons.keypoints.copy(), record.skeletons.scores.copy()
    ids[1, [0, 7]] = FILLED
    keypoints[1, 7], scores[1, 7] = (5, 6), 0.25
    skeletons = replace(
        record.skeletons, keypoints=keypoints, scores=scores, peak_ids=ids, person_ids=np.array([4, 11])
    )
    return replace(record, skeletons=skeletons)


def test_identities_and_filled_keypoints_in_csv(record):
    rows = list(csv.DictReader(io.StringIO(written("csv", [tracked(record)]).decode())))
    assert [(row["person"], row["person_id"], row["filled"]) for row in rows] == [
        ("0", "11", "nose left_wrist"),
        ("1", "4", ""),
    ]
    rows = list(csv.DictReader(io.StringIO(written("tidy-csv", [tracked(record)]).decode())))
    assert [(row["person_id"], row["part"], row["part_filled"]) for row in rows] == [
        ("11", "nose", "1"),
        ("11", "neck", "0"),
        ("11", "left_wrist", "1"),
        ("4", "nose", "0"),
        ("4", "right_eye", "0"),
    ]


def test_json_lines(record, nobody):
    lines = written("jsonl", [tracked(record), nobody]).splitlines()
    first, second = map(json.loads, lines)
    assert {key: first[key] for key in ("photo", "index", "timestamp", "width", "height")} == {
        "photo": "photo.jpg",
        "index": 3,
        "timestamp": None,
        "width": 640,
        "height": 480,
    }
    surer, other = first["people"]
    assert (surer["person_id"], surer["score"], surer["filled"]) == (11, 2.5, [0, 7])
    assert surer["pose_keypoints_2d"][:6] == [11.5, 9.1235, 0.7, 30, 17.5, 1]
    assert surer["pose_keypoints_2d"][21:24] == [5, 6, 0.25]
    assert (other["person_id"], "filled" in other, len(other["pose_keypoints_2d"])) == (4, False, 54)
    assert second == {"photo": "empty.jpg", "index": 4, "timestamp": 1.5, "width": 320, "height": 240, "people": []}


def test_json_has_identities_and_filled_keypoints(record):
    people = json.loads(FORMATS["json"].encode(tracked(record), COCO_18, "pixels"))["people"]
    assert [(person["person_id"], person.get("filled")) for person in people] == [([11], [0, 7]), ([4], None)]


def test_csv_is_written_photo_by_photo():
    sizes, whole = sizes_while_writing("csv")
    assert 0 < sizes[0] < sizes[1] < sizes[2] < whole


@needs("pandas")
def test_csv_by_pandas_is_the_data_frame():
    import pandas as pd

    read = pd.read_csv(io.BytesIO(written("csv", random_records(5))))
    pd.testing.assert_frame_equal(read.astype({"filled": object}), to_dataframe(random_records(5), COCO_18))
    assert read["index"].tolist() == 3 * [0] + 3 * [1] + 3 * [2] + 3 * [3] + 3 * [4]


@needs("pandas")
def test_a_data_frame(record, nobody):
    frame = to_dataframe(record, COCO_18)
    assert list(frame.columns) == list(column_types(COCO_18, "pixels"))
    assert frame["photo"].tolist() == ["photo.jpg", "photo.jpg"]
    assert frame["person"].tolist() == [0, 1]
    assert frame["nose_x_px"].tolist() == [11.5, 0]
    assert frame["neck_x_px"].isna().tolist() == [False, True]
    assert frame["timestamp_s"].isna().all()
    assert len(to_dataframe([record, nobody, record], COCO_18, "0..1")) == 4


@needs("pandas")
def test_a_data_frame_of_nobody_has_its_columns(record, nobody):
    types = to_dataframe(record, COCO_18).dtypes
    for nothing in ([], nobody):
        frame = to_dataframe(nothing, COCO_18)
        assert len(frame) == 0
        assert frame.drop(columns="photo").dtypes.equals(types.drop("photo"))


def test_without_pandas(record, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(OpenPoseLabError, match="^to_dataframe needs pandas, which is not installed; run `pip install"):
        to_dataframe(record, COCO_18)


@needs("pyarrow")
def test_parquet_by_pyarrow(record, nobody):
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(io.BytesIO(written("parquet", [record, nobody], "0..1")))
    assert table.schema.names == list(column_types(COCO_18, "0..1"))
    kinds = {name: str(table.schema.field(name).type) for name in [*FIRST, "filled", "nose_x_0_to_1"]}
    assert kinds == {
        **dict.fromkeys(["index", "width_px", "height_px", "person", "person_id"], "int64"),
        **dict.fromkeys(["timestamp_s", "score", "nose_x_0_to_1"], "double"),
        **dict.fromkeys(["photo", "filled"], "string"),
    }
    metadata = table.schema.metadata
    assert (metadata[b"unit"], metadata[b"layout"]) == (b"0..1", b"COCO_18")
    assert json.loads(metadata[b"body_parts"]) == list(COCO_18.body_parts)
    first, second = table.to_pylist()
    assert (first["photo"], first["index"], first["timestamp_s"], first["person"]) == ("photo.jpg", 3, None, 0)
    assert (second["right_eye_x_0_to_1"], second["neck_x_0_to_1"], second["neck_score"]) == (1, None, None)


@needs("pyarrow")
@needs("pandas")
@pytest.mark.parametrize("count", [0, 5])
def test_parquet_by_pandas_is_the_data_frame(count):
    import pandas as pd

    read = pd.read_parquet(io.BytesIO(written("parquet", random_records(count))))
    read["filled"] = read["filled"].astype(object).where(read["filled"].notna(), np.nan)  # None before pandas 3
    pd.testing.assert_frame_equal(read, to_dataframe(random_records(count), COCO_18), check_dtype=count > 0)


@needs("pyarrow")
def test_parquet_of_nobody_has_its_schema(record, nobody):
    import pyarrow.parquet

    schema = pyarrow.parquet.read_schema(io.BytesIO(written("parquet", [record])))
    for nothing in ([], [nobody]):
        table = pyarrow.parquet.read_table(io.BytesIO(written("parquet", nothing)))
        assert len(table) == 0
        assert table.schema.equals(schema, check_metadata=True)


@needs("pyarrow")
def test_parquet_is_written_in_row_groups(monkeypatch):
    import pyarrow.parquet

    monkeypatch.setattr(parquet_table, "ROWS", 10)
    file = io.BytesIO()
    sizes = []

    def watched():
        for record in random_records(10):
            sizes.append(file.tell())
            yield record

    FORMATS["parquet"].write(watched(), COCO_18, file, "pixels")
    grown = [later > earlier for earlier, later in pairwise(sizes)]
    assert grown == [False, False, False, True, False, False, False, True, False]
    metadata = pyarrow.parquet.read_metadata(file)
    assert [metadata.row_group(place).num_rows for place in range(metadata.num_row_groups)] == [12, 12, 6]


@needs("pyarrow")
def test_photos_without_people_do_not_pile_up(nobody, monkeypatch):
    monkeypatch.setattr(parquet_table, "ROWS", 10)
    kept = []
    monkeypatch.setattr(parquet_table, "_write_group", lambda writer, photos: kept.append(len(photos)))
    written("parquet", 25 * [nobody])
    assert kept == [10, 10]


@needs("pyarrow")
def test_names_of_photos_in_parquet(record):
    import pyarrow.parquet

    names = ["=1+1.jpg", "é 🎿\n.jpg", "caf\udce9.jpg"]
    records = [replace(record, name=name, timestamp=math.pi) for name in names]
    table = pyarrow.parquet.read_table(io.BytesIO(written("parquet", records)))
    assert table["photo"].to_pylist()[::2] == ["=1+1.jpg", "é 🎿\n.jpg", "caf\\udce9.jpg"]
    assert set(table["timestamp_s"].to_pylist()) == {math.pi}


def test_numbers_of_numpy_are_written(record):
    same = replace(record, index=np.int64(3), width=np.int32(640), height=np.int32(480))
    assert written("csv", [same]) == written("csv", [record])

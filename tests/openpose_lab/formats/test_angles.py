"""The table of joint angles, and the examples of its page."""

import csv
import io
import re
from dataclasses import replace

import numpy as np
import pytest

from estimation.angles import joint_angles
from estimation.layouts import LAYOUTS, Layout
from estimation.layouts.human import STANDING
from estimation.skeletons import FILLED, Skeletons
from openpose_lab.formats import FORMATS
from openpose_lab.formats.record import Record
from openpose_lab.formats.tables import OF_PERSON
from tests.conftest import ROOT
from tests.openpose_lab.formats.conftest import COCO_18, sizes_while_writing
from tests.support.scenes import HUMAN_LAYOUTS

PAGE = (ROOT / "docs" / "angles.md").read_text(encoding="utf-8")


def standing(layout, count=2):
    """People who stand in a row; the last is the surest."""
    places = np.array([STANDING[part] for part in layout.body_parts]) * 200
    keypoints = np.stack([places + np.array([100 + 120 * person, 20]) for person in range(count)])
    scores, ids = np.full(keypoints.shape[:2], 0.5), np.zeros(keypoints.shape[:2], np.intp)
    skeletons = Skeletons(keypoints, scores, np.arange(1.0, count + 1), ids, np.arange(5, 5 + count))
    return Record("photo.jpg", 3, 0.5, 640, 480, skeletons)


def rows_of(record, layout=COCO_18, unit="pixels"):
    return list(csv.DictReader(io.StringIO(FORMATS["angles"].encode(record, layout, unit).decode(), newline="")))


@pytest.mark.parametrize("name", HUMAN_LAYOUTS)
def test_a_row_has_the_person_and_the_angles(name):
    layout = LAYOUTS[name]
    record = standing(layout)
    people = list(csv.DictReader(io.StringIO(FORMATS["csv"].encode(record, layout).decode(), newline="")))
    rows = rows_of(record, layout)
    names, degrees = joint_angles(layout, record.skeletons.keypoints[::-1])
    assert list(rows[0]) == [*OF_PERSON, "filled_angles", *(f"{one}_deg" for one in names)]
    assert [{key: row[key] for key in OF_PERSON} for row in rows] == [
        {key: person[key] for key in OF_PERSON} for person in people
    ]
    assert [[float(row[f"{one}_deg"]) for one in names] for row in rows] == np.round(degrees, 2).tolist()
    assert all(re.fullmatch(r"-?\d{1,3}\.\d{1,2}", row["left_shoulder_deg"]) for row in rows)
    assert (rows[0]["trunk_deg"], rows[0]["filled_angles"]) == ("0.0", "")
    assert ("left_ankle_deg" in rows[0]) == (name == "BODY_25")


def test_missing_and_filled_parts():
    record = standing(COCO_18, 1)
    knee, wrist = COCO_18.body_parts.index("left_knee"), COCO_18.body_parts.index("right_wrist")
    keypoints, ids = record.skeletons.keypoints.copy(), record.skeletons.peak_ids.copy()
    keypoints[0, wrist], ids[0, wrist], ids[0, knee] = np.nan, -1, FILLED
    (row,) = rows_of(replace(record, skeletons=replace(record.skeletons, keypoints=keypoints, peak_ids=ids)))
    (whole,) = rows_of(record)
    assert row["filled_angles"] == "left_knee left_hip"
    assert row["right_elbow_deg"] == ""
    assert {**row, "filled_angles": "", "right_elbow_deg": whole["right_elbow_deg"]} == whole


def test_the_unit_of_keypoints_changes_nothing():
    record = standing(COCO_18)
    assert rows_of(record, unit="0..1") == rows_of(record, unit="-1..1") == rows_of(record)


def test_nobody_and_a_layout_without_joints(nobody):
    assert FORMATS["angles"].encode(nobody, COCO_18).decode().startswith("photo,index,")
    assert FORMATS["angles"].encode(nobody, COCO_18).count(b"\n") == 1
    toy = Layout("TOY", ("top", "bottom"), (), sigmas=(0.1, 0.1))
    skeletons = Skeletons(np.ones((1, 2, 2)), np.ones((1, 2)), np.ones(1), np.zeros((1, 2), np.intp))
    (row,) = rows_of(replace(nobody, skeletons=skeletons), toy)
    assert list(row) == [*OF_PERSON, "filled_angles"]


def test_skeletons_of_another_layout_are_refused():
    with pytest.raises(ValueError, match="the skeletons have 18 body parts, but MPI_15 has 15"):
        FORMATS["angles"].encode(standing(COCO_18), LAYOUTS["MPI_15"])


def test_the_table_is_written_photo_by_photo():
    sizes, whole = sizes_while_writing("angles")
    assert 0 < sizes[0] < sizes[1] < sizes[2] < whole


def test_the_page_names_every_column():
    names, _ = joint_angles(LAYOUTS["BODY_25"], np.zeros((0, 25, 2)))
    for name in ("filled_angles", *(f"{one}_deg" for one in names)):
        assert f"`{name}`" in PAGE


def test_the_example_with_pandas_runs(tmp_path, monkeypatch, capsys):
    pytest.importorskip("pandas")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "angles.csv").write_bytes(FORMATS["angles"].encode(standing(COCO_18), COCO_18))
    (code,) = re.findall(r"```python\n(import pandas.*?)```", PAGE, re.DOTALL)
    scope = {}
    exec(compile(code, "angles.md", "exec"), scope)
    assert "left_knee_deg" in capsys.readouterr().out
    facing_right, facing_left = rows_of(standing(COCO_18))
    angles = scope["angles"]
    assert angles["left_shoulder_deg"].tolist() == [
        float(facing_right["left_shoulder_deg"]),
        -float(facing_left["left_shoulder_deg"]),
    ]
    assert angles["left_knee_deg"].tolist() == [float(row["left_knee_deg"]) for row in (facing_right, facing_left)]


@pytest.mark.slow
def test_the_example_of_python_runs(capsys):
    (code,) = re.findall(r"```python\n(from estimation.*?)```", PAGE, re.DOTALL)
    exec(compile(code.replace("images/", f"{ROOT}/images/"), "angles.md", "exec"), {})
    assert capsys.readouterr().out.startswith("left_knee [")

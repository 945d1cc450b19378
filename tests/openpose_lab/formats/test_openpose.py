"""OpenPose's JSON, read as programs for OpenPose's files and ControlNet's editors read it."""

import json

import pytest

from estimation.layouts import LAYOUTS
from openpose_lab.formats import FORMATS
from openpose_lab.formats.openpose import to_openpose
from openpose_lab.formats.record import Record
from tests.openpose_lab.formats.conftest import COCO_18, TWO, make_skeletons

FOUND = ("pose_keypoints", "face_keypoints", "hand_left_keypoints", "hand_right_keypoints")
KEYS = ["person_id", *(f"{name}_2d" for name in FOUND), *(f"{name}_3d" for name in FOUND)]
"""Those of OpenPose 1.3, in its order."""


def read_people(text):
    """Each person as {part number: (x, y, score)}: three numbers a part, and a score of 0 for a missing one."""
    content = json.loads(text)
    assert content["version"] == 1.3
    people = []
    for person in content["people"]:
        triples = list(zip(*[iter(person["pose_keypoints_2d"])] * 3))
        people.append({part: triple for part, triple in enumerate(triples) if triple[2] > 0})
    return people


def test_a_reader_of_openpose_s_layout_finds_the_people(record):
    surer, other = read_people(FORMATS["json"].encode(record, COCO_18, "pixels"))
    assert surer == {0: (11.5, 9.1235, 0.7), 1: (30, 17.5, 1)}
    assert other == {0: (0, 0, 0.5), 14: (639, 479, 0.25)}


def test_every_key_is_there(record):
    content = json.loads(FORMATS["json"].encode(record, COCO_18, "pixels"))
    assert list(content) == ["version", "canvas_width", "canvas_height", "people"]
    assert (content["canvas_width"], content["canvas_height"]) == (640, 480)
    for person, score in zip(content["people"], [2.5, 0.75]):
        assert list(person) == [*KEYS, "score"]
        assert person["person_id"] == [-1]
        assert len(person["pose_keypoints_2d"]) == 54
        assert all(person[key] == [] for key in KEYS[2:])
        assert person["score"] == score


@pytest.mark.parametrize("unit", ["pixels", "0..1", "-1..1"])
def test_a_missing_part_is_zeros_in_every_unit(record, unit):
    people = json.loads(FORMATS["json"].encode(record, COCO_18, unit))["people"]
    assert people[0]["pose_keypoints_2d"][6:] == [0] * 48


def test_scaled_keypoints(record):
    _, other = read_people(FORMATS["json"].encode(record, COCO_18, "-1..1"))
    assert other == {0: (-1, -1, 0.5), 14: (1, 1, 0.25)}


def test_without_the_size_there_is_no_canvas():
    content = to_openpose(TWO)
    assert list(content) == ["version", "people"]
    assert to_openpose(TWO, (640, 480))["people"] == content["people"]


def test_nobody(nobody):
    content = json.loads(FORMATS["json"].encode(nobody, COCO_18, "0..1"))
    assert content == {"version": 1.3, "canvas_width": 320, "canvas_height": 240, "people": []}


def test_other_layouts_have_their_parts():
    skeletons = make_skeletons((1, {24: (1, 2, 0.5)}), parts=25)
    (person,) = read_people(FORMATS["json"].encode(Record("", 0, None, 9, 9, skeletons), LAYOUTS["BODY_25"], "pixels"))
    assert person == {24: (1, 2, 0.5)}

"""Test joint angles on skeletons that the tests build from known angles, by forward kinematics."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estimation.angles import joint_angles, parts_of_angles
from estimation.layouts import LAYOUTS, Layout, other_side
from estimation.layouts.human import STANDING
from tests.conftest import ROOT
from tests.support.scenes import HUMAN_LAYOUTS

BODY_25 = LAYOUTS["BODY_25"]
JOINTS = ("knee", "hip", "ankle", "shoulder", "elbow")
WITH_FEET = (*(f"{side}_{joint}" for joint in JOINTS for side in ("left", "right")), "trunk")
WITHOUT_FEET = tuple(name for name in WITH_FEET if "ankle" not in name)
SIGNED_BY_THE_EDGE = ("hip", "shoulder", "trunk")
ANGLES = st.fixed_dictionaries(
    {
        **{name: st.floats(0.1, 179.9) for name in WITH_FEET if "knee" in name or "elbow" in name},
        **{name: st.floats(-89.9, 89.9) for name in WITH_FEET if "ankle" in name},
        **{name: st.floats(-179.9, 179.9) for name in WITH_FEET if name.split("_")[-1] in SIGNED_BY_THE_EDGE},
    }
)


def turned(vector, degrees):
    """Turn a vector clockwise in the picture, where y points down."""
    angle = np.radians(degrees)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ vector


def person(angles, layout=BODY_25, lengths=(30, 25, 24, 18, 16, 7, 15)):
    """Return the keypoints of a person who faces the right edge."""
    trunk, thigh, shank, arm, forearm, behind, before = lengths
    place = {"mid_hip": np.array([300.0, 200]), "left_hip": np.array([304.0, 201]), "right_hip": np.array([296.0, 199])}
    up = turned(np.array([0, -1]), angles["trunk"])
    place["neck"] = place["mid_hip"] + trunk * up
    for side in ("left", "right"):
        place[f"{side}_shoulder"] = place["neck"] + (3, 1)
        leg = turned(-up, -angles[f"{side}_hip"])
        place[f"{side}_knee"] = place[f"{side}_hip"] + thigh * leg
        leg = turned(leg, angles[f"{side}_knee"])
        place[f"{side}_ankle"] = place[f"{side}_knee"] + shank * leg
        foot = turned(leg, -90 - angles[f"{side}_ankle"])
        place[f"{side}_heel"] = place[f"{side}_ankle"] - behind * foot
        place[f"{side}_big_toe"] = place[f"{side}_ankle"] + before * foot
        upper = turned(-up, -angles[f"{side}_shoulder"])
        place[f"{side}_elbow"] = place[f"{side}_shoulder"] + arm * upper
        place[f"{side}_wrist"] = place[f"{side}_elbow"] + forearm * turned(upper, -angles[f"{side}_elbow"])
    return np.array([place.get(part, (np.nan, np.nan)) for part in layout.body_parts])


def measured(keypoints, layout=BODY_25):
    names, degrees = joint_angles(layout, np.asarray(keypoints)[None])
    return dict(zip(names, degrees[0].tolist()))


@given(ANGLES, st.sampled_from(HUMAN_LAYOUTS))
@settings(max_examples=80, deadline=None)
def test_known_angles(angles, name):
    found = measured(person(angles, LAYOUTS[name]), LAYOUTS[name])
    assert tuple(found) == (WITH_FEET if name == "BODY_25" else WITHOUT_FEET)
    assert found == pytest.approx({one: angles[one] for one in found}, abs=1e-6)


@given(ANGLES)
@settings(max_examples=40, deadline=None)
def test_a_mirrored_photo(angles):
    """Left and right swap. Angles with a sign by the edges of the picture change their sign."""
    mirrored = (639, 0) + person(angles) * (-1, 1)
    swapped = mirrored[[BODY_25.body_parts.index(other_side(part)) for part in BODY_25.body_parts]]
    expected = {
        other_side(name): -degrees if name.split("_")[-1] in SIGNED_BY_THE_EDGE else degrees
        for name, degrees in angles.items()
    }
    assert measured(swapped) == pytest.approx(expected, abs=1e-6)


@given(ANGLES, st.floats(-180, 180), st.floats(0.01, 100), st.floats(-1000, 1000))
@settings(max_examples=40, deadline=None)
def test_only_the_trunk_notices_that_a_photo_is_turned(angles, degrees, scale, shift):
    points = np.array([scale * turned(point, degrees) + shift for point in person(angles)])
    trunk = (angles["trunk"] + degrees + 180) % 360 - 180
    found = measured(points)
    assert abs((found.pop("trunk") - trunk + 180) % 360 - 180) < 1e-5
    assert found == pytest.approx({name: one for name, one in angles.items() if name != "trunk"}, abs=1e-5)


@pytest.mark.parametrize("name", HUMAN_LAYOUTS)
def test_a_person_who_stands_and_is_seen_from_the_front(name):
    layout = LAYOUTS[name]
    found = measured([STANDING[part] for part in layout.body_parts], layout)
    assert found["trunk"] == 0
    assert all(abs(found[f"{side}_{joint}"]) < 16 for side in ("left", "right") for joint in ("knee", "hip", "elbow"))
    assert found["left_shoulder"] == -found["right_shoulder"] > 0


HAND = {  # y points down; each person has only a few parts
    "a straight knee": ({"hip": (0, 0), "knee": (0, 10), "ankle": (0, 20)}, {"knee": 0}),
    "a knee at a right angle": ({"hip": (0, 0), "knee": (10, 0), "ankle": (10, 9)}, {"knee": 90}),
    "a knee bent the other way": ({"hip": (0, 0), "knee": (10, 0), "ankle": (10, -9)}, {"knee": 90}),
    "an elbow folded up": ({"shoulder": (0, 0), "elbow": (0, 5), "wrist": (0, 1)}, {"elbow": 180}),
    "toes up": ({"knee": (0, 0), "ankle": (0, 20), "heel": (0, 20), "big_toe": (10, 10)}, {"ankle": 45}),
    "toes down": ({"knee": (0, 0), "ankle": (0, 20), "heel": (0, 20), "big_toe": (-1, 30)}, {"ankle": -84.289407}),
}


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("name", HAND)
def test_by_hand(name, side):
    parts, expected = HAND[name]
    keypoints = np.full((25, 2), np.nan)
    for part, place in parts.items():
        keypoints[BODY_25.body_parts.index(f"{side}_{part}")] = place
    found = {one: degrees for one, degrees in measured(keypoints).items() if not np.isnan(degrees)}
    assert found == pytest.approx({f"{side}_{joint}": degrees for joint, degrees in expected.items()}, abs=1e-5)


@pytest.mark.parametrize("name", HUMAN_LAYOUTS)
def test_a_missing_part_leaves_out_the_angles_that_need_it(name):
    layout = LAYOUTS[name]
    angles = dict.fromkeys(WITH_FEET, 20.0)
    whole, needed = measured(person(angles, layout), layout), parts_of_angles(layout)
    assert tuple(needed) == tuple(whole)
    for place, part in enumerate(layout.body_parts):
        keypoints = person(angles, layout)
        keypoints[place] = np.nan
        for one, degrees in measured(keypoints, layout).items():
            assert np.isnan(degrees) if part in needed[one] else degrees == whole[one], (part, one)
    assert needed["left_knee"] == ("left_hip", "left_knee", "left_ankle")
    assert needed["trunk"] == (("neck", "mid_hip") if name == "BODY_25" else ("neck", "left_hip", "right_hip"))


@pytest.mark.parametrize(
    ("part", "at", "lost"),
    [
        ("left_knee", "left_hip", {"left_knee", "left_hip"}),
        ("left_wrist", "left_elbow", {"left_elbow"}),
        ("neck", "mid_hip", {"trunk", "left_hip", "right_hip", "left_shoulder", "right_shoulder"}),
        ("left_big_toe", "left_heel", {"left_ankle"}),
    ],
)
def test_a_limb_without_length_has_no_direction(part, at, lost):
    keypoints = person(dict.fromkeys(WITH_FEET, 20.0))
    keypoints[BODY_25.body_parts.index(part)] = keypoints[BODY_25.body_parts.index(at)]
    assert {name for name, degrees in measured(keypoints).items() if np.isnan(degrees)} == lost


def test_many_people_and_none():
    people = [dict.fromkeys(WITH_FEET, float(degrees)) for degrees in (10, 20, 30)]
    keypoints = np.stack([person(angles) for angles in people])
    given_points = keypoints.copy()
    names, degrees = joint_angles(BODY_25, keypoints)
    assert (degrees.shape, degrees.dtype) == ((3, 11), np.float64)
    np.testing.assert_allclose(degrees, np.outer((10, 20, 30), np.ones(11)), atol=1e-9)
    np.testing.assert_array_equal(keypoints, given_points)
    assert joint_angles(BODY_25, np.zeros((0, 25, 2)))[1].shape == (0, 11)
    assert names == WITH_FEET


def test_a_layout_without_such_parts_has_no_angles():
    toy = Layout("TOY", ("top", "bottom"), (), sigmas=(0.1, 0.1))
    names, degrees = joint_angles(toy, np.zeros((3, 2, 2)))
    assert (names, degrees.shape, parts_of_angles(toy)) == ((), (3, 0), {})


def test_keypoints_of_another_layout_are_refused():
    with pytest.raises(
        ValueError, match=r"^keypoints of BODY_25 must have the shape \(n, 25, 2\) but have \(1, 18, 2\)"
    ):
        joint_angles(BODY_25, np.zeros((1, 18, 2)))


def test_the_errors_of_a_person_who_is_turned_are_those_of_the_page():
    """A person leans by 30 degrees, bends a knee by 60, and is turned about the vertical out of the picture plane."""
    page = (ROOT / "docs" / "angles.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+)° \| (\d+)° \| (\d+)° \|$", page, re.MULTILINE)
    assert [int(row[0]) for row in rows] == [0, 15, 30, 45, 60, 75]
    angles = {**dict.fromkeys(WITH_FEET, 0.0), "trunk": 30.0, "left_hip": 60.0, "left_knee": 60.0}
    for turn, *expected in rows:
        seen = person(angles) * (np.cos(np.radians(int(turn))), 1)
        # the thigh is 30 degrees before the vertical, and the shank 30 degrees behind it
        assert [round(measured(seen)[name]) for name in ("trunk", "left_knee")] == [int(one) for one in expected]

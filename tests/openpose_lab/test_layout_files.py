"""Layouts of users, in TOML, in JSON and in weights files."""

import json

import pytest

from estimation.errors import OpenPoseLabError
from estimation.layouts import LAYOUTS, Limb
from openpose_lab.layout_files import layout_content, layout_from_text, layout_to_text, read_layout

KITE = """
name = "KITE"
parts = ["top", "left_wing", "right_wing", "middle", "tail"]
limbs = [
    ["top", "middle"], ["left_wing", "middle"], ["right_wing", "middle"], ["middle", "tail"],
    ["left_wing", "right_wing", "redundant"],
]
[sigmas]
top = 0.02
"""
GOOD = {"parts": ["a", "b"], "limbs": [["a", "b"]]}


def read(tmp_path, text, name="kite.toml"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return read_layout(tmp_path / name)


def test_toml(tmp_path):
    layout = read(tmp_path, KITE)
    assert (layout.name, layout.body_parts) == ("KITE", ("top", "left_wing", "right_wing", "middle", "tail"))
    assert layout.limbs[1] == Limb(1, 3, 2, 3)
    assert layout.limbs[4] == Limb(1, 2, 8, 9, redundant=True)
    assert layout.sigmas == (0.02, 0.079, 0.079, 0.079, 0.079)
    assert layout.mirrored_parts.tolist() == [0, 2, 1, 3, 4]
    assert (layout.heatmap_count, layout.paf_count) == (6, 10)


def test_json_without_a_name_and_with_pairs(tmp_path):
    content = {
        "parts": ["n", "e", "w"],
        "limbs": [["n", "e"], ["n", "w"]],
        "pairs": [["e", "w"]],
        "sigmas": [0.1, 0.2, 1],
    }
    layout = read(tmp_path, json.dumps(content), "star.json")
    assert (layout.name, layout.sigmas) == ("star", (0.1, 0.2, 1.0))
    assert layout.mirrored_parts.tolist() == [0, 2, 1]
    assert layout_from_text(layout_to_text(layout)) == layout
    assert layout_content(layout) == {**content, "name": "star", "sigmas": [0.1, 0.2, 1.0]}


def test_no_part_changes_places(tmp_path):
    layout = read(tmp_path, json.dumps({**GOOD, "pairs": []}), "a.json")
    assert layout.mirrored_parts.tolist() == [0, 1]


@pytest.mark.parametrize("name", LAYOUTS)
def test_built_in_layouts_are_kept_by_name(name):
    assert layout_to_text(LAYOUTS[name]) == name
    assert layout_from_text(name) is LAYOUTS[name]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"parts": []}, "'parts' must be a list of up to 200 names"),
        ({"parts": ["a", "a"]}, "'parts' has 'a' twice"),
        ({"limbs": []}, "'limbs' must be a list of up to 400 pairs of parts"),
        ({"limbs": [["a"]]}, r"limb 0 must be a list of two parts, such as \['a', 'b'\], but is \['a'\]"),
        ({"limbs": [["a", "c"]]}, "limb 0 names 'c', which is not one of the parts"),
        ({"limbs": [["a", "a"]]}, "limb 0 must join two different parts that no other limb joins"),
        ({"limbs": [["a", "b"], ["b", "a"]]}, "limb 1 must join two different parts that no other limb joins"),
        ({"parts": ["a", "b", "c"]}, "no limb joins 'c', so grouping cannot use it"),
        ({"pairs": [["a", "c"]]}, "'pairs' names 'c', which is not one of the parts"),
        ({"pairs": [["a", "a"]]}, "'pairs' names 'a' twice"),
        ({"sigmas": [1]}, "'sigmas' must have 2 numbers, one for each part"),
        ({"sigmas": {"c": 1}}, "'sigmas' names 'c', which is not one of the parts"),
        ({"sigmas": [0, 1]}, "'sigmas' must be numbers above 0 and at most 1, but one is 0"),
        ({"name": ""}, "'name' must be a text of up to 60 letters"),
        ({"limb": 1}, "the key 'limb' is unknown; use name, parts, limbs, pairs, sigmas"),
        ({"parts": ["left_a", "b"], "limbs": [["left_a", "b"]]}, "lacks its other side; add it, or 'pairs'"),
        (
            {"parts": ["left_a", "right_a", "b", "c"], "limbs": [["left_a", "b"], ["right_a", "c"], ["b", "c"]]},
            r"the limb \['(left|right)_a', '[bc]'\] has no counterpart for a mirrored photo: add \['",
        ),
    ],
)
def test_layouts_that_cannot_be_used(tmp_path, change, sentence):
    with pytest.raises(OpenPoseLabError, match=f"the layout .* cannot be used: .*{sentence}"):
        read(tmp_path, json.dumps({**GOOD, **change}), "bad.json")


@pytest.mark.parametrize(("name", "text", "kind"), [("a.toml", "= 1", "TOML"), ("a.json", "{", "JSON")])
def test_files_of_another_kind(tmp_path, name, text, kind):
    with pytest.raises(OpenPoseLabError, match=f"is not {kind}: "):
        read(tmp_path, text, name)
    with pytest.raises(OpenPoseLabError, match="it must be a table"):
        read(tmp_path, "[1]", "a.json")

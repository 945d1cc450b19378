"""The named checks of how a grouping behaves: the project's pass them all, and each finds what it is named for."""

import pytest

from estimation.config import COCO_18
from estimation.grouping import GROUPINGS, load_grouping
from estimation.grouping.behaviour import BEHAVIOURS, check_behaviour
from openpose_lab.evaluation.crowds import Disturbance
from openpose_lab.evaluation.scenes import crowd_scenes

CONTRACT, KEEPS_TO_ITSELF, NOBODY_IN_NOTHING, AGAIN, ANY_ORDER, FINISHED = BEHAVIOURS


@pytest.fixture(scope="module")
def crowds():
    return [scene.connections for scene in crowd_scenes(COCO_18, 4, 0.3, 5, 0, Disturbance()).scenes]


@pytest.mark.parametrize("name", GROUPINGS)
def test_the_project_s_own_behave(name, crowds):
    for connections in crowds:
        assert check_behaviour(load_grouping(name), COCO_18, connections) == {}


BROKEN = {
    "prints": ("    print('here')\n    return merge_of_the_lab(subset)\n", KEEPS_TO_ITSELF, "prints; take that out"),
    "changes its input": (
        "    people = merge_of_the_lab(subset)\n    subset[:] = -1\n    return people\n",
        KEEPS_TO_ITSELF,
        "changes the rows it is given; work on a copy",
    ),
    "needs a row": (
        "    subset[0]\n    return merge_of_the_lab(subset)\n",
        NOBODY_IN_NOTHING,
        "failed: line 6: IndexError",
    ),
    "finds somebody in nothing": (
        "    people = merge_of_the_lab(subset)\n"
        "    return people if len(people) else np.r_[np.zeros(1), -np.ones(17), 1, 1][None]\n",
        NOBODY_IN_NOTHING,
        "row 0 has 0 as nose, but no peak with that id was given",
    ),
    "throws dice": (
        "    CALLS.append(0)\n    return merge_of_the_lab(subset)[len(CALLS) % 2 :]\n",
        AGAIN,
        "with the same limbs a second time, there are ",
    ),
    "goes by the order of the rows": (
        "    return merge_of_the_lab(subset[: len(subset) // 2])\n",
        ANY_ORDER,
        "with the same rows in another order, ",
    ),
    "takes a part off everybody": (
        "    people = merge_of_the_lab(subset)\n"
        "    for row in people:\n"
        "        row[np.flatnonzero(row[:18] >= 0)[-1]] = -1\n"
        "    people[:, 19] -= 1\n"
        "    return people\n",
        FINISHED,
        "with its own answer as its input, where nothing is left to merge, ",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_each_check_finds_what_it_is_named_for(fault, crowds, tmp_path):
    body, name, sentence = BROKEN[fault]
    path = tmp_path / "mine.py"
    path.write_text(
        "import numpy as np\nfrom estimation.merge import merge as merge_of_the_lab\nCALLS = []\n\n"
        "def merge(subset):\n" + body
    )
    found = {}
    for connections in crowds:
        found |= check_behaviour(load_grouping(path), COCO_18, connections)
    assert sentence in found[name]
    assert name != AGAIN or not found.keys() & {ANY_ORDER, FINISHED}
    assert KEEPS_TO_ITSELF not in found or name == KEEPS_TO_ITSELF


def test_one_that_always_raises_is_told_once(crowds, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("def group(candidates, coordinates, config):\n    raise ValueError('no')\n")
    found = check_behaviour(load_grouping(path), COCO_18, crowds[0])
    assert list(found) == [CONTRACT]
    assert "failed: line 2: ValueError: no" in found[CONTRACT]

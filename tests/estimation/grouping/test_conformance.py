"""Run the contract checks in this process: the project's groupings pass, and each check finds its own fault."""

import pytest

from estimation.config import COCO_18
from estimation.grouping import GROUPINGS, load_grouping
from estimation.grouping.conformance import check_grouping
from estimation.grouping.contract import (
    ANSWER_CHECKS,
    ANY_ORDER,
    CONTRACT,
    FINISHED_STAY,
    KEEPS_INPUT,
    NO_PEOPLE_IN_NOTHING,
    PRINTS_NOTHING,
    RETURNS,
    SAME_AGAIN,
)
from openpose_lab.evaluation.crowds import Disturbance
from openpose_lab.evaluation.scenes import crowd_scenes


@pytest.fixture(scope="module")
def crowds():
    return [scene.connections for scene in crowd_scenes(COCO_18, 4, 0.3, 5, 0, Disturbance()).scenes]


@pytest.mark.parametrize("name", GROUPINGS)
def test_the_project_s_own_keep_the_contract(name, crowds):
    for connections in crowds:
        assert check_grouping(load_grouping(name), COCO_18, connections) == {}


BROKEN = {
    "prints": (
        "    print('here')\n    return merge_of_the_lab(subset)\n",
        PRINTS_NOTHING,
        "merge prints; remove its print calls",
    ),
    "changes its input": (
        "    people = merge_of_the_lab(subset)\n    subset[:] = -1\n    return people\n",
        KEEPS_INPUT,
        "merge changes the rows it is given; work on a copy",
    ),
    "needs a row": (
        "    subset[0]\n    return merge_of_the_lab(subset)\n",
        NO_PEOPLE_IN_NOTHING,
        "there was no answer: line 6: IndexError",
    ),
    "finds somebody in nothing": (
        "    people = merge_of_the_lab(subset)\n"
        "    return people if len(people) else np.r_[np.zeros(1), -np.ones(17), 1, 1][None]\n",
        NO_PEOPLE_IN_NOTHING,
        "without limbs there must be no people, but there are 1",
    ),
    "throws dice": (
        "    CALLS.append(0)\n    return merge_of_the_lab(subset)[len(CALLS) % 2 :]\n",
        SAME_AGAIN,
        "a second call with the same input gives other people: there are ",
    ),
    "goes by the order of the rows": (
        "    return merge_of_the_lab(subset[: len(subset) // 2])\n",
        ANY_ORDER,
        "the same rows in another order give other people: ",
    ),
    "takes a part off everybody": (
        "    people = merge_of_the_lab(subset)\n"
        "    for row in people:\n"
        "        row[np.flatnonzero(row[:18] >= 0)[-1]] = -1\n"
        "    people[:, 19] -= 1\n"
        "    return people\n",
        FINISHED_STAY,
        "with its own answer as input, it gives other people, but nothing is left to merge: ",
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
        found |= check_grouping(load_grouping(path), COCO_18, connections)
    assert sentence in found[name]
    assert name != SAME_AGAIN or not found.keys() & {ANY_ORDER, FINISHED_STAY}
    assert not found.keys() & {KEEPS_INPUT, PRINTS_NOTHING} - {name}


def test_every_check_is_in_the_one_list_and_has_a_broken_grouping():
    assert {name for _, name, _ in BROKEN.values()} | {RETURNS, *ANSWER_CHECKS} == set(CONTRACT)
    assert len(set(CONTRACT)) == len(CONTRACT)


def test_a_group_is_checked_too(crowds, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from estimation.grouping.hungarian import group as whole\nCALLS = []\n\n"
        "def group(candidates, coordinates, config):\n"
        "    subset = whole(candidates, coordinates, config)\n"
        "    candidates.score[:] = 0\n    print('here')\n    CALLS.append(0)\n"
        "    return subset[len(CALLS) % 2 :]\n"
    )
    found = check_grouping(load_grouping(path), COCO_18, crowds[0])
    assert list(found) == [KEEPS_INPUT, PRINTS_NOTHING, SAME_AGAIN]
    assert found[KEEPS_INPUT].startswith("group changes the candidates or the peaks it is given; work on copies")


@pytest.mark.parametrize(
    ("answer", "name"), [("None", "rows of the right length"), ("subset + 0.5", "ids that exist, in their own slots")]
)
def test_a_broken_answer_is_told_alone(answer, name, crowds, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(f"def merge(subset):\n    return {answer}\n")
    assert list(check_grouping(load_grouping(path), COCO_18, crowds[0])) == [name]


def test_one_that_always_raises_is_told_once(crowds, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("def group(candidates, coordinates, config):\n    raise ValueError('no')\n")
    found = check_grouping(load_grouping(path), COCO_18, crowds[0])
    assert list(found) == [RETURNS]
    assert "failed: line 2: ValueError: no" in found[RETURNS]

"""Each kind of mistake, made on purpose, is told for what it is, and mending it is worth what it cost."""

import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.formats import COCO_KEYPOINTS
from estimation.grouping import Grouping, load_grouping
from tests.tools.conftest import ANNOTATIONS, PEOPLE, results_of
from tools import breakdown
from tools.breakdown import KINDS, classify, find_losses
from tools.coco import SIGMAS, average_precision, to_truth
from tools.crowds import Disturbance
from tools.pairing import pair_people
from tools.scenes import crowd_scenes

RIGHT, JITTER, INVERSION, SWAP, MISS, NOT_FOUND = range(len(KINDS))
WRIST, OTHER_WRIST = COCO_18.body_parts.index("left_wrist"), COCO_18.body_parts.index("right_wrist")
COCO_WRIST = COCO_KEYPOINTS.index("left_wrist")


def kinds_of(people):
    return classify(pair_people(to_truth(ANNOTATIONS), results_of(people)))


def test_the_truth_is_right():
    assert (kinds_of(PEOPLE) == RIGHT).all()


@pytest.mark.parametrize(("similar", "kind"), [(0.86, RIGHT), (0.84, JITTER), (0.51, JITTER), (0.49, MISS)])
def test_jitter_is_by_how_far_it_is_off(similar, kind):
    area = ANNOTATIONS["annotations"][0]["area"]
    people = PEOPLE.copy()
    people[0, WRIST, 1] += np.sqrt(-2 * np.log(similar) * area) * 2 * SIGMAS[COCO_WRIST]
    kinds = kinds_of(people)
    assert kinds[0, COCO_WRIST] == kind
    assert (np.delete(kinds, COCO_WRIST, axis=1) == RIGHT).all()


def test_left_for_right_is_an_inversion():
    people = PEOPLE.copy()
    people[0, WRIST] = PEOPLE[0, OTHER_WRIST]
    assert kinds_of(people)[0, COCO_WRIST] == INVERSION


@pytest.mark.parametrize("part", [WRIST, OTHER_WRIST])
def test_somebody_else_s_is_a_swap(part):
    people = PEOPLE.copy()
    people[0, WRIST] = PEOPLE[1, part]
    assert kinds_of(people)[0, COCO_WRIST] == SWAP


def test_what_is_missing_is_a_miss_and_a_missing_person_not_found():
    people = PEOPLE.copy()
    people[0, WRIST] = np.nan
    assert kinds_of(people)[0, COCO_WRIST] == MISS
    assert (kinds_of(PEOPLE[:1])[1] == NOT_FOUND).all()


def test_what_is_not_labelled_is_no_mistake():
    content = {**ANNOTATIONS, "annotations": [{**entry} for entry in ANNOTATIONS["annotations"]]}
    for entry in content["annotations"]:
        entry["keypoints"] = [0, 0, 0, *entry["keypoints"][3:]]
    kinds = classify(pair_people(to_truth(content), results_of(PEOPLE)))
    assert (kinds[:, 0] == -1).all()
    assert (kinds[:, 1:] == RIGHT).all()


@pytest.fixture(scope="module")
def crowds():
    """Crowds, and what the lab's grouping makes of them."""
    scene_set = crowd_scenes(COCO_18, 6, 0.3, 6, 0, Disturbance())
    results = []
    for scene in scene_set.scenes:
        results += breakdown.with_true_grouping(COCO_18, scene)
    return scene_set, results


def test_mending_everything_is_perfect(crowds):
    scene_set, results = crowds
    pairs = pair_people(scene_set.truth, results)
    whole = breakdown.mend(results, pairs, classify(pairs) >= 0)
    whole = breakdown.without_false(breakdown.add_missing(whole, pairs), pairs)
    assert average_precision(scene_set.truth, results, 20)[0] < 0.9
    assert average_precision(scene_set.truth, whole, 20)[0] == pytest.approx(1)


def test_each_line_counts_and_is_worth_something(crowds):
    scene_set, results = crowds
    seen = []
    losses = find_losses(scene_set.truth, results, scene_set, COCO_18, load_grouping("lab"), lambda: seen.append(1))
    assert len(seen) == len(scene_set.scenes)
    by_name = {loss.what: loss for loss in losses}
    labelled = pair_people(scene_set.truth, results).labelled.sum()
    assert sum(by_name[kind].number for kind in KINDS) == labelled
    as_it_is = average_precision(scene_set.truth, results, 20)[0]
    assert by_name["right"].ap == pytest.approx(as_it_is)
    for name in ("jitter", "miss", "order of people"):
        assert by_name[name].ap > as_it_is
    assert by_name["our parts, true grouping"].ap == pytest.approx(as_it_is)  # that is how these were made
    assert by_name["our parts, true grouping and order"].ap == pytest.approx(by_name["order of people"].ap)


def test_true_parts_of_people_apart_are_true_people():
    scene_set = crowd_scenes(COCO_18, 4, 0.0, 3, 0, Disturbance(noise=0, missing=0.2, doubled=0, crossing=0))
    results = []
    for scene in scene_set.scenes:
        results += breakdown.with_true_parts(COCO_18, scene, load_grouping("lab"))
    assert average_precision(scene_set.truth, results, 20)[0] == pytest.approx(1)


def test_a_grouping_that_finds_nobody_costs_all(crowds):
    scene_set, results = crowds
    nobody = Grouping("merge", lambda rows: rows[:0], load_grouping("lab").source)
    losses = find_losses(scene_set.truth, results, scene_set, COCO_18, nobody, lambda: None)
    assert {loss.what: loss.ap for loss in losses}["true parts, our grouping"] == 0

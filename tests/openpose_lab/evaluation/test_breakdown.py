"""Each kind of error, made on purpose, is recognised, and correcting it restores the AP that it cost."""

import numpy as np
import pytest

pytest.importorskip("pycocotools")

from estimation.config import COCO_18
from estimation.grouping import Grouping, load_grouping
from openpose_lab.evaluation import breakdown
from openpose_lab.evaluation.annotations import to_truth
from openpose_lab.evaluation.breakdown import Kind, classify, find_losses, to_results
from openpose_lab.evaluation.coco_figures import SIGMAS, average_precision
from openpose_lab.evaluation.completion import Completion
from openpose_lab.evaluation.crowds import Disturbance
from openpose_lab.evaluation.oracle import oracle_rows
from openpose_lab.evaluation.pairing import pair_people
from openpose_lab.evaluation.scenes import crowd_scenes
from openpose_lab.formats.coco import COCO_KEYPOINTS
from tests.openpose_lab.conftest import ANNOTATIONS, PEOPLE, results_of

WRIST, OTHER_WRIST = COCO_18.body_parts.index("left_wrist"), COCO_18.body_parts.index("right_wrist")
COCO_WRIST = COCO_KEYPOINTS.index("left_wrist")


def kinds_of(people):
    return classify(pair_people(to_truth(ANNOTATIONS), results_of(people)))


def test_the_truth_is_right():
    assert (kinds_of(PEOPLE) == Kind.RIGHT).all()


@pytest.mark.parametrize(
    ("similar", "kind"), [(0.86, Kind.RIGHT), (0.84, Kind.JITTER), (0.51, Kind.JITTER), (0.49, Kind.MISS)]
)
def test_jitter_is_by_how_far_it_is_off(similar, kind):
    area = ANNOTATIONS["annotations"][0]["area"]
    people = PEOPLE.copy()
    people[0, WRIST, 1] += np.sqrt(-2 * np.log(similar) * area) * 2 * SIGMAS[COCO_WRIST]
    kinds = kinds_of(people)
    assert kinds[0, COCO_WRIST] == kind
    assert (np.delete(kinds, COCO_WRIST, axis=1) == Kind.RIGHT).all()


def test_left_for_right_is_an_inversion():
    people = PEOPLE.copy()
    people[0, WRIST] = PEOPLE[0, OTHER_WRIST]
    assert kinds_of(people)[0, COCO_WRIST] == Kind.INVERSION


@pytest.mark.parametrize("part", [WRIST, OTHER_WRIST])
def test_somebody_else_s_is_a_swap(part):
    people = PEOPLE.copy()
    people[0, WRIST] = PEOPLE[1, part]
    assert kinds_of(people)[0, COCO_WRIST] == Kind.SWAP


def test_what_is_missing_is_a_miss_and_a_missing_person_not_found():
    people = PEOPLE.copy()
    people[0, WRIST] = np.nan
    assert kinds_of(people)[0, COCO_WRIST] == Kind.MISS
    assert (kinds_of(PEOPLE[:1])[1] == Kind.NOT_FOUND).all()


def test_what_is_not_labelled_is_no_mistake():
    content = {**ANNOTATIONS, "annotations": [{**entry} for entry in ANNOTATIONS["annotations"]]}
    for entry in content["annotations"]:
        entry["keypoints"] = [0, 0, 0, *entry["keypoints"][3:]]
    kinds = classify(pair_people(to_truth(content), results_of(PEOPLE)))
    assert (kinds[:, 0] == Kind.UNLABELLED).all()
    assert (kinds[:, 1:] == Kind.RIGHT).all()


def test_near_several_things_the_nearest_counts():
    """Two wrists lie close together, so the detected keypoint is near both."""
    content = {**ANNOTATIONS, "annotations": [dict(entry) for entry in ANNOTATIONS["annotations"]]}
    area = content["annotations"][0]["area"]
    unit = np.sqrt(area) * 2 * SIGMAS[COCO_WRIST]  # here similarity is exp(-1 / 2), 0.61
    people = PEOPLE.copy()
    people[0, OTHER_WRIST] = people[0, WRIST] + [1.5 * unit, 0]
    content["annotations"][0]["keypoints"] = results_of(people)[0]["keypoints"]
    found = people.copy()
    for share, kind in ((0.7, Kind.JITTER), (0.8, Kind.INVERSION), (0.5, Kind.RIGHT)):
        found[0, WRIST, 0] = people[0, WRIST, 0] + share * unit
        assert classify(pair_people(to_truth(content), results_of(found)))[0, COCO_WRIST] == kind


@pytest.fixture(scope="module")
def crowds():
    """Simulated crowds, and the people of the oracle grouping with imputed keypoints."""
    scene_set = crowd_scenes(COCO_18, 6, 0.3, 6, 0, Disturbance())
    results = []
    for scene in scene_set.scenes:
        results += truly_grouped(scene, completion=Completion())
    return scene_set, results


def truly_grouped(scene, completion):
    people = oracle_rows(COCO_18, scene.connections, scene.owner)
    return to_results(COCO_18, people, scene.connections.coordinates, scene.maps(), scene.image_id, completion)


def test_mending_everything_is_perfect(crowds):
    scene_set, results = crowds
    pairs = pair_people(scene_set.truth, results)
    whole = breakdown.mend(results, pairs, classify(pairs) >= 0)
    whole = breakdown.without_false(breakdown.add_missing(whole, pairs), pairs)
    assert average_precision(scene_set.truth, results, 20)[0] < 0.9
    assert average_precision(scene_set.truth, whole, 20)[0] == pytest.approx(1)


@pytest.mark.parametrize("completion", [Completion(), None], ids=["completed", "not completed"])
def test_each_line_counts_and_is_worth_something(crowds, completion):
    scene_set, _ = crowds
    results = [person for scene in scene_set.scenes for person in truly_grouped(scene, completion)]
    losses = find_losses(scene_set.truth, results, scene_set, COCO_18, load_grouping("lab"), completion)
    by_name = {loss.what: loss for loss in losses}
    assert list(by_name) == list(breakdown._PRINTED)
    labelled = pair_people(scene_set.truth, results).labelled.sum()
    kinds = ("right", "jitter", "inversion", "swap", "miss", "person not found")
    assert sum(by_name[kind].number for kind in kinds) == labelled
    as_it_is = average_precision(scene_set.truth, results, 20)[0]
    assert by_name["right"].ap == pytest.approx(as_it_is)
    for name in ("jitter", "miss", "order of people"):
        assert by_name[name].ap > as_it_is
    assert by_name["our parts, true grouping"].ap == pytest.approx(as_it_is)  # with imputed keypoints in both
    assert by_name["our parts, true grouping and order"].ap == pytest.approx(by_name["order of people"].ap)
    assert [loss.printed[0] for loss in losses[-3:]] == [
        "ground-truth peaks",
        "oracle grouping",
        "oracle grouping and scores",
    ]


def test_who_is_not_found_is_counted_in_keypoints_and_people():
    scene_set = crowd_scenes(COCO_18, 2, 0.0, 1, 0, Disturbance())
    results = truly_grouped(scene_set.scenes[0], completion=Completion())[:1]
    losses = find_losses(scene_set.truth, results, scene_set, COCO_18, load_grouping("lab"), completion=Completion())
    (missing,) = [loss for loss in losses if loss.what == "person not found"]
    assert (missing.number, missing.meaning) == (17, "nothing was found of the person; 1 people")
    assert missing.printed == ("missed person", "no skeleton was matched with the person; 1 people")


def test_true_parts_of_people_apart_are_true_people():
    scene_set = crowd_scenes(COCO_18, 4, 0.0, 3, 0, Disturbance(noise=0, missing=0.2, doubled=0, crossing=0))
    results = []
    for scene in scene_set.scenes:
        people, peaks = breakdown.true_peaks(COCO_18, scene, load_grouping("lab"), scene.maps())
        results += to_results(COCO_18, people, peaks, scene.maps(), scene.image_id, completion=None)
    assert average_precision(scene_set.truth, results, 20)[0] == pytest.approx(1)


def test_a_grouping_that_finds_nobody_costs_all(crowds):
    scene_set, results = crowds
    nobody = Grouping("merge", lambda rows: rows[:0], load_grouping("lab").source)
    losses = find_losses(scene_set.truth, results, scene_set, COCO_18, nobody, completion=Completion())
    assert {loss.what: loss.ap for loss in losses}["true parts, our grouping"] == 0

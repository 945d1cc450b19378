"""Pairs of people and accuracy of body parts: small scenes with exact answers, and pycocotools as the reference."""

import contextlib
import io

import numpy as np
import pytest

pytest.importorskip("pycocotools")

from pycocotools.cocoeval import COCOeval

from estimation.config import COCO_18
from openpose_lab.evaluation.annotations import annotate, to_truth
from openpose_lab.evaluation.coco_figures import SIGMAS
from openpose_lab.evaluation.pairing import NOT_FOUND, pair_people, part_figures, photo_losses
from openpose_lab.formats.coco import COCO_KEYPOINTS
from tests.openpose_lab.conftest import ANNOTATIONS, PEOPLE, results_of

NOSE, LEFT_EYE = COCO_KEYPOINTS.index("nose"), COCO_KEYPOINTS.index("left_eye")


def truth_of(photos, **changes):
    content = annotate(COCO_18, photos)
    for annotation in content["annotations"]:
        annotation.update(changes)
    return to_truth(content)


def test_the_people_found_are_paired_with_the_people_annotated():
    pairs = pair_people(to_truth(ANNOTATIONS), results_of(PEOPLE[::-1]))
    assert pairs.result.tolist() == [1, 0]
    assert pairs.false.tolist() == []
    np.testing.assert_allclose(pairs.oks, 1)
    np.testing.assert_allclose(pairs.found[:, :, :2], pairs.true[:, :, :2], atol=1e-4)


def test_who_is_nobody_and_who_is_not_found():
    pairs = pair_people(to_truth(ANNOTATIONS), results_of(np.stack([PEOPLE[0] + 1000, PEOPLE[1]])))
    assert pairs.result.tolist() == [NOT_FOUND, 1]
    assert pairs.false.tolist() == [0]
    assert pairs.oks == pytest.approx([0, 1])


def test_nobody_is_found_at_all_in_one_of_two_photos():
    pairs = pair_people(truth_of({"a.png": PEOPLE[:1], "b.png": PEOPLE[1:]}), results_of(PEOPLE[:1]))
    assert pairs.image_id.tolist() == [1, 2]
    assert pairs.result.tolist() == [0, NOT_FOUND]


def test_similarity_is_that_of_pycocotools(rng):
    truth = to_truth(ANNOTATIONS)
    results = results_of(PEOPLE + rng.normal(0, 8, PEOPLE.shape))
    pairs = pair_people(truth, results)
    evaluation = COCOeval(truth, truth.loadRes(results), "keypoints")
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.evaluate()
    oks = np.diag(evaluation.ious[1, 1])
    assert (oks < 0.95).all()
    np.testing.assert_allclose(pairs.oks, oks)


@pytest.mark.parametrize("change", [{"iscrowd": 1}, {"num_keypoints": 0}])
def test_who_is_found_in_a_crowd_is_neither_right_nor_false(change):
    content = annotate(COCO_18, {"a.png": PEOPLE})
    content["annotations"][0].update(change)
    pairs = pair_people(to_truth(content), results_of(PEOPLE))
    assert pairs.result.tolist() == [1]
    assert pairs.false.tolist() == []


def test_part_figures_by_hand():
    """Person 0's nose lies just within a tenth of their box, person 1's nose is missing, no left eye is labelled."""
    truth = truth_of({"a.png": PEOPLE})
    side = max(truth.anns[1]["bbox"][2:])
    found = PEOPLE.copy()
    found[0, COCO_18.body_parts.index("nose"), 0] += 0.0999 * side
    results = results_of(found)
    for person in results:
        person["keypoints"][3 * LEFT_EYE : 3 * LEFT_EYE + 3] = [0, 0, 0]
    results[1]["keypoints"][3 * NOSE : 3 * NOSE + 3] = [0, 0, 0]
    figures = part_figures(pair_people(truth, results), results)
    near = np.exp(-((0.0999 * side) ** 2) / (2 * truth.anns[1]["area"] * (2 * SIGMAS[NOSE]) ** 2))
    assert figures["nose"][:4] == (2, 0.5, 0.5, pytest.approx(near / 2, rel=1e-3))
    assert figures["left_eye"][:4] == (2, 0, 0, 0)
    assert figures["left_ankle"][:4] == (2, 1, 1, pytest.approx(1))
    assert figures["all"].labelled == 34
    assert figures["all"].pck == pytest.approx(31 / 34)
    assert np.isnan(figures["all"].pckh)


def test_parts_that_nobody_has_are_left_out():
    people = PEOPLE.copy()
    people[:, COCO_18.body_parts.index("nose")] = np.nan
    found = results_of(PEOPLE)
    assert "nose" not in part_figures(pair_people(truth_of({"a.png": people}), found), found)


def test_what_is_guessed_is_not_found():
    truth, guessed, found = truth_of({"a.png": PEOPLE}), results_of(PEOPLE), results_of(PEOPLE)
    found[1]["keypoints"][3 * NOSE : 3 * NOSE + 3] = [0, 0, 0]
    figures = part_figures(pair_people(truth, guessed), found)
    assert (figures["nose"].found, figures["nose"].pck) == (0.5, 1)
    assert figures["left_eye"].found == 1


@pytest.mark.parametrize("head", [{"head_size": 30}, {"bbox_head": [0, 0, 30, 40]}])  # 0.6 times the diagonal, 50
def test_pckh_is_within_half_a_head(head):
    for shift, share in ((14.9, 1), (15.1, 0)):
        found = results_of(PEOPLE + np.array([shift, 0]))
        figures = part_figures(pair_people(truth_of({"a.png": PEOPLE}, **head), found), found)
        assert figures["all"].pckh == share


@pytest.mark.parametrize("head", [{"head_size": 0}, {"bbox_head": [5, 5, 0, 0]}])
def test_a_head_of_no_size_is_none(head):
    found = results_of(PEOPLE)
    assert np.isnan(part_figures(pair_people(truth_of({"a.png": PEOPLE}, **head), found), found)["all"].pckh)


def test_the_loss_of_each_photo():
    truth = truth_of({f"{k}.png": PEOPLE for k in range(4)})
    results = [
        *results_of(PEOPLE, image_id=1),
        *results_of(PEOPLE[:1], image_id=2),
        *results_of(np.stack([PEOPLE[0], PEOPLE[1] + 1000]), image_id=3),
    ]
    losses = photo_losses(pair_people(truth, results), results)
    assert [
        (photo.image_id, round(photo.lost, 3), photo.annotated, photo.found, photo.matched) for photo in losses
    ] == [
        (1, 0, 2, 2, 2),
        (2, 1, 2, 1, 1),
        (3, 2, 2, 2, 1),
        (4, 2, 2, 0, 0),
    ]
    assert [photo.keypoints for photo in losses] == [34] * 4
    assert [round(photo.oks, 3) for photo in losses] == [1, 0.5, 0.5, 0]

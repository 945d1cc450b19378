"""COCO results of other systems: which rows are used, which files are refused, and the figures of pycocotools."""

import json

import numpy as np
import pytest

pytest.importorskip("pycocotools")

from estimation.config import COCO_18
from estimation.errors import OpenPoseLabError
from openpose_lab.evaluation.annotations import annotate, read_annotations, to_truth
from openpose_lab.evaluation.assessment import assess
from openpose_lab.evaluation.predictions import read_predictions
from tests.openpose_lab.conftest import ANNOTATIONS, PEOPLE, results_of
from tests.openpose_lab.evaluation.test_coco_figures import by_hand

ROWS = results_of(PEOPLE)


@pytest.fixture
def predict(tmp_path):
    """Read rows as predictions for the photo of two people."""

    def predict(content, truth=None):
        path = tmp_path / "predictions.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return read_predictions(path, truth or to_truth(ANNOTATIONS))

    return predict


def row(**changes):
    return {**ROWS[0], **changes}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("[{", "the predictions file .* is not JSON, or cut short; give COCO keypoint results"),
        ("{}", "the file must hold a list of people"),
        ([[]], "the file must hold a list of people"),
        ({"annotations": ROWS}, "the file must hold a list of people"),
        ([], "the list is empty"),
        ([ROWS[0], {**ROWS[1], "keypoints": [1, 2]}], "row 1: 'keypoints' must be a list of 51 numbers"),
        ([row(keypoints=[[1, 2, 1]] * 17)], "row 0: 'keypoints' must be a list of 51 numbers"),
        ([row(keypoints=[float("nan")] * 51)], "row 0: 'keypoints' must be a list of 51 numbers"),
        ([row(keypoints=[1e300] * 51)], "row 0: 'keypoints' must be a list of 51 numbers"),
        ([{k: v for k, v in ROWS[0].items() if k != "score"}], "row 0: 'score' is missing"),
        *(([row(score=wrong)], "row 0: 'score' must be a number") for wrong in (float("nan"), "1", None, True, 1e300)),
        *(([row(image_id=wrong)], "row 0: 'image_id' must be a whole number") for wrong in ("1", 1.5, None, 10**30)),
        ([row(category_id=None)], "row 0: 'category_id' must be a whole number"),
        ([row(bbox=[1, 2])], "row 0: 'bbox' must be a list of x, y, width and height"),
        ([row(image_id=9)], "none of the 1 rows .* the first has the 'category_id' 1 and the 'image_id' 9"),
        ([row(category_id=0)], r"none of the 1 rows .* the first has the 'category_id' 0 \(people have 1\) and the"),
        (
            [row(keypoints=(np.array(ROWS[0]["keypoints"]) / 1000).tolist())],
            "all keypoints of the predictions .* lie from 0 to 1; give them in pixels",
        ),
    ],
)
def test_what_cannot_be_used_is_one_sentence(predict, content, sentence):
    with pytest.raises(OpenPoseLabError, match=sentence):
        predict(content)


def test_rows_of_others_are_left_out_and_counted(predict):
    found = predict([row(image_id=9), ROWS[0], row(category_id=18), row(image_id=10), ROWS[1]])
    assert (found.rows, len(found.measured.results)) == (5, 2)
    assert found.left_out == {"of other photos": 2, "of other categories": 1}
    assert [person["score"] for person in found.measured.results] == [person["score"] for person in ROWS]


@pytest.mark.parametrize("third", [0, 1, 2, 0.37, -1])
def test_the_third_number_does_not_count(predict, third):
    keypoints = np.array(ROWS[0]["keypoints"]).reshape(17, 3)
    keypoints[:, 2] = third
    (person,) = predict([row(keypoints=keypoints.ravel().tolist())]).measured.results
    assert person["keypoints"] == ROWS[0]["keypoints"]


def test_a_keypoint_of_zeros_is_missing(predict):
    keypoints = [0, 0, 0, *ROWS[0]["keypoints"][3:]]
    measured = predict([row(keypoints=keypoints)]).measured
    parts = assess(to_truth(ANNOTATIONS), measured).parts
    assert (parts["nose"].found, parts["left_eye"].found) == (0, 0.5)


def test_imputed_keypoints_count_but_are_not_found(predict):
    found = predict([row(imputed=["nose", "no part"]), ROWS[1]])
    assert found.measured.results[0]["keypoints"] == ROWS[0]["keypoints"]
    assert found.measured.found[0]["keypoints"] == [0, 0, 0, *ROWS[0]["keypoints"][3:]]
    parts = assess(to_truth(ANNOTATIONS), found.measured).parts
    assert (parts["nose"].found, parts["nose"].pck) == (0.5, 1)


@pytest.mark.parametrize("imputed", [None, 5, "nose", {"nose": 1}, [["nose"]]])
def test_another_system_may_mean_something_else_by_imputed(predict, imputed):
    (person,) = predict([row(imputed=imputed)]).measured.found
    assert person["keypoints"] == ROWS[0]["keypoints"]


def noisy_photos(rng):
    """Annotations of 12 photos of two people, one a crowd, and results with some far off and some doubled."""
    content = annotate(COCO_18, {f"{k}.png": PEOPLE * rng.uniform(0.2, 1) for k in range(12)})
    content["annotations"][3] |= {"iscrowd": 1, "num_keypoints": 0, "keypoints": [0] * 51}
    rows = []
    for entry in content["annotations"]:
        for _ in range(rng.integers(3)):
            keypoints = np.array(entry["keypoints"], dtype=float).reshape(17, 3)
            keypoints[:, :2] += rng.normal(0, rng.choice([1, 4, 60]), (17, 2))
            keypoints[rng.random(17) < 0.1] = 0
            rows.append({**ROWS[0], "image_id": entry["image_id"], "keypoints": keypoints.ravel().tolist()})
            rows[-1]["score"] = float(rng.random())
    return content, rows


@pytest.mark.parametrize("boxes", ["none", "all", "not of the first", "empty"])
@pytest.mark.parametrize("seed", range(3))
def test_the_figures_are_those_of_pycocotools(annotations, predict, seed, boxes, tmp_path):
    rng = np.random.default_rng(seed)
    content, rows = noisy_photos(rng)
    for number, one in enumerate(rows):
        if boxes == "all" or (boxes == "not of the first" and number):
            one["bbox"] = [0, 0, *rng.uniform(10, 150, 2)]  # with other areas than the boxes around the keypoints
        elif boxes == "empty":
            one["bbox"] = []
    path = annotations(content)
    measured = predict(rows, read_annotations(path)).measured
    expected = by_hand(path, tmp_path / "predictions.json")
    assert 0 < expected[0] < 1
    assert list(assess(read_annotations(path), measured).figures.values()) == pytest.approx(expected, abs=1e-12)

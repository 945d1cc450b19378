import contextlib
import io
import json

import numpy as np
import pytest

pytest.importorskip("pycocotools")

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from estimation.config import COCO_18
from estimation.errors import OpenPoseLabError
from openpose_lab.evaluation import annotations as annotated
from openpose_lab.evaluation import coco_figures as coco
from tests.openpose_lab.conftest import ANNOTATIONS, PEOPLE, results_of


def test_the_truth_itself_scores_1(annotations):
    truth = annotated.read_annotations(annotations(ANNOTATIONS))
    assert coco.score(truth, results_of(PEOPLE))[0] == pytest.approx(1)


def test_half_of_the_people_are_half_of_the_recall(annotations):
    truth = annotated.read_annotations(annotations(ANNOTATIONS))
    figures = dict(zip(coco.FIGURES, coco.score(truth, results_of(PEOPLE[:1]))))
    assert figures["AR"] == pytest.approx(0.5)


def test_people_elsewhere_score_0(annotations):
    truth = annotated.read_annotations(annotations(ANNOTATIONS))
    assert coco.score(truth, results_of(PEOPLE + 200))[0] == 0


def with_person(**changes):
    return {**ANNOTATIONS, "annotations": [{**ANNOTATIONS["annotations"][0], **changes}]}


def with_image(**changes):
    return {**ANNOTATIONS, "images": [{**ANNOTATIONS["images"][0], **changes}]}


KEYPOINTS = "'keypoints' must be a list of 51 numbers: x, y and visibility of each keypoint"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"images": [', "is not JSON, or cut short; give a COCO keypoint file"),
        ("[" * 200_000, "is not JSON, or cut short; give a COCO keypoint file"),
        ("[]", "are not COCO keypoints: the file must hold an object"),
        ({"images": []}, "are not COCO keypoints: there must be a list 'annotations'"),
        ({**ANNOTATIONS, "categories": [5]}, "are not COCO keypoints: there must be a list 'categories'"),
        ({**ANNOTATIONS, "annotations": [[]]}, "there must be a list 'annotations'"),
        ({**ANNOTATIONS, "images": []}, "the list 'images' is empty"),
        ({**ANNOTATIONS, "images": [{"id": 1}]}, "entry 0 of 'images': 'file_name' is missing"),
        *(
            (with_image(id=wrong), "entry 0 of 'images': 'id' must be a whole number")
            for wrong in ("1", 1.5, None, [1], 10**30, True)
        ),
        *(
            (with_image(file_name=wrong), "entry 0 of 'images': 'file_name' must be the name of a photo")
            for wrong in (5, "", "x" * 5000, "a\nb", None)
        ),
        (with_person(image_id=[1]), "entry 0 of 'annotations': 'image_id' must be a whole number"),
        (with_person(category_id=[1]), "entry 0 of 'annotations': 'category_id' must be a whole number"),
        (with_person(keypoints=[1, 2]), KEYPOINTS),
        (with_person(keypoints=None), KEYPOINTS),
        (with_person(keypoints=["1"] * 51), KEYPOINTS),
        (with_person(keypoints=[10**400] * 51), KEYPOINTS),
        (with_person(keypoints=[1e300] * 51), KEYPOINTS),
        (with_person(bbox=[0, 0, float("nan"), 1]), "'bbox' must be a list of x, y, width and height"),
        (with_person(bbox=[0, 0, -1, 1]), "'bbox' must be a list of x, y, width and height"),
        *((with_person(area=wrong), "'area' must be a number from 0 to 1e") for wrong in (-1, None, 1e11, 10**400)),
        *((with_person(iscrowd=wrong), "'iscrowd' must be 0 or 1") for wrong in ("0", None, 2, 0.0)),
        *((with_person(num_keypoints=wrong), "'num_keypoints' must be a whole") for wrong in ("3", None, -1)),
        (with_person(head_size="10"), "'head_size' must be a number from 0 to "),
        (with_person(bbox_head=[1, 2]), "'bbox_head' must be a list of x, y, width and height"),
        (with_person(iscrowd=1), "no person in the 1 photos of the annotations .* has keypoints, so there is nothing"),
        (with_person(num_keypoints=0), "no person in the 1 photos"),
        (with_person(image_id=2), "no person in the 1 photos"),
        (with_person(category_id=2, keypoints="none"), "no person in the 1 photos"),
        ({**ANNOTATIONS, "images": ANNOTATIONS["images"] * 2}, "two entries of 'images' have the id 1"),
        ({**ANNOTATIONS, "categories": [{"id": 2}]}, "no category has the id 1, which stands for people in COCO"),
        *(
            (
                {**ANNOTATIONS, "categories": [{"id": 1, "keypoints": wrong}]},
                "the category of people: 'keypoints' must be COCO's 17 names in COCO's order, nose, left_eye, ",
            )
            for wrong in (["head"], 5, None)
        ),
    ],
)
def test_bad_annotations_are_one_sentence(annotations, content, sentence):
    with pytest.raises(OpenPoseLabError, match=sentence):
        annotated.read_annotations(annotations(content))


def test_what_is_no_person_s_does_not_matter(annotations):
    dog = {"image_id": 1, "category_id": 18, "bbox": None}
    truth = annotated.read_annotations(annotations({**ANNOTATIONS, "annotations": [dog, *ANNOTATIONS["annotations"]]}))
    assert [person["category_id"] for person in truth.imgToAnns[1]] == [1, 1]
    assert coco.score(truth, results_of(PEOPLE))[0] == pytest.approx(1)


def test_missing_files_are_one_sentence(annotations, tmp_path):
    with pytest.raises(OpenPoseLabError, match="there is no annotations file .*none.json"):
        annotated.read_annotations(tmp_path / "none.json")
    truth = annotated.read_annotations(annotations(ANNOTATIONS))
    with pytest.raises(OpenPoseLabError, match="the annotations name photo.png, but there is no such file in "):
        annotated.find_photos(truth, tmp_path)


def test_ap_and_ar_alone_are_those_of_the_ten_figures(annotations):
    truth = annotated.read_annotations(annotations(ANNOTATIONS))
    nudged = results_of(np.concatenate([PEOPLE[:1] + 4, PEOPLE[1:] + 200]))
    figures = dict(zip(coco.FIGURES, coco.score(truth, nudged)))
    assert 0 < figures["AP"] < 1
    assert coco.average_precision(truth, nudged, 20) == pytest.approx((figures["AP"], figures["AR"]))
    assert coco.average_precision(truth, [], 20) == (0, 0)


def test_only_so_many_people_count(annotations):
    truth = annotated.read_annotations(annotations(ANNOTATIONS))
    assert coco.average_precision(truth, results_of(PEOPLE), 2)[1] == pytest.approx(1)
    assert coco.average_precision(truth, results_of(PEOPLE), 1)[1] == pytest.approx(0.5)


def test_annotations_of_people_who_lack_parts():
    person = PEOPLE[:1].copy()
    person[0, COCO_18.body_parts.index("left_ankle")] = np.nan
    (annotation,) = annotated.annotate(COCO_18, {"a.png": PEOPLE[:0], "b.png": person})["annotations"]
    assert (annotation["id"], annotation["image_id"], annotation["num_keypoints"]) == (1, 2, 16)
    assert annotation["keypoints"][3 * 15 : 3 * 17] == [0, 0, 0, *person[0, 10].tolist(), 2]


def crowd_of_photos(found):
    """Ten photos with two people each, and results with the first ``found`` of the twenty people."""
    truth = annotated.to_truth(annotated.annotate(COCO_18, {f"{k}.png": PEOPLE for k in range(10)}))
    results = [{**person, "image_id": k + 1} for k in range(10) for person in results_of(PEOPLE)]
    return truth, results[:found]


def confidence(truth, results):
    return coco.interval(coco.bootstrap(truth, results))


def test_confidence_tells_what_so_few_photos_can():
    truth, results = crowd_of_photos(10)  # both people in the first five photos, none in the others
    ap, _ = coco.average_precision(truth, results, 20)
    low, high = confidence(truth, results)
    assert low < ap < high
    assert high - low == pytest.approx(4 * 0.5 / np.sqrt(10), abs=0.15)  # four standard errors of a fair coin
    assert confidence(truth, results) == (low, high)
    assert confidence(*crowd_of_photos(20)) == (1, 1)


def test_the_draws_of_two_results_are_the_same_photos():
    truth, more = crowd_of_photos(14)
    _, fewer = crowd_of_photos(12)  # the people of one photo less
    difference = coco.bootstrap(truth, more) - coco.bootstrap(truth, fewer)
    assert difference.min() == 0  # a draw without that photo
    assert difference.max() > 0.1
    assert (difference >= 0).all()  # with different draws, some differences would be negative


def test_confidence_where_most_photos_are_without_people():
    truth = annotated.to_truth(
        annotated.annotate(COCO_18, {"a.png": PEOPLE, **{f"{k}.png": PEOPLE[:0] for k in range(5)}})
    )
    assert confidence(truth, results_of(PEOPLE)) == (1, 1)


def test_an_annotation_with_the_id_0_is_found_like_any_other():
    content = {**ANNOTATIONS, "annotations": [{**entry, "id": k} for k, entry in enumerate(ANNOTATIONS["annotations"])]}
    assert coco.score(annotated.to_truth(content), results_of(PEOPLE))[0] == pytest.approx(1)


def by_hand(path, results_path):
    """Compute COCO's figures with the calls of COCO's documentation."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(path)
        evaluation = COCOeval(truth, truth.loadRes(str(results_path)), "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats.tolist()


def test_crowds_and_photos_without_people_count_as_coco_has_it(annotations, tmp_path):
    """One photo has two people and a crowd, another photo has no people.

    Found are one of the two people, two people in the crowd, and one person in the photo without people.
    """
    content = annotated.annotate(
        COCO_18, {"a.png": np.concatenate([PEOPLE, PEOPLE[:1] + np.array([0, 400])]), "b.png": PEOPLE[:0]}
    )
    content["annotations"][2] |= {"iscrowd": 1, "num_keypoints": 0, "keypoints": [0] * 51}
    in_crowd = np.stack([PEOPLE[0] + np.array([-20, 410]), PEOPLE[0] + np.array([20, 390])])
    results = [*results_of(np.concatenate([in_crowd, PEOPLE[:1] + 3])), *results_of(PEOPLE[:1], image_id=2)]
    path = annotations(content)
    (tmp_path / "results.json").write_text(json.dumps(results))
    expected = by_hand(path, tmp_path / "results.json")
    found = coco.score(annotated.read_annotations(path), results)
    assert found == pytest.approx(expected)
    assert dict(zip(coco.FIGURES, found))["AR .5"] == 0.5
    without_crowd = coco.score(annotated.read_annotations(path), results[2:])
    assert without_crowd == pytest.approx(expected)

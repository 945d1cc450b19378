import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.errors import OpenPoseLabError
from estimation.formats import to_coco
from estimation.skeletons import Skeletons
from tests.tools.conftest import ANNOTATIONS, PEOPLE
from tools import coco


def results_of(people):
    count = len(people)
    ids = np.arange(count * 18).reshape(count, 18)
    return to_coco(COCO_18, Skeletons(people, np.ones((count, 18)), np.arange(count, 0, -1.0), ids), 1)


def test_the_truth_itself_scores_1(annotations):
    truth = coco.read_annotations(annotations(ANNOTATIONS))
    assert coco.score(truth, results_of(PEOPLE))[0] == pytest.approx(1)


def test_half_of_the_people_are_half_of_the_recall(annotations):
    truth = coco.read_annotations(annotations(ANNOTATIONS))
    figures = dict(zip(coco.FIGURES, coco.score(truth, results_of(PEOPLE[:1]))))
    assert figures["AR"] == pytest.approx(0.5)


def test_people_elsewhere_score_0(annotations):
    truth = coco.read_annotations(annotations(ANNOTATIONS))
    assert coco.score(truth, results_of(PEOPLE + 200))[0] == 0


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"images": [', "are not JSON, or cut short"),
        ("[]", "are not COCO keypoints: the file must hold an object"),
        ({"images": []}, "are not COCO keypoints: there must be a list 'annotations'"),
        ({**ANNOTATIONS, "images": []}, "the list 'images' is empty"),
        ({**ANNOTATIONS, "images": [{"id": 1}]}, "entry 0 of 'images' has no 'file_name'"),
        (
            {**ANNOTATIONS, "annotations": [{**ANNOTATIONS["annotations"][0], "keypoints": [1, 2]}]},
            "entry 0 of 'annotations' has 2 keypoint numbers, expected 51",
        ),
    ],
)
def test_bad_annotations_are_one_sentence(annotations, content, sentence):
    with pytest.raises(OpenPoseLabError, match=sentence):
        coco.read_annotations(annotations(content))


def test_missing_files_are_one_sentence(annotations, tmp_path):
    with pytest.raises(OpenPoseLabError, match="cannot read the annotations .*none.json"):
        coco.read_annotations(tmp_path / "none.json")
    truth = coco.read_annotations(annotations(ANNOTATIONS))
    with pytest.raises(OpenPoseLabError, match="the annotations name photo.png, but there is no "):
        coco.find_photos(truth, tmp_path)


def test_ap_and_ar_alone_are_those_of_the_ten_figures(annotations):
    truth = coco.read_annotations(annotations(ANNOTATIONS))
    nudged = results_of(np.concatenate([PEOPLE[:1] + 4, PEOPLE[1:] + 200]))
    figures = dict(zip(coco.FIGURES, coco.score(truth, nudged)))
    assert 0 < figures["AP"] < 1
    assert coco.average_precision(truth, nudged, 20) == pytest.approx((figures["AP"], figures["AR"]))
    assert coco.average_precision(truth, [], 20) == (0, 0)


def test_only_so_many_people_count(annotations):
    truth = coco.read_annotations(annotations(ANNOTATIONS))
    assert coco.average_precision(truth, results_of(PEOPLE), 2)[1] == pytest.approx(1)
    assert coco.average_precision(truth, results_of(PEOPLE), 1)[1] == pytest.approx(0.5)


def test_annotations_of_people_who_lack_parts():
    person = PEOPLE[:1].copy()
    person[0, COCO_18.body_parts.index("left_ankle")] = np.nan
    (annotation,) = coco.annotate(COCO_18, {"a.png": PEOPLE[:0], "b.png": person})["annotations"]
    assert (annotation["id"], annotation["image_id"], annotation["num_keypoints"]) == (1, 2, 16)
    assert annotation["keypoints"][3 * 15 : 3 * 17] == [0, 0, 0, *person[0, 10].tolist(), 2]


def crowd_of_photos(found):
    """Ten photos with two people each, and results in which so many of the twenty are found."""
    truth = coco.to_truth(coco.annotate(COCO_18, {f"{k}.png": PEOPLE for k in range(10)}))
    results = [{**person, "image_id": k + 1} for k in range(10) for person in results_of(PEOPLE)]
    return truth, results[:found]


def test_confidence_tells_what_so_few_photos_can():
    truth, results = crowd_of_photos(10)  # all in the first five photos, nobody in the others
    ap, _ = coco.average_precision(truth, results, 20)
    low, high = coco.confidence(truth, results)
    assert low < ap < high
    assert high - low == pytest.approx(4 * 0.5 / np.sqrt(10), abs=0.15)  # four standard errors of a fair coin
    assert coco.confidence(truth, results) == (low, high)
    assert coco.confidence(*crowd_of_photos(20)) == (1, 1)

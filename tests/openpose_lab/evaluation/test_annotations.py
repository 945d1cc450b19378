"""Incomplete annotations, and annotations that cannot be used: one sentence reports each."""

import json

import numpy as np
import pytest

pytest.importorskip("pycocotools")

from estimation.config import COCO_18
from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from openpose_lab.evaluation.annotations import annotate, find_photos, list_photos, read_annotations
from openpose_lab.evaluation.coco_figures import score
from tests.openpose_lab.conftest import ANNOTATIONS, PEOPLE, results_of
from tests.openpose_lab.evaluation.test_coco_figures import by_hand


def people_with(**changes):
    return {**ANNOTATIONS, "annotations": [{**entry, **changes} for entry in ANNOTATIONS["annotations"]]}


def people_without(*keys):
    people = [{k: v for k, v in entry.items() if k not in keys} for entry in ANNOTATIONS["annotations"]]
    return {**ANNOTATIONS, "annotations": people}


@pytest.mark.parametrize(
    ("key", "note"),
    [
        ("iscrowd", "2 of 2 people in .* lack 'iscrowd' .first in photo.png.; 0 .one person. is used"),
        ("category_id", "lack 'category_id' .first in photo.png.; 1 .person. is used"),
        ("bbox", "lack 'bbox' .first in photo.png.; the box around the labelled keypoints is used"),
        ("area", "lack 'area' .first in photo.png.; the area of the box is used, as in pycocotools"),
    ],
)
def test_what_people_lack_gets_the_default_of_coco(annotations, key, note):
    with pytest.warns(OpenPoseLabWarning, match=note):
        truth = read_annotations(annotations(people_without(key)))
    expected = {"iscrowd": 0, "category_id": 1, "bbox": ANNOTATIONS["annotations"][0]["bbox"]}
    width, height = expected["bbox"][2:]
    assert truth.anns[1][key] == pytest.approx({**expected, "area": width * height}[key])
    assert score(truth, results_of(PEOPLE))[0] == pytest.approx(1)


def test_without_box_and_area_the_box_is_found_first(annotations):
    with pytest.warns(OpenPoseLabWarning, match="'bbox'"), pytest.warns(OpenPoseLabWarning, match="'area'"):
        truth = read_annotations(annotations(people_without("bbox", "area")))
    assert truth.anns[1]["area"] == pytest.approx(np.prod(ANNOTATIONS["annotations"][0]["bbox"][2:]))


@pytest.mark.parametrize("missing", [{}, {"categories": []}, {"categories": None}])
def test_without_categories_coco_s_own_are_taken(annotations, missing):
    content = {key: value for key, value in ANNOTATIONS.items() if key != "categories"} | missing
    with pytest.warns(OpenPoseLabWarning, match="have no 'categories'; category 1 stands for people, as in COCO"):
        truth = read_annotations(annotations(content))
    assert score(truth, results_of(PEOPLE))[0] == pytest.approx(1)


def test_defaults_give_the_figures_of_pycocotools_with_them_written_out(annotations, tmp_path):
    nudged = results_of(PEOPLE + 4)
    (tmp_path / "results.json").write_text(json.dumps(nudged))
    whole = people_with()
    for entry in whole["annotations"]:
        entry |= {"area": float(np.prod(entry["bbox"][2:])), "iscrowd": 0}
    expected = by_hand(annotations(whole), tmp_path / "results.json")
    with pytest.warns(OpenPoseLabWarning, match="'iscrowd'"), pytest.warns(OpenPoseLabWarning, match="'area'"):
        truth = read_annotations(annotations(people_without("area", "iscrowd")))
    assert score(truth, nudged) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({**ANNOTATIONS, "annotations": []}, "the list 'annotations' is empty"),
        (people_with(category_id=0), "no annotation has the 'category_id' 1 .person.; the first has 0"),
        (people_with(image_id=7), "no annotation of a person has the id of one of these photos; .* 'image_id' 7"),
        (people_with(iscrowd=1), "all annotations are crowds"),
        (people_with(keypoints=[5, 5, 0] * 17), "the visibility of every keypoint is 0"),
        (people_with(num_keypoints=0), "'num_keypoints' is 0 for every person with labelled keypoints"),
    ],
)
def test_why_nobody_can_be_measured(annotations, content, why):
    with pytest.raises(OpenPoseLabError, match=f"no person in the 1 photos .* so there is nothing to measure: {why}"):
        read_annotations(annotations(content))


@pytest.mark.parametrize("area", [0, 0.04])
def test_areas_of_nothing_are_refused(annotations, area):
    """COCO's similarity would be 0 for every skeleton, so AP would be 0 without a message."""
    with pytest.raises(OpenPoseLabError, match="the 'area' of every person .* is below 1 pixel .first in photo.png."):
        read_annotations(annotations(people_with(area=area)))


def test_the_area_of_one_person_is_told(annotations):
    content = people_with()
    content["annotations"][1]["area"] = 0
    with pytest.warns(OpenPoseLabWarning, match="the 'area' of 1 of 2 people is below 1 pixel .first in photo.png."):
        read_annotations(annotations(content))


def test_keypoints_as_shares_of_the_photo_are_refused(annotations):
    people = annotate(COCO_18, {"photo.png": PEOPLE / 1000})
    for entry in people["annotations"]:
        entry["area"] = 5000
    with pytest.raises(OpenPoseLabError, match="all keypoints of photo.png .* lie from 0 to 1; give them in pixels"):
        read_annotations(annotations(people))


def test_annotations_of_photos_that_are_not_listed_are_told(annotations):
    stray = {**ANNOTATIONS["annotations"][0], "image_id": 9}
    content = {**ANNOTATIONS, "annotations": [*ANNOTATIONS["annotations"], stray]}
    with pytest.warns(OpenPoseLabWarning, match="1 annotations in .* left out: no photo has their 'image_id', .* 9"):
        truth = read_annotations(annotations(content))
    assert len(truth.anns) == 2


def test_ids_of_annotations_may_repeat(annotations):
    truth = read_annotations(annotations(people_with(id=5)))
    assert sorted(truth.anns) == [1, 2]
    assert score(truth, results_of(PEOPLE))[0] == pytest.approx(1)


def test_what_pycocotools_would_copy_is_left_out(annotations):
    """pycocotools copies ``info`` and ``categories``, which may be nested as deeply as the JSON reader allows."""
    nested = json.loads("[" * 900 + "]" * 900)
    categories = [{**ANNOTATIONS["categories"][0], "more": nested}]
    truth = read_annotations(annotations(json.dumps({**ANNOTATIONS, "info": nested, "categories": categories})))
    assert score(truth, results_of(PEOPLE))[0] == pytest.approx(1)


@pytest.mark.parametrize("letter", ["é", "漢", "x"])
def test_the_longest_name_is_one_sentence(annotations, tmp_path, letter):
    content = {**ANNOTATIONS, "images": [{"id": 1, "file_name": letter * 255}]}
    truth = read_annotations(annotations(content))
    with pytest.raises(OpenPoseLabError, match="the annotations name .* but there is no such file in") as caught:
        find_photos(truth, tmp_path)
    assert len(str(caught.value)) < 300


def test_annotations_without_people_can_be_read_for_their_photos(annotations):
    content = {"images": [{"id": 30, "file_name": "a.jpg"}, {"id": 7, "file_name": "b.jpg"}]}
    truth = read_annotations(annotations(content), need_people=False)
    assert (list(truth.imgs), truth.anns) == ([30, 7], {})
    with pytest.raises(OpenPoseLabError, match="there must be a list 'annotations'"):
        read_annotations(annotations(content))
    with pytest.raises(OpenPoseLabError, match="no person in the 1 photos"):  # all annotations are crowds
        read_annotations(annotations(people_with(iscrowd=1)), need_people=False)


def test_photos_with_numbers_as_names_have_these_ids(tmp_path):
    for name in ("000000000139.jpg", "12.png", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "7.jpg").mkdir()
    assert {key: image["file_name"] for key, image in list_photos(tmp_path).imgs.items()} == {
        139: "000000000139.jpg",
        12: "12.png",
    }
    assert list(list_photos(tmp_path, limit=1).imgs) == [139]


@pytest.mark.parametrize("names", [("b.jpg", "a.png"), ("7.jpg", "07.jpg"), ("1.jpg", "²2.jpg")])
def test_other_photos_are_numbered(tmp_path, names):
    for name in names:
        (tmp_path / name).touch()
    with pytest.warns(OpenPoseLabWarning, match="get ids from 1 in the order of their names, which are not all"):
        truth = list_photos(tmp_path)
    assert [truth.imgs[key]["file_name"] for key in (1, 2)] == sorted(names)


def test_a_folder_without_photos_is_one_sentence(tmp_path):
    with pytest.raises(OpenPoseLabError, match="no file in .* has a name that ends in .png"):
        list_photos(tmp_path)
    with pytest.raises(OpenPoseLabError, match="cannot read the folder .*none: No such file"):
        list_photos(tmp_path / "none")

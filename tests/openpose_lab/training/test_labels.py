"""Labels of photos in COCO's form."""

import json

import numpy as np
import pytest

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from estimation.layouts import LAYOUTS, Layout, Limb
from openpose_lab.formats.coco import COCO_KEYPOINTS
from openpose_lab.training.labels import read_labels, with_people
from openpose_lab.training.regions import region_mask

COCO = LAYOUTS["COCO_18"]
TOY = Layout("TOY", ("tip", "base"), (Limb(0, 1, 0, 1),), (0.1, 0.1))


def person(image_id=1, parts=None, **more):
    """An annotation: the keypoints by name, and other entries."""
    keypoints = [
        value for name in COCO_KEYPOINTS for value in (*(parts or {}).get(name, (0, 0)), 2 * (name in (parts or {})))
    ]
    return {"image_id": image_id, "category_id": 1, "bbox": [1, 2, 30, 40], "keypoints": keypoints, **more}


@pytest.fixture
def read(tmp_path):
    """Write annotations and read them."""

    def read(annotations, layout=COCO, names=None, photos=(1,), limit=None):
        category = {"id": 1, "name": "person", **({"keypoints": names} if names else {})}
        images = [{"id": number, "file_name": f"{number}.jpg"} for number in photos]
        for number in photos:
            (tmp_path / f"{number}.jpg").touch()
        content = {"images": images, "annotations": annotations, "categories": [category]}
        (tmp_path / "people.json").write_text(json.dumps(content))
        return read_labels(tmp_path / "people.json", tmp_path, layout, limit)

    return read


def test_keypoints_in_the_order_of_the_layout(read):
    labels = read([person(parts={"left_shoulder": (10, 20), "right_shoulder": (30, 40), "nose": (5, 6)}, area=50)])
    (photo,) = labels.photos
    (points,) = photo.keypoints
    by_name = dict(zip(COCO.body_parts, points.tolist()))
    assert by_name["nose"] == [5, 6]
    assert by_name["neck"] == [20, 30]  # the middle of the shoulders
    assert np.isnan(by_name["left_eye"]).all()
    assert photo.boxes.tolist() == [[1, 2, 30, 40]]
    assert photo.areas.tolist() == [50]


def test_a_neck_needs_both_shoulders(read):
    (photo,) = read([person(parts={"left_shoulder": (10, 20)})]).photos
    assert np.isnan(photo.keypoints[0, COCO.body_parts.index("neck")]).all()


def test_crowds_and_people_without_keypoints_are_unknown_regions(read):
    crowd = person(parts={"nose": (1, 1)}, iscrowd=1, segmentation={"size": [4, 5], "counts": [8, 4, 8]})
    outlined = person(segmentation=[[0, 0, 2, 0, 2, 2, 0, 2]])
    (photo,) = read([crowd, outlined, person(), person(parts={"nose": (1, 1)})]).photos
    assert len(photo.keypoints) == 1
    assert photo.unknown == (crowd["segmentation"], outlined["segmentation"], [1, 2, 30, 40])
    assert region_mask(photo.unknown[:1], 4, 5).nonzero()[1].tolist() == [2, 2, 2, 2]  # run lengths go down columns
    assert region_mask(photo.unknown[1:2], 4, 5)[:2, :2].all()  # OpenCV sets pixels on the edge, too
    assert not region_mask(photo.unknown[1:2], 4, 5)[:, 3:].any()
    assert region_mask(photo.unknown[2:], 50, 50)[2:42, 1:31].all()


def test_the_category_names_other_keypoints(read):
    entry = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9], "keypoints": [1, 2, 2, 3, 4, 1]}
    (photo,) = read([entry], TOY, ["base", "tip"]).photos
    assert photo.keypoints.tolist() == [[[3, 4], [1, 2]]]


def test_the_first_photos_by_id(read):
    labels = read([person(3, {"nose": (1, 1)}), person(2, {"nose": (2, 2)})], photos=(7, 3, 2), limit=2)
    assert [photo.image_id for photo in labels.photos] == [2, 3]
    assert [photo.keypoints[0, 0].tolist() for photo in labels.photos] == [[2, 2], [1, 1]]


def test_parts_that_are_not_labelled_are_named(read):
    with pytest.warns(OpenPoseLabWarning, match="do not label tip; the network cannot learn these parts"):
        read([{"image_id": 1, "category_id": 1, "keypoints": [1, 2, 2]}], TOY, ["base"])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"annotations": [person()]}, "no person in the 1 photos of the annotations"),
        ({"annotations": [{**person(), "keypoints": [1, 2]}]}, "'keypoints' must be a list of 51 numbers"),
        (
            {"annotations": [person(parts={"nose": (1, 1)})], "layout": TOY},
            "but no part of the layout TOY, such as tip",
        ),
    ],
)
def test_labels_that_cannot_be_used(read, change, sentence):
    with pytest.raises(OpenPoseLabError, match=sentence):
        read(**change)


def test_a_missing_photo(tmp_path):
    content = {"images": [{"id": 1, "file_name": "gone.jpg"}], "annotations": [person()], "categories": [{"id": 1}]}
    (tmp_path / "people.json").write_text(json.dumps(content))
    with pytest.raises(OpenPoseLabError, match="the annotations name gone.jpg, but there is no such file in"):
        read_labels(tmp_path / "people.json", tmp_path, COCO)


@pytest.mark.parametrize(
    ("region", "sentence"),
    [
        ({"size": [4, 4], "counts": [16]}, "has the size"),
        ({"size": [4, 5], "counts": [3, 3]}, "do not add up"),
        ({"size": [4, 5], "counts": ""}, "do not add up"),
        ({"size": [4, 5], "counts": "~~~~~~~~~zzzzzzzzzoooooo"}, "has no meaning"),
        ({"size": [4, 5], "counts": "4P"}, "are cut short"),
        ({"size": [4, 5], "counts": "O"}, "do not add up"),
    ],
)
def test_damaged_run_lengths(region, sentence):
    with pytest.raises(OpenPoseLabError, match=sentence):
        region_mask([region], 4, 5)


def test_compressed_run_lengths_equal_those_of_coco():
    """pycocotools compresses random masks, with runs from 1 to some thousand pixels."""
    pytest.importorskip("pycocotools")
    from pycocotools import mask as coco

    rng = np.random.default_rng(0)
    for height, width, block in ((1, 1, 1), (7, 5, 1), (60, 90, 1), (60, 90, 30), (400, 300, 100)):
        for _ in range(5):
            small = rng.random((-(-height // block), -(-width // block))) < 0.5
            mask = np.kron(small, np.ones((block, block)))[:height, :width].astype(np.uint8)
            counts = coco.encode(np.asfortranarray(mask))["counts"].decode()
            found = region_mask([{"size": [height, width], "counts": counts}], height, width)
            np.testing.assert_array_equal(found, mask.astype(bool))


def test_photos_without_labelled_people_are_not_used_for_training(read):
    labels = read([person(2, {"nose": (1, 1)}), person(3)], photos=(1, 2, 3))
    assert len(labels.photos) == 3  # AP counts false positives in the others
    with pytest.warns(OpenPoseLabWarning, match="2 of 3 photos have no person with keypoints, and are not used"):
        assert [photo.image_id for photo in with_people(labels).photos] == [2]


@pytest.mark.parametrize("box", [[100, 100, 0, 0], [1e6, 0, 50, 50], [0.1, 0.2, 1e-9, 1e-9]])
def test_boxes_that_are_not_around_the_keypoints_are_replaced(read, box):
    with pytest.warns(OpenPoseLabWarning, match="the 'bbox' of 1 of 2 people in .* is smaller than a pixel or far"):
        (photo,) = read(
            [
                person(parts={"nose": (10, 20), "left_eye": (30, 50)}, bbox=box),
                person(parts={"nose": (10, 20)}, bbox=[0, 0, 60, 60]),
            ]
        ).photos
    assert photo.boxes.tolist() == [[10, 20, 20, 30], [0, 0, 60, 60]]


@pytest.mark.parametrize("counts", ["d0o", "o" * 10**6], ids=["cut short", "too large"])
def test_compressed_run_lengths_with_a_damaged_number(counts):
    with pytest.raises(OpenPoseLabError, match="are cut short|too large"):
        region_mask([{"size": [4, 5], "counts": counts}], 4, 5)


@pytest.mark.parametrize(
    "outline",
    [[["a"]], float("nan"), "a string", "", "[" * 10**5, 0, False, {}],
    ids=lambda value: repr(value)[:20],
)
def test_an_outline_of_another_form_is_not_replaced_by_the_box(read, outline):
    with pytest.raises(OpenPoseLabError, match="a 'segmentation' of 1.jpg in the annotations must be polygons or run"):
        read([person(segmentation=outline), person(parts={"nose": (1, 1)})])

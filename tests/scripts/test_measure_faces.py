import json

import numpy as np
import pytest

from scripts.measure_faces import are_covered, main, visible_faces
from tests.conftest import ROOT
from tests.support.extras import needs


def person(*visibilities):
    """A person in COCO's form. Part k is at x = 10 k, y = k."""
    parts = [[10 * k, k, v] for k, v in enumerate([*visibilities, *[2] * (17 - len(visibilities))])]
    return [number for part in parts for number in part]


def test_a_face_counts_if_the_nose_and_both_eyes_are_visible():
    faces = visible_faces([person(2, 2, 2), person(2, 1, 2), person(2, 2, 0), person(2, 2, 2, 0)])
    np.testing.assert_array_equal(faces, [[[0, 0], [10, 1], [20, 2]]] * 2)
    assert visible_faces([]).shape == (0, 3, 2)


def test_one_disc_must_contain_all_points_of_a_face():
    faces = np.array([[[0, 0], [3, 0], [0, 4]], [[100, 0], [103, 0], [100, 4]]], float)
    assert are_covered(faces, np.array([[0, 0, 4.0]])).tolist() == [True, False]
    assert are_covered(faces, np.array([[0, 0, 3.9], [0, 4, 3.9], [np.nan] * 3])).tolist() == [False, False]
    assert are_covered(faces, np.empty((0, 3))).tolist() == [False, False]
    assert are_covered(np.empty((0, 3, 2)), np.ones((2, 3))).tolist() == []


@pytest.mark.slow
@needs("pycocotools")
def test_the_shares_are_printed(call_program, tmp_path):
    nose_and_eyes = [419, 102, 2, 422, 98, 2, 416, 98, 2]  # of a skier, about
    people = [{"image_id": 1, "keypoints": nose_and_eyes + [0] * 42}, {"image_id": 1, "keypoints": [5, 5, 2] * 17}]
    photo = {"id": 1, "file_name": "skiers.jpg", "width": 640, "height": 360}
    (tmp_path / "people.json").write_text(json.dumps({"images": [photo], "annotations": people}))
    options = ["--images", ROOT / "images", "--annotations", tmp_path / "people.json"]
    status, out, _ = call_program("measure_faces", main, *options)
    assert status == 0
    assert "| `balanced` | 50.0% of 2 |" in out

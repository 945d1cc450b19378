import json

import pytest

from estimation.config import COCO_18
from estimation.scoring import score_people
from estimation.skeletons import to_skeletons
from openpose_lab.formats import FORMATS, Format
from openpose_lab.formats.coco import COCO_KEYPOINTS, to_coco
from openpose_lab.formats.openpose import to_openpose
from tests.estimation.test_connections import peaks_at
from tests.support.scenes import make_rows

COORDINATES = peaks_at((0, 1, 2), (1, 3.5, 4), (14, 5, 6))
PEOPLE = make_rows(({0: 0, 1: 1}, 2.5), ({14: 2}, 0.75))


def test_openpose_format():
    people = json.loads(json.dumps(to_openpose(to_skeletons(COCO_18, PEOPLE, COORDINATES, (8, 4)))))["people"]
    assert people[0]["person_id"] == [-1]
    assert people[0]["pose_keypoints_2d"][:9] == [11.5, 9.5, 0.5, 31.5, 17.5, 0.5, 0, 0, 0]
    assert len(people[0]["pose_keypoints_2d"]) == 54


def test_coco_format():
    results = to_coco(COCO_18, to_skeletons(COCO_18, PEOPLE, COORDINATES, (8, 4)), 42)
    first = results[0]
    assert (first["image_id"], first["category_id"]) == (42, 1)
    assert first["score"] == score_people(COCO_18, PEOPLE, COORDINATES)[0]
    assert first["keypoints"][:6] == [11.5, 9.5, 1, 0, 0, 0]  # nose, left eye
    assert results[1]["keypoints"][6:9] == [43.5, 25.5, 1]  # right eye
    assert sorted((*COCO_KEYPOINTS, "neck")) == sorted(COCO_18.body_parts)


def test_the_demo_s_json_is_openpose_s():
    skeletons = to_skeletons(COCO_18, PEOPLE, COORDINATES, (8, 4))
    assert json.loads(FORMATS["json"].encode(skeletons, COCO_18.layout)) == to_openpose(skeletons)


@pytest.mark.parametrize("name", ["", "Json", "my format", "a_b", "-a", "a-"])
def test_a_name_that_cannot_be_an_option_is_refused(name):
    with pytest.raises(ValueError, match="must be lower-case words joined by hyphens"):
        Format(name, "", lambda skeletons, layout: b"")

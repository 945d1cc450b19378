"""COCO results, read by pycocotools."""

import io
import json

import pytest

from estimation.config import COCO_18 as CONFIG
from estimation.layouts import LAYOUTS
from estimation.scoring import score_people
from estimation.skeletons import to_skeletons
from openpose_lab.formats import FORMATS
from openpose_lab.formats.coco import COCO_KEYPOINTS, to_coco
from openpose_lab.formats.coco_results import image_ids
from openpose_lab.formats.record import Record
from tests.estimation.test_connections import peaks_at
from tests.openpose_lab.formats.conftest import COCO_18, make_skeletons, sizes_while_writing
from tests.support.extras import needs
from tests.support.scenes import make_rows

COORDINATES = peaks_at((0, 1, 2), (1, 3.5, 4), (14, 5, 6))
PEOPLE = make_rows(({0: 0, 1: 1}, 2.5), ({14: 2}, 0.75))


def results_of(*records):
    file = io.BytesIO()
    FORMATS["coco"].write(iter(records), COCO_18, file, "pixels")
    return json.loads(file.getvalue())


def test_to_coco():
    results = to_coco(CONFIG, to_skeletons(CONFIG, PEOPLE, COORDINATES, (8, 4)), 42)
    first = results[0]
    assert (first["image_id"], first["category_id"]) == (42, 1)
    assert first["score"] == score_people(CONFIG, PEOPLE, COORDINATES)[0]
    assert first["keypoints"][:6] == [11.5, 9.5, 1, 0, 0, 0]  # nose, left eye
    assert results[1]["keypoints"][6:9] == [43.5, 25.5, 1]  # right eye
    assert sorted((*COCO_KEYPOINTS, "neck")) == sorted(CONFIG.body_parts)
    assert to_coco(CONFIG.layout, to_skeletons(CONFIG, PEOPLE, COORDINATES, (8, 4)), 42) == results


@needs("pycocotools")
def test_pycocotools_reads_the_results_of_all_photos(record, nobody, tmp_path):
    from pycocotools.coco import COCO

    last = Record("last.jpg", 6, None, 640, 480, record.skeletons)
    with (tmp_path / "results.json").open("wb") as file:
        FORMATS["coco"].write(iter([record, nobody, last]), COCO_18, file, "pixels")
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": [{"id": number} for number in (4, 5, 7)],
        "annotations": [],
        "categories": [{"id": 1, "name": "person"}],
    }
    truth.createIndex()
    read = truth.loadRes(str(tmp_path / "results.json"))
    assert [len(read.getAnnIds(imgIds=number)) for number in (4, 5, 7)] == [2, 0, 2]
    first, second = read.loadAnns(read.getAnnIds(imgIds=7))
    assert (first["score"], first["file_name"], first["category_id"]) == (2.5, "last.jpg", 1)
    assert first["keypoints"] == [11.5, 9.1235, 1] + 48 * [0]
    assert second["keypoints"] == [0, 0, 1, 0, 0, 0, 639, 479, 1] + 42 * [0]


def test_pixels_are_written_in_every_unit(record):
    written = {FORMATS["coco"].encode(record, COCO_18, unit) for unit in ("pixels", "0..1", "-1..1")}
    assert len(written) == 1


def test_no_keypoint_is_imputed_and_nothing_says_so(record):
    assert all(set(one) == {"image_id", "category_id", "keypoints", "score", "file_name"} for one in results_of(record))


def test_nobody_is_an_empty_list(nobody):
    assert results_of() == results_of(nobody) == []


def test_the_file_is_written_photo_by_photo():
    sizes, whole = sizes_while_writing("coco")
    assert 0 == sizes[0] < sizes[1] < sizes[2] < whole


def test_a_file_name_that_is_no_text(record):
    (result, _) = results_of(Record("caf\udce9.jpg", 0, None, 640, 480, record.skeletons))
    assert result["file_name"] == "caf\\udce9.jpg"


def test_a_layout_without_eyes():
    skeletons = make_skeletons((1, {0: (1, 2, 0.5), 2: (3, 4, 0.5)}), parts=15)
    text = FORMATS["coco"].encode(Record("", 0, None, 9, 9, skeletons), LAYOUTS["MPI_15"], "pixels")
    keypoints = json.loads(text)[0]["keypoints"]
    assert keypoints[18:21] == [3, 4, 1]  # right shoulder
    assert sum(keypoints) == 8


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        ([], []),
        (["000000541055.jpg", "a/000000000139.jpg"], [541055, 139]),
        (["0.png"], [0]),
        (["1.jpg", "01.jpg"], [1, 2]),
        (["b/1.jpg", "a/1.jpg"], [1, 2]),
        (["12.jpg", "skiers.jpg"], [1, 2]),
        (["12.jpg", "13 (1).jpg"], [1, 2]),
        (["-1.jpg"], [1]),
        (["1.5.jpg"], [1]),
        (["٣.jpg"], [1]),
        ([f"{10**18}.jpg"], [1]),
    ],
)
def test_the_ids_of_photos(names, ids):
    assert image_ids(names) == ids


def test_the_id_of_a_record_is_written(record):
    named = Record("139.jpg", 0, None, 640, 480, record.skeletons, *image_ids(["139.jpg"]))
    assert {one["image_id"] for one in results_of(named)} == {139}

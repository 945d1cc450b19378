import json
import sys

import cv2
import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.errors import OpenPoseLabError
from estimation.formats import to_coco
from estimation.skeletons import Skeletons
from tests.tools.conftest import PEOPLE, PerfectNetwork, annotate
from tools import evaluate
from tools.program import run


def results_of(people):
    count = len(people)
    ids = np.arange(count * 18).reshape(count, 18)
    return to_coco(COCO_18, Skeletons(people, np.ones((count, 18)), np.arange(count, 0, -1.0), ids), 1)


def test_the_truth_itself_scores_1(annotations):
    truth = evaluate.read_annotations(annotations(annotate(PEOPLE)))
    assert evaluate.score(truth, results_of(PEOPLE))[0] == pytest.approx(1)


def test_half_of_the_people_are_half_of_the_recall(annotations):
    truth = evaluate.read_annotations(annotations(annotate(PEOPLE)))
    figures = dict(zip(evaluate.FIGURES, evaluate.score(truth, results_of(PEOPLE[:1]))))
    assert figures["AR"] == pytest.approx(0.5)


def test_people_elsewhere_score_0(annotations):
    truth = evaluate.read_annotations(annotations(annotate(PEOPLE)))
    assert evaluate.score(truth, results_of(PEOPLE + 200))[0] == 0


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"images": [', "are not JSON, or cut short"),
        ("[]", "are not COCO keypoints: the file must hold an object"),
        ({"images": []}, "are not COCO keypoints: there must be a list 'annotations'"),
        ({**annotate(PEOPLE), "images": []}, "the list 'images' is empty"),
        ({**annotate(PEOPLE), "images": [{"id": 1}]}, "entry 0 of 'images' has no 'file_name'"),
        (
            {**annotate(PEOPLE), "annotations": [{**annotate(PEOPLE)["annotations"][0], "keypoints": [1, 2]}]},
            "entry 0 of 'annotations' has 2 keypoint numbers, expected 51",
        ),
    ],
)
def test_bad_annotations_are_one_sentence(annotations, content, sentence):
    with pytest.raises(OpenPoseLabError, match=sentence):
        evaluate.read_annotations(annotations(content))


def test_missing_files_are_one_sentence(annotations, tmp_path):
    with pytest.raises(OpenPoseLabError, match="cannot read the annotations .*none.json"):
        evaluate.read_annotations(tmp_path / "none.json")
    truth = evaluate.read_annotations(annotations(annotate(PEOPLE)))
    with pytest.raises(OpenPoseLabError, match="the annotations name photo.png, but there is no "):
        evaluate.find_photos(truth, tmp_path)


def test_the_whole_program(annotations, tmp_path, monkeypatch, capsys):
    cv2.imwrite(str(tmp_path / "photo.png"), np.zeros((480, 640, 3), np.uint8))
    monkeypatch.setattr(evaluate, "load_network", lambda name, weights: PerfectNetwork())
    arguments = ["--images", tmp_path, "--annotations", annotations(annotate(PEOPLE)), "--height", 480]
    monkeypatch.setattr(sys, "argv", ["evaluate", *map(str, arguments), "--results", str(tmp_path / "out.json")])
    assert run("evaluate", evaluate.main) == 0
    out = capsys.readouterr().out
    assert "1 photos, 2 people found, mobilenet_thin at height 480" in out
    assert "AP         1.000" in out
    assert "after network" in out
    results = json.loads((tmp_path / "out.json").read_text())
    assert [len(person["keypoints"]) for person in results] == [51, 51]


@pytest.mark.slow
@pytest.mark.parametrize(("folder", "floor"), [("coco_public20", 0.42), ("coco_dev147", 0.29)])
def test_accuracy_on_photos_with_known_keypoints(shared_data, monkeypatch, capsys, folder, floor):
    photos = shared_data / folder
    arguments = ["--images", str(photos / "images"), "--annotations", str(photos / "annotations.json")]
    monkeypatch.setattr(sys, "argv", ["evaluate", *arguments])
    assert run("evaluate", evaluate.main) == 0
    figures = dict(line.rsplit(maxsplit=1) for line in capsys.readouterr().out.splitlines()[1:11])
    assert float(figures["AP"]) >= floor  # 0.426 and 0.295 when this was written

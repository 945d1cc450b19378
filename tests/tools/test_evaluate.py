import json
import sys

import cv2
import numpy as np
import pytest

from tests.tools.conftest import ANNOTATIONS, PerfectNetwork
from tools import evaluate
from tools.program import run


def test_the_whole_program(annotations, tmp_path, monkeypatch, capsys):
    cv2.imwrite(str(tmp_path / "photo.png"), np.zeros((480, 640, 3), np.uint8))
    monkeypatch.setattr(evaluate, "load_network", lambda name, weights: PerfectNetwork())
    arguments = ["--images", tmp_path, "--annotations", annotations(ANNOTATIONS), "--height", 480]
    monkeypatch.setattr(sys, "argv", ["evaluate", *map(str, arguments), "--results", str(tmp_path / "out.json")])
    assert run("evaluate", evaluate.main) == 0
    out = capsys.readouterr().out
    assert "1 photos, 2 people found, mobilenet_thin at height 480" in out
    assert "AP         1.000" in out
    assert "after network" in out
    results = json.loads((tmp_path / "out.json").read_text())
    assert [len(person["keypoints"]) for person in results] == [51, 51]


@pytest.mark.slow
@pytest.mark.parametrize(("folder", "floor"), [("coco_public20", 0.45), ("coco_dev147", 0.31)])
def test_accuracy_on_photos_with_known_keypoints(shared_data, monkeypatch, capsys, folder, floor):
    photos = shared_data / folder
    arguments = ["--images", str(photos / "images"), "--annotations", str(photos / "annotations.json")]
    monkeypatch.setattr(sys, "argv", ["evaluate", *arguments])
    assert run("evaluate", evaluate.main) == 0
    figures = dict(line.rsplit(maxsplit=1) for line in capsys.readouterr().out.splitlines()[1:11])
    assert float(figures["AP"]) >= floor  # 0.461 and 0.316 when this was written

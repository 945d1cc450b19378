"""What is measured and drawn for a report, with a network that sees perfectly."""

import hashlib
import json
import os
import sys

import cv2
import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.errors import OpenPoseLabError
from estimation.skeletons import Skeletons
from openpose_lab.lab.report import findings
from openpose_lab.lab.report.blocks import make_blocks, picture_names
from openpose_lab.lab.report.findings import STEPS, draw_people, find
from openpose_lab.sources import list_photos
from tests.openpose_lab.conftest import PEOPLE, PerfectNetwork
from tests.openpose_lab.lab.test_merge_checks import RIGHT


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.setattr(findings, "load_network", lambda *_: PerfectNetwork())
    for name in ("one", "two"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.zeros((480, 640, 3), np.uint8))
    return list_photos([tmp_path / "one.png", tmp_path / "two.png"])


@pytest.fixture
def write(tmp_path):
    def written(text):
        path = tmp_path / "my_merge.py"
        path.write_text(text)
        return path

    return written


@pytest.mark.slow
def test_a_right_merge(photos):
    steps = []
    found = find(RIGHT, photos, lambda: steps.append(1))
    assert len(steps) == STEPS + 2
    assert (found.file, len(found.sha256), found.lacking) == (RIGHT.name, 64, None)
    assert (found.failures, found.waiting, found.not_graded, found.fault) == ({}, {}, None, None)
    assert found.answer.shape == (1, 20)
    assert found.f1 == pytest.approx(0.948, abs=5e-4)
    assert 0 < found.milliseconds < 60_000
    assert [(drawn.name, drawn.people, drawn.parts, drawn.rows) for drawn in found.photos] == [
        ("one.png", 2, 36, 38),
        ("two.png", 2, 36, 38),
    ]
    for drawn in found.photos:
        picture = cv2.imdecode(np.frombuffer(drawn.picture, np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape == (960, 1280, 3)
        assert picture.any()
        assert drawn.milliseconds < 60_000


def test_a_merge_that_fails_on_photos_alone(photos, write):
    found = find(write(RIGHT.read_text().replace("):\n", "):\n    1 / (len(subset) != 38)\n", 1)), photos)
    assert found.answer is not None
    assert [drawn.picture for drawn in found.photos] == [None, None]
    assert found.photos[0].problem.startswith("merge in my_merge.py failed: line ")
    assert "ZeroDivisionError" in found.lacking


def test_a_merge_that_cannot_be_loaded(photos, write):
    steps = []
    found = find(write("def merge(subset)\n"), photos, lambda: steps.append(1))
    assert len(steps) == 2
    assert found.problem == (
        "no check was run: the grouping file my_merge.py cannot be loaded: line 1: SyntaxError: expected ':'"
    )
    assert [drawn.problem for drawn in found.photos] == 2 * [found.problem]
    assert (found.answer, found.f1) == (None, None)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("    raise NotImplementedError('to be done')\n", "merge failed: line 2: NotImplementedError: to be done"),
        ("    return None\n", "the answer must be an array of shape (people, 20) but is None; is a return missing?"),
    ],
)
def test_a_merge_that_gives_no_answer(photos, write, text, fault):
    found = find(write(f"def merge(subset, **limits):\n{text}"), photos)
    assert (found.answer, found.fault, found.f1) == (None, fault, None)
    assert found.lacking == fault
    assert [drawn.picture for drawn in found.photos] == [None, None]


@pytest.mark.slow
def test_an_endless_merge_is_not_called_with_photos(photos, write, monkeypatch):
    monkeypatch.setattr(findings, "_draw_all", pytest.fail)
    found = find(write("def merge(subset, **limits):\n    while True: pass\n"), photos)
    assert found.photos[0].problem.endswith(" too often in the checks, so it was not called again")
    assert found.lacking.startswith("merge failed: it took longer than 5 seconds and was stopped; ")


def test_a_broken_photo_is_one_sentence(photos, write, tmp_path):
    (tmp_path / "two.png").write_bytes(b"no photo")
    with pytest.raises(OpenPoseLabError, match=r"two\.png is not a photo"):
        find(write("def merge(subset)\n"), photos)


@pytest.mark.parametrize(
    ("shape", "size"), [((30, 40), (960, 1280)), ((2560, 1), (1280, 1)), ((1280, 2560), (640, 1280))]
)
def test_people_are_drawn_at_the_size_of_a_page(shape, size):
    photo = np.zeros((*shape, 3), np.uint8)
    nobody = Skeletons(np.empty((0, 18, 2)), np.empty((0, 18)), np.empty(0), np.empty((0, 18), int))
    picture = draw_people(COCO_18, photo, nobody)
    assert cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR).shape == (*size, 3)


def test_people_lie_where_they_are_in_the_photo():
    people = Skeletons(PEOPLE, np.ones((2, 18)), np.ones(2), np.zeros((2, 18), int))
    data = draw_people(COCO_18, np.zeros((480, 640, 3), np.uint8), people)
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    for x, y in (2 * PEOPLE.reshape(-1, 2) + 0.5).round().astype(int):
        assert picture[y, x].max() > 100
    rows, columns = np.nonzero(picture.max(axis=2) > 100)
    assert abs(columns.min() - (2 * PEOPLE[:, :, 0].min() + 0.5)) < 12
    assert abs(rows.max() - (2 * PEOPLE[:, :, 1].max() + 0.5)) < 12


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_odd_names_can_be_written(photos, tmp_path):
    odd = os.fsdecode(b"caf\xe9\n`|.png")
    os.rename(tmp_path / "one.png", tmp_path / odd)
    (tmp_path / f"{odd}.py").write_text("def merge(subset)\n")
    found = find(tmp_path / f"{odd}.py", list_photos([tmp_path / odd]))
    assert (found.file, found.photos[0].name) == ("caf\\udce9 `|.png.py", "caf\\udce9 `|.png")
    text = "".join(make_blocks(found, picture_names(list_photos([tmp_path / odd]))).values())
    assert text.encode()
    assert "**No picture of caf\\\\udce9 \\`\\|.png.**" in text


def test_a_notebook_is_reported_with_places_in_its_cells(photos, tmp_path):
    cells = [
        {"cell_type": "code", "source": "import os"},
        {"cell_type": "code", "source": "\ndef merge(s):\n    1 / 0"},
    ]
    path = tmp_path / "lab.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    found = find(path, photos)
    assert found.file == "lab.ipynb"
    assert found.fault == "merge failed: line 3 of code cell 2: ZeroDivisionError: division by zero"
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()

import json
import re
from functools import partial

import cv2
import pytest

from openpose_lab.commands import evaluate
from tests.conftest import ROOT
from tests.openpose_lab.conftest import ANNOTATIONS

MARGIN = 0.005  # other versions of the libraries may round otherwise


@pytest.fixture
def program(annotations, on_ideal_maps, call_program, tmp_path, monkeypatch):
    """Run it on one photo whose maps are ideal: exit status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    truth = annotations(ANNOTATIONS)
    return partial(call_program, "evaluate", evaluate.main, *on_ideal_maps, "--annotations", truth, "--height", 480)


def test_the_whole_program(program, tmp_path):
    status, out, _ = program("--results", tmp_path / "out.json")
    assert status == 0
    assert "1 photos, 2 people found, mobilenet_thin at height 480" in out
    assert "AP         1.000  (95 %: 1.000 to 1.000)" in out
    assert "after network" in out
    assert "left_ankle             2  1.000    1.000" in out
    assert "PCKh" not in out
    assert out.endswith("\nwrote worst.jpg\n")
    assert cv2.imread(str(tmp_path / "worst.jpg")).shape == (320, 1280, 3)
    results = json.loads((tmp_path / "out.json").read_text())
    assert [len(person["keypoints"]) for person in results] == [51, 51]


def test_where_precision_is_lost(program):
    status, out, _ = program("--breakdown")
    table = {line[:36].strip(): line[36:].split()[:2] for line in out.split("where AP is lost")[1].splitlines()[1:]}
    assert status == 0
    assert table["right"] == ["34", "1.000"]
    assert table["miss"] == ["0", "1.000"]
    assert table["false person"] == ["0", "1.000"]
    assert table["true parts, our grouping"][0] == "1.000"


def test_pckh_where_there_are_heads(program, annotations):
    people = [{**entry, "head_size": 40} for entry in ANNOTATIONS["annotations"]]
    out = program("--annotations", annotations({**ANNOTATIONS, "annotations": people}))[1]
    assert "PCKh@0.5" in out
    assert out.split("\nall ")[1].split()[4] == "1.000"


def test_the_network_is_timed_when_it_is_asked(program):
    first, second = program()[1], program()[1]
    assert "network  " in first
    assert "\nnetwork  " not in second
    assert "after network" in second
    assert first.splitlines()[:11] == second.splitlines()[:11]


def test_only_the_first_photos(program, annotations, tmp_path):
    more = {**ANNOTATIONS, "images": [*ANNOTATIONS["images"], {"id": 2, "file_name": "none.png"}]}
    more["annotations"] = [*ANNOTATIONS["annotations"], {**ANNOTATIONS["annotations"][0], "id": 3, "image_id": 2}]
    path = annotations(more)
    status, _, err = program("--annotations", path)
    assert (status, "the annotations name none.png" in err) == (1, True)
    status, out, _ = program("--annotations", path, "--limit", 1)
    assert (status, out.splitlines()[0].split(",")[0]) == (0, "1 photos")


def test_what_goes_wrong_is_one_sentence(program, tmp_path):
    for options, sentence in (
        (("--limit", 0), "--limit must be at least 1 but is 0"),
        (("--results", tmp_path / "annotations.json"), "annotations.json is given as the annotations too, and would"),
        (("--results", tmp_path / "none" / "out.json"), "there is no folder"),
        (("--network", "none"), "there is no network 'none'"),
        (("--worst", "worst.txt"), "cannot write worst.txt: its name must end in one of .png"),
        (("--worst", "x.png", "--results", "x.png"), "two outputs cannot both be x.png"),
        (("--worst", "photo.png"), "photo.png is given as the photo too, and would be overwritten"),
        (("--results", "weights.h5"), "weights.h5 is given as the weights too, and would be overwritten"),
        (("--weights", "none.h5"), "there is no weights file none.h5; check the path"),
        (("--scales", 0.01), "the height must be from 32 to 2048 pixels but is 5 at --scales 0.01"),
    ):
        status, out, err = program(*options)
        assert (status, out) == (1, "")
        assert sentence in err
        assert err.count("\n") == 1


DOCUMENTED = re.search(r"^\| \*\*OpenPose Lab\*\* .*$", (ROOT / "docs/accuracy.md").read_text("utf-8"), re.MULTILINE)
COLUMNS = (
    ("mobilenet_thin", "coco_dev147"),
    ("mobilenet_thin", "coco_public20"),
    ("lightweight", "coco_dev147"),
    ("lightweight", "coco_public20"),
)


@pytest.mark.slow
@pytest.mark.parametrize("column", range(4), ids=lambda column: "-".join(COLUMNS[column]))
def test_the_documented_precision_on_photos_with_known_keypoints(shared_data, call_program, tmp_path, column):
    network, folder = COLUMNS[column]
    photos = shared_data / folder
    arguments = ["--images", photos / "images", "--annotations", photos / "annotations.json", "--network", network]
    if network == "lightweight":
        arguments += ["--weights", shared_data / "lightweight_hpe0001" / "dequantised_f16.npz"]
    status, out, err = call_program("evaluate", evaluate.main, *arguments, "--worst", tmp_path / "worst.jpg")
    assert status == 0, err
    (precision,) = re.findall(r"^AP +(0\.\d+)", out, re.MULTILINE)
    documented = re.findall(r"0\.\d{3}", DOCUMENTED[0])
    assert len(documented) == len(COLUMNS)
    assert float(precision) == pytest.approx(float(documented[column]), abs=MARGIN)

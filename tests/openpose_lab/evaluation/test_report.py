import csv
import io
import json

import numpy as np
import pytest

pytest.importorskip("pycocotools")

from estimation.config import COCO_18
from openpose_lab.evaluation import versions as versions_module
from openpose_lab.evaluation.annotations import annotate, to_truth
from openpose_lab.evaluation.assessment import System, assess
from openpose_lab.evaluation.breakdown import find_mistakes
from openpose_lab.evaluation.coco_figures import FIGURES
from openpose_lab.evaluation.measurement import Measured
from openpose_lab.evaluation.report import PHOTO_COLUMNS, differences, photo_table, report
from openpose_lab.evaluation.versions import versions
from tests.openpose_lab.conftest import PEOPLE, results_of

TRUTH = to_truth(annotate(COCO_18, {"a.png": PEOPLE, "=1+1;-2.png": PEOPLE[:1], "é.png": PEOPLE[:0]}))
BOTH = [*results_of(PEOPLE, 1), *results_of(PEOPLE[:1], 2)]
ONE = [*results_of(PEOPLE[:1], 1), *results_of(PEOPLE[1:] + 900, 2)]


def system_of(name, results, assessed=True):
    measured = Measured(results, results, [{"network": 50.0, "grouping": 1.0}, {"grouping": 3.0}, {"grouping": 2.0}])
    losses = find_mistakes(TRUTH, results) if assessed else []
    return System(name, name, {"kind": "network"}, measured, assess(TRUTH, measured, losses) if assessed else None)


def report_of(systems, **changes):
    arguments = {"command": ["evaluate", "--x"], "truth": TRUTH, "annotations": None, "systems": systems, **changes}
    return report(**arguments)


def test_the_json_has_all_figures(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    content = json.loads(report_of([system_of("both", BOTH)], annotations=tmp_path / "a.json"))
    assert (content["format"], content["format_version"]) == ("openpose-lab-evaluation", 1)
    assert content["command"] == ["evaluate", "--x"]
    assert content["annotations"]["sha256"] == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert [content[key] for key in ("photos", "photos_with_people", "people", "keypoints")] == [3, 2, 3, 51]
    (system,) = content["systems"]
    assert (system["name"], system["kind"], system["people_found"]) == ("both", "network", 3)
    assert list(system["figures"]) == list(FIGURES)
    assert system["figures"]["AP"] == pytest.approx(1)
    assert system["AP_interval_95"] == pytest.approx([1, 1])
    assert system["parts"]["all"]["labelled"] == 51
    assert system["parts"]["nose"] == {"labelled": 3, "found": 1, "pck": 1, "oks": pytest.approx(1), "pckh": None}
    assert system["breakdown"][0] | {"meaning": ""} == {"what": "right", "number": 51, "ap": 1, "meaning": ""}
    assert system["milliseconds"] == {
        "network": {"median": 50, "slowest": 50, "photos": 1},
        "grouping": {"median": 2, "slowest": 3, "photos": 3},
        "after network": {"median": 2, "slowest": 3, "photos": 3},
    }
    assert [photo["file_name"] for photo in system["worst_photos"]] == ["a.png", "=1+1;-2.png"]
    assert content["AP_differences"] == []


def test_where_nobody_is_to_be_found_there_is_no_figure():
    small = to_truth(annotate(COCO_18, {"a.png": PEOPLE * 0.2}))
    results = results_of(PEOPLE * 0.2)
    measured = Measured(results, results, [])
    systems = [System("small", "small", {}, measured, assess(small, measured))]
    figures = json.loads(report_of(systems, truth=small))["systems"][0]["figures"]
    assert (figures["AP large"], figures["AR large"]) == (None, None)


def test_the_same_evaluation_gives_the_same_bytes():
    assert report_of([system_of("both", BOTH)]) == report_of([system_of("both", BOTH)])


def test_systems_are_compared_on_the_same_draws():
    one, both = system_of("one", ONE), system_of("both", BOTH)
    ((first, second, difference, (low, high)),) = differences([one, both])
    assert (first, second) == (one, both)
    assert difference == both.assessment.figures["AP"] - one.assessment.figures["AP"]
    assert 0 < low <= difference <= high
    content = json.loads(report_of([one, both]))
    assert content["AP_differences"] == [
        {"of": "both", "minus": "one", "AP": difference, "AP_interval_95": [low, high]}
    ]
    assert differences([both]) == []


def test_a_row_for_each_photo_and_system():
    rows = list(
        csv.DictReader(io.StringIO(photo_table(TRUTH, [system_of("both", BOTH), system_of("one", ONE)]).decode()))
    )
    assert list(rows[0]) == list(PHOTO_COLUMNS)
    counts = ("found", "annotated", "matched", "missed", "false", "ignored", "keypoints")
    assert [(row["system"], row["image_id"], *(int(row[key]) for key in counts)) for row in rows] == [
        ("both", "1", 2, 2, 2, 0, 0, 0, 34),
        ("both", "2", 1, 1, 1, 0, 0, 0, 17),
        ("both", "3", 0, 0, 0, 0, 0, 0, 0),
        ("one", "1", 1, 2, 1, 1, 0, 0, 34),
        ("one", "2", 1, 1, 0, 1, 1, 0, 17),
        ("one", "3", 0, 0, 0, 0, 0, 0, 0),
    ]
    assert [row["oks"] for row in rows] == ["1.0", "1.0", "", "0.5", "0.0", ""]
    assert [row["loss"] for row in rows] == ["0.0", "0.0", "0", "1.0", "2.0", "0"]


def test_people_in_crowds_are_ignored():
    content = annotate(COCO_18, {"a.png": PEOPLE})
    content["annotations"][1] |= {"iscrowd": 1, "num_keypoints": 0, "keypoints": [0] * 51}
    truth, results = to_truth(content), results_of(PEOPLE)
    system = System("x", "x", {}, Measured(results, results, []), assess(truth, Measured(results, results, [])))
    (row,) = csv.DictReader(io.StringIO(photo_table(truth, [system]).decode()))
    assert [row[key] for key in ("found", "annotated", "matched", "false", "ignored")] == ["2", "1", "1", "0", "1"]


def test_no_spreadsheet_takes_a_name_for_a_formula():
    rows = list(csv.DictReader(io.StringIO(photo_table(TRUTH, [system_of("@x", BOTH)]).decode())))
    assert [row["file_name"] for row in rows] == ["a.png", "'=1+1;'-2.png", "é.png"]
    assert rows[0]["system"] == "'@x"


def test_without_figures_people_are_counted():
    (row, *_) = csv.DictReader(io.StringIO(photo_table(TRUTH, [system_of("both", BOTH, assessed=False)]).decode()))
    assert (row["found"], row["annotated"], row["loss"]) == ("2", "", "")
    (system,) = json.loads(report_of([system_of("both", BOTH, assessed=False)]))["systems"]
    assert (system["people_found"], "figures" in system) == (3, False)


def test_versions_are_those_of_the_installed_packages(monkeypatch):
    found = versions()
    assert found["numpy"] == np.__version__
    assert {"python", "openpose-lab", "tensorflow", "pycocotools"} <= found.keys()
    assert {"opencv-python", "opencv-python-headless"} & found.keys()
    monkeypatch.setattr(versions_module, "library_version", lambda name: "")
    assert versions().keys() == {"python", "openpose-lab"}  # of the clone

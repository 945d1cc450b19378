import csv
import re
import sys
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
import pytest

from estimation import files, grouping
from estimation.errors import OpenPoseLabError
from estimation.grouping import GROUPINGS
from openpose_lab.commands import compare_groupings
from openpose_lab.evaluation import comparison_plot
from openpose_lab.evaluation.comparison import PERFECT
from openpose_lab.evaluation.comparison_plot import plot
from tests.openpose_lab.conftest import ANNOTATIONS
from tests.support.extras import needs

FEW = ("--people", 2, "--overlap", 0.2, "--scenes", 2)


@pytest.fixture
def drawing_program(tmp_path, monkeypatch, call_program):
    """Run it in an empty folder: exit status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    return partial(call_program, "compare_groupings", compare_groupings.main)


@pytest.fixture
def program(drawing_program, monkeypatch):
    """The same with an empty plot, which takes less time."""
    monkeypatch.setattr(comparison_plot, "plot", lambda *_: b"")
    return drawing_program


@pytest.fixture
def on_a_photo(program, annotations, on_ideal_maps):
    """The same on one photo whose maps are ideal."""
    pytest.importorskip("pycocotools")
    return partial(program, *on_ideal_maps, "--annotations", annotations(ANNOTATIONS), "--height", 480)


def test_photos_that_annotations_do_not_fit_are_refused(on_a_photo, annotations):
    images = [{**ANNOTATIONS["images"][0], "width": 1280, "height": 960}]
    status, out, err = on_a_photo("--annotations", annotations({**ANNOTATIONS, "images": images}))
    assert (status, out) == (1, "")
    assert "photo.png is 640x480, but the annotations are for 1280x960; " in err


def read(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def write(path, body):
    path.write_text(f"def merge(subset):\n    {body}\n")
    return path


def test_every_grouping_and_one_s_own_on_a_photo(on_a_photo, tmp_path, monkeypatch):
    monkeypatch.setattr(comparison_plot, "plot", plot)
    mine = write(tmp_path / "mine.py", "return subset[:0]")
    status, out, _ = on_a_photo("--grouping", mine, "--csv", tmp_path / "table.csv", "--plot", tmp_path / "plot.svg")
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == "1 photos, mobilenet_thin (openvino, f32) at height 480"
    assert [line.split()[0] for line in lines[1:11]] == ["grouping", *GROUPINGS, str(mine), PERFECT]
    assert len({len(line) for line in lines[1:11]}) == 1
    *own, others, perfect = read(tmp_path / "table.csv")
    for row in (*own, perfect):
        assert (row["AP"], row["AR"], row["F1"], row["people"], row["conflicts"]) == ("1", "1", "1", "2", "0")
    assert (others["AP"], others["F1"], others["people"]) == ("0", "0", "0")
    for row in (*own, others):
        assert 0 < float(row["ms median"]) <= float(row["ms 95%"]) <= float(row["ms slowest"])
    assert b"<svg" in (tmp_path / "plot.svg").read_bytes()[:1000]


def test_crowds_and_photos_together(on_a_photo, tmp_path):
    status, out, _ = on_a_photo("--crowds", *FEW, "--only", "lab", "optimal")
    assert status == 0
    assert "\n2 people, overlap 0.2, 2 crowds\n" in out
    assert [row["kind"] for row in read(tmp_path / "groupings.csv")] == ["photos"] * 3 + ["crowd"] * 3


@needs("pycocotools")
@needs("matplotlib")
def test_crowds_of_many_kinds(drawing_program, tmp_path):
    status, out, _ = drawing_program("--people", 1, 3, "--overlap", 0, 0.4, "--scenes", 3, "--only", "lab", "hungarian")
    assert status == 0
    titles = [line for line in out.splitlines() if "overlap" in line]
    assert titles == [
        "1 people, overlap 0 0.4, 3 crowds each: means",
        "F1 by overlap, 1 people",
        "3 people, overlap 0 0.4, 3 crowds each: means",
        "F1 by overlap, 3 people",
        "F1 by people, overlap 0",
        "milliseconds by people (median), overlap 0",
        "F1 by people, overlap 0.4",
        "milliseconds by people (median), overlap 0.4",
    ]
    rows = read(tmp_path / "groupings.csv")
    kinds = [(row["crowd"], row["overlap"], row["scenes"]) for row in rows if row["grouping"] == "lab"]
    assert kinds == [("1", "0.0", "3"), ("1", "0.4", "3"), ("3", "0.0", "3"), ("3", "0.4", "3")]
    assert all(0 < float(row["F1"]) <= 1 for row in rows)
    image = cv2.imread(str(tmp_path / "groupings.png"))
    assert image.shape[1] > 2 * image.shape[0]  # two panels and more


def test_every_kind_is_in_a_table_once(program):
    def titles(*kinds):
        out = program(*kinds, "--scenes", 1, "--only", "lab")[1]
        return [line for line in out.splitlines() if "overlap" in line]

    assert titles("--people", 1, 2, 1) == [
        "1 people, overlap 0.2, 1 crowds",
        "2 people, overlap 0.2, 1 crowds",
        "F1 by people, overlap 0.2",
        "milliseconds by people (median), overlap 0.2",
    ]
    assert titles("--overlap", 0.5, 0, 0.5) == [
        "10 people, overlap 0 0.5, 1 crowds each: means",
        "F1 by overlap, 10 people",
    ]


def test_one_that_fails_now_and_then_keeps_what_it_did(program, tmp_path):
    odd = write(tmp_path / "odd.py", "assert len(subset) < 40; return subset[:0]")
    status, _, err = program("--people", 1, 8, "--overlap", 0, "--scenes", 2, "--only", "lab", "--grouping", odd)
    assert status == 1
    assert [row["crowd"] for row in read(tmp_path / "groupings.csv") if "odd" in row["grouping"]] == ["1"]
    assert "(crowd number 1, 8 people, overlap 0)" in err.splitlines()[-1]


@needs("matplotlib")
def test_the_plot_is_written_though_the_csv_cannot_be(program, tmp_path, monkeypatch):
    def full(path, data):
        if path.suffix == ".csv":
            raise OpenPoseLabError("cannot write groupings.csv: no space")
        path.write_bytes(data)

    monkeypatch.setattr(files, "write_whole", full)
    status, out, err = program(*FEW, "--only", "lab")
    assert status == 1
    assert out.endswith("wrote groupings.png\n")
    assert err == "compare_groupings: cannot write groupings.csv: no space\n"


def test_a_seed_gives_the_same_figures(program, tmp_path):
    def figures(seed):
        assert program(*FEW, "--seed", seed)[0] == 0
        return [{k: v for k, v in row.items() if "ms" not in k} for row in read(tmp_path / "groupings.csv")]

    assert figures(1) == figures(1) != figures(2)


def test_more_of_a_disturbance_is_worse(program, tmp_path):
    def f1(*disturbance):
        assert program("--people", 5, "--overlap", 0, "--scenes", 5, "--only", "lab", *disturbance)[0] == 0
        return float(read(tmp_path / "groupings.csv")[0]["F1"])

    ideal = ("--noise", 0, "--missing", 0, "--doubled", 0, "--crossing", 0)
    undisturbed = f1(*ideal)
    assert undisturbed > 0.95
    for name, much in (("noise", 0.5), ("doubled", 0.5), ("crossing", 1), ("missing", 0.3)):
        assert f1(*ideal, f"--{name}", much) < undisturbed


def test_without_the_extra_the_tables_and_one_note(program, monkeypatch, tmp_path):
    for library in ("matplotlib", "pycocotools"):
        monkeypatch.setitem(sys.modules, library, None)
    status, out, err = program(*FEW, "--only", "lab")
    assert status == 0
    assert re.search(r"^grouping +AP +AR +F1 ", out, re.MULTILINE)
    assert re.search(r"^lab +- +- +[01]\.\d{3} ", out, re.MULTILINE)
    assert "groupings.png" not in out
    assert err == (
        "compare_groupings: note: without pycocotools and matplotlib, AP and AR and the plot are left out; "
        'run `pip install -e ".[evaluate]"` in the project\'s folder\n'
    )
    (row,) = [row for row in read(tmp_path / "groupings.csv") if row["grouping"] == "lab"]
    assert (row["AP"], row["F1"] != "") == ("", True)


def test_people_drawn_from_a_file(program, tmp_path, rng):
    keypoints = np.concatenate([rng.uniform(0, 1, (4, 17, 2)), np.full((4, 17, 1), 2.0)], axis=2)
    np.savez(tmp_path / "people.npz", keypoints=keypoints)
    assert program(*FEW, "--skeletons", "people.npz", "--only", "lab")[0] == 0


def test_the_gap_of_optimal_is_told(program, monkeypatch, tmp_path):
    from estimation.grouping import optimal
    from openpose_lab.evaluation import comparison

    def half(candidates, coordinates, config):
        return replace(optimal.group(candidates, coordinates, config), objective=1.0, bound=4.0)

    load = comparison.Grouping
    monkeypatch.setattr(grouping, "load_grouping", lambda name: load("group", half, GROUPINGS["optimal"]))
    _, out, _ = program(*FEW, "--only", "optimal")
    sentence = "stopped at the time limit; the objective is at most 75.00% below the optimum"
    assert f"optimal, 2 people, overlap 0.2: {sentence}" in out
    assert read(tmp_path / "groupings.csv")[0]["gap"] == "0.75"


def test_one_that_fails_does_not_take_the_others_down(on_a_photo, tmp_path):
    odd = write(tmp_path / "odd.py", "return subset[0, 99]")
    status, out, err = on_a_photo("--grouping", odd, "--only", "lab", "optimal")
    assert status == 1
    assert [line.split()[0] for line in out.splitlines()[2:5]] == ["lab", "optimal", PERFECT]
    assert [row["grouping"] for row in read(tmp_path / "groupings.csv")] == ["lab", "optimal", PERFECT]
    assert err.splitlines()[-1].endswith(
        "odd.py failed: line 2: IndexError: index 99 is out of bounds for axis 1 with size 20 (photo.png)"
    )
    assert "Traceback" not in err


@needs("pycocotools")
@needs("matplotlib")
def test_what_one_does_that_no_figure_shows_is_told(program, tmp_path):
    noisy = write(tmp_path / "noisy.py", "print(len(subset)); return subset[:0]")
    status, out, err = program(*FEW, "--only", "lab", "--grouping", noisy)
    assert status == 0
    assert err.count("noisy.py prints; remove its print calls") == 1
    assert not any(line.isdigit() for line in out.splitlines())
    partial_merge = write(tmp_path / "half.py", "return subset[:1]")
    _, _, err = program(*FEW, "--only", "lab", "--grouping", partial_merge)
    assert err.count("\n") == 1
    assert "half.py fails 'any rows in any order': the same rows in another order give other people" in err


def test_what_goes_wrong_is_one_sentence(on_a_photo, program, tmp_path):
    odd = write(tmp_path / "odd.py", "return subset[0, 99]")
    for run, options, sentence in (
        (on_a_photo, ("--grouping", "none.py"), "there is no grouping none.py"),
        (
            on_a_photo,
            ("--grouping", odd, "--csv", odd),
            "odd.py is also the grouping file, and would be overwritten",
        ),
        (
            on_a_photo,
            ("--csv", tmp_path / "annotations.json"),
            "annotations.json is also the annotations, and would",
        ),
        (on_a_photo, ("--csv", tmp_path / "no" / "table.csv"), "there is no folder"),
        (on_a_photo, ("--plot", "plot.jpg"), "the name of a plot must end in one of .png .svg .pdf"),
        (on_a_photo, ("--plot", "a.png", "--csv", "a.png"), "two outputs cannot both be a.png"),
        (on_a_photo, ("--height", 1), "the height must be from 32 to 2048"),
        (program, ("--images", tmp_path), "photos need both --images and --annotations"),
        (program, ("--network", "mobilenet_thin"), "--network is only for photos; give --images and --annotations too"),
        (program, ("--people", 200), "--people must be a whole number from 1 to 127 but is 200"),
        (program, ("--overlap", 1), "--overlap must be from 0 to 0.9 but is 1"),
        (program, ("--scenes", 0), "--scenes must be a whole number from 1 to 10000 but is 0"),
        (program, ("--noise", "nan"), "--noise must be from 0 to 10 but is nan"),
        (program, ("--missing", 2), "--missing must be from 0 to 1 but is 2"),
        (program, ("--skeletons", "none.npz"), "there is no skeletons file none.npz"),
    ):
        status, out, err = run(*options)
        assert (status, out) == (1, "")
        assert sentence in err
        assert err.count("\n") == 1

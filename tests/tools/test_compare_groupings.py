import csv
from functools import partial

import cv2
import numpy as np
import pytest

from estimation.grouping import GROUPINGS
from tests.tools.conftest import PEOPLE, PerfectNetwork, annotate
from tools import compare_groupings


@pytest.fixture
def program(annotations, tmp_path, monkeypatch, call_program):
    """Run it on one photo whose maps are ideal: exit status, standard output, standard error."""
    cv2.imwrite(str(tmp_path / "photo.png"), np.zeros((480, 640, 3), np.uint8))
    monkeypatch.setattr(compare_groupings, "load_network", lambda name, weights: PerfectNetwork())
    truth = annotations(annotate(PEOPLE))
    arguments = ["--images", tmp_path, "--annotations", truth, "--height", 480]
    return partial(call_program, "compare_groupings", compare_groupings.main, *arguments)


def test_every_grouping_and_one_s_own_in_a_table(program, tmp_path):
    mine = tmp_path / "mine.py"
    mine.write_text("def merge(subset):\n    return subset[:0]\n")
    status, out, _ = program("--grouping", mine, "--csv", tmp_path / "table.csv")
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == "1 photos, mobilenet_thin at height 480"
    assert [line.split()[0] for line in lines[1:-1]] == ["grouping", *GROUPINGS, str(mine)]
    assert len({len(line) for line in lines[1:-1]}) == 1
    rows = list(csv.DictReader((tmp_path / "table.csv").read_text().splitlines()))
    for row in rows[:-1]:
        assert (row["AP"], row["AR"], row["people"]) == ("1.000", "1.000", "2")
    assert (rows[-1]["AP"], rows[-1]["people"]) == ("0.000", "0")
    assert all(0 < float(row["ms median"]) <= float(row["ms 95%"]) <= float(row["ms slowest"]) for row in rows)


def test_one_that_fails_does_not_take_the_others_down(program, tmp_path):
    (tmp_path / "odd.py").write_text("def merge(subset):\n    return subset[0, 99]\n")
    status, out, err = program("--grouping", tmp_path / "odd.py")
    assert status == 1
    assert [line.split()[0] for line in out.splitlines()[2:]] == list(GROUPINGS)
    assert "odd.py failed: line 2: IndexError" in err
    assert err.endswith("(photo photo.png)\n")
    assert err.count("\n") == 1


def test_what_goes_wrong_is_one_sentence(program, tmp_path):
    (tmp_path / "odd.py").write_text("def merge(subset):\n    return subset[0, 99]\n")
    for options, sentence in (
        (("--grouping", "none.py"), "there is no grouping none.py"),
        (("--grouping", tmp_path / "odd.py", "--csv", tmp_path / "odd.py"), "odd.py is read, and would be overwritten"),
        (("--csv", tmp_path / "annotations.json"), "annotations.json is read, and would be overwritten"),
        (("--csv", tmp_path / "no" / "table.csv"), "there is no folder"),
        (("--height", 1), "the height must be from 32 to 2048"),
    ):
        status, out, err = program(*options)
        assert (status, out) == (1, "")
        assert sentence in err
        assert err.count("\n") == 1

import re

import pytest

pytest.importorskip("pycocotools")

from scripts import accuracy_tables
from scripts.accuracy_tables import ORACLE, ROWS
from tests.conftest import ROOT
from tests.openpose_lab.conftest import ANNOTATIONS


@pytest.fixture
def program(annotations, on_ideal_maps, call_program):
    """Run the program on one photo with ideal maps."""

    def call(*options, content=ANNOTATIONS):
        arguments = [*on_ideal_maps, "--annotations", annotations(content), "--height", 480, *options]
        return call_program("accuracy_tables", accuracy_tables.main, *arguments)

    return call


def test_a_line_for_each_row(program, monkeypatch):
    rows = ("", "--no-guesses", "--set peak_threshold=0.1", "--set half_tolerance=0", "--grouping hungarian", "--flip")
    monkeypatch.setattr(accuracy_tables, "ROWS", rows)
    status, out, err = program()
    assert status == 0, err
    figures = {line[:36].strip(): line[36:].split() for line in out.splitlines()}
    assert list(figures) == [ORACLE, "defaults", *rows[1:]]
    assert figures.pop(ORACLE) == ["1.000"]
    assert float(figures.pop("--flip")[0]) < 1  # this network ignores that the photo is mirrored
    assert all(row == ["1.000", "+0.000", "+-0.000"] for row in figures.values())


def test_what_goes_wrong_is_one_sentence(program, monkeypatch):
    monkeypatch.setattr(accuracy_tables, "ROWS", ("", "--set peak_threshold=2"))
    status, _, err = program()
    assert status == 1
    assert "no people were found with --set peak_threshold=2" in err


def test_the_page_names_the_settings_that_are_measured():
    page = (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")
    named = re.findall(r"--set ((?!NAME=)\w+=[\w.]+)", page)
    assert set(named) == set(re.findall(r"--set (\w+=[\w.]+)", " ".join(ROWS)))

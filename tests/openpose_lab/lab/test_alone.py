"""What the grader's sandbox refuses, although the file runs where the student works."""

import pytest

from openpose_lab.lab import alone
from openpose_lab.lab.alone import Alone
from openpose_lab.lab.handout import handout_files
from openpose_lab.lab.importable import importable_files, importable_names, needed_by
from openpose_lab.lab.merge_checks import Bench
from openpose_lab.lab.sandbox.runner import Limits, Runner
from tests.conftest import ROOT
from tests.openpose_lab.lab.test_merge_checks import RIGHT

FIRST = "    people = []\n"
"""In the right merge, this line runs with each call."""
READ = "import os; open(os.path.join(os.path.dirname(__file__), 'rows.txt'))"


@pytest.fixture(scope="module")
def names():
    return importable_names()  # which takes half a second


@pytest.fixture
def problem(names, monkeypatch, tmp_path):
    """What is said of a merge that has ``helper.py`` and ``rows.txt`` beside it."""
    monkeypatch.setattr(alone, "importable_names", lambda: names)
    (tmp_path / "helper.py").write_text("LIMIT = 3\n")
    (tmp_path / "rows.txt").write_text("")

    def find(text):
        path = tmp_path / "my_merge.py"
        path.write_text(text)
        with Runner(path) as runner, Alone(path, Limits()) as graded:
            return graded.find_problem(Bench(runner, runner.load()))

    return find


def in_call(line):
    text = RIGHT.read_text()
    assert FIRST in text
    return text.replace(FIRST, f"    {line}\n{FIRST}")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("from helper import LIMIT\n" + RIGHT.read_text(), ": line 1: ModuleNotFoundError: No module named 'helper';"),
        (in_call(READ), ": line 8: FileNotFoundError: [Errno 2] No such file or directory: 'rows.txt';"),
        (
            "from estimation.merge import merge\n",
            ": it imports estimation/merge.py, but a submission may import Python's own modules, ",
        ),
        (in_call("import estimation.grouping.assembly"), ": it imports estimation/grouping/assembly.py, but "),
    ],
)
def test_what_the_grader_refuses(problem, text, what):
    found = problem(text)
    assert found.startswith("the grader would give 0 points, because it has only this file of yours: ")
    assert what in found
    assert found.endswith("; copy what merge needs into this file")


@pytest.mark.parametrize(
    "text",
    [
        in_call("import json, numpy, scipy, cv2, estimation.grouping, estimation.angles, estimation.layouts.coco_18"),
        "def merge(subset):\n    return 1 / 0\n",  # said by the checks
    ],
)
def test_what_the_grader_runs_as_well(problem, text):
    assert problem(text) is None


def test_a_file_in_the_projects_folder_is_no_part_of_the_project(problem):
    helper = ROOT / "helper_of_a_student.py"
    helper.write_text("LIMIT = 3\n")
    try:
        found = problem(f"from {helper.stem} import LIMIT\n{RIGHT.read_text()}")
    finally:
        helper.unlink()
    assert f": it imports {helper.name}, but a submission may import " in found


def test_of_estimation_all_that_the_handout_has_is_importable(names):
    assert {n for n in names if n.startswith("estimation/")} == {
        n for n in handout_files() if n.startswith("estimation/") and n.endswith(".py")
    }


def test_importable_are_the_files_of_the_handout(names):
    files = importable_files()
    assert set(files) == names
    assert {"estimation/subset.py", "estimation/layouts/body_25.py", "openpose_lab/lab/sandbox/worker.py"} <= names
    assert b"raise NotImplementedError" in files["estimation/merge.py"]
    assert not any("cases" in name or "merge_checks" in name for name in names)


def test_what_a_student_s_merge_imports_is_not_importable(monkeypatch, tmp_path):
    (tmp_path / "estimation").mkdir()
    (tmp_path / "estimation" / "merge.py").write_text("import estimation.helper\n")
    (tmp_path / "estimation" / "helper.py").write_text("import estimation.merge\n")
    monkeypatch.setattr("openpose_lab.lab.importable.ROOT", tmp_path)
    assert needed_by(["estimation/merge.py"]) == ["estimation/merge.py"]
    assert needed_by(["estimation/helper.py"]) == ["estimation/helper.py", "estimation/merge.py"]

"""The archive for Gradescope, unpacked into folders of Gradescope's shape, with hostile submissions."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from openpose_lab.commands import grade, handout
from openpose_lab.lab import importable
from openpose_lab.lab.autograder import SCRIPTS, autograder_files
from openpose_lab.lab.grading.points import POINTS
from openpose_lab.lab.sandbox.limits import Limits
from tests.conftest import ROOT
from tests.openpose_lab.commands.test_grade import DROPS_PEAK_0, OTHER
from tests.openpose_lab.lab.sandbox.test_runner import processes_of, wait_until
from tests.openpose_lab.lab.test_merge_checks import RIGHT
from tests.support import hostile
from tests.support.archives import packed, unpack
from tests.support.gradescope_schema import faults_of

MY_POINTS = "[points]\ncontract = 1\ncorrectness = 2.5\norder = 3\nconflicts = 4\nspeed = 5\n"
RAISES_WHAT_IT_SAW = """
seen = set()
def merge(subset, **limits):
    seen.update(subset[:, :18].ravel().astype(int).tolist())
    if len(subset) < 7:
        print(sorted(seen))
        raise ValueError(sorted(seen, reverse=True))
    return subset[:0]
"""
READ_AND_WRITE = """
import os
def merge(subset, **limits):
    found = []
    for path in PLACES:
        try:
            found.append(open(path).read())
        except OSError:
            pass
        for flags in (os.O_WRONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC):
            try:
                os.write(os.open(path, flags), b'{"score": 1000}')
            except OSError:
                pass
    raise RuntimeError(f"found {len(found)}: {found}")
"""
FORK = """
import os
def merge(subset, **limits):
    for start in (os.fork, lambda: os.system("sleep 600"), lambda: __import__("subprocess").Popen(["sleep", "600"])):
        try:
            start()
        except BaseException:
            pass
    return subset
"""
needs_bash = pytest.mark.skipif(sys.platform == "win32", reason="the autograder's scripts are Linux's")


def notebook(text):
    return json.dumps({"cells": [{"cell_type": "code", "source": text}]})


def project(text):
    return {"lab/estimation/merge.py": text, "lab/merge.py": "x", "lab/openpose_lab/lab/merge_checks.py": "x"}


GOOD = RIGHT.read_text()
SUBMISSIONS: dict[str, dict[str, str | bytes]] = {
    "right": {"merge.py": GOOD},
    "another right one": {"merge.py": OTHER},
    "drops peak 0": {"merge.py": DROPS_PEAK_0},
    "another name": {"solution.py": DROPS_PEAK_0},
    "a notebook": {"lab.ipynb": notebook(DROPS_PEAK_0)},
    "several files": {"merge.py": GOOD, "report.pdf": "no", "helper.py": "x = 1", "old/merge.py": "x"},
    "a whole project": project(GOOD),
    "an archive": {"20230001_Lab3.zip": packed({"Lab3/merge.py": GOOD})},
    "nothing": {},
    "no Python": {"report.pdf": "no", "merge.txt": "no"},
    "two that may be meant": {"merge_v1.py": "x = 1", "merge_v2.py": "x = 2"},
    "a wrong encoding": {"merge.py": GOOD.encode("utf-16")},
    "no syntax": {"merge.py": "def merge(subset)\n"},
    "another grouping": {"merge.py": f"import estimation.grouping.assembly\n{GOOD}"},
    "says what it saw": {"merge.py": RAISES_WHAT_IT_SAW},
}
HOSTILE = {
    "an endless loop": hostile.LOOP,
    "ends its process": hostile.EXIT,
    "memory": hostile.ALLOCATE,
    "reads and writes": READ_AND_WRITE,
    "starts processes": FORK,
}
"""Texts of merge.py."""


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """The archive as the program writes it, with points and limits of one's own."""
    folder = tmp_path_factory.mktemp("archive")
    (folder / "points.toml").write_text(MY_POINTS)
    out = folder / "autograder.zip"
    handout.main(["--gradescope", str(out), "--points", str(folder / "points.toml"), "--seconds", "1"])
    assert not (folder / "lab.zip").exists()
    return out


@pytest.fixture
def autograder(archive, tmp_path):
    """A folder of Gradescope's shape, made as Gradescope makes it, with this Python in place of the environment."""
    folder = tmp_path / "autograder"
    for name in ("source", "submission", "results", "venv/bin"):
        (folder / name).mkdir(parents=True)
    with zipfile.ZipFile(archive) as file:
        for entry in file.infolist():
            path = folder / "source" / entry.filename
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.read(entry))
            path.chmod(entry.external_attr >> 16 & 0o777)
    shutil.copy(folder / "source" / "run_autograder", folder / "run_autograder")
    python = folder / "python"
    python.write_text(PYTHON.format(log=tmp_path / "log", python=sys.executable))
    python.chmod(0o755)
    shutil.copy(python, folder / "venv" / "bin")
    return folder


PYTHON = """#!/bin/sh
echo "$@" >> "{log}"
case "$2" in
venv) mkdir -p "$3/bin"; cp "$0" "$3/bin/" ;;
pip) ;;
*) exec "{python}" "$@" ;;
esac
"""
"""This Python, which keeps what it is called with, and installs nothing."""


def set_up(autograder):
    """Run setup.sh; return what it printed."""
    environment = {**os.environ, "AUTOGRADER": str(autograder), "PYTHON": str(autograder / "python")}
    done = subprocess.run([str(autograder / "source" / "setup.sh")], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_offline(autograder, temporary):
    """Run run_autograder without a network where the system allows; return the results and what it printed."""
    offline = next((way for way in (["unshare", "-n"], ["unshare", "-rn"]) if can(way)), [])
    environment = {**os.environ, "AUTOGRADER": str(autograder), "TMPDIR": str(temporary), "SECRET": "hush"}
    done = subprocess.run(
        [*offline, str(autograder / "run_autograder")], env=environment, capture_output=True, text=True, cwd=autograder
    )
    assert done.returncode == 0
    results = json.loads((autograder / "results" / "results.json").read_bytes())
    assert faults_of(results) == []
    return results, done.stdout + done.stderr


def can(way):
    return shutil.which(way[0]) and subprocess.run([*way, "true"], capture_output=True).returncode == 0


def test_the_archive(archive):
    with zipfile.ZipFile(archive) as file:
        modes = {entry.filename: entry.external_attr >> 16 for entry in file.infolist()}
        assert {name for name, mode in modes.items() if mode == 0o100755} == set(SCRIPTS)
        assert {"openpose_lab/lab/grading/hidden_checks.py", "estimation/merge.py", "requirements.txt"} <= set(modes)
        assert file.read("points.toml").decode() == MY_POINTS
        assert b"--seconds 1 --memory 1500 " in file.read("run_autograder")
        assert b"opencv-python-headless>" in file.read("requirements.txt")
        assert [faults_of(json.loads(file.read(f"{name}.json"))) for name in ("unfinished", "failed")] == [[], []]
        assert not any(b"\r" in file.read(name) for name in SCRIPTS)
    assert archive.stat().st_size < 2e6


@pytest.mark.slow
def test_submissions_can_import_there_what_they_can_here(monkeypatch, tmp_path):
    unpack(tmp_path, autograder_files(POINTS.read_bytes(), Limits()))
    here = importable.importable_files()
    monkeypatch.setattr(importable, "ROOT", tmp_path)
    assert importable.importable_files() == here


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--gradescope", "autograder.tar"), "autograder.tar: its name must end in .zip"),
        (("--points", "other.toml"), "--points, --seconds and --memory are for the autograder; give --gradescope too"),
        (("--gradescope", "a.zip", "--points", "none.toml"), "there is no points file none.toml"),
        (("--gradescope", "a.zip", "--seconds", "0"), "--seconds must be from 0.1 to 3600"),
        (("--gradescope", "a.zip", "--out", "a.zip"), "a.zip"),
    ],
)
def test_bad_options_are_one_sentence(call_program, monkeypatch, tmp_path, options, sentence):
    monkeypatch.chdir(tmp_path)
    status, out, err = call_program("handout", handout.main, *options)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert sentence in err
    assert list(tmp_path.iterdir()) == []


@needs_bash
@pytest.mark.slow
def test_setting_up_twice_is_setting_up_once(autograder, tmp_path):
    for _ in range(2):
        assert "15.5 of 15.5 points on average" in set_up(autograder)
    lines = (tmp_path / "log").read_text().splitlines()
    calls = [line for line in lines if not line.startswith("-I ")]  # of the first, and of the second
    assert calls[: len(calls) // 2] == calls[len(calls) // 2 :]
    assert f"-m venv {autograder}/venv" in calls
    assert any(call.endswith(f"--requirement {autograder}/source/requirements.txt") for call in calls)
    assert (autograder / "source").stat().st_mode & 0o077 == 0


@needs_bash
@pytest.mark.parametrize(
    ("python", "sentence"),
    [
        (None, "The autograder failed before it marked your submission. This is not your fault."),
        ("#!/bin/sh\nexit 3\n", "The autograder failed before it marked your submission. This is not your fault."),
        ("#!/bin/sh\nkill -9 $$\n", "Marking did not finish: "),  # as if memory had run out
    ],
)
def test_without_a_working_python_there_is_a_valid_result(autograder, tmp_path, python, sentence):
    path = autograder / "venv" / "bin" / "python"
    path.unlink() if python is None else path.write_text(python)
    (autograder / "results").rmdir()
    results, _ = run_offline(autograder, tmp_path)
    assert results["score"] == 0
    assert results["output"].startswith(sentence)


ONLY_THESE = """
import sys
from importlib.machinery import PathFinder

class Only:
    def find_spec(name, path=None, target=None):
        found = PathFinder.find_spec(name, path) if path is None else None
        if found and "site-packages" in str(found.origin) and name not in ALLOWED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Only)
from openpose_lab.commands import grade
from openpose_lab.commands.program import start
sys.exit(start("grade", grade.main, sys.argv[1:]))
"""


@pytest.mark.slow
def test_marking_needs_the_packages_of_the_archive_alone(tmp_path):
    """And what these import: Hypothesis needs sortedcontainers."""
    (tmp_path / "merge.py").write_text(DROPS_PEAK_0)
    lines = autograder_files(POINTS.read_bytes(), Limits())["requirements.txt"].decode().splitlines()
    packages = {re.split(r"[^\w-]", line, maxsplit=1)[0] for line in lines}
    allowed = packages - {"opencv-python-headless"} | {
        "cv2",
        "_hypothesis_globals",
        "sortedcontainers",
        "attr",
        "exceptiongroup",
    }
    code = f"ALLOWED = {sorted(allowed)}\n{ONLY_THESE}"
    options = ["--one", tmp_path / "merge.py", "--format", "gradescope", "--out", tmp_path / "results.json"]
    done = subprocess.run([sys.executable, "-c", code, *options], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert 0 < json.loads((tmp_path / "results.json").read_text())["leaderboard"][0]["value"] < 1


@needs_bash
@pytest.mark.slow
def test_a_fault_of_the_autograder_is_told_as_one(autograder, tmp_path):
    unpack(autograder / "submission", {"merge.py": DROPS_PEAK_0})
    (autograder / "source" / "estimation" / "merge.py").write_text("def merge(subset):\n    return subset[:0]\n")
    results, printed = run_offline(autograder, tmp_path)
    assert results["score"] == 0
    assert results["output"].startswith(
        "The autograder failed, which is not your fault. Show this to your instructor: "
    )
    assert "does not get full marks here" in results["output"]
    assert "Traceback" not in printed
    (autograder / "source" / "points.toml").write_text("[points]\n")
    assert "must have a table [points]" in run_offline(autograder, tmp_path)[0]["output"]


@needs_bash
@pytest.mark.slow
def test_scores_are_those_of_grade_and_no_submission_does_harm(autograder, call_program, tmp_path):
    temporary, folder = tmp_path / "temporary", tmp_path / "in"
    temporary.mkdir()
    secret = autograder / "source" / "openpose_lab" / "lab" / "grading" / "hidden_checks.py"
    metadata = autograder / "submission_metadata.json"
    metadata.write_text('{"previous_submissions": ["hidden rows"]}')
    places = repr([str(path) for path in (autograder / "results" / "results.json", secret, metadata)])
    submissions = {
        **SUBMISSIONS,
        **{name: {"merge.py": text.replace("PLACES", places)} for name, text in HOSTILE.items()},
    }
    assert len(submissions) == 20
    before = {path: path.read_bytes() for path in (autograder / "source").rglob("*.py")}
    scores, outputs = {}, {}
    for number, (name, files) in enumerate(submissions.items()):
        shutil.rmtree(autograder / "submission")
        (autograder / "submission").mkdir()
        unpack(autograder / "submission", files)
        unpack(folder / "export" / f"submission_{number}", files)
        results, printed = run_offline(autograder, temporary)
        scores[name] = results["score"]
        outputs[name] = results["output"]
        visible = json.dumps([test for test in results["tests"] if test["visibility"] == "visible"])
        assert "907" not in visible, name  # a peak's id in hidden rows alone
        assert "hidden" not in visible, name
        assert "hidden rows" not in json.dumps(results), name
        assert "907" not in printed, name
        assert "Traceback" not in printed, name
        assert processes_of(temporary) == []
    assert {path: path.read_bytes() for path in before} == before
    assert list(temporary.iterdir()) == []

    submitters = (
        f"submission_{number}:\n  :submitters:\n  - :sid: 'S{number}'\n" for number in range(len(submissions))
    )
    (folder / "export" / "submission_metadata.yml").write_text("---\n" + "".join(submitters))
    (tmp_path / "points.toml").write_text(MY_POINTS)
    options = ("--out", tmp_path / "marks.csv", "--points", tmp_path / "points.toml", "--seconds", 1)
    status, _, err = call_program("grade", grade.main, folder, *options)
    assert (status, err) == (0, "")
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO((tmp_path / "marks.csv").read_text("utf-8")))}
    points = {name: float(rows[f"S{number}"]["points"]) for number, name in enumerate(submissions)}
    assert scores == points
    assert scores["right"] == scores["a whole project"] == 15.5
    assert 0 < scores["drops peak 0"] == scores["another name"] == scores["a notebook"] < 15.5
    assert [name for name in HOSTILE if scores[name] > 15.5 / 5] == []
    for name, sentence in (
        ("nothing", "the submission is empty; it has no files"),
        ("no Python", "no *merge*.py was found in the submission"),
        ("two that may be meant", "2 files in the submission may be the submission: merge_v1.py, merge_v2.py"),
        ("a wrong encoding", "the file is UTF-16, but Python reads UTF-8; in your editor, save it with encoding UTF-8"),
        (
            "another grouping",
            "; a submission may import Python's own modules, numpy, scipy, cv2, and the handout's modules ",
        ),
        ("no syntax", "line 1: SyntaxError: expected ':'"),
    ):
        assert sentence in outputs[name]
        assert scores[name] == 0
    assert wait_until(lambda: not processes_of(temporary), 2)

"""The archive for students: no answer in it, and what is in it works."""

import ast
import html
import io
import json
import re
import subprocess
import sys
import zipfile

import pytest

from estimation.grouping import GROUPINGS, LAB_MERGE
from openpose_lab.commands import handout as program
from openpose_lab.lab import handout
from openpose_lab.lab.grading import hidden_checks as hidden
from tests.conftest import ROOT
from tests.support.extras import needs

IN_IT = ("check-merge", "explain", "weights", "image", "report")
"""The commands that students get."""


@pytest.fixture(scope="module")
def files():
    return handout.handout_files()


@pytest.fixture(scope="module")
def unpacked(files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("handout")
    with zipfile.ZipFile(io.BytesIO(handout.pack(files, "lab"))) as archive:
        archive.extractall(folder)
    return folder / "lab"


def code_lines(path):
    """The lines of a module's functions that somebody could recognise it by."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = set()
    for node in ast.walk(ast.parse("\n".join(lines))):
        if isinstance(node, ast.FunctionDef):
            first = node.body[1:] if isinstance(node.body[0], ast.Expr) else node.body
            found |= {line.strip() for line in lines[first[0].lineno - 1 : node.end_lineno] if len(line.strip()) > 24}
    return found


def texts_of_notebook(value):
    """All texts in a notebook, sources and outputs, as people read them: quotes are escaped in JSON and in HTML."""
    if isinstance(value, str):
        yield html.unescape(value)
    elif isinstance(value, dict | list):
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            value = ["".join(value)]  # lines
        for one in value.values() if isinstance(value, dict) else value:
            yield from texts_of_notebook(one)


def test_an_answer_in_a_notebook_would_be_found():
    line = 'if others and len(dict(person["peaks"])) < len(person["peaks"]):'
    output = {"data": {"text/html": [f"<pre>{html.escape(line)}\n", "</pre>"]}}
    for cell in ({"source": ["def merge():\n", f"    {line}\n"]}, {"outputs": [output]}):
        assert any(line in text for text in texts_of_notebook({"cells": [cell]}))


def test_no_answer_and_no_hidden_check_is_in_it(files):
    secrets = {case.name for case in hidden.HIDDEN_CASES} | {case.why for case in hidden.HIDDEN_CASES}
    for path in {LAB_MERGE, *GROUPINGS.values(), ROOT / "estimation" / "grouping" / "assembly.py"}:
        secrets |= code_lines(path)
    assert len(secrets) > 150
    everybodys = {"if time.monotonic() > until:"}
    text = b"\n".join(files.values()).decode("utf-8", "replace")
    text += "\n".join(texts_of_notebook(json.loads(files["docs/lab.ipynb"])))
    assert [secret for secret in sorted(secrets - everybodys) if secret in text] == []
    for name in ("hidden", "assembly", "optimal", "grade", "handout", "reference_merge", "people_as_dictionaries"):
        assert not any(name in path for path in files), name


def test_of_the_photos_the_samples_are_in_it(files):
    names = ["images/CREDITS.md", "images/people.jpg", "images/skiers.jpg"]
    assert sorted(path for path in files if path.startswith("images/")) == names


def test_the_embedded_weights_come_with_their_licence(files):
    weights = {path for path in files if path.startswith("model_weights/human-pose-estimation-0001-FP16-INT8.")}
    assert len(weights) == 2
    assert b"Apache License" in files["model_weights/LICENSE-Apache-2.0.txt"]


def test_merge_is_left_to_be_written(unpacked):
    text = (unpacked / "estimation" / "merge.py").read_text(encoding="utf-8")
    assert text.startswith('"""THE STUDENT\'S FILE')
    assert "def merge(subset, min_num_body_parts=4, min_score=0.4):\n" in text
    assert "raise NotImplementedError(" in text
    assert text.count("def ") == 1
    compile(text, "merge.py", "exec")
    assert max(map(len, text.splitlines())) <= 120


def test_check_merge_says_what_is_to_be_done(unpacked):
    done = subprocess.run(
        [sys.executable, "-m", "openpose_lab", "check-merge"], cwd=unpacked, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "NotImplementedError: the lab's task is yet to be done" in done.stdout
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.slow
def test_check_merge_passes_when_it_is_done(unpacked, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "openpose_lab", "check-merge", str(LAB_MERGE)],
        cwd=unpacked,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    steps = re.findall(r"-m openpose_lab (\S+) ", done.stdout.splitlines()[-1])
    assert steps == ["explain", "report"]
    assert set(steps) < set(IN_IT)


START = """
import runpy, sys

def start(run, program, *command):
    sys.argv = [program, *command, "--help"]
    try:
        run(program, run_name="__main__")
    except SystemExit as end:
        print(f"status {end.code}")

names = sys.argv[1:]
start(runpy.run_path, "demo_image.py")
for name in names:
    start(runpy.run_module, "openpose_lab", name)
"""


def test_programs_start_in_it(unpacked):
    done = subprocess.run([sys.executable, "-c", START, *IN_IT], cwd=unpacked, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\nstatus 0\n") == done.stdout.count("usage: ") == 1 + len(IN_IT)


@pytest.mark.parametrize("program", ["demo_image.py", "openpose_lab", "openpose_lab/__main__.py"])
def test_programs_start_from_another_folder(unpacked, tmp_path, program):
    command = [sys.executable, "-S", str(unpacked / program), "--help"]  # -S: what is installed is not found
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ")


def test_links_in_it_lead_somewhere(unpacked):
    for document in unpacked.rglob("*.md"):
        text = document.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+)\)", text):
            assert "://" in target or (document.parent / target).exists(), (document.name, target)
        for name in re.findall(r"openpose_lab ([a-z-]+)", text):
            assert name in IN_IT or name == "evaluate", (document.name, name)  # of which docs/weights.md tells


def test_the_program(call_program, tmp_path):
    status, out, err = call_program("handout", program.main, "--out", tmp_path / "lab.zip")
    assert (status, err) == (0, "")
    assert "students write estimation/merge.py" in out
    first = (tmp_path / "lab.zip").read_bytes()
    call_program("handout", program.main, "--out", tmp_path / "lab.zip")
    assert (tmp_path / "lab.zip").read_bytes() == first
    for arguments, sentence in (
        (["--out", tmp_path / "lab.tar"], "its name must end in .zip"),
        (["--out", tmp_path / "none" / "lab.zip"], "there is no folder"),
    ):
        status, out, err = call_program("handout", program.main, *arguments)
        assert (status, out, err.count("\n")) == (1, "", 1)
        assert sentence in err


@needs("openvino")
def test_the_demo_says_what_is_to_be_done(unpacked):
    """With the weights that come in the handout, and without TensorFlow."""
    done = subprocess.run([sys.executable, "demo_image.py"], cwd=unpacked, capture_output=True, text=True)
    assert done.returncode == 1
    assert "NotImplementedError: the lab's task is yet to be done" in done.stderr


@pytest.mark.slow
@needs("openvino")
def test_a_report_can_be_begun_before_merge_is_written(unpacked, tmp_path):
    command = [sys.executable, "-m", "openpose_lab", "report", "--out", str(tmp_path / "report")]
    done = subprocess.run(command, cwd=unpacked, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("report: the report is not complete yet: merge failed: line ")
    assert done.stderr.count("\n") == 1
    text = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert "| 8 | . | . | . | . | 5 | . | . | . | 9 | 1.65 | 2 |" in text
    assert "**No picture of skiers.jpg, people.jpg.** merge in merge.py failed: " in text
    assert "| hungarian | " in text


@pytest.mark.slow
@needs("openvino")
def test_a_report_of_a_merge_that_is_done(unpacked, tmp_path):
    command = [sys.executable, "-m", "openpose_lab", "report", str(LAB_MERGE), "--out", str(tmp_path / "report")]
    done = subprocess.run(command, cwd=unpacked, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    text = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert "| correctness | 13 of 13 | 100 % |" in text
    assert "skiers.jpg: 89 rows of limbs became 5 people with " in text
    assert (tmp_path / "report" / "report.html").stat().st_size > 500_000

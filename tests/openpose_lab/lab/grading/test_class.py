"""A class of 80 as several systems export it, hostile submissions among them; and a grader that is killed."""

import csv
import io
import json
import os
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest

from openpose_lab.commands import grade
from tests.conftest import ROOT
from tests.openpose_lab.commands.test_grade import DROPS_PEAK_0, HOSTILE, OTHER
from tests.openpose_lab.lab.sandbox.test_runner import processes_of, wait_until
from tests.openpose_lab.lab.test_merge_checks import RIGHT
from tests.support.archives import packed, unpack

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="pipes with names, and a complete sandbox, are Linux's"),
]
GOOD = RIGHT.read_text()
NO_MERGE = "has no function merge"


def notebook(*cells):
    return json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells]})


def zeros(method):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as file:
        file.writestr("merge.py", bytes(50 << 20))
    return data.getvalue()


METADATA = """---
submission_501:
  :submitters:
  - :name: Gia Ro
    :sid: '0040001'
  - :name: Gus Ro
    :sid: '0040002'
submission_502:
  :submitters:
  - :name: =cmd|'/c calc'!A1
    :sid: '0040003'
submission_503:
  :submitters:
  - :name: Gay Om
    :sid: '0040004'
submission_504:
  :submitters:
  - :name: Gil Ng
    :sid: '0040005'
"""

EXPORTS = {
    # Moodle, unpacked
    "Ann Lee_101_assignsubmission_file_/merge.py": GOOD,
    "Ann Lee_102_assignsubmission_file_/merge (1).py": DROPS_PEAK_0,
    "Bo Ek_103_assignsubmission_file_/20230103_Lab3.zip": packed(
        {"Lab3/estimation/merge.py": GOOD, "Lab3/merge.py": "x"}
    ),
    "Cy Um_104_assignsubmission_file_/report.pdf": "no",
    "Di Fu_105_assignsubmission_file_/merge_v1.py": "x = 1",
    "Di Fu_105_assignsubmission_file_/merge_v2.py": "x = 2",
    # another course of Moodle's as one zip
    "EE31057-Lab 3-48213.zip": packed(
        {
            "Ed Li_111_assignsubmission_file_/merge.py": "x = 111",
            "Fay Oz_112_assignsubmission_file_/a.zip": packed({"b.zip": packed({"merge.py": "x = 112"})}),
            "Flo Ha_113_assignsubmission_file_/lab.ipynb": notebook("%pylab", "!ls", OTHER, "merge(1)"),
        }
    ),
    # Canvas
    "leeann_201_990001_merge-1.py": "x = 201",
    "wumia_LATE_202_990002_merge.py": "def merge(subset, **limits):\n    return subset\n",
    "ekbo_203_text.html": "no",
    # Gradescope
    "assignment_77_export/submission_metadata.yml": METADATA,
    "assignment_77_export/submission_501/merge.py": "x = 501",
    "assignment_77_export/submission_502/merge.py": "x = 502",
    "assignment_77_export/submission_503/solution.py": "def merge(subset)\n",
    # Blackboard
    "Lab 3_bia_attempt_2026-01-01-12-00-00_merge.py": "x = 0",
    "Lab 3_bia_attempt_2026-01-02-12-00-00_merge.py": "x = 301",
    "Lab 3_bia_attempt_2026-01-02-12-00-00.txt": "Name: Bia Do (bia)\n",
    # files, folders and archives of their own
    "20230001_Lab3.zip": packed({"EAI_Lab3/merge.py": GOOD}),
    "20230002_Lab3.zip": packed({"Lab3.zip": packed({"./merge.py": "x = 2"})}),
    "1000777_merge-1.py": "x = 777",
    "20230003.py": "x = 3",
    "20230004 (1).py": "def merge(subset, **limits):\n    return subset[:0]\n",
    "20230005_Lab3.zip": zeros(zipfile.ZIP_BZIP2),
    "20230006_Lab3.zip": zeros(zipfile.ZIP_LZMA),
    "20230007_Lab3.zip": zeros(zipfile.ZIP_DEFLATED),
    "20230008_Lab3.zip": b"PK\5\6" + bytes(18),
    "20230009_Lab3.zip": packed({"merge.py/": "", "readme.txt": ""}),
    "20230010_Lab3.zip": packed({"merge.py": GOOD})[:-30],
    "20230011_Lab3.rar": b"x",
    "20230012_merge.py": "x = [" + "0," * 300_000 + "]",
    "20230013.ipynb": "[" * 50_000,
    "=1+1_merge.py": "x = 14",
    "\x1b[31mred\x07_merge.py": "x = 15",
    f"{'long' * 50}_merge.py": "x = 16",
    "王小明/merge.py": "x = 17",
    "course.zip": packed({"Gus Green/20230101_Lab3.zip": packed({"merge.py": "x = 101"}), "Hal/merge.py": "x = 102"}),
}
ROWS = {
    ("101", "Ann Lee"): 100,
    ("102", "Ann Lee"): (70, 90),
    ("103", "Bo Ek 20230103"): 100,
    ("104", "Cy Um"): "no *merge*.py was found in the folder",
    ("105", "Di Fu"): "2 files in the folder may be the submission: merge_v1.py, merge_v2.py; keep one of them",
    ("111", "Ed Li"): NO_MERGE,
    ("112", "Fay Oz"): NO_MERGE,
    ("113", "Flo Ha"): 100,
    ("201", "leeann"): NO_MERGE,
    ("202", "wumia"): (0, 20),
    ("203", "ekbo"): "no *merge*.py was found in the folder",
    ("0040001", "Gia Ro"): NO_MERGE,
    ("0040002", "Gus Ro"): NO_MERGE,
    ("0040003", "'=cmd|'/c calc'!A1"): NO_MERGE,
    ("0040004", "Gay Om"): "SyntaxError",
    ("0040005", "Gil Ng"): "the export names this student, but holds no files of theirs",
    ("bia", "Bia Do"): NO_MERGE,
    ("20230001", "20230001"): 100,
    ("20230002", "20230002"): NO_MERGE,
    ("1000777", "1000777"): NO_MERGE,
    ("20230003", "20230003"): NO_MERGE,
    ("20230004", "20230004"): (0, 20),
    ("20230005", "20230005"): "it is packed by bzip2, not deflate; ask for an ordinary .zip",
    ("20230006", "20230006"): "it is packed by LZMA, not deflate; ask for an ordinary .zip",
    ("20230007", "20230007"): "the file is larger than a megabyte",
    ("20230008", "20230008"): "no *merge*.py was found in the archive",
    ("20230009", "20230009"): "it is a folder, not a file",
    ("20230010", "20230010"): "the archive cannot be read: ",
    ("20230011", "20230011"): "a .rar file cannot be read here; unpack it, or ask for a .zip",
    ("20230012", "20230012"): "",
    ("20230013", "20230013"): "the file is not a notebook, or it is damaged",
    ("'=1+1", "'=1+1"): NO_MERGE,
    ("\\x1b[31mred\\x07", "\\x1b[31mred\\x07"): NO_MERGE,
    ("王小明", "王小明"): NO_MERGE,
    ("20230101", "Gus Green 20230101"): NO_MERGE,
    ("Hal", "Hal"): NO_MERGE,
    ("Ida", "Ida"): "it is a device or a pipe, not a file",
    ("20230014", "20230014"): "it is a device or a pipe, not a file",
    ("Jan", "Jan"): "it is a link, not a file",
    ("Kai", "Kai"): "it is a link, not a folder",
    ("Lu", "Lu"): "no *merge*.py was found in the folder",
}
"""Points, least and most points, or what the reason says."""


def build(folder):
    """Write the class; return the rows that are expected, hostile ones and all."""
    unpack(folder, EXPORTS)
    for name in ("Ida", "Jan", "Lu"):
        (folder / name).mkdir()
    os.mkfifo(folder / "Ida" / "merge.py")
    os.mkfifo(folder / "20230014_Lab3.zip")
    (folder / "Jan" / "merge.py").symlink_to("/dev/zero")
    (folder / "Kai").symlink_to(folder / "Ida")
    rows = dict(ROWS)
    places = repr([str(folder / "Lu" / "new.txt"), str(folder / "1000777_merge-1.py")])
    for number, (name, text) in enumerate(HOSTILE.items()):
        text = text.replace("PLACES", places).replace("PORT", "9").replace("MARKED_SECONDS", "86398")
        unpack(folder, {f"{name.lower()}x_{400 + number}_{880000 + number}_merge.py": text})
        rows[str(400 + number), f"{name.lower()}x"] = (0, 20)
    filling = 80 - 1 - len(rows)  # the one with a long name is looked for apart
    assert filling > 0
    for number in range(filling):
        unpack(folder, {f"2025{number:04}_merge.py": f"x = {1000 + number}"})
        rows[f"2025{number:04}", f"2025{number:04}"] = NO_MERGE
    return rows


def table_of(path):
    """The rows of a table without the times."""
    with path.open(encoding="utf-8", newline="") as file:
        return {(row["id"], row["student"]): {**row, "ms": ""} for row in csv.DictReader(file)}


def test_a_class_of_80(call_program, tmp_path):
    folder = tmp_path / "in"
    expected = build(folder)
    status, out, err = call_program(
        "grade", grade.main, folder, "--out", tmp_path / "marks.csv", "--seconds", 1, "--jobs", 2
    )
    assert (status, err) == (0, "")
    assert "80 students\n" in out
    assert "\x1b" not in out
    rows = table_of(tmp_path / "marks.csv")
    assert len(rows) == 80
    long = [student for student in rows if student not in expected]
    assert len(long) == 1
    assert long[0][1].startswith("longlong")
    for student, what in expected.items():
        row = rows[student]
        points = float(row["points"])
        if isinstance(what, str):
            assert points == 0, student
            assert what in row["reason"], student
        else:
            least, most = what if isinstance(what, tuple) else (what, what)
            assert least <= points <= most, (student, row)
    assert rows["20230012", "20230012"]["alike"].startswith("not compared")
    assert "(1.00)" in rows["101", "Ann Lee"]["alike"]
    assert "Gus Ro" not in rows["0040001", "Gia Ro"]["alike"]
    assert rows["bia", "Bia Do"]["note"] == "the last of 2 attempts"
    assert (folder / "1000777_merge-1.py").read_text() == "x = 777"
    assert not any((folder / "Lu").iterdir())
    assert len(list((tmp_path / "marks_sheets").iterdir())) == 80


def test_a_kill_loses_no_mark(tmp_path, rng):
    """SIGKILL of the grader at ten random moments, and the same command again."""
    folder, temporary = tmp_path / "in", tmp_path / "temporary"
    temporary.mkdir()
    unpack(folder, {f"{number:02}_merge.py": f"x = {number}\n" for number in range(14)})
    unpack(folder, {"90_merge.py": GOOD, "91_Lab3.zip": packed({"report.pdf": ""})})

    def start(out):
        command = [sys.executable, "-m", "openpose_lab", "grade", folder, "--out", out, "--jobs", "2"]
        environment = {**os.environ, "TMPDIR": str(temporary)}
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)

    def finish(grader):
        out, _ = grader.communicate(timeout=600)
        assert grader.returncode == 0
        return out

    def kept():
        """The keys of the marks that are whole."""
        path = tmp_path / "killed.csv.progress"
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        return [json.loads(line)["key"] for line in lines if line.endswith(b"}")]

    finish(start(tmp_path / "whole.csv"))
    for _ in range(10):
        before = kept()
        grader = start(tmp_path / "killed.csv")
        enough = len(before) + int(rng.integers(0, 2))
        assert wait_until(lambda: len(kept()) >= enough or grader.poll() is not None, 300)  # noqa: B023
        time.sleep(rng.uniform(0, 1))
        grader.kill()
        grader.communicate(timeout=60)
        assert kept()[: len(before)] == before
    marked = kept()
    assert len(marked) == len(set(marked)) > 0
    out = finish(start(tmp_path / "killed.csv"))
    assert f"{len(marked)} of 16 are already marked" in out
    assert len(kept()) == len(set(kept())) == 16
    assert table_of(tmp_path / "killed.csv") == table_of(tmp_path / "whole.csv")
    assert wait_until(lambda: not processes_of(temporary), 10)
    assert np.all([path.name.startswith("grade-") for path in temporary.iterdir()])

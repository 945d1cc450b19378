"""Marks for a folder of submissions, hostile ones among them."""

import contextlib
import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import resource_tracker

import pytest

from estimation.grouping import LAB_MERGE
from openpose_lab.commands import grade
from openpose_lab.commands.program import run
from openpose_lab.lab.accuracy import read_photo_rows
from openpose_lab.lab.grading import judges, likeness, report
from openpose_lab.lab.grading.marking import Record
from openpose_lab.lab.grading.student_page import render_student_page
from openpose_lab.lab.grading.submissions import Submission
from openpose_lab.lab.merge_checks import CATEGORIES
from openpose_lab.lab.sandbox.runner import Limits
from tests.conftest import ROOT
from tests.openpose_lab.lab.sandbox.test_runner import processes_of, wait_until
from tests.openpose_lab.lab.test_merge_checks import BROKEN, RIGHT
from tests.support import hostile

OTHER = (RIGHT.parent / "cutting_paths.py").read_text()
(OLD, NEW), *_ = BROKEN["drops id 0"]
DROPS_PEAK_0 = RIGHT.read_text().replace(OLD, NEW)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def program(call_program, folder, tmp_path):
    """Grade the folder: exit status, standard output, standard error."""

    def call(*options):
        return call_program("grade", grade.main, folder, "--out", tmp_path / "marks.csv", *options)

    return call


@pytest.fixture
def temporary(tmp_path):
    """A folder for the temporary files of one grader. Processes that a failed test leaves behind are ended."""
    (tmp_path / "temporary").mkdir()
    yield tmp_path / "temporary"
    for number in processes_of(tmp_path / "temporary"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


@pytest.fixture
def grader(folder, temporary, tmp_path):
    """A grader in a process of its own. It has marked one of four submissions, and two others hold it up."""
    (folder / "0_merge.py").write_text("x = 1\n")
    for number in range(1, 4):
        (folder / f"{number}_merge.py").write_text(hostile.LOOP)
    options = ["--out", tmp_path / "marks.csv", "--seconds", "30", "--jobs", "2"]
    grader = subprocess.Popen(
        [sys.executable, "-m", "openpose_lab", "grade", folder, *options],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    progress = tmp_path / "marks.csv.progress"
    assert wait_until(
        lambda: progress.exists() and progress.read_text() and len(processes_of(f"{temporary}{os.sep}")) == 2, 60
    )
    yield grader
    grader.kill()
    grader.wait()
    grader.stdout.close()
    grader.stderr.close()


def rows_of(path):
    return {row["student"]: row for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")))}


@pytest.mark.slow
def test_marks_and_pages(program, folder, tmp_path):
    (folder / "A_merge.py").write_text(RIGHT.read_text())
    with zipfile.ZipFile(folder / "B_Lab3.zip", "w") as archive:
        archive.writestr("merge.py", DROPS_PEAK_0)
    (folder / "C_merge.py").write_text("def merge(subset)\n")
    (folder / "=D_merge.py").write_text(OTHER)
    status, out, err = program("--jobs", 2)
    assert (status, err) == (0, "")
    assert "4 submissions, " in out
    assert "2 pass every check\n1 cannot be loaded or read\n2 are similar to another one:\n  A and B (0.9" in out
    rows = rows_of(tmp_path / "marks.csv")
    assert list(rows) == ["'=D", "A", "B", "C"]
    assert [rows[name]["points"] for name in rows][:2] == ["100.0", "100.0"]
    assert 70 < float(rows["B"]["points"]) < 90
    assert float(rows["B"]["points"]) == pytest.approx(sum(float(rows["B"][name]) for name in CATEGORIES), abs=0.3)
    assert rows["B"]["reason"].startswith("peak 0 counts: ")
    assert (rows["C"]["points"], rows["C"]["F1"]) == ("0.0", "")
    assert "cannot be loaded: line 1: SyntaxError: expected ':'" in rows["C"]["reason"]
    assert "/tmp" not in rows["C"]["reason"]
    assert rows["A"]["F1"] == "0.948"
    assert 0.9 < float(rows["A"]["alike"].split("B (")[1].rstrip(")")) < 1
    assert "A (" not in (tmp_path / "marks_sheets" / "B.html").read_text(encoding="utf-8")
    page = (tmp_path / "marks_sheets" / "B.html").read_text(encoding="utf-8")
    assert "hidden: peak 0 at the end of a leg" in page
    assert "0 is an id like any other" in page
    assert "<pre>" in page
    assert "http" not in page
    assert sorted(path.name for path in (tmp_path / "marks_sheets").iterdir()) == [
        "A.html",
        "B.html",
        "C.html",
        "_D.html",
    ]


@pytest.mark.slow
def test_a_second_run_goes_on_where_the_first_stopped(program, folder, tmp_path, monkeypatch):
    (folder / "A_merge.py").write_text(RIGHT.read_text())
    program()
    first = rows_of(tmp_path / "marks.csv")
    (folder / "B_merge.py").write_text("x = 1\n")
    marked = []
    monkeypatch.setattr(judges, "_marked", lambda left, *_: marked.append([s.student for s in left]) or iter(()))
    with pytest.raises(KeyError):  # as nothing is marked
        program()
    assert marked == [["B"]]
    monkeypatch.undo()
    with (tmp_path / "marks.csv.progress").open("a") as progress:
        progress.write('{"student": "B", "torn')
    status, out, _ = program()
    assert status == 0
    assert "1 of 2 are already marked" in out
    assert rows_of(tmp_path / "marks.csv")["A"] == first["A"]


def test_no_mark_outlives_a_change_of_what_made_it(tmp_path, monkeypatch):
    for package in ("estimation", "openpose_lab"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(judges, "ROOT", tmp_path)
    files = judges.importable_files()  # which takes a while
    monkeypatch.setattr(judges, "importable_files", lambda: files)

    def key():
        return judges.prepare(read_photo_rows(), Limits(), tmp_path / "grade").key

    keys = [key()]
    assert key() == keys[0]
    for changed in (
        "openpose_lab/lab/merge_checks.py",
        "openpose_lab/lab/accuracy.py",
        "openpose_lab/lab/grading/hidden_checks.py",
        "openpose_lab/lab/sandbox/worker.py",
        "openpose_lab/evaluation/measures.py",
        "estimation/subset.py",
    ):
        with (tmp_path / changed).open("a") as file:
            file.write("# another line\n")
        keys.append(key())
        assert keys[-1] not in keys[:-1], changed


@pytest.mark.slow
def test_what_has_changed_is_marked_again(program, folder, tmp_path):
    (folder / "A_merge.py").write_text("x = 1\n")
    program()
    (folder / "A_merge.py").write_text(RIGHT.read_text())
    _, out, _ = program()
    assert "marked before" not in out
    assert rows_of(tmp_path / "marks.csv")["A"]["points"] == "100.0"


@pytest.mark.slow
def test_points_of_one_s_own(program, folder, tmp_path):
    (folder / "A_merge.py").write_text(RIGHT.read_text())
    text = "[points]\ncontract = 0\ncorrectness = 0\norder = 7\nconflicts = 0\nspeed = 3\n"
    (tmp_path / "points.toml").write_text(text, encoding="utf-8-sig")  # as editors of Windows save it
    program("--points", tmp_path / "points.toml")
    assert rows_of(tmp_path / "marks.csv")["A"]["points"] == "10.0"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[points", "is not TOML: "),
        ("points = " + 10_000 * "[", "is not TOML: "),
        ("x = {" + 2 * f'"{9000 * "k"}" = 1, ' + "}", "is not TOML: "),
        (70_000 * "#", "points.toml is larger than 64 kB, so it is no points file"),
        ("", "must have a table [points] with a number for each of contract, correctness, order, conflicts, speed"),
        ("[points]\ncontract = 1\n", "must have a table [points]"),
        ("[points]\ncontract=0\ncorrectness=-0.0\norder=0\nconflicts=0\nspeed=0\n", "are all 0; give at least one"),
        ("[points]\ncontract=true\ncorrectness=1\norder=1\nconflicts=1\nspeed=1\n", "must have a table [points]"),
        ("[points]\ncontract='a'\ncorrectness=1\norder=1\nconflicts=1\nspeed=1\n", "must have a table [points]"),
    ],
)
def test_points_that_are_none_are_one_sentence(program, folder, tmp_path, text, sentence):
    (folder / "A_merge.py").write_text("x = 1\n")
    (tmp_path / "points.toml").write_text(text)
    status, out, err = program("--points", tmp_path / "points.toml")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert sentence in err
    assert len(err) - len(str(tmp_path)) < 250


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a system with pipes that have names")
def test_pipes_and_devices_beside_the_submissions_are_one_sentence(program, folder, tmp_path):
    status, out, err = program("--points", "/dev/zero")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "/dev/zero is a device or a pipe, not a file; give the path of one points file" in err
    os.mkfifo(tmp_path / "marks.csv.progress")
    status, out, err = program()
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "marks.csv.progress: it is a device or a pipe; give the path of a file" in err


def test_bad_options_are_one_sentence(program, folder, tmp_path):
    (folder / "A_merge.txt").write_text("")
    for options, sentence in (
        ((), "no *merge*.py was found in "),
        (("--jobs", 0), "--jobs must be from 1 to "),
        (("--jobs", 10**9), " but is 1000000000"),
        (("--memory", 1), "--memory must be from 200 to 1000000 but is 1"),
        (("--memory", 10**12), "--memory must be from 200 to 1000000 but is 1000000000000"),
        (("--memory", 10**400), "--memory must be from 200 to 1000000 but is 10000000000000000000…"),
        (("--seconds", -1), "--seconds must be from 0.1 to 3600 but is -1.0"),
        (("--seconds", "inf"), "--seconds must be from 0.1 to 3600 but is inf"),
        (("--seconds", "nan"), "--seconds must be from 0.1 to 3600 but is nan"),
        (("--images", tmp_path), "photos need both --images and --annotations"),
        (("--points", tmp_path / "none.toml"), "there is no points file "),
        (("--out", tmp_path / "none" / "marks.csv"), "there is no folder"),
        (("--out", "."), "cannot write .: it is a folder"),
        (("--out", "/"), "cannot write /: it is a folder"),
        (("--out", folder / "A_merge.txt"), "A_merge.txt is also the submission, and would be overwritten"),
    ):
        status, out, err = program(*options)
        assert (status, out.strip(), err.count("\n")) == (1, "" if options else f"reading {folder}", 1)
        assert sentence in err


HOSTILE = {
    name: getattr(hostile, name)
    for name in (
        *("LOOP", "LOOP_AT_ONCE", "ALLOCATE", "EXIT", "PRINT", "WRITE_IN_C", "DELETE_IN_C", "SPAWN_IN_C"),
        *("CALL_HOME_IN_C", "PATCH_CHECKER", "FORGE_ANSWERS", "KILL_PARENT", "READ_OTHERS", "USE_THE_PROJECT_S"),
        *("HUGE_ANSWER", "ODD_ANSWER", "RECURSE", "NESTED", "SLIP_AWAY", "FLOOD", "SURROGATE", "FOOL_THE_CLOCK"),
    )
}


@pytest.mark.slow
def test_hostile_submissions_get_their_marks_and_harm_nobody(program, folder, temporary, tmp_path, monkeypatch):
    if os.name == "posix":
        resource_tracker.ensure_running()  # of this process, which outlives the grader, without this TMPDIR
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)  # which keeps what TMPDIR was before
    (folder / "Good_merge.py").write_text(RIGHT.read_text())
    (folder / "Zoe_merge.py").write_text(DROPS_PEAK_0)
    program("--seconds", 1)
    alone = rows_of(tmp_path / "marks.csv")
    (tmp_path / "marks.csv.progress").unlink()
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    places = repr([str(precious), str(tmp_path / "new.txt"), str(folder / "Good_merge.py")])
    for name, text in HOSTILE.items():
        text = text.replace("PLACES", places).replace("PORT", "9").replace("MARKED_SECONDS", "86399")
        (folder / f"H_{name}_merge.py").write_text(text)
    before = {path: path.read_bytes() for path in [*folder.iterdir(), precious]}
    status, _, err = program("--seconds", 1)
    assert (status, err) == (0, "")
    rows = rows_of(tmp_path / "marks.csv")
    assert len(rows) == 2 + len(HOSTILE)
    for student, row in alone.items():
        assert {**rows[student], "ms": ""} == {**row, "ms": ""}
    for name in HOSTILE:
        row = rows[f"H_{name}"]
        assert row["reason"], name
        assert float(row["points"]) < 20, name
    assert {path: path.read_bytes() for path in [*folder.iterdir(), precious]} == before
    assert not (tmp_path / "new.txt").exists()
    assert processes_of(temporary) == []
    assert list(temporary.iterdir()) == []
    for line in (tmp_path / "marks.csv.progress").read_text().splitlines():
        json.loads(line)


class Broken:
    """A pool whose process ends at every submission named in ``deadly``, or that fails otherwise."""

    def __init__(self, deadly=()):
        self.deadly = deadly

    def submit(self, function, submission):
        future = Future()
        if submission.student in self.deadly:
            future.set_exception(BrokenProcessPool())
        elif submission.student == "Faulty":
            future.set_exception(ZeroDivisionError("oh"))
        else:
            future.set_result(Record(submission.student, submission.source, "key"))
        return future

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def test_a_fault_of_the_grader_costs_nobody_else_their_mark(monkeypatch):
    monkeypatch.setattr(judges, "_pool", lambda *_: Broken(deadly=["Deadly"]))
    submissions = [Submission(name, f"{name}_merge.py", b"x") for name in ("A", "Deadly", "Faulty", "B")]
    records = {record.student: record for record in judges._marked(submissions, None, 2)}
    assert sorted(records) == ["A", "B", "Deadly", "Faulty"]
    assert [records[name].problem for name in "AB"] == [None, None]
    assert records["Faulty"].problem.endswith("mark it by hand: ZeroDivisionError: oh")
    assert records["Deadly"].problem.endswith("mark it by hand: the system ended the process that marked it")
    assert records["Deadly"].key == ""


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("import numpy as np\ndef merge(subset, *limits):\n    return np.zeros((0, 20))\n", 10),
        ("def merge(subset, *limits, **more):\n    return subset\n", 20),
        (RIGHT.read_text().replace("            continue\n", "            raise ValueError\n"), 80),
        (RIGHT.read_text().replace("return answer[keep]", "return answer[keep].tolist()"), 99),
    ],
)
@pytest.mark.slow
def test_who_does_nothing_gets_nothing_and_who_is_nearly_right_nearly_all(program, folder, tmp_path, text, most):
    (folder / "A_merge.py").write_text(text)
    program()
    points = float(rows_of(tmp_path / "marks.csv")["A"]["points"])
    assert most / 2 * (most > 20) <= points <= most


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("def merge(subset, **limits):\n    return subset[:0]\n", "the handout's nine rows are one person: "),
        ("x = 1\n", "has no function merge"),
    ],
)
def test_nothing_is_marked_if_the_reference_does_not_get_full_marks(program, folder, tmp_path, monkeypatch, text, why):
    (folder / "A_merge.py").write_text(RIGHT.read_text())
    (tmp_path / "reference.py").write_text(text)
    monkeypatch.setattr(judges, "LAB_MERGE", tmp_path / "reference.py")
    status, _, err = program()
    assert (status, err.count("\n")) == (1, 1)
    assert err.startswith(
        f"grade: no submission was marked, because the grader's reference {tmp_path / 'reference.py'} does "
    )
    assert why in err
    assert not list(tmp_path.glob("marks.csv*"))


@pytest.mark.slow
def test_the_reference_gets_full_marks(tmp_path):
    setting = judges.prepare(read_photo_rows(), Limits(), tmp_path)
    assert "processor time" in judges.check_reference(setting) or sys.platform == "win32"


CHANGED = "    merged = answer[keep]\n    {}\n    return merged\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("end", "most"),
    [
        (CHANGED.format("merged[:, 18] = np.nan"), 5),
        (CHANGED.format("merged[:, 18] = np.inf"), 5),
        (CHANGED.format("merged[:, :18][merged[:, :18] >= 0] += 0.3"), 20),
        ("    return np.ma.masked_array(answer[keep], mask=True)\n", 5),
    ],
    ids=["NaN", "infinite", "no whole ids", "masked"],
)
def test_numbers_that_are_none_earn_nothing(program, folder, tmp_path, end, most):
    (folder / "A_merge.py").write_text(RIGHT.read_text().replace("    return answer[keep]\n", end))
    program()
    row = rows_of(tmp_path / "marks.csv")["A"]
    assert float(row["points"]) < most
    assert row["reason"].startswith(("plain, finite numbers: row 0 has ", "ids that exist, in their own slots: row 0 "))


@pytest.mark.slow
def test_a_call_of_the_network_is_told(program, folder, tmp_path):
    text = RIGHT.read_text().replace("    people = []\n", hostile.TRY_TO_CALL_HOME + "    people = []\n")
    (folder / "A_merge.py").write_text(text)
    program()
    assert "merge tried to use the network" in rows_of(tmp_path / "marks.csv")["A"]["reason"]


@pytest.mark.parametrize(
    ("count", "lines"),
    [
        (
            1,
            [
                "1 submission, 100.0 of 100 points on average",
                "1 passes every check",
                "1 is similar to another one:",
                "  0 and Z (1.00)",
            ],
        ),
        (
            2,
            [
                "2 submissions, 100.0 of 100 points on average",
                "2 pass every check",
                "2 are similar to another one:",
                "  0 and Z (1.00)",
                "  1 and Z (1.00)",
            ],
        ),
    ],
)
def test_one_is_told_as_one(capsys, count, lines):
    records = [Record(str(number), f"{number}_merge.py", "") for number in range(count)]
    alike = {record.student: likeness.Alike({"Z": 1.0}, 1) for record in records}
    points = dict.fromkeys(CATEGORIES, 100 / len(CATEGORIES))
    grade.report(records, points, alike)
    assert capsys.readouterr().out.splitlines() == lines


def test_each_pair_of_copies_is_named_once_and_only_the_first_few(capsys):
    records = [Record(f"S{number}", f"{number}_merge.py", "", id=str(number)) for number in range(6)]
    same = likeness.encode(likeness.fingerprint(RIGHT.read_bytes()))
    records[0] = Record("Ann", "a", "", prints=same)
    records[1] = Record("Bo", "b", "", prints=same)
    alike = report.find_all_alike(records)
    assert report.find_pairs(records, alike) == [("Ann", "Bo", 1.0)]
    many = [Record(f"S{number:02}", f"{number}_merge.py", "", prints=same) for number in range(8)]
    grade.report(many, dict.fromkeys(CATEGORIES, 20.0), report.find_all_alike(many))
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:4] == ["8 are similar to another one:", "  S00 and S01 (1.00)"]
    assert len(lines) == 3 + grade.MOST_PAIRS + 1
    assert lines[-1].endswith(" more pairs; the column alike names them")


def test_results_as_json_lines():
    records = [
        Record("Ann", "a.py", "", problem="no merge"),
        Record("Bo \ud800", "b.py", "", accuracy={"F1": 0.5}, id="7"),
    ]
    text = report.marks_json(records, dict.fromkeys(CATEGORIES, 20.0), report.find_all_alike(records))
    ann, bo = map(json.loads, text.splitlines())
    assert (ann["problem"], ann["points"], ann["max_points"], ann["milliseconds"]) == ("no merge", 0.0, 100.0, None)
    assert not any(check["passed"] for category in ann["categories"] for check in category["checks"])
    assert (bo["id"], bo["points"], bo["accuracy"], bo["alike"]) == ("7", 100.0, {"F1": 0.5}, {})
    assert [category["name"] for category in bo["categories"]] == list(CATEGORIES)
    hidden = [check["name"] for category in bo["categories"] for check in category["checks"] if check["hidden"]]
    assert len(hidden) > 20
    assert all(name.startswith("hidden: ") for name in hidden)


@pytest.mark.slow
def test_one_submission_goes_to_the_standard_output_as_json(capfdbinary, folder):
    (folder / "20230001_solution.py").write_text("def merge(subset, **limits):\n    return subset[:0]\n")
    assert run("grade", grade.main, ["--one", str(folder), "--format", "json", "--out", "-"]) == 0
    said = capfdbinary.readouterr()
    result = json.loads(said.out)
    assert (result["id"], result["student"], result["source"]) == ("", "in", "20230001_solution.py")
    assert 0 < result["points"] < 20
    assert b"1 submission, " in said.err


def test_a_full_disk_is_one_sentence(program, folder, monkeypatch):
    (folder / "A_merge.py").write_text("x = 1\n")

    def fail(*_):
        raise OSError(28, "No space left on device", "/somewhere")

    monkeypatch.setattr(judges, "prepare", fail)
    status, _, err = program()
    assert (status, err.count("\n")) == (1, 1)
    assert "cannot write a file for marking (/somewhere): No space left on device; free some space or choose" in err


ONLY_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists processes in /proc")


@pytest.mark.slow
@ONLY_LINUX
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_stop_is_a_stop(grader, temporary, tmp_path, name):
    grader.send_signal(getattr(signal, name))
    out, err = grader.communicate(timeout=15)  # until nobody holds the pipes any more
    assert (grader.returncode, err) == (128 + getattr(signal, name), "grade: stopped\n")
    assert "1 of 4 submissions are marked; the same command continues from there" in out
    assert [record.student for record in judges.read_progress(tmp_path / "marks.csv.progress").values()] == ["0"]
    assert list(temporary.iterdir()) == []
    assert wait_until(lambda: not processes_of(temporary), 2)


@pytest.mark.slow
@ONLY_LINUX
def test_a_grader_that_is_killed_leaves_nothing_behind(grader, temporary):
    grader.kill()
    grader.communicate(timeout=15)  # until nobody holds the pipes any more
    assert wait_until(lambda: not processes_of(temporary), 2)
    assert list(temporary.iterdir()) == []


def test_the_project_s_own_is_recognised(folder):
    code = LAB_MERGE.read_bytes().replace(b"owner", b"belongs_to")
    alike = likeness.find_alike({"A": likeness.fingerprint(code)})
    assert alike["A"] == likeness.Alike({likeness.PROJECT: 1.0}, 1)


def test_no_spreadsheet_takes_text_for_a_formula():
    assert [report.plain(text) for text in ("=1+1", "+1", "-1", "@a", "a=1")] == ["'=1+1", "'+1", "'-1", "'@a", "a=1"]


def test_no_formula_hides_behind_another_separator():
    """Half the world's spreadsheets take a semicolon for the end of a cell."""
    texts = ["a;=1+1", "a; +1", 'a;"-1"', "a;b;@c", "\uff1d1", "x = 1; y", "a, -1"]
    assert [report.plain(text) for text in texts] == [
        "a;'=1+1",
        "a; '+1",
        'a;"\'-1"',
        "a;b;'@c",
        "'\uff1d1",
        "x = 1; y",
        "a, -1",
    ]


def test_the_table(tmp_path):
    records = [
        Record("=Ann", "a;=b.py", "key", problem="no; @use", id="0012345", note="n"),
        Record("Bo", "x", "key", prints="", id="17"),
        Record("Bo", "y", "key", prints=None, id="18"),
    ]
    alike = report.find_all_alike(records)
    text = report.marks_csv(records, dict.fromkeys(CATEGORIES, 20.0), alike)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0])[:3] == ["id", "student", "points"]
    assert list(rows[0])[-5:] == ["alike", "reason", "note", "page", "source"]
    assert [row["page"] for row in rows] == ["_Ann.html", "Bo_ 17.html", "Bo_ 18.html"]
    assert [rows[0][name] for name in ("id", "student", "reason", "note", "source")] == [
        *("0012345", "'=Ann", "no; '@use", "n", "a;'=b.py"),
    ]
    assert [row["alike"] for row in rows] == ["", "not compared: the file is larger than 100 kB", ""]
    assert report.labels(records) == ["=Ann", "Bo, 17", "Bo, 18"]
    alone = csv.DictReader(io.StringIO(report.marks_csv(records, dict.fromkeys(CATEGORIES, 20.0), alike, False)))
    assert [row["page"] for row in alone] == ["", "", ""]
    report.write_pages(tmp_path, records, dict.fromkeys(CATEGORIES, 20.0))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Bo_ 17.html", "Bo_ 18.html", "_Ann.html"]
    assert "<title>Bo, 17</title>" in (tmp_path / "Bo_ 17.html").read_text()


def test_the_reason_is_the_check_that_others_wait_for():
    failures = {"peak 0 counts": ("no answer", ""), "returns in time": ("it took too long", "")}
    record = Record("Ann", "x", "", failures=failures, waiting={"peak 0 counts": "returns in time"})
    assert report.reason(record) == "returns in time: it took too long (and 1 more)"
    page = render_student_page(record, dict.fromkeys(CATEGORIES, 20.0))
    assert page.count("<p>This check can pass only after the check “returns in time”.") == 1


def test_pages_of_an_earlier_run_are_removed_and_other_files_are_not(tmp_path):
    points = dict.fromkeys(CATEGORIES, 20.0)
    report.write_pages(tmp_path, [Record("Bo", "x", "", id="17"), Record("Cy", "z", "")], points)
    (tmp_path / "notes.html").write_text("mine")
    report.write_pages(tmp_path, [Record("Bo", "x", "", id="17"), Record("Bo", "y", "", id="18")], points)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Bo_ 17.html", "Bo_ 18.html", "notes.html"]


def test_a_cut_line_swallows_no_record(tmp_path, monkeypatch):
    kept = tmp_path / "progress"
    kept.write_bytes(b'{"student": "torn\xc3')
    submission = Submission("A", "A_merge.py", b"x", id="1", note="n")

    class Setting:
        def key_of(self, submission):
            return f"key of {submission.student}"

    def marked(left, *_):
        return [Record(s.student, s.source, f"key of {s.student}").of(s) for s in left]

    monkeypatch.setattr(judges, "_marked", marked)
    (record,) = judges.mark_all([submission], Setting(), kept, 1)
    assert (record.id, record.student, record.note) == ("1", "A", "n")
    assert judges.read_progress(kept) == {"key of A": record}
    kept.write_bytes(kept.read_bytes()[:-1])
    other = Submission("B", "B_merge.py", b"y")
    assert len(judges.mark_all([submission, other], Setting(), kept, 1)) == 2
    assert sorted(judges.read_progress(kept)) == ["key of A", "key of B"]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[" * 100_000,
        b"3",
        b"[]",
        b'{"failures": 3}',
        b'{"student": 3, "source": "", "key": "k", "failures": {}, "accuracy": {}, "milliseconds": null}',
        b'{"student": "", "source": "", "key": "k", "failures": {}, "accuracy": null, "milliseconds": null}',
        b'{"student": "", "source": "", "key": "k", "failures": {}, "accuracy": {}, "milliseconds": "x"}',
        b'{"student": "", "source": "", "key": "k", "failures": {"a": 1}, "accuracy": {}, "milliseconds": null}',
        b"\xff\xfe\x00",
    ],
)
def test_damaged_lines_are_left_out(tmp_path, line):
    good = Record("A", "A_merge.py", "key")
    (tmp_path / "progress").write_bytes(line + b"\n" + json.dumps(good.to_json()).encode() + b"\n")
    assert judges.read_progress(tmp_path / "progress") == {"key": good}


@pytest.mark.slow
def test_the_first_key_of_the_table_has_no_mark(program, folder, tmp_path):
    (folder / "A_merge.py").write_text("x = 1\n")
    program()
    assert (tmp_path / "marks.csv").read_bytes().startswith(b"id,student,")
    program("--excel")
    assert (tmp_path / "marks.csv").read_bytes().startswith(b"\xef\xbb\xbfid,student,")


def test_names_are_file_names():
    names = ["a/b", "a_b", "..", "王小明", "x" * 300, "con", "王" * 200]
    assert report.safe_names(names) == ["a_b", "a_b_2", "_", "王小明", "x" * 150, "_con", "王" * 50]


def test_no_system_takes_two_names_of_pages_for_one():
    """Windows and macOS do not tell capital letters apart, and macOS no ways to write an accent."""
    names = ["Ann", "ANN", "Jos\u00e9", "Jose\u0301", "Stra\u00dfe", "STRASSE", "ann_2"]
    found = report.safe_names(names)
    assert found == ["Ann", "ANN_2", "Jos\u00e9", "Jos\u00e9_2", "Stra\u00dfe", "STRASSE_2", "ann_2_2"]


@pytest.mark.slow
def test_accuracy_is_measured_on_the_instructor_s_photos(program, folder):
    (folder / "A_merge.py").write_text(RIGHT.read_text())
    photos = "--images", ROOT / "images", "--annotations", ROOT / "tests" / "data" / "people_keypoints.json"
    status, out, err = program(*photos)
    assert status == 0, err
    assert "1 passes every check" in out

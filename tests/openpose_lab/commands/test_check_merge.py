import re
import signal
import subprocess
import sys

import pytest

from estimation.grouping import LAB_MERGE
from openpose_lab.commands import check_merge
from tests.conftest import ROOT
from tests.openpose_lab.lab.sandbox.test_runner import processes_of, wait_until
from tests.openpose_lab.lab.test_merge_checks import RIGHT
from tests.support import hostile


@pytest.fixture
def check(call_program, tmp_path):
    """Check a merge that is as given: exit status, standard output, standard error."""

    def call(text, *options):
        path = tmp_path / "my_merge.py"
        path.write_text(text)
        return call_program("check-merge", check_merge.main, path, *options)

    return call


def test_a_right_merge(check):
    status, out, err = check(RIGHT.read_text())
    assert (status, err) == (0, "")
    assert "contract     11 of 11\ncorrectness  13 of 13\norder         6 of  6\nconflicts     7 of  7\n" in out
    assert " row 8 -> person 0 " in out
    assert "1543 rows of 12 real photos" in out
    assert "  this merge          0.948   <-\n" in out
    assert "time for all rows: " in out
    last = out.splitlines()[-1]
    assert last.startswith("All 39 checks pass. Next: `python -m openpose_lab explain --grouping ")
    assert last.endswith("my_merge.py` measures it beside the other groupings")


def test_a_broken_one_is_told_with_the_rows_concerned(check):
    status, out, err = check(RIGHT.read_text().replace("if row[slot] != -1", "if row[slot] > 0"))
    assert status == 1
    assert "checks failed in " in err
    assert err.count("\n") == 1
    assert "conflicts     " in out
    table = out.split("correctness: peak 0 counts\n")[1].split("\n\n")[0].splitlines()
    assert table == [
        "  these are not the expected people: 0 is an id like any other; only -1 means that a part is missing",
        "             nose neck r_shoulder r_eye    score parts",
        "   given        0    1          .     .     1.90     2",
        "                .    1          2     .     1.80     2",
        "                0    .          .     3     1.70     2",
        "   came back no rows",
        "   expected     0    1          2     3     5.40     4",
        "  3 other checks wait for this one",
    ]
    assert "correctness: the handout's nine rows" not in out
    assert "also failed" not in out
    assert err.startswith("check-merge: 1 of 39 checks failed in ")


def test_a_forgotten_return_is_one_failure(check):
    status, out, err = check("def merge(subset, min_num_body_parts=4, min_score=0.4):\n    subset.copy()\n")
    assert status == 1
    assert err.startswith("check-merge: 1 of 39 checks failed in ")
    assert err.endswith(", and 27 wait for a more basic one\n")
    assert out.startswith("contract: rows of the right length\n")
    assert "  the answer must be an array of shape (people, 20) but is None; is a return missing?\n" in out
    assert "  27 other checks wait for this one\n" in out
    assert "contract     10 of 11   <- not yet\n" in out
    assert "correctness   0 of 13   waits for: rows of the right length\n" in out
    assert re.search(r"\n\nGet a hint: `python -m openpose_lab check-merge .*my_merge\.py\"? --hint`\n$", out)


def test_nobody_found_in_the_handout_s_rows(check):
    status, out, err = check("import numpy as np\ndef merge(subset): return np.empty((0, subset.shape[1]))")
    assert (status, err.count("\n")) == (1, 1)
    assert " row 0 -> no person " in out
    assert " person 0 " not in out.split("the handout's rows, and the person that each belongs to:")[1]


@pytest.mark.slow
def test_all_that_is_broken(check):
    out = check(RIGHT.read_text().replace("if row[slot] != -1", "if row[slot] > 0"), "--all")[1]
    assert "correctness: peak 0 counts\n" in out
    assert "correctness: the handout's nine rows are one person\n  waits for: peak 0 counts\n  these are " in out
    assert "also failed" not in out


@pytest.mark.slow
def test_one_that_never_comes_back_is_told_soon(check):
    status, out, _ = check("def merge(subset):\n    while True:\n        pass\n", "--seconds", 0.3)
    assert status == 1
    assert "speed: returns in time" in out
    assert "because an earlier call took longer than 0.3 seconds; look for a loop that never ends" in " ".join(
        out.split()
    )
    assert "real photos" not in out


@pytest.mark.slow
def test_one_that_the_grader_refuses_does_not_pass(check, tmp_path):
    (tmp_path / "helper.py").write_text("X = 1\n")
    status, out, err = check("from helper import X\n" + RIGHT.read_text())
    assert status == 1
    assert "not yet" not in out
    assert err.startswith(
        "check-merge: the grader would give 0 points, because it has only this file of yours: line 1: "
    )
    assert err.count("\n") == 1


def test_one_that_answers_with_nothing_of_use(check):
    status, out, _ = check("def merge(subset, **limits):\n    return 'people'\n")
    assert status == 1
    assert "the answer must be an array of shape (people, 20) but is a str" in out
    assert "not measured, because an answer breaks the contract" in out


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("merge = 3\n", "has no function merge; define merge(subset) in it"),
        ("def merge(subset)\n", "cannot be loaded: line 1: SyntaxError: expected ':'"),
        ("while True:\n    pass\n", "loading it took longer than 1.2 seconds"),
        ("import os\nos._exit(0)\n", "cannot be loaded: line 2: SystemExit: os._exit(0)"),
        ("import os\nos.abort()\n", "its process crashed (SIGABRT)"),
        ("raise SystemExit('done')\n", "cannot be loaded: line 1: SystemExit: done"),
        (
            "import socket\nsocket.create_connection(('127.0.0.1', 9))\n",
            "PermissionError: a merge may not use the network",
        ),
    ],
)
def test_what_cannot_be_loaded_is_one_sentence(check, text, sentence):
    status, out, err = check(text, "--seconds", 0.3)
    assert (status, out) == (1, "")
    assert sentence in err
    assert err.count("\n") == 1


def test_bad_options_are_one_sentence(call_program, tmp_path):
    for arguments, sentence in (
        ([tmp_path / "none.py"], "there is no file "),
        ([tmp_path], "there is no file "),
        (["--seconds", 0], "--seconds must be from 0.1 to 3600 but is 0.0"),
        (["--seconds", "inf"], "--seconds must be from 0.1 to 3600 but is inf"),
        (["--seconds", "nan"], "--seconds must be from 0.1 to 3600 but is nan"),
        (["--seconds", "1e300"], "--seconds must be from 0.1 to 3600 but is 1e+300"),
        (["--seconds", "1e-9"], "--seconds must be from 0.1 to 3600 but is 1e-09"),
    ):
        status, out, err = call_program("check-merge", check_merge.main, *arguments)
        assert (status, out, err.count("\n")) == (1, "", 1)
        assert sentence in err


@pytest.mark.parametrize(
    "answer",
    [
        "np.zeros((20, 0))",
        *(pytest.param(f"np.{one}", marks=pytest.mark.slow) for one in ("zeros((3, 0, 20))", "array([])")),
    ],
)
def test_an_empty_answer_of_any_shape_is_told(check, answer):
    status, out, err = check(f"import numpy as np\ndef merge(subset, **limits):\n    return {answer}\n")
    assert (status, err.count("\n")) == (1, 1)
    assert " checks failed in " in err
    assert "real photos" in out


def test_what_it_prints_and_raises_cannot_steer_the_terminal(check):
    text = "\\x1b[2J\\x07\\u202e"
    status, out, err = check(f"print('{text}')\ndef merge(subset):\n    raise ValueError('{text}')\n", "--all")
    assert status == 1
    assert "ValueError: \\x1b[2J\\x07\\u202e" in out
    assert all(letter.isprintable() or letter == "\n" for letter in out + err)


def test_it_loads_no_tensorflow():
    script = (
        "import sys; from openpose_lab.commands import check_merge; "
        "sys.exit(bool({'tensorflow', 'keras', 'models', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == 0


@pytest.mark.slow
def test_without_a_file_it_checks_the_project_s_own():
    done = subprocess.run(
        [sys.executable, "-m", "openpose_lab", "check-merge"], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert str(LAB_MERGE) not in done.stdout
    started = f"`{sys.executable} -m openpose_lab"
    assert done.stdout.endswith(
        f"All 39 checks pass. Next: {started} explain` shows it step by step on a photo, "
        f"{started} compare-groupings` measures it beside the other groupings\n"
    )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists processes in /proc")
@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 143), ("SIGHUP", 129), ("SIGKILL", -9)])
def test_a_stop_leaves_no_process_behind(tmp_path, name, status):
    path = tmp_path / "my_merge.py"
    path.write_text(hostile.LOOP)
    program = subprocess.Popen(
        [sys.executable, "-m", "openpose_lab", "check-merge", path, "--seconds", "60"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert wait_until(lambda: len(processes_of(path)) == 2, 30)  # itself, and the merge's
    program.send_signal(getattr(signal, name))
    _, err = program.communicate(timeout=15)
    assert program.returncode == status
    assert err == ("" if name == "SIGKILL" else "check-merge: stopped\n")
    assert wait_until(lambda: not processes_of(path), 5)

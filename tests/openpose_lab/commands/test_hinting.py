"""check-merge --hint and --list."""

import re
import shutil
import subprocess
import sys

import pytest

from estimation.grouping.contract import Failure
from openpose_lab.commands import check_merge, hinting
from openpose_lab.lab import hint_memory
from openpose_lab.lab.cases import CASES
from openpose_lab.lab.hints import HINTS
from openpose_lab.lab.outcomes import Outcome
from openpose_lab.lab.steps import STEPS
from tests.conftest import ROOT
from tests.openpose_lab.lab.test_merge_checks import RIGHT

ZERO = "peak 0 counts"
NINE = "the handout's nine rows are one person"
ELBOW = next(case.rows for case in CASES if case.category == "conflicts")
FAILED = Outcome({ZERO: Failure("no nose"), NINE: Failure("no person")}, {NINE: ZERO})
SCORES = "a score is the sum of the rows, each once"


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setattr(hint_memory, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def ask(call_program, monkeypatch, tmp_path):
    """Call check-merge for a file on which the checks come to a given outcome: status, standard output and error."""
    file = tmp_path / "mine.py"

    def call(outcome, *options):
        monkeypatch.setattr(hinting, "check_all", lambda *_: outcome)
        status, out, err = call_program("check-merge", check_merge.main, file, *options)
        return status, out.replace(str(file), "mine.py"), err

    return call


def unwrapped(text):
    return re.sub(r"\n +(?=\S)", " ", text)


def test_the_next_hint_each_time(ask):
    for number in (1, 2):
        status, out, err = ask(FAILED, "--hint")
        assert (status, err) == (0, "")
        assert unwrapped(out) == unwrapped(
            f"correctness: {ZERO}\n  no nose\n  1 other check waits for this one\n\n"
            f"hint {number} of 3: {HINTS[ZERO][number - 1]}\n\n"
            "Next hint: `python -m openpose_lab check-merge mine.py --hint`\n"
        )
        assert max(map(len, out.splitlines())) <= 110
    no_more = (
        "\nThis check has no more hints. You can also:\n"
        "  run one case with prints and breakpoints: "
        '`python -m openpose_lab check-merge mine.py --case "peak 0 counts"`\n'
        "  see what your merge does row by row: `python -m openpose_lab explain --grouping mine.py`\n"
        "  ask a teaching assistant\n"
    )
    out = ask(FAILED, "--hint")[1]
    assert out.endswith(no_more)
    assert unwrapped(out).count(f"hint 3 of 3: {HINTS[ZERO][2]}") == out.count("hint ") == 1
    for _ in range(2):
        out = ask(FAILED, "--hint")[1]
        assert out.endswith(no_more)
        for number, hint in enumerate(HINTS[ZERO], 1):
            assert f"hint {number} of 3: {hint}\n" in re.sub(r"\n  (?=\S)", " ", out)


def test_what_else_helps_in_a_notebook_is_what_its_cells_can_do(capsys, tmp_path):
    hinting.print_what_else_helps(ZERO, tmp_path / "lab.ipynb")
    assert capsys.readouterr().out.splitlines()[1:3] == [
        '  run one case with prints and breakpoints: `merge(case("peak 0 counts").rows)` in a cell',
        "  see what your merge does row by row: `explain(photo, merge)` in a cell",
    ]


@pytest.mark.parametrize("options", [["--case", "peak 0"], ["--watch"]])
def test_what_a_notebook_does_not_take_is_one_sentence(call_program, options):
    status, out, err = call_program("check-merge", check_merge.main, "lab.ipynb", *options)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "--case and --watch need a Python file, but lab.ipynb is a notebook; call merge(" in err


def test_the_hints_begin_anew_after_the_check_passed(ask):
    for expected, outcome in (("hint 1", FAILED), ("hint 2", FAILED), ("All 39", Outcome()), ("hint 1", FAILED)):
        assert expected in ask(outcome, "--hint")[1]
    ask(Outcome(), "--list")
    assert "hint 1" in ask(FAILED, "--hint")[1]


def test_a_check_that_is_named(ask):
    out = ask(FAILED, "--hint", "nine rows")[1]
    assert unwrapped(out) == unwrapped(
        f"correctness: {NINE}\n  no person\n\nThis check waits for a more basic check. Begin with: {ZERO}\n"
        f"hint 1 of 3: {HINTS[NINE][0]}\n\n"
        f'Next hint: `python -m openpose_lab check-merge mine.py --hint "{NINE}"`\n'
    )
    assert "hint 1 of 3" in ask(FAILED, "--hint")[1]  # of another check
    assert "hint 2 of 3" in ask(FAILED, "--hint", NINE)[1]


def test_a_check_that_is_named_and_passes(ask):
    assert ask(FAILED, "--hint", "prints")[1] == f"prints nothing: passed. This check fails: {ZERO}\n"
    assert ask(Outcome(), "--hint", "prints")[1] == "prints nothing: passed\n"
    assert ask(Outcome(), "--hint")[1] == "All 39 checks pass, so you need no hint.\n"


def test_a_name_of_no_check_or_of_several_lists_the_names(ask):
    status, out, err = ask(None, "--hint", "nonsense")
    assert (status, out.splitlines()) == (1, list(HINTS))
    assert err == "check-merge: no check matches 'nonsense'; give one of the names above, or a part of it\n"
    status, out, err = ask(None, "--hint", "306")
    assert (status, out) == (1, "306 rows are 34 people\n306 rows in 2 seconds\n")
    assert err == "check-merge: '306' matches 2 checks; give a longer part of one of the names above\n"


def test_a_file_may_come_after_the_option():
    assert vars(check_merge.parse_options(["--hint", "mine.py"])) == vars(
        check_merge.parse_options(["mine.py", "--hint"])
    )


def test_only_one_of_these_at_a_time(call_program):
    for options in (["--hint", "--list"], ["--watch", "--hint"], ["--list", "--case", "peak 0"]):
        status, _, err = call_program("check-merge", check_merge.main, *options)
        assert status == 2
        assert "not allowed with argument" in err


def test_without_a_place_to_remember_the_first_hint_is_given(ask, cache):
    cache.write_text("no folder")
    for _ in range(2):
        status, out, err = ask(FAILED, "--hint")
        assert (status, err.count("\n")) == (0, 1)
        assert "hint 1 of 3" in out
        assert out.endswith("\n\nThe count of hints cannot be saved, so you get the same hint next time.\n")
        assert err.startswith("check-merge: note: the hint counts are not saved for the next run: ")


def test_the_steps(ask):
    status, out, err = ask(FAILED, "--list")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert len(lines) == 39 + len(STEPS) + 3
    assert lines[:2] == [
        " 1 one limb is one person                  one_limb          6 of 6",
        "   passes  returns people, and does not fail",
    ]
    begin = lines.index(" 4 0 is an id like any other               id_zero           0 of 2   <- next")
    assert lines[begin + 1 : begin + 4] == [
        f"   fails   {ZERO}",
        f"   waits   {NINE}",
        " 5 each part is counted once               counts            1 of 1",
    ]
    assert lines[-3:] == [
        "",
        f"Next: step 4, 0 is an id like any other; begin with: {ZERO}",
        "Get a hint: `python -m openpose_lab check-merge mine.py --hint`",
    ]
    assert out.count("<- next") == 1


def test_the_step_of_a_contract_that_only_conflicts_break(ask):
    out = ask(Outcome({"counts that are true": Failure("wrong", {"given": ELBOW})}), "--list")[1]
    assert "\n   fails   counts that are true (belongs to step 10)\n" in out
    assert "\n10 the stronger row wins                   conflicts         4 of 4   <- next\n" in out
    assert "Next: step 10, the stronger row wins; begin with: counts that are true\n" in out


def test_all_steps_are_done(ask):
    assert ask(Outcome(), "--list")[1].endswith("\n\nAll steps are done.\n")


def test_the_marker_of_the_next_step_for_the_lab_s_own_file(monkeypatch, capsys):
    monkeypatch.setattr(hinting, "check_all", lambda *_: FAILED)
    hinting.print_steps(hinting.LAB_MERGE, None)
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "Run only this step's checks with pytest: `python -m pytest -m id_zero tests/estimation/test_merge.py`",
        "Get a hint: `python -m openpose_lab check-merge --hint`",
    ]


def test_a_file_that_cannot_be_loaded(call_program, tmp_path):
    (tmp_path / "mine.py").write_text("def merge(subset\n")
    for option in ("--hint", "--list"):
        status, out, err = call_program("check-merge", check_merge.main, tmp_path / "mine.py", option)
        assert (status, out, err.count("\n")) == (1, "", 1)
        assert err.startswith("check-merge: no check was run: ")


@pytest.mark.slow
def test_from_a_failure_to_a_hint_to_the_next_one(tmp_path, cache):
    """Each in a process of its own, in a copy of the project."""
    lab = tmp_path / "lab"
    for name in ("estimation", "openpose_lab", "models"):
        shutil.copytree(ROOT / name, lab / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "demo_image.py", lab / "demo_image.py")
    merge = lab / "estimation" / "merge.py"

    def start(*options):
        done = subprocess.run(
            [sys.executable, "-m", "openpose_lab", "check-merge", *options], cwd=lab, capture_output=True, text=True
        )
        assert done.stderr.count("\n") <= 1
        return done.stdout

    merge.write_text(RIGHT.read_text().replace("if row[slot] != -1", "if row[slot] > 0"))
    assert start().splitlines()[-1] == f"Get a hint: `{sys.executable} -m openpose_lab check-merge --hint`"
    assert [re.findall("hint . of 3", start("--hint")) for _ in range(2)] == [["hint 1 of 3"], ["hint 2 of 3"]]
    merge.write_text(RIGHT.read_text())
    assert "A hint" not in start()
    merge.write_text(RIGHT.read_text().replace("if row[slot] != -1", "if row[slot] > 0"))
    assert "hint 1 of 3" in start("--hint")

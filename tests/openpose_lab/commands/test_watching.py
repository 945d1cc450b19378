"""``check-merge --watch``: a terminal shows what changed after each save."""

import os
import re
import select
import subprocess
import sys
import time

import pytest

from estimation.grouping.contract import Failure
from openpose_lab.commands import check_merge, watching
from openpose_lab.lab.outcomes import Outcome
from tests.conftest import ROOT
from tests.openpose_lab.lab.test_merge_checks import RIGHT
from tests.support import hostile

if sys.platform != "win32":
    import pty

ZERO = RIGHT.read_text().replace("if row[slot] != -1", "if row[slot] > 0")
PEAK_0 = "correctness: peak 0 counts\n  these are not the expected people: 0 is an id like any other;"
NAMES = ("peak 0 counts", "the handout's nine rows are one person", "306 rows are 34 people")
WRONG = Failure("this is wrong")


def printed(before, after, f1, capsys):
    def explain(failures, waiting):
        print(f"explained: {', '.join(failures)}\n")

    watching.print_changes(before, after, f1, "read on", explain)
    return re.sub(r"^\d\d:\d\d:\d\d ", "", capsys.readouterr().out)


def test_changes_that_are_printed(capsys):
    some = Outcome(dict.fromkeys(NAMES, WRONG), {NAMES[1]: NAMES[0], NAMES[2]: NAMES[0]})
    two = Outcome(dict.fromkeys(NAMES[1:], WRONG), {NAMES[2]: NAMES[1]})
    waits = "36 of 39 checks pass; 1 failed, and 2 wait for a more basic one\n"
    assert printed(some, some, None, capsys) == f"{waits}no check has changed\nstill failing: peak 0 counts\n\n"
    assert printed(Outcome(), some, None, capsys) == (
        f"{waits}now waiting for a more basic check: 2 checks\nnow failing:\n\nexplained: peak 0 counts\n\n"
    )
    assert printed(some, two, None, capsys) == (
        "37 of 39 checks pass; 1 failed, and 1 waits for a more basic one\nnow passing: peak 0 counts\n"
        "no longer waiting, now failing:\n\nexplained: the handout's nine rows are one person\n\n"
    )
    right = "39 of 39 checks pass; F1 on the rows of real photos: 0.948\n"
    assert printed(some, Outcome(), 0.948, capsys) == (
        f"{right}now passing: {'; '.join(NAMES)}\nAll checks pass. Next: read on\n\n"
    )
    assert printed(Outcome(), Outcome(), 0.948, capsys) == f"{right}no check has changed\n\n"
    assert printed(Outcome(), Outcome(not_graded="no points"), 0.948, capsys) == (
        f"{right}no check has changed\nno points\n\n"
    )


def test_a_long_list_of_names_is_cut(capsys):
    watching.print_names("now passing", [f"check {number}" for number in range(8)])
    assert capsys.readouterr().out == (
        "now passing: check 0; check 1; check 2; check 3; check 4; check 5; and 2 more\n"
    )


def test_a_file_that_is_not_there_to_begin_with(call_program, tmp_path):
    status, out, err = call_program("check-merge", check_merge.main, "--watch", tmp_path / "none.py")
    assert (status, out) == (1, "")
    assert err.startswith("check-merge: there is no merge ")


def test_watching_one_case_is_refused(call_program):
    status, _, err = call_program("check-merge", check_merge.main, "--watch", "--case", "peak 0")
    assert status == 2
    assert "not allowed with argument" in err


class Terminal:
    """A pseudo-terminal in which the program runs."""

    def __init__(self, path):
        self._end, other = pty.openpty()
        start = (
            "import fcntl, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); sys.path.insert(0, sys.argv.pop(1)); "
            "from openpose_lab.__main__ import main; sys.exit(main())"
        )
        self.program = subprocess.Popen(
            [sys.executable, "-c", start, str(ROOT), "check-merge", "--watch", path],
            cwd=path.parent,
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
        )
        os.close(other)
        self._shown = ""

    def read_until(self, pattern):
        """What was shown since the last call, up to the end of a match."""
        until = time.monotonic() + 60
        while not (found := re.search(pattern, self._shown)):
            assert time.monotonic() < until, self._shown
            if select.select([self._end], [], [], 0.1)[0]:
                self._shown += os.read(self._end, 1 << 16).decode().replace("\r\n", "\n")
        before, self._shown = self._shown[: found.end()], self._shown[found.end() :]
        return before

    def press(self, key):
        os.write(self._end, key)

    def close(self):
        self.program.kill()
        self.program.wait()
        os.close(self._end)


@pytest.fixture
def terminal(tmp_path):
    (tmp_path / "my_merge.py").write_text(ZERO)
    terminal = Terminal(tmp_path / "my_merge.py")
    yield terminal
    terminal.close()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")
def test_in_a_terminal(terminal, tmp_path):
    path = tmp_path / "my_merge.py"
    first = terminal.read_until(r"speed +2 of +2\n\nGet a hint: `.* check-merge .*my_merge.py --hint`\n\n")
    assert first.startswith("The checks run again after each save of my_merge.py. Press Ctrl-C to stop.\n\n")
    assert "35 of 39 checks pass; 1 failed, and 3 wait for a more basic one\n\n" + PEAK_0 in first

    path.write_text(RIGHT.read_text())
    right = terminal.read_until(r"Next: .*\n\n")
    assert "39 of 39 checks pass; F1 on the rows of real photos: 0.948\nnow passing: " in right
    assert "peak 0 counts" in right
    assert "failing" not in right

    path.write_text("def merge(subset\n")
    assert "SyntaxError: '(' was never closed" in terminal.read_until(r"\d\d:\d\d:\d\d .*\n\n")

    path.unlink()
    gone = "my_merge.py is missing; the checks run again when the file is back\n"
    assert gone in terminal.read_until(r"\d\d:\d\d:\d\d .*\n\n")
    path.write_text(RIGHT.read_text())  # compared with the last time that checks ran
    assert "39 of 39 checks pass" in terminal.read_until("no check has changed\n\n")

    path.unlink()
    (tmp_path / "my_merge.py~").write_text(ZERO)
    (tmp_path / "my_merge.py~").rename(path)
    broken = terminal.read_until("3 other checks wait for this one\n\n")
    assert "now waiting for a more basic check: 3 checks\nnow failing:\n\n" + PEAK_0 in broken
    assert "gone" not in broken

    path.write_text(hostile.LOOP)
    time.sleep(1)
    path.write_text("def merge(subset):\n    return 1 / 0\n")  # it does not wait until the loop is stopped
    failed = terminal.read_until("37 other checks wait for this one\n\n")
    assert "ZeroDivisionError" in failed
    assert "took longer" not in failed
    assert not re.search(r"[^ -~\n]", failed)  # no leavings of a progress bar

    terminal.press(b"\x03")
    assert terminal.read_until("stopped\n") == "^Ccheck-merge: stopped\n"
    assert terminal.program.wait(30) == 130

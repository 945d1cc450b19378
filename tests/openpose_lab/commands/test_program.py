"""What every program does on a signal that asks it to stop, and with closed or full streams."""

import importlib
import logging
import os
import re
import signal
import subprocess
import sys
import time
import warnings
import weakref
from pathlib import Path

import pytest

from estimation.errors import OpenPoseLabWarning
from openpose_lab.commands.program import DEBUG, first_signal_waits, shown
from tests.conftest import ROOT

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows does not send these signals")


@posix
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_stops_a_program_as_ctrl_c_does(call_program, name):
    number = getattr(signal, name)
    cleaned = []

    def main(arguments):
        try:
            os.kill(os.getpid(), number)
        finally:
            os.kill(os.getpid(), number)  # as `timeout` does, which signals twice
            cleaned.append("all of it")

    before = signal.signal(number, signal.SIG_DFL)
    try:
        assert call_program("demo", main) == (128 + number, "", "demo: stopped\n")
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert cleaned == ["all of it"]


@posix
def test_a_signal_that_is_ignored_stays_ignored(call_program):
    """So does ``nohup`` ask for it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert call_program("demo", lambda _: os.kill(os.getpid(), signal.SIGHUP)) == (0, "", "")
    finally:
        signal.signal(signal.SIGHUP, before)


@posix
@pytest.mark.parametrize(
    ("redirected", "status", "errors"),
    [
        (">&-", 0, ""),
        ("2>&-", 0, ""),
        ("2>/dev/full", 0, ""),
        ("<&- >&-", 0, ""),
        ("| true", 0, ""),
        (">/dev/full", 1, "weights: the output cannot be written: No space left on device\n"),
    ],
)
def test_a_closed_or_full_stream_is_no_traceback(redirected, status, errors):
    if "full" in redirected and not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    command = f"'{sys.executable}' -m openpose_lab weights list {redirected}"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (status, errors)


@posix
def test_an_error_with_closed_standard_error_does_not_go_into_the_output():
    command = f"'{sys.executable}' -m openpose_lab none.jpg 2>&-"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (1, b"")


@posix
def test_a_line_of_the_standard_error_comes_before_what_is_printed_next():
    """Also with PYTHONUNBUFFERED, as in containers."""
    code = "import sys; sys.stderr.write('a bar\\n'); print('a report')"
    main = f"lambda arguments: exec({code!r})"
    command = f"from openpose_lab.commands.program import run; run('demo', {main}, [])"
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    done = subprocess.run(
        [sys.executable, "-c", command],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert done.stdout == "a bar\na report\n"


@pytest.fixture
def as_users_have_it(monkeypatch):
    monkeypatch.delenv(DEBUG)


class Key:
    """An object that weak references can follow."""


def raising(error):
    def main(arguments):
        raise error

    return main


@pytest.mark.parametrize(
    ("main", "status", "sentence"),
    [
        (
            raising(OSError(28, "No space left on device")),
            1,
            "the system reports an error: No space left on device",
        ),
        (raising(PermissionError(13, "Permission denied", "a\nb")), 1, "cannot use a b: Permission denied"),
        (
            lambda arguments: importlib.import_module("no_such_package.part"),
            1,
            "the package no_such_package cannot be loaded (No module named 'no_such_package'); install the "
            "project's packages again, and run the Python of that environment",
        ),
        (
            raising(MemoryError()),
            1,
            "not enough memory; try --quality fast or a smaller --height, or close other programs",
        ),
        (raising(SystemExit("all done")), 1, "all done"),
    ],
)
def test_any_exception_is_one_sentence(call_program, as_users_have_it, main, status, sentence):
    assert call_program("demo", main) == (status, "", f"demo: {sentence}\n")


def test_a_fault_is_told_with_its_place(call_program, as_users_have_it):
    status, out, err = call_program("demo", lambda arguments: shown(None))
    assert (status, out) == (70, "")
    assert "bug in the program: TypeError: " in err
    assert f"({Path('openpose_lab', 'commands', 'program.py')}, line " in err
    assert err.endswith("); please report it. Set OPENPOSE_LAB_DEBUG=1 to see more\n")
    status, out, err = call_program("demo", raising(ValueError("\x1b[2J\n" + "x" * 100_000)))
    assert (status, out) == (70, "")
    assert re.match(r"demo: this is a bug in the program: ValueError: \\x1b\[2J x+ … x+ \(", err)
    assert len(err) < 400


def test_a_fault_is_raised_for_developers(call_program):
    with pytest.raises(KeyError):
        call_program("demo", raising(KeyError("a")))


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_in_a_callback_that_drops_exceptions_stops_the_program(call_program, name):
    def main(arguments):
        key = Key()
        weakref.finalize(key, os.kill, os.getpid(), getattr(signal, name))
        del key
        time.sleep(10)

    assert call_program("demo", main) == (128 + getattr(signal, name), "", "demo: stopped\n")


@posix
def test_a_second_signal_in_such_a_callback_changes_nothing(call_program):
    def signal_twice():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    def main(arguments):
        key = Key()
        weakref.finalize(key, signal_twice)
        del key
        time.sleep(10)

    assert call_program("demo", main) == (143, "", "demo: stopped\n")


@posix
def test_a_signal_in_a_callback_at_the_end_of_a_program_does_not_kill_its_process(call_program):
    keys = [Key()]
    weakref.finalize(keys[0], os.kill, os.getpid(), signal.SIGTERM)
    assert call_program("demo", lambda _: keys.clear()) in [(0, "", ""), (143, "", "demo: stopped\n")]
    time.sleep(0.05)  # a signal that comes later would end this process


@posix
def test_what_an_import_makes_of_ctrl_c_is_no_fault(call_program, as_users_have_it):
    """A module written in C raises ImportError where what it imports is interrupted."""

    def main(arguments):
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt as stop:
            raise ImportError("initialization failed", name="numpy") from stop

    assert call_program("demo", main) == (130, "", "demo: stopped\n")


def test_warnings_of_libraries_are_not_for_users(call_program, as_users_have_it, tmp_path):
    own = tmp_path / "mine.py"
    own.write_text("import warnings\nwarnings.warn('a share of 0\\nis odd')\n")

    def main(arguments):
        warnings.simplefilter("default", UserWarning)  # as Python has it outside of tests
        warnings.warn_explicit("of a library", UserWarning, pytest.__file__, 1)
        warnings.warn_explicit("of the project", UserWarning, str(ROOT / "estimation" / "subset.py"), 1)
        for _ in range(2):
            exec(compile(own.read_text(), own, "exec"))
        warnings.warn_explicit("of the lab", UserWarning, str(ROOT / "estimation" / "merge.py"), 7)
        warnings.warn("something to know", OpenPoseLabWarning, stacklevel=1)
        logging.getLogger("of_a_library").warning("no place for a cache")

    status, out, err = call_program("demo", main)
    assert (status, out) == (0, "")
    assert err.splitlines() == [
        f"demo: note: {own}, line 2: UserWarning: a share of 0 is odd",
        f"demo: note: {shown(ROOT / 'estimation' / 'merge.py')}, line 7: UserWarning: of the lab",
        "demo: note: something to know",
    ]


def run_in_process(script, **streams):
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, **streams)
    return done.returncode, done.stdout, done.stderr


def test_what_is_printed_cannot_steer_a_terminal():
    script = r"""
import sys
from openpose_lab.commands.program import run

def main(arguments):
    print("a\x1b[31mb\tc\rd\u202e\udce9")
    print("\re\x9bf", file=sys.stderr)

sys.exit(run("demo", main, []))
"""
    assert run_in_process(script) == (0, "a\\x1b[31mb\tc\\rd\\u202e\\udce9\n", "\ne\\x9bf\n")


def test_what_cannot_be_printed_does_not_stop_the_work(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    script = f"""
import sys
from openpose_lab.commands.program import run

def main(arguments):
    for _ in range(3):
        print("x" * 10000, flush=True)
        print("x" * 10000, flush=True, file=sys.stderr)
    open({str(tmp_path / "done")!r}, "w").close()

sys.stdout = open("/dev/full", "w")
import os
os.dup2(sys.stdout.fileno(), 1)
os.dup2(sys.stdout.fileno(), 2)
sys.stdout = open(1, "w")
sys.exit(run("demo", main, []))
"""
    assert run_in_process(script) == (1, "", "")
    assert (tmp_path / "done").exists()


def test_a_path_is_shown_from_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / "a" / "b\n\x07") == str(Path("a", "b \\x07"))
    assert shown(Path("a")) == "a"
    assert shown(tmp_path.parent) == str(tmp_path.parent)
    if sys.platform != "win32":  # which keeps the current folder
        (tmp_path / "gone").mkdir()
        monkeypatch.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        assert shown("a") == "a"


def waits_for_signals(numbers, done):
    """A program that gets signals in a block that ends at a place of its own."""

    def main(arguments):
        with first_signal_waits() as is_stopped:
            done.append(is_stopped())
            for number in numbers:
                signal.raise_signal(number)
            done.append(is_stopped())

    return main


@posix
@pytest.mark.parametrize("numbers", [[signal.SIGINT], [signal.SIGTERM, signal.SIGTERM]])
def test_the_first_signal_waits_for_the_end_of_the_block(call_program, numbers):
    done = []
    status, _, err = call_program("demo", waits_for_signals(numbers, done))
    assert (status, err, done) == (128 + numbers[0], "demo: stopped\n", [False, True])


@posix
def test_the_second_ctrl_c_does_not_wait(call_program):
    done = []
    status, _, _ = call_program("demo", waits_for_signals([signal.SIGINT, signal.SIGINT], done))
    assert (status, done) == (128 + signal.SIGINT, [False])


def test_without_a_signal_the_block_ends_as_any_other(call_program):
    done = []
    assert call_program("demo", waits_for_signals([], done))[0] == 0
    assert done == [False, False]
    handler = signal.getsignal(signal.SIGINT)
    with first_signal_waits():
        pass
    assert signal.getsignal(signal.SIGINT) is handler

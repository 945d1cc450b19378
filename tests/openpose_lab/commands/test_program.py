"""What every program does on a signal that asks it to stop, and with closed or full streams."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows does not send these signals")


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


def test_a_signal_that_is_ignored_stays_ignored(call_program):
    """So does ``nohup`` ask for it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert call_program("demo", lambda _: os.kill(os.getpid(), signal.SIGHUP)) == (0, "", "")
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("redirected", "status", "errors"),
    [
        (">&-", 0, ""),
        ("2>&-", 0, ""),
        (">/dev/full", 1, "weights: the output cannot be written: No space left on device\n"),
    ],
)
def test_a_closed_or_full_stream_is_no_traceback(redirected, status, errors):
    if "full" in redirected and not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    command = f"'{sys.executable}' -m openpose_lab weights list {redirected}"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (status, errors)


def test_an_error_with_closed_standard_error_does_not_go_into_the_output():
    command = f"'{sys.executable}' -m openpose_lab none.jpg 2>&-"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (1, b"")

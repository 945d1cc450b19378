"""What every program does on a signal that asks it to stop."""

import os
import signal
import sys

import pytest

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

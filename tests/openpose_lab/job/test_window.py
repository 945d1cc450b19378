"""Test the window: it shows pictures, and q, Esc or its button closes it. A display in memory replaces the screen."""

import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.job import window as windows
from tests.conftest import ROOT

PICTURE = np.zeros((4, 4, 3), np.uint8)
SHOW = """
import sys
import numpy as np
from openpose_lab.job.window import Window

shown = 0
with Window("a clip") as window:
    while not window.closed and shown < 1000:
        window.write(np.full((120, 160, 3), 200, np.uint8), shown / 25)
        shown += 1
        if shown == 3:
            print("shown", flush=True)
print("closed" if window.closed else "never closed")
"""


@pytest.fixture(scope="module")
def display():
    """Start a screen in memory, and return its name for DISPLAY."""
    if not (shutil.which("Xvfb") and shutil.which("xdotool")):
        pytest.skip("needs Xvfb and xdotool, which stand in for a screen and a keyboard")
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "800x600x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL) as server:
        os.close(writing)
        with os.fdopen(reading) as answer:
            name = answer.readline().strip()
        yield f":{name}"
        server.terminate()


def environment(display):
    return {**os.environ, "DISPLAY": display, "WAYLAND_DISPLAY": ""}


@pytest.mark.slow
@pytest.mark.parametrize("key", ["q", "Q", "Escape"])
def test_a_key_ends_the_window(display, key):
    with subprocess.Popen(
        [sys.executable, "-c", SHOW], cwd=ROOT, env=environment(display), stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout.readline() == "shown\n"
        press = ["xdotool", "search", "--name", "a clip", "windowfocus", "key", key]
        until = time.monotonic() + 30
        while program.poll() is None and time.monotonic() < until:  # the first may come before the window
            subprocess.run(press, env=environment(display), capture_output=True)
            time.sleep(0.2)
        assert program.stdout.read() == "closed\n"
        assert program.wait() == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux, where OpenCV ends without a screen")
def test_without_a_screen(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(OpenPoseLabError, match="^no screen can show the video .neither DISPLAY nor"):
        windows.Window("a clip")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux, where OpenCV ends without a screen")
def test_a_screen_that_cannot_be_reached_does_not_end_the_program(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":987654")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(OpenPoseLabError, match="OpenCV cannot open a window on it"):
        windows.Window("a clip")


class ToyScreen:
    """The OpenCV functions that the window uses, with a clock that advances while it waits."""

    WINDOW_NORMAL = WINDOW_KEEPRATIO = WND_PROP_VISIBLE = 0

    def __init__(self):
        self.now, self.waits, self.visible = 100.0, [], 1.0

    def imshow(self, *_):
        self.now += 0.001

    def waitKey(self, milliseconds):  # noqa: N802
        self.waits.append(milliseconds)
        self.now += milliseconds / 1000
        return -1

    def getWindowProperty(self, *_):  # noqa: N802
        return self.visible

    def __getattr__(self, _):
        return lambda *_: None


@pytest.fixture
def screen(monkeypatch):
    made = ToyScreen()
    monkeypatch.setitem(sys.modules, "cv2", made)
    monkeypatch.setattr(windows, "_check_screen", lambda: None)
    monkeypatch.setattr(windows.time, "monotonic", lambda: made.now)
    return made


@pytest.mark.parametrize(
    ("live", "timestamps", "waits"),
    [
        (False, [0, 0.04, 0.08, 0.5], [1, 1, 38, 38, 418]),
        (False, [0, 900], [1, 1, 1000]),
        (True, [0, 0.04, 900], [1, 1, 1, 1]),
    ],
)
def test_a_picture_is_not_shown_before_its_time(screen, live, timestamps, waits):
    window = windows.Window("a clip", live)
    for timestamp in timestamps:
        window.write(PICTURE, timestamp)
    assert screen.waits == pytest.approx(waits, abs=3)


def test_a_picture_that_is_late_delays_those_after_it(screen):
    window = windows.Window("a clip")
    window.write(PICTURE, 0)
    screen.now += 2
    for timestamp in (0.04, 0.08):
        window.write(PICTURE, timestamp)
    assert screen.waits == pytest.approx([1, 1, 1, 38], abs=3)


def test_a_window_that_the_user_closes_takes_no_more_pictures(screen):
    window = windows.Window("a clip")
    window.write(PICTURE, 0)
    assert not window.closed
    screen.visible = 0.0
    window.write(PICTURE, 0.04)
    assert window.closed
    waits = len(screen.waits)
    window.write(PICTURE, 0.08)
    assert len(screen.waits) == waits

"""``explain --watch``: the page is written again after each save, and the open page follows."""

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.conftest import ROOT
from tests.openpose_lab.commands.test_explain import MERGE, page_data
from tests.support.browser import OpenPage, needs_browser

PAGE, SCRIPT = "page 1 of #2.html", "page 1 of #2.watch.js"
NOBODY = "def merge(subset):\n    return subset[:0]\n"
ENDLESS = "def merge(subset):\n    while True:\n        pass\n"
NOT_PYTHON = "the grouping file mine.py cannot be loaded: line 1: SyntaxError: invalid syntax"
START = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from openpose_lab.networks import loading
from tests.openpose_lab.conftest import PerfectNetwork
loading.load_network = lambda *_: PerfectNetwork()
from openpose_lab.__main__ import main
sys.exit(main())
"""


class Lines:
    """The lines that a program prints, as they come."""

    def __init__(self, stream):
        self._lines = queue.Queue()
        threading.Thread(target=lambda: [self._lines.put(line) for line in stream], daemon=True).start()

    def until(self, pattern):
        """The match in the next line that has one."""
        seen, end = [], time.monotonic() + 60
        while time.monotonic() < end:
            try:
                seen.append(self._lines.get(timeout=1))
            except queue.Empty:
                continue
            if found := re.search(pattern, seen[-1]):
                return found
        raise AssertionError(f"no {pattern!r} in {seen}")


def save(text):
    """Save the file as editors do: another file takes its name."""
    Path("new.py").write_text(text)
    os.replace("new.py", "mine.py")


@pytest.fixture
def watching(tmp_path, monkeypatch):
    """The program, which watches mine.py on a photo whose maps are ideal, and its lines."""
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("photo.png", np.zeros((480, 640, 3), np.uint8))
    save(MERGE)
    command = [sys.executable, "-c", START, ROOT, "explain", "photo.png", "--height", "480"]
    program = subprocess.Popen(
        [*command, "--grouping", "mine.py", "--watch", "--output", PAGE],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    yield program, Lines(program.stdout)
    program.kill()
    program.communicate()


def newest():
    return json.loads(re.fullmatch(r"openPoseLab\((.*)\);\n", Path(SCRIPT).read_text())[1])


def people():
    data = page_data(PAGE)
    assert data["watch"]["script"] == SCRIPT
    return len(data["groupings"][0]["people"]), data["watch"]["version"] == newest()["version"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as a signal")
def test_each_save_writes_the_page(watching):
    program, lines = watching
    lines.until(r"^page 1 of #2.html is written again after each save of mine.py. Press Ctrl-C to stop.$")
    lines.until(r"^\d\d:\d\d:\d\d mine.py: 2 people$")
    assert people() == (2, True)
    save(NOBODY)
    lines.until("mine.py: 0 people$")
    assert people() == (0, True)
    save("def merge(:\n")
    lines.until(f"{NOT_PYTHON}$")
    assert newest()["problem"] == NOT_PYTHON
    assert people() == (0, True)  # the page before
    Path("mine.py").unlink()
    lines.until("mine.py is missing; the page is updated when the file is back$")
    save(ENDLESS)
    lines.until("no answer after 5 seconds; wait, or correct the file and save it$")
    save("def merge(subset):\n    return 1 / 0\n")
    lines.until("mine.py: merge in mine.py failed: line 2: ZeroDivisionError: division by zero$")
    assert page_data(PAGE)["groupings"][0]["breach"]["step"] == 1
    save(MERGE)
    lines.until("mine.py: 2 people$")
    assert newest()["problem"] == ""
    program.send_signal(signal.SIGINT)
    assert program.communicate(timeout=30)[1] == "explain: stopped\n"
    assert program.returncode == 130
    assert not Path(SCRIPT).exists()
    assert "watch" not in page_data(PAGE)


@pytest.mark.slow
@needs_browser
def test_the_open_page_follows(watching, tmp_path):
    program, lines = watching
    lines.until("mine.py: 2 people$")
    said = 'document.querySelector("#watch").textContent.replace(/\\d\\d:\\d\\d:\\d\\d/, "")'
    count = 'document.querySelectorAll(".people li").length'
    shown = 'document.body.dataset.step + " " + document.querySelector("#part").value'
    with OpenPage((tmp_path / PAGE).as_uri(), tmp_path / "profile") as page:
        page.until(said, "This page follows the file. Last update: .")
        page.until(count, 2)
        page.evaluate("scrollTo(0, 100)")
        page.evaluate("""
            document.querySelector("#part").value = "4";
            document.querySelector("#part").dispatchEvent(new Event("change"));
            for (const key of ["Home", ...Array(7).fill("ArrowRight")])
              document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
        """)
        page.until(shown, "7 4")
        save("def merge(:\n")
        page.until(said, f"This page shows an older version of the file: {NOT_PYTHON}")
        save(NOBODY)
        page.until(f"{count} + {said}", "0This page follows the file. Last update: .")
        page.until(shown, "7 4")
        page.until("scrollY", 100)
        save("def merge(subset):\n    return 1 / 0\n")
        page.until('document.querySelector(".breach").hidden', False)
        page.until(shown, "1 4")  # where it fails
        program.send_signal(signal.SIGINT)
        page.until(said, "explain --watch has ended.")

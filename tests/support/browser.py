"""A page in Chromium, which stays open while a test changes files and presses keys."""

import json
import os
import subprocess
import sys
import time

import pytest

from scripts.draw_explain import find_browser

BROWSER = find_browser()
needs_browser = pytest.mark.skipif(
    BROWSER is None or sys.platform == "win32",
    reason="no chromium, chromium-browser or google-chrome to open the page in, or no pipes to speak to it",
)

# The browser reads from file 3 and writes to file 4.
_START = """
import fcntl, os, sys
ours = [fcntl.fcntl(int(file), fcntl.F_DUPFD, 5) for file in sys.argv[1:3]]  # neither of them is 3 or 4
for file, wanted in zip(ours, (3, 4)):
    os.dup2(file, wanted)
os.execv(sys.argv[3], sys.argv[3:])
"""


class OpenPage:
    """A page that is open. Chromium is told what to do by its DevTools protocol, through two pipes.

    Args:
        address: the page's address.
        profile: a folder for what the browser keeps.
    """

    def __init__(self, address, profile):
        read, theirs_out = os.pipe()
        theirs_in, self._write = os.pipe()
        self._read = os.fdopen(read, "rb")
        command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
        self._browser = subprocess.Popen(
            [sys.executable, "-c", _START, f"{theirs_in}", f"{theirs_out}", *command, "--remote-debugging-pipe"],
            pass_fds=(theirs_in, theirs_out),
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._count = 0
        self._session = None
        target = self._ask("Target.createTarget", url=address)["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._browser.kill()
        self._browser.wait()
        self._read.close()
        os.close(self._write)

    def evaluate(self, script):
        """The value of an expression in the page; None while the page is loaded."""
        return self._ask("Runtime.evaluate", expression=script, returnByValue=True).get("result", {}).get("value")

    def until(self, script, expected):
        """Wait until an expression in the page has a value."""
        end = time.monotonic() + 30
        while (value := self.evaluate(script)) != expected:
            assert time.monotonic() < end, f"{script} is {value!r}, not {expected!r}"
            time.sleep(0.1)

    def _ask(self, method, **parameters):
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = json.loads(self._message())
            if answer.get("id") == self._count:
                return answer.get("result", {})

    def _message(self):
        text = b""
        while (byte := self._read.read(1)) != b"\0":
            assert byte, "the browser has ended"
            text += byte
        return text

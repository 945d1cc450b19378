"""A window that shows pictures while a video is worked on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from estimation.errors import OpenPoseLabError
from estimation.quiet import silent_stderr

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_QUIT = (ord("q"), ord("Q"), 27)
"""The keys that end the program; 27 is Esc."""
_LARGEST = (1280, 800)
"""Width and height of the window at first, in pixels. It can be resized."""
_LONGEST_WAIT = 1.0
"""Seconds that a picture waits for its time, whatever its timestamp says."""
_PROBE = "import cv2; cv2.namedWindow('x'); cv2.waitKey(1)"
_PROBE_SECONDS = 20


class Window:
    """Shows pictures, none sooner than its timestamp says. The main thread makes it and calls it.

    Attributes:
        closed: Whether the user has pressed q or Esc, or has closed the window.
    """

    def __init__(self, title: str, live: bool = False) -> None:
        """Open no window yet: the first picture does.

        Args:
            title: The title of the window.
            live: Whether pictures are shown as they come, whatever their timestamps.

        Raises:
            OpenPoseLabError: There is no screen to show windows on.
        """
        _check_screen()
        self.closed = False
        self._title, self._live = title, live
        self._open = False
        self._began = 0.0

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, pixels: NDArray[np.uint8], timestamp: float) -> None:
        """Show a picture.

        Args:
            pixels: (h, w, 3) BGR uint8.
            timestamp: Seconds from the start of the video.
        """
        import cv2

        if self.closed:
            return
        now = time.monotonic()
        if not self._open:
            with silent_stderr():  # the library for windows complains of fonts, which are not needed
                self._begin(pixels)
            self._began = now - timestamp
        wait = 0.0 if self._live else min(max(self._began + timestamp - now, 0.0), _LONGEST_WAIT)
        cv2.imshow(self._title, pixels)
        key = cv2.waitKey(max(1, round(1000 * wait)))
        hidden = cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1
        self.closed = hidden or (key != -1 and key & 0xFF in _QUIT)
        self._began = max(self._began, now - timestamp)  # behind time: the next picture is not shown sooner

    def close(self) -> None:
        """Close the window."""
        if self._open:
            import cv2

            cv2.destroyWindow(self._title)
            cv2.waitKey(1)  # which carries it out
            self._open = False

    def _begin(self, pixels: NDArray[np.uint8]) -> None:
        import cv2

        height, width = pixels.shape[:2]
        scale = min(1.0, _LARGEST[0] / width, _LARGEST[1] / height)
        cv2.namedWindow(self._title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        cv2.resizeWindow(self._title, max(1, round(width * scale)), max(1, round(height * scale)))
        cv2.imshow(self._title, pixels)
        cv2.waitKey(1)
        self._open = True


def _check_screen() -> None:
    """Raise OpenPoseLabError if windows cannot be shown.

    Without a screen, OpenCV's library for windows ends the process on Linux. So another process tries it first.
    """
    if not sys.platform.startswith("linux"):
        return
    reason = "neither DISPLAY nor WAYLAND_DISPLAY is set"
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        try:
            done = subprocess.run(
                [sys.executable, "-c", _PROBE],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PROBE_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return  # the trial failed, not the screen
        if done.returncode == 0:
            return
        reason = "OpenCV cannot open a window there"
        if b"not implemented" in done.stderr:
            reason = "this OpenCV is one without windows; install opencv-python in place of opencv-python-headless"
    raise OpenPoseLabError(f"there is no screen to show the video on ({reason}); give --output FILE in place of --show")

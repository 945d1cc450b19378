"""A window that shows pictures during the run over a video."""

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
"""The largest initial width and height of the window, in pixels. The user can resize it."""
_LONGEST_WAIT = 1.0
"""The longest time in seconds that a picture waits for its timestamp."""
_PROBE = "import cv2; cv2.namedWindow('x'); cv2.waitKey(1)"
_PROBE_SECONDS = 20


class Window:
    """A window that shows pictures at the times of their timestamps. Use it only in the main thread.

    Attributes:
        closed: Whether the user has pressed q or Esc, or has closed the window.
    """

    def __init__(self, title: str, live: bool = False) -> None:
        """Check the screen. The first picture opens the window.

        Args:
            title: The title of the window.
            live: Whether to show pictures at once and ignore their timestamps.

        Raises:
            OpenPoseLabError: No screen can show windows.
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
            with silent_stderr():  # the window library prints warnings about fonts that it does not need
                self._begin(pixels)
            self._began = now - timestamp
        wait = 0.0 if self._live else min(max(self._began + timestamp - now, 0.0), _LONGEST_WAIT)
        cv2.imshow(self._title, pixels)
        key = cv2.waitKey(max(1, round(1000 * wait)))
        hidden = cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1
        self.closed = hidden or (key != -1 and key & 0xFF in _QUIT)
        self._began = max(self._began, now - timestamp)  # after a late picture, the next ones are not hurried

    def close(self) -> None:
        """Close the window."""
        if self._open:
            import cv2

            cv2.destroyWindow(self._title)
            cv2.waitKey(1)  # lets OpenCV carry it out
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

    Without a screen, OpenCV's window library ends the process on Linux. So another process tries to open a window.
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
            return  # the test could not run, which says nothing about the screen
        if done.returncode == 0:
            return
        reason = "OpenCV cannot open a window on it"
        if b"not implemented" in done.stderr:
            reason = "this OpenCV cannot open windows; install opencv-python instead of opencv-python-headless"
    raise OpenPoseLabError(f"no screen can show the video ({reason}); give --output FILE instead of --show")

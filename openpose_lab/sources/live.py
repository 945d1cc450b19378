"""Live sources: a thread reads them, and keeps the newest frame until the caller requests it."""

from __future__ import annotations

import threading
import time
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from estimation.errors import OpenPoseLabWarning
from openpose_lab.sources.frame import Frame, MovingSource, check_rotation, rotated
from openpose_lab.sources.videos import VideoEndedError, check_part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SILENCE = 15.0
"""After this number of seconds without a frame, a source counts as stopped."""
_CLOSING = 3.0
"""Seconds to wait for the thread to end. A thread that waits longer for a device or a server ends by itself later."""


class LiveSource(MovingSource):
    """A source that a thread reads. Use it as a context manager: the thread ends with the block.

    Attributes:
        name: The name of the source in outputs.
        width: Width of the first frame in pixels.
        height: Height of the first frame in pixels.
        is_live: Whether the source drops the older frames if the caller is slow. Otherwise the source waits.
        dropped: The number of dropped frames.
        is_over: A function that is called while the source waits for a frame. If it returns True, the frames end.
        time_base: The unit of timestamps, in seconds.
        rate: The average number of frames a second; None if unknown.
    """

    path = None
    duration = None
    frame_count = None
    reads_once = True
    pixel_aspect = Fraction(1)
    time_base = Fraction(1, 90_000)
    rate: Fraction | None = None

    def __init__(self, name: str, silence: float = SILENCE, kind: str = "") -> None:
        self.name = name
        self._called = f"{kind} {name}".strip()  # in messages
        self.is_live = True
        self.dropped = 0
        self.is_over: Callable[[], bool] = lambda: False
        self._silence = silence
        self._changed = threading.Condition()
        self._newest: tuple[int, float, NDArray[np.uint8]] | None = None
        self._error: BaseException | None = None
        self._ended = self._closed = False
        self._reached = 0.0
        self._thread = threading.Thread(target=self._work, name=f"reads {name}", daemon=True)
        self.width = self.height = 0

    def _begin(self) -> None:
        """Start the thread, and wait for the first frame. Raises OpenPoseLabError if no frame comes."""
        self._thread.start()
        try:
            with self._changed:
                self._wait()
                if self._newest is None:
                    raise self._error or VideoEndedError(f"{self._called} has ended before its first frame; try again")
                self.height, self.width = self._newest[2].shape[:2]
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the thread. An iterator of frames ends, too."""
        with self._changed:
            self._closed = True
            self._newest = None
            self._changed.notify_all()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(_CLOSING)

    def frames(
        self, every: int = 1, start: float | None = None, end: float | None = None, rotate: int = 0
    ) -> Iterator[Frame]:
        """Yield the frames from now on, until the source ends or is closed.

        Args:
            every: Take every Nth frame, by its index.
            start: Seconds. Earlier frames are left out.
            end: Seconds. The iterator ends at this time.
            rotate: Degrees clockwise by which frames are rotated.

        Yields:
            The frames. ``index`` counts all frames of the source, including dropped ones. ``timestamp`` is in seconds
            since the first frame.

        Raises:
            OpenPoseLabError: An argument is wrong.
            VideoEndedError: The source has stopped. It is raised after the last frame.
        """
        check_rotation(rotate)
        check_part(every, start, end)
        return self._frames(every, start or 0, end, rotate)

    @abstractmethod
    def _read(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        """Yield frames in the thread: seconds since the first frame, and pixels, (h, w, 3) BGR uint8."""

    def _frames(self, every: int, start: float, end: float | None, rotate: int) -> Iterator[Frame]:
        while True:
            with self._changed:
                self._wait()
                if self._newest is None:
                    if self._error is not None and not self._closed:
                        raise self._error
                    if self.is_live and not self._closed:
                        self._tell_end()
                    return
                index, seconds, pixels = self._newest
                self._newest = None
                self._changed.notify_all()
            if end is not None and seconds >= end:
                return
            if seconds >= start and index % every == 0:
                yield Frame(index, seconds, self.name, rotated(pixels, rotate))

    def _wait(self) -> None:
        """Wait for a frame or the end. The caller holds the lock."""
        began = time.monotonic()
        while self._newest is None and not (self._ended or self._closed):
            self._changed.wait(0.5)  # short, because Windows handles Ctrl-C only between waits
            if self.is_over():
                self._closed = True
                return
            if time.monotonic() - began > self._silence and self._newest is None and not self._ended:
                raise self._stopped(f"it gives no frame for {self._silence:g} s")

    def _stopped(self, reason: str) -> VideoEndedError:
        return VideoEndedError(
            f"{self._called} has stopped after {self._reached:.1f} s ({reason}); check its connection, and start again"
        )

    def _tell_end(self) -> None:
        warnings.warn(OpenPoseLabWarning(f"{self._called} has ended after {self._reached:.1f} s"), stacklevel=4)

    def _work(self) -> None:
        error: BaseException | None = None
        try:
            for index, (seconds, pixels) in enumerate(self._read()):
                if not self._put(index, seconds, pixels):
                    break
        except Exception as raised:  # the caller's thread raises it again
            error = raised
        with self._changed:
            self._error, self._ended = error, True
            self._changed.notify_all()

    def _put(self, index: int, seconds: float, pixels: NDArray[np.uint8]) -> bool:
        """Keep a frame until the caller requests it. Return whether to read more frames."""
        with self._changed:
            while not self.is_live and self._newest is not None and not self._closed:
                self._changed.wait()
            if self._closed:
                return False
            self.dropped += self._newest is not None
            self._newest = (index, seconds, pixels)
            self._reached = seconds
            self._changed.notify_all()
        return True

"""Cameras by number, read with OpenCV, because PyAV names cameras differently on each system."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from estimation.errors import OpenPoseLabError
from estimation.quiet import silent_stderr
from openpose_lab.sources.live import SILENCE, LiveSource

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST = 99
"""The highest camera number."""


class Camera(LiveSource):
    """A camera. A frame's timestamp is the time of the monotonic clock at its arrival."""

    def __init__(self, number: int, silence: float = SILENCE) -> None:
        """Open a camera.

        Args:
            number: The number of the camera, from 0.
            silence: After this number of seconds without a frame, the camera counts as stopped.

        Raises:
            OpenPoseLabError: The camera does not exist, or gives no frame.
        """
        super().__init__(f"camera {number}", silence)
        if not 0 <= number <= _MOST:
            raise OpenPoseLabError(f"the number of a camera is 0 to {_MOST} but is {number}")
        import cv2

        with silent_stderr():
            self._device: Any = cv2.VideoCapture(number)
            opened = self._device.isOpened()
        if not opened:
            raise OpenPoseLabError(f"there is no camera {number}, or it cannot be opened; {_ADVICE}")
        rate = self._device.get(cv2.CAP_PROP_FPS)
        self.rate = Fraction(rate).limit_denominator(1001) if 1 <= rate <= 1000 else None
        self._begin()

    def _read(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        import cv2
        import numpy as np

        first = None
        try:
            while True:
                try:
                    got, pixels = self._device.read()
                except cv2.error:
                    got, pixels = False, None
                if not got or pixels is None:
                    raise self._stopped("it gives no more frames")
                now = time.monotonic()
                first = now if first is None else first
                yield now - first, np.asarray(pixels, np.uint8)
        finally:
            self._device.release()


_ADVICE = (
    "connect one, close other programs that use it, or give another number"
    if sys.platform != "linux"
    else "connect one, give another number, or check that your user may read /dev/video*"
)

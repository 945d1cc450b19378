"""Streams by address, such as ``rtsp://camera.local/live``, decoded with PyAV, which the extra ``video`` installs."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from estimation.errors import OpenPoseLabError, one_line
from openpose_lab.extras import require
from openpose_lab.sources.live import SILENCE, LiveSource
from openpose_lab.sources.videos import FORMATS, Clock, choose_stream, open_input_container, upright

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_WEB = "http,https,httpproxy,tcp,tls,crypto"
_PROTOCOLS = {
    "http": _WEB,
    "https": _WEB,
    "rtsp": "rtsp,rtsps,rtp,srtp,udp,tcp,tls",
    "rtsps": "rtsp,rtsps,rtp,srtp,udp,tcp,tls",
    "rtmp": "rtmp,rtmps,rtmpt,rtmpts,http,https,tcp,tls",
    "rtmps": "rtmp,rtmps,rtmpt,rtmpts,http,https,tcp,tls",
    "udp": "udp",
    "rtp": "rtp,udp",
    "tcp": "tcp",
    "srt": "srt",
}
"""The protocols that each kind of address may open, also through a playlist. None of them opens a local file."""
_FORMATS = f"{FORMATS},hls,rtsp,rtp,sdp,mpjpeg,mjpeg"
_WITHOUT_CLOCK = ("mpjpeg", "mjpeg")
"""Formats without timestamps of frames."""
_WITHOUT_SIZE = ("hls", "rtsp", "rtp", "sdp")
"""Formats that are not one file. A size would be the size of the playlist."""
_MICROSECONDS = 1_000_000


def is_address(source: str) -> bool:
    """Return whether a source is an address, such as ``http://...``."""
    return _ADDRESS.match(source) is not None


def shown_address(address: str) -> str:
    """Return the address without user name, password and the text after ``?``, which may be secret."""
    address = re.sub(r"(?<=://)[^/?#]*@", "", address)
    return one_line(re.sub(r"\?.*", "?...", address, flags=re.DOTALL), 160)


class Stream(LiveSource):
    """A stream. Its timestamps come from the stream, or from the monotonic clock if the stream has none.

    A video file on a server waits for the caller, so no frame is dropped.
    """

    def __init__(self, address: str, silence: float = SILENCE) -> None:
        """Connect.

        Args:
            address: An address of the kind http, https, rtsp, rtsps, rtmp, rtmps, udp, rtp, tcp or srt.
            silence: After this number of seconds without data, the stream counts as stopped.

        Raises:
            OpenPoseLabError: The address is of another kind or gives no video, or PyAV is missing.
        """
        shown = shown_address(address)
        super().__init__(shown, silence + 5, "the stream")  # 5 s more, so that PyAV's error comes first and says why
        kind = _ADDRESS.match(address)
        if kind is None or kind[1].lower() not in _PROTOCOLS:
            kinds = f"{'://, '.join(_PROTOCOLS)}://"
            raise OpenPoseLabError(f"{shown} is not the address of a stream; give one that begins with {kinds}")
        require("av", f"reading {self._called}")
        self._container = self._connect(address, _PROTOCOLS[kind[1].lower()], silence)
        try:
            self._stream: Any = choose_stream(self._container, self._called)
        except BaseException:
            self._container.close()
            raise
        duration = self._container.duration
        self.duration = duration / _MICROSECONDS if duration else None
        self.is_live = duration is None and not self._has_size()
        rate = self._stream.average_rate
        self.rate = Fraction(rate) if rate and 0 < rate < 1000 else None
        self._begin()

    def _connect(self, address: str, protocols: str, silence: float) -> Any:
        import av

        def connect() -> None:
            try:
                done.append(
                    open_input_container(address, protocols, _FORMATS, (silence, silence), rtsp_flags="prefer_tcp")
                )
            except Exception as error:  # raised again below
                failed.append(error)

        done: list[Any] = []
        failed: list[Exception] = []
        thread = threading.Thread(target=connect, name=f"opens {self.name}", daemon=True)
        thread.start()
        while thread.is_alive():  # short waits, so that Ctrl-C works before the server answers
            thread.join(0.5)
        try:
            if failed:
                raise failed[0]
            return done[0]
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise OpenPoseLabError(f"{self._called} cannot be opened ({_reason(error)}); check the address") from error

    def _has_size(self) -> bool:
        """Return whether the server states the number of bytes."""
        import av

        if self._container.format.name in _WITHOUT_SIZE:
            return False
        try:
            return int(self._container.size) > 0
        except (av.error.FFmpegError, OSError, ValueError):
            return False

    def _read(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        import av

        first = None
        own_clock = self._container.format.name not in _WITHOUT_CLOCK
        clock = Clock(self._stream, self._stream.start_time or 0)
        with closing(self._container):
            try:
                for packet in self._container.demux(self._stream):
                    for frame in self._decoded(packet):
                        now = float(clock.ticks(frame) * self._stream.time_base) if own_clock else time.monotonic()
                        first = now if first is None else first
                        yield now - first, upright(frame)
            except (av.error.FFmpegError, OSError) as error:
                for frame in self._decoded(None) if own_clock else []:  # frames that the decoder's threads still hold
                    yield float(clock.ticks(frame) * self._stream.time_base) - (first or 0.0), upright(frame)
                raise self._stopped(_reason(error)) from error

    def _decoded(self, packet: Any) -> list[Any]:
        import av

        try:
            return list(self._stream.codec_context.decode(packet))
        except (av.error.InvalidDataError, av.error.EOFError):  # the stream was joined in the middle of a picture
            return []


def _reason(error: Exception) -> str:
    import av

    if isinstance(error, av.error.ExitError):
        return "no answer in time"
    if isinstance(error, av.error.InvalidDataError):
        return "it is not a video"
    return one_line(getattr(error, "strerror", None) or str(error), 80)

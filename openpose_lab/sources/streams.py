"""Streams by address, such as ``rtsp://camera.local/live``, decoded by PyAV, which the extra ``video`` brings."""

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
"""What the address of each kind may open, also by way of a playlist: no file of this computer."""
_FORMATS = f"{FORMATS},hls,rtsp,rtp,sdp,mpjpeg,mjpeg"
_WITHOUT_CLOCK = ("mpjpeg", "mjpeg")
"""Formats whose frames have no timestamps."""
_WITHOUT_SIZE = ("hls", "rtsp", "rtp", "sdp")
"""Formats that are no file: the size would be that of a playlist."""
_MICROSECONDS = 1_000_000


def is_address(source: str) -> bool:
    """Tell whether a source is an address, such as ``http://...``."""
    return _ADDRESS.match(source) is not None


def shown_address(address: str) -> str:
    """The address without the name of a user, a password and what follows a ``?``, which may be secret."""
    address = re.sub(r"(?<=://)[^/?#]*@", "", address)
    return one_line(re.sub(r"\?.*", "?...", address, flags=re.DOTALL), 160)


class Stream(LiveSource):
    """A stream. Its timestamps are its own, and those of the monotonic clock where it has none.

    A video on a server, which has an end, waits for the caller: no frame of it is left out.
    """

    def __init__(self, address: str, silence: float = SILENCE) -> None:
        """Connect.

        Args:
            address: One of http, https, rtsp, rtsps, rtmp, rtmps, udp, rtp, tcp, srt.
            silence: Seconds without data after which the stream has stopped.

        Raises:
            OpenPoseLabError: The address is of another kind, or answers no video; or PyAV is missing.
        """
        shown = shown_address(address)
        super().__init__(shown, silence + 5, "the stream")  # reading ends first, and knows the reason
        kind = _ADDRESS.match(address)
        if kind is None or kind[1].lower() not in _PROTOCOLS:
            raise OpenPoseLabError(f"{shown} is no address of a stream; it begins with {'://, '.join(_PROTOCOLS)}://")
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
            except Exception as error:  # it is raised below
                failed.append(error)

        done: list[Any] = []
        failed: list[Exception] = []
        thread = threading.Thread(target=connect, name=f"opens {self.name}", daemon=True)
        thread.start()
        while thread.is_alive():  # so that Ctrl-C need not wait for the server
            thread.join(0.5)
        try:
            if failed:
                raise failed[0]
            return done[0]
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise OpenPoseLabError(f"{self._called} cannot be opened ({_reason(error)}); check the address") from error

    def _has_size(self) -> bool:
        """Tell whether the server has said how many bytes will come."""
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
                for frame in self._decoded(None) if own_clock else []:  # what the decoder's threads have
                    yield float(clock.ticks(frame) * self._stream.time_base) - (first or 0.0), upright(frame)
                raise self._stopped(_reason(error)) from error

    def _decoded(self, packet: Any) -> list[Any]:
        import av

        try:
            return list(self._stream.codec_context.decode(packet))
        except (av.error.InvalidDataError, av.error.EOFError):  # the beginning of a picture was missed
            return []


def _reason(error: Exception) -> str:
    import av

    if isinstance(error, av.error.ExitError):
        return "no answer in time"
    if isinstance(error, av.error.InvalidDataError):
        return "it is no video"
    return one_line(getattr(error, "strerror", None) or str(error), 80)

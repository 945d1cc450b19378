"""Video files, decoded with PyAV, which the extra ``video`` installs. PyAV is imported inside the functions.

A file may be a playlist that opens other files and addresses. So only the demuxers in ``FORMATS`` read a file, and
they can open only the file itself.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning, one_line
from openpose_lab.extras import require
from openpose_lab.sources.frame import Frame, MovingSource, check_rotation, rotated
from openpose_lab.sources.recognition import PHOTO, START, foreign_kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LARGEST_FRAME = 40_000_000
"""The largest number of pixels in a frame. An 8K frame has 35 million, and a decoder keeps twenty frames in memory."""
_LIBRARY = "av"
_VIDEO_FORMATS = "mov matroska webm avi mpeg mpegvideo mpegts asf flv ogg mxf dv gif yuv4mpegpipe h264 hevc m4v ivf nut"
_SOUND_FORMATS = "mp3 wav flac aac aiff"
"""Sound formats. They are opened only so that the message can say that a file holds sound but no pictures."""
FORMATS = ",".join(f"{_VIDEO_FORMATS} {_SOUND_FORMATS}".split())
_STATED = ("mov", "matroska", "avi", "flv", "asf")
"""Formats that state their duration. For other formats, FFmpeg estimates it."""
_TOLERANCE = 1.0
"""The number of seconds by which a complete file may be shorter than its stated duration."""
_OPEN_SECONDS = 60.0
_SEEKABLE = {"mov", "matroska", "mpegts", "flv"}
_ONE_PACKET_A_FRAME = {"h264", "hevc", "vp9", "av1", "libdav1d", "mjpeg", "prores", "dnxhd", "ffv1"}
"""Formats and codecs in which ``count_before`` can count frames by their packets, without decoding.

Other formats differ: MPEG-4 in AVI has packets without a picture, and VP8 has pictures that are not shown.
"""
_MOST_EVERY = 1_000_000
_MICROSECONDS = Fraction(1, 1_000_000)
_UNKNOWN_COLOURS = 2
"""FFmpeg's AVCOL_SPC_UNSPECIFIED: the video does not state its colour space."""
HIGH_DEFINITION = 720
"""The number of rows from which players assume ITU-R BT.709 if a video does not state its colour space."""
_MARGINS = (Fraction(0), Fraction(10))
"""Seconds before the start at which to seek, in order. Some formats seek to a later place than the requested one."""


class VideoEndedError(OpenPoseLabError):
    """A video or a stream ended too early. All frames before this point were yielded."""


@dataclass(frozen=True)
class Video(MovingSource):
    """A video file. Each call of ``frames`` opens the file again.

    Attributes:
        path: The path of the file.
        name: The path as printable text.
        width: Width of an upright frame in pixels.
        height: Height of an upright frame in pixels.
        time_base: The unit of the file's timestamps, in seconds.
        rate: The average number of frames a second; None if unknown.
        duration: The stated duration in seconds; None if the file does not state it.
        frame_count: The stated number of frames, which may be wrong; None if the file does not state it.
        has_sound: Whether the file contains sound that can be decoded.
        pixel_aspect: Width of a pixel divided by its height, in an upright frame.
    """

    path: Path
    name: str
    width: int
    height: int
    time_base: Fraction
    rate: Fraction | None
    duration: float | None
    frame_count: int | None
    has_sound: bool
    pixel_aspect: Fraction

    def frames(
        self, every: int = 1, start: float | None = None, end: float | None = None, rotate: int = 0
    ) -> Iterator[Frame]:
        """Decode the video.

        Args:
            every: Take every Nth frame, beginning with the first one at or after ``start``.
            start: Seconds. Earlier frames are left out.
            end: Seconds. Frames at or after this time are left out.
            rotate: Degrees clockwise by which upright frames are rotated.

        Yields:
            The frames. ``index`` counts all frames of the file from 0, including frames that are left out.
            ``timestamp`` is in seconds and comes from the file: sound and pictures begin at 0. Timestamps increase.

        Raises:
            OpenPoseLabError: No frame is left, or an argument is wrong.
            VideoEndedError: The file is cut off. The error comes after the last frame.
        """
        check_rotation(rotate)
        check_part(every, start, end)
        return _read(self, every, start, end, rotate)


def to_ticks(seconds: float, time_base: Fraction) -> int:
    """Convert seconds to the nearest count of ``time_base``. This restores the file's exact timestamp of a frame."""
    return round(Fraction(seconds) / time_base)


def first_tick(seconds: float, time_base: Fraction) -> int:
    """Return the smallest count of ``time_base`` at or after ``seconds``, compared as floats."""
    ticks = to_ticks(seconds, time_base)
    return ticks if float(ticks * time_base) >= seconds else ticks + 1


def check_part(every: int, start: float | None, end: float | None) -> None:
    """Raise OpenPoseLabError if an argument of ``Video.frames`` is out of range."""
    if not 1 <= every <= _MOST_EVERY:
        raise OpenPoseLabError(f"every must be from 1 to {_MOST_EVERY} frames but is {one_line(str(every), 20)}")
    for name, seconds in (("start", start), ("end", end)):
        if seconds is not None and not 0 <= seconds < 1e9:
            raise OpenPoseLabError(f"{name} must be 0 or more seconds but is {seconds!r}")
    if end is not None and end <= (start or 0):
        raise OpenPoseLabError(f"end must be after start, but {end:g} s is not after {start or 0:g} s")


def open_video(path: str | Path) -> Video:
    """Open a video file, and decode its first frame to learn its size.

    Args:
        path: A video in one of ``FORMATS``, of at most 40 megapixels per frame.

    Returns:
        The video.

    Raises:
        OpenPoseLabError: The file is missing, is not a video, or cannot be decoded; or PyAV is missing.
    """
    from estimation.files import open_input
    from estimation.photo_headers import DamagedError
    from openpose_lab.sources.mp4_header import check_counts

    name = one_line(os.fspath(path).encode("utf-8", "backslashreplace").decode(), 200)
    with open_input(path, "video") as file:
        try:
            start = file.read(START)
            check_counts(file)
        except OSError as error:
            raise OpenPoseLabError(f"the video {name} cannot be read ({error.strerror}); check the path") from error
        except DamagedError:
            raise OpenPoseLabError(
                f"the video {name} is damaged: it states more frames than it can have; copy it again"
            ) from None
    if not start:
        raise OpenPoseLabError(f"the video {name} is empty (0 bytes); copy it again from where it came from")
    require(_LIBRARY, f"reading the video {name}")
    with closing(Decoding(Path(path), name, start)) as decoding:
        return decoding.describe()


class Decoding:
    """An open video file that is being decoded."""

    def __init__(self, path: Path, name: str, start: bytes = b"") -> None:
        import av

        self.path, self.name = path, name
        self.damaged = 0
        """The number of packets that could not be decoded."""
        try:
            self.container = open_input_container(f"file:{os.fspath(path)}", "file", FORMATS, (_OPEN_SECONDS, None))
        except (av.error.FFmpegError, ValueError, OSError) as error:
            raise _cannot_open(name, start) from error
        try:
            self.stream = choose_stream(self.container, f"the video {name}")
            self.time_base: Fraction = self.stream.time_base
            self.offset = self._offset()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self.container.close()

    def _offset(self) -> int:
        """Return the timestamp that counts as 0: the beginning of the file, but not before 0.

        The padding of sound may begin before 0. If the pictures themselves begin before 0, their beginning counts.
        """
        begins, own = self.container.start_time, self.stream.start_time
        if begins is None or (own is not None and abs(own * self.time_base - begins * _MICROSECONDS) <= _MICROSECONDS):
            return own or 0
        ticks = to_ticks(float(begins * _MICROSECONDS), self.time_base)
        return max(0, ticks) if own is None or own >= 0 else own

    def describe(self) -> Video:
        """Decode the first frame, and return the facts about the video."""
        first = next(iter(self.frames()), None)
        if first is None:
            raise OpenPoseLabError(
                f"the video {self.name} has no frame that can be decoded; copy it again, or convert it to MP4 (H.264)"
            )
        stream = self.stream
        turn, _ = _orientation(first)
        width, height = (first.height, first.width) if turn % 180 else (first.width, first.height)
        aspect = Fraction(stream.sample_aspect_ratio or 1)
        if not Fraction(1, 10) < aspect < 10:
            aspect = Fraction(1)
        return Video(
            self.path,
            self.name,
            width,
            height,
            self.time_base,
            _positive(stream.average_rate) or _positive(stream.guessed_rate),
            self.stated_duration(),
            stream.frames or None,
            any(one.codec_context is not None for one in self.container.streams.audio),
            1 / aspect if turn % 180 else aspect,
        )

    def stated_duration(self) -> float | None:
        """Return the stated duration in seconds; None if the file does not state it."""
        if self.stream.duration:
            return float(self.stream.duration * self.time_base)
        return float(self.container.duration * _MICROSECONDS) if self.container.duration else None

    def frames(self) -> Iterator[Any]:
        """Decode frames from the current position in the file.

        Raises:
            VideoEndedError: The file is cut off. The error comes after the last frame.
        """
        import av

        reached = 0.0
        packets = self.container.demux()
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError) as error:
                yield from self._decode(None)
                raise self._ended(reached) from error
            if packet is None:
                break
            ticks = packet.dts if packet.pts is None else packet.pts
            if ticks is not None and packet.time_base:
                reached = max(reached, float((ticks + (packet.duration or 0)) * packet.time_base))
            if packet.stream_index == self.stream.index and packet.size:  # AVI repeats a picture by an empty packet
                yield from self._decode(packet)
        yield from self._decode(None)
        if self._is_cut(reached):
            raise self._ended(reached)

    def _decode(self, packet: Any) -> list[Any]:
        import av

        try:
            return list(self.stream.codec_context.decode(packet))
        except av.error.EOFError:
            return []
        except (av.error.FFmpegError, ValueError, OSError):
            self.damaged += 1
            return []

    def _is_cut(self, reached: float) -> bool:
        """Return whether the content ends at ``reached`` seconds, clearly before the stated end."""
        stated = self._stated_end()
        return stated is not None and reached < stated - max(_TOLERANCE, 0.01 * stated)

    def _stated_end(self) -> float | None:
        """Return the stated timestamp of the end in seconds; None if the file does not state it."""
        name = self.container.format.name.split(",")[0]
        if name not in _STATED or not self.container.duration:
            return None
        rate = _positive(self.stream.average_rate)
        if name == "avi" and rate:  # FFmpeg's duration covers only the frames that are in the file
            return float(self.stream.frames / rate)
        begins = self.container.start_time or 0 if name == "mov" else 0  # other formats may count from 0
        return float((begins + self.container.duration) * _MICROSECONDS)

    def _ended(self, reached: float) -> VideoEndedError:
        seconds = max(0.0, reached - float(self.offset * self.time_base))
        stated = self._stated_end()
        of = "" if stated is None else f" of {stated - float(self.offset * self.time_base):.1f}"
        return VideoEndedError(
            f"the video {self.name} is cut off or damaged: it ends after {seconds:.1f}{of} s; "
            "copy it again from where it came from"
        )

    def can_count(self) -> bool:
        """Return whether ``count_before`` is exact for this format and codec."""
        names = set(self.container.format.name.split(","))
        return bool(names & _SEEKABLE) and self.stream.codec_context.name in _ONE_PACKET_A_FRAME

    def count_before(self, ticks: int) -> int | None:
        """Count the frames before a timestamp without decoding. Return None if a packet has no timestamp."""
        count = 0
        for packet in self.container.demux(self.stream):
            if not packet.size:
                continue
            if packet.pts is None:
                return None
            if packet.dts is not None and packet.dts > ticks:
                break
            count += packet.pts < ticks and not packet.is_discard
        return count


def open_input_container(
    address: str, protocols: str, formats: str, timeout: tuple[float | None, float | None], **more: str
) -> Any:
    """Open a PyAV container that can use only allowed protocols and demuxers.

    Args:
        address: An address, or a file as ``file:path``.
        protocols: The allowed FFmpeg protocols, separated by commas.
        formats: The allowed demuxers, separated by commas.
        timeout: Seconds to wait for opening, and for each packet.
        more: More FFmpeg options.
    """
    import av

    options = {"protocol_whitelist": protocols, "format_whitelist": formats, "max_pixels": str(LARGEST_FRAME), **more}
    # Before version 18, PyAV corrupts memory if decoders get options and a stream appears late, as in FLV.
    which = "options" if int(av.__version__.split(".")[0]) >= 18 else "container_options"
    return av.open(address, metadata_errors="replace", timeout=timeout, **{which: options})


def choose_stream(container: Any, name: str) -> Any:
    """Choose the first stream of pictures, and prepare it for decoding.

    Args:
        container: An open PyAV container.
        name: The name of the video in messages.

    Raises:
        OpenPoseLabError: The container has no stream that can be decoded, or its frames are too large.
    """
    streams = [one for one in container.streams.video if not _is_attached(one)]  # skip pictures such as album covers
    if not streams:
        what = "sound but no" if container.streams.audio else "no"
        raise OpenPoseLabError(f"{name} has {what} pictures; give a video")
    stream = streams[0]
    context = stream.codec_context
    if context is None:
        raise OpenPoseLabError(f"{name} uses a codec that cannot be decoded here; convert it to MP4 (H.264)")
    if context.width * context.height > LARGEST_FRAME:
        raise OpenPoseLabError(
            f"{name} is {context.width}x{context.height}, more than {LARGEST_FRAME // 1_000_000} megapixels; make it "
            "smaller"
        )
    context.thread_type = "AUTO"
    context.options = {"max_pixels": str(LARGEST_FRAME)}
    return stream


def _read(video: Video, every: int, start: float | None, end: float | None, rotate: int) -> Iterator[Frame]:
    seek_to = _place_to_seek(video, start) if start else None
    decoding = Decoding(video.path, video.name)
    given = 0
    with closing(decoding):
        index = 0
        if seek_to is not None:
            place, first, index = seek_to
            decoding.container.seek(place, stream=decoding.stream)
        clock = Clock(decoding.stream, decoding.offset)
        wanted = 0
        for frame in decoding.frames():
            if seek_to is not None and frame.pts is not None and frame.pts < first:
                continue
            ticks = clock.ticks(frame)
            seconds = float(ticks * video.time_base)
            if end is not None and seconds >= end:
                break
            if start is None or seconds >= start:
                if wanted % every == 0:
                    given += 1
                    yield Frame(index, seconds, video.name, rotated(upright(frame), rotate))
                wanted += 1
            index += 1
    if decoding.damaged:
        warnings.warn(
            OpenPoseLabWarning(
                f"the video {video.name} is damaged: packets that cannot be decoded are left out ({decoding.damaged})"
            ),
            stacklevel=2,
        )
    if not given:
        part = f" between {start or 0:g} s and {'its end' if end is None else f'{end:g} s'}"
        raise OpenPoseLabError(f"the video {video.name} has no frame{part}; choose another part with start and end")


def _place_to_seek(video: Video, start: float) -> tuple[int, int, int] | None:
    """Find the place at which to start decoding.

    Returns:
        The timestamp to seek to, and the timestamp and the index of the first frame at or after ``start``. None if
        the video must be decoded from its beginning.
    """
    import av

    for margin in _MARGINS:
        with closing(Decoding(video.path, video.name)) as decoding:
            if not decoding.can_count():
                return None
            target = first_tick(start, decoding.time_base) + decoding.offset
            place = int(target - margin // decoding.time_base)
            if place <= decoding.offset:
                return None
            before = after = None
            try:
                decoding.container.seek(place, stream=decoding.stream)
                for frame in decoding.frames():
                    if frame.pts is None:
                        return None
                    if frame.pts >= target:
                        after = frame.pts
                        break
                    before = frame.pts
            except (av.error.FFmpegError, OSError, VideoEndedError):
                return None
            if after is None:
                return None
        if before is None and after > target:  # the seek may have skipped wanted frames, so try the next margin
            continue
        with closing(Decoding(video.path, video.name)) as decoding, suppress(av.error.FFmpegError, OSError):
            index = decoding.count_before(after)
            return None if index is None else (place, after, index)
        return None
    return None


class Clock:
    """Gives frames increasing timestamps, in counts of the time base since the file's beginning."""

    def __init__(self, stream: Any, offset: int) -> None:
        """Start the clock.

        Args:
            stream: A PyAV stream of pictures.
            offset: The timestamp that counts as 0.
        """
        rate = _positive(stream.average_rate) or _positive(stream.guessed_rate) or Fraction(25)
        self._step = max(1, round(1 / rate / stream.time_base))
        self._shift = -offset
        self._last: int | None = None

    def ticks(self, frame: Any) -> int:
        """Return the timestamp of the next frame."""
        following = 0 if self._last is None else self._last + self._step
        now = following if frame.pts is None else frame.pts + self._shift
        if self._last is not None and now <= self._last:  # the file's timestamps jump back
            self._shift += following - now
            now = following
        self._last = now
        return int(now)


def upright(frame: Any) -> NDArray[np.uint8]:
    """Convert a decoded PyAV frame.

    Returns:
        (h, w, 3) BGR uint8, turned upright by the video's display matrix.
    """
    import numpy as np

    options = {}
    if frame.colorspace == _UNKNOWN_COLOURS and frame.height >= HIGH_DEFINITION:
        options["src_colorspace"] = "ITU709"
    pixels = np.asarray(frame.to_ndarray(format="bgr24", **options))
    turn, mirrored = _orientation(frame)
    if mirrored:
        pixels = np.ascontiguousarray(pixels[:, ::-1])
    return rotated(pixels, turn)


def _orientation(frame: Any) -> tuple[int, bool]:
    """Return the degrees clockwise that turn a frame upright, and whether to mirror the frame before."""
    import numpy as np

    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return 0, False
    a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5] / 65536
    mirrored = bool(a * d - b * c < 0)
    if mirrored:
        a, b = -a, -b
    return int(round(np.degrees(np.arctan2(b, a)) / 90) * 90) % 360, mirrored


def _is_attached(stream: Any) -> bool:
    return "attached_pic" in str(getattr(stream, "disposition", "")).lower()


def _positive(rate: Fraction | None) -> Fraction | None:
    return rate if rate and 0 < rate < 100_000 else None


def _cannot_open(name: str, start: bytes) -> OpenPoseLabError:
    foreign = foreign_kind(start)
    if foreign:
        return OpenPoseLabError(
            f"{name} is {foreign}, not a video; give {'it to demo_image.py' if foreign == PHOTO else 'a video file'}"
        )
    if start[4:8] == b"ftyp":
        return OpenPoseLabError(
            f"the video {name} is cut off: the index at its end is missing or damaged; copy it again, after its "
            "recording has ended"
        )
    return OpenPoseLabError(
        f"{name} is not a video, is damaged, or has an unknown format; copy it again, or convert it to MP4 (H.264)"
    )

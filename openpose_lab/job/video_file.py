"""Write a video frame by frame with PyAV, with the timestamps and the sound of its source.

During the writing, the file has a name such as ``clip.part.mp4``. At the end it gets its final name, also if the run
is stopped early. The frames written until then can be played.
"""

from __future__ import annotations

import os
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from estimation.errors import OpenPoseLabError
from estimation.files import cannot_write, check_place_of_files
from openpose_lab.extras import require
from openpose_lab.file_locks import keep_others_away
from openpose_lab.job.video_sound import Sound
from openpose_lab.sources.videos import HIGH_DEFINITION, to_ticks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from openpose_lab.sources import MovingSource

_LIBRARY = "av"
FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
"""FFmpeg's format of a file, by the ending of the file's name."""
_MOV = ("mp4", "mov")
_H264 = {"crf": "23", "preset": "veryfast", "bf": "0", "x264-params": "mbtree=0"}
"""Settings of H.264. Without B-frames, packets have the order of frames, and the first timestamp is 0 in every format.
"mbtree" depends on the timing of threads. Without it, equal frames give equal files, which are 5 % larger."""
_VP9 = {"crf": "32", "b": "0", "deadline": "realtime", "cpu-used": "8", "row-mt": "1"}
_KILLABLE = "hybrid_fragmented+frag_keyframe+delay_moov"
"""MP4 flags for FFmpeg 8. The file has fragments, which can be played before it is closed; closing joins them."""
_KILLABLE_BEFORE = "frag_keyframe+empty_moov+delay_moov"
"""MP4 flags for FFmpeg 7. The file keeps its fragments, because FFmpeg 7 joins them with wrong packet positions."""
_WITH_HYBRID = 62
"""The major version of libavformat in FFmpeg 8."""
_FRAGMENT_SECONDS = 2
"""Seconds between key frames. A killed program loses about the last 2 seconds."""
_USUAL_RATE = Fraction(25)
_USUAL_TIME_BASE = Fraction(1, 90_000)
_EXACT = 0x2 | 0x2000 | 0x40000
"""SWS_BILINEAR, SWS_FULL_CHR_H_INT and SWS_ACCURATE_RND. Without them, grey gets a colour, and pictures get darker."""


class VideoWriter:
    """A video that is written frame by frame.

    Use it as a context manager. If the block raises, the video ends after the last written frame, and its sound ends
    there, too. A video without frames is deleted.
    """

    def __init__(
        self,
        path: str | Path,
        width: int,
        height: int,
        *,
        time_base: Fraction = _USUAL_TIME_BASE,
        rate: Fraction | None = None,
        pixel_aspect: Fraction = Fraction(1),
        source: Path | None = None,
        start: float = 0,
        end: float | None = None,
    ) -> None:
        """Begin a video.

        Args:
            path: The file to write. Its ending, one of ``FORMATS``, chooses the format.
            width: Width of the frames in pixels. An odd width is padded by one column.
            height: Height of the frames in pixels. An odd height is padded by one row.
            time_base: The unit of the timestamps, in seconds. MKV and WebM round to a thousandth of a second.
            rate: The average number of frames a second, for players. The timestamps decide when a frame is shown.
            pixel_aspect: Width of a pixel divided by its height.
            source: The video file of the frames. It is never overwritten. Its first sound is copied, or encoded again
                if the format does not allow its codec.
            start: The second of the source at which the video begins.
            end: The second of the source at which the sound ends; None for the end of the source.

        Raises:
            OpenPoseLabError: The file cannot be written, its ending is unknown, or PyAV is missing.
        """
        self.path = Path(path)
        check_video_type(self.path)
        check_place_of_files(self.path)
        require(_LIBRARY, f"writing the video {path}")
        self._target = Path(os.path.realpath(self.path)) if self.path.is_symlink() else self.path
        self.part = self._target.with_name(f"{self._target.stem}.part{self.path.suffix}")
        """The path of the video until it is closed."""
        check_place_of_files(self.part)
        for place in (self.path, self.part):
            if source is not None and _is_same(source, place):
                raise OpenPoseLabError(f"cannot write {place}: it is the source of the video; choose another output")
        self.count = 0
        """The number of written frames."""
        self._size = (width, height)
        self._time_base = time_base
        self._rate = Fraction(rate or _USUAL_RATE).limit_denominator(1_000_000)
        self._start, self._end = start, end
        self._last_ticks = -1
        self._closed = False
        self._sound: Sound | None = None
        self._lock = self._lock_part()
        try:
            self._container, self._stream = self._open(pixel_aspect)
        except BaseException:
            self._remove_part()
            raise
        try:
            if source is not None:
                self._sound = Sound.of(source, self._container, start, end)
            self._begin()
        except BaseException:
            self._give_up()
            raise

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
            return
        with suppress(OpenPoseLabError):  # the error that ended the block is more useful
            self.close(stopped=True)

    def write(self, pixels: NDArray[np.uint8], timestamp: float) -> None:
        """Write a frame.

        Args:
            pixels: (h, w, 3) BGR uint8. A frame of another size is scaled to the video's size.
            timestamp: Seconds from the start of the source, greater than the timestamp of the previous frame.

        Raises:
            OpenPoseLabError: The file cannot be written. The earlier frames are kept.
        """
        import av

        ticks = to_ticks(timestamp, self._time_base) - to_ticks(self._start, self._time_base)
        self._last_ticks = max(ticks, self._last_ticks + 1)
        frame = self._frame(pixels)
        frame.pts, frame.time_base = self._last_ticks, self._time_base
        try:
            self._mux(self._stream.encode(frame))
        except (av.error.FFmpegError, OSError) as error:
            raise self._cannot_write(error) from error
        self.count += 1

    def close(self, stopped: bool = False) -> None:
        """Complete the video, and give the file its final name.

        Args:
            stopped: Whether the run was stopped early. The sound then ends with the last frame.

        Raises:
            OpenPoseLabError: The file cannot be written. The frames written so far are kept.
        """
        import av

        if self._closed:
            return
        if not self.count:
            self._give_up()
            return
        self._closed = True
        failure: OpenPoseLabError | None = None
        try:
            self._mux(self._stream.encode(None))
            if self._sound is not None:
                self._sound.mux_until(self._seconds(self._last_ticks) + float(1 / self._rate) if stopped else None)
        except (av.error.FFmpegError, OSError) as error:
            failure = self._cannot_write(error)
        try:
            self._close_container()
        except (av.error.FFmpegError, OSError) as error:
            failure = failure or self._cannot_write(error)
        self._lock.close()  # Windows cannot rename an open file
        try:
            os.replace(self.part, self._target)
        except OSError as error:
            raise OpenPoseLabError(
                f"cannot write {self._target}: {error.strerror}; the video is in {self.part.name} in the same folder"
            ) from error
        if failure is not None:
            raise failure

    def _lock_part(self) -> IO[bytes]:
        """Make the file, and lock it against other runs until it is closed."""
        try:
            file = self.part.open("ab")
        except OSError as error:
            raise self._cannot_write(error) from error
        try:
            keep_others_away(file, self.path)
        except BaseException:
            file.close()
            raise
        return file

    def _open(self, pixel_aspect: Fraction) -> tuple[Any, Any]:
        import av

        width, height = (side + side % 2 for side in self._size)
        name = FORMATS[self.path.suffix.lower()]
        options = {"fflags": "+bitexact+flush_packets"}
        if name in _MOV:
            options["movie_timescale"] = "90000"  # the default rounds the first timestamp to a thousandth of a second
            options["movflags"] = (
                _KILLABLE if av.library_versions["libavformat"][0] >= _WITH_HYBRID else _KILLABLE_BEFORE
            )
        try:
            container = av.open(f"file:{os.fspath(self.part)}", "w", format=name, options=options)
        except (av.error.FFmpegError, OSError) as error:
            raise self._cannot_write(error) from error
        codec, settings = ("libvpx-vp9", _VP9) if name == "webm" else ("libx264", _H264)
        stream: Any = container.add_stream(codec, rate=self._rate, options=settings)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = self._time_base
        context = stream.codec_context
        context.time_base = self._time_base
        context.sample_aspect_ratio = pixel_aspect
        context.gop_size = max(12, min(250, round(self._rate * _FRAGMENT_SECONDS)))
        self._colours = "ITU709" if height >= HIGH_DEFINITION else "ITU601"
        space = 1 if height >= HIGH_DEFINITION else 6
        context.colorspace = context.color_primaries = context.color_trc = space
        context.color_range = 1
        return container, stream

    def _begin(self) -> None:
        """Write the header of the file."""
        import av

        try:
            self._container.start_encoding()
        except (av.error.FFmpegError, OSError) as error:
            raise self._cannot_write(error) from error

    def _frame(self, pixels: NDArray[np.uint8]) -> Any:
        import av
        import cv2
        import numpy as np

        width, height = self._size
        if pixels.shape[:2] != (height, width):
            pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        if width % 2 or height % 2:
            pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="bgr24")
        return frame.reformat(
            format="yuv420p", dst_colorspace=self._colours, dst_color_range="MPEG", interpolation=_EXACT
        )

    def _mux(self, packets: list[Any]) -> None:
        for packet in packets:
            if self._sound is not None and packet.dts is not None:
                self._sound.mux_until(float(packet.dts * packet.time_base))
            self._container.mux(packet)

    def _seconds(self, ticks: int) -> float:
        return float(ticks * self._time_base)

    def _close_container(self) -> None:
        if self._sound is not None:
            self._sound.close()
        self._container.close()

    def _give_up(self) -> None:
        """Remove the file, because it has no frames."""
        self._closed = True
        with suppress(Exception):
            self._close_container()
        self._remove_part()

    def _remove_part(self) -> None:
        self._lock.close()
        with suppress(OSError):
            self.part.unlink(missing_ok=True)

    def _cannot_write(self, error: OSError) -> OpenPoseLabError:
        return cannot_write(self.path, OSError(error.errno, error.strerror))


def writer_of(
    path: str | Path,
    source: MovingSource,
    every: int = 1,
    start: float | None = None,
    end: float | None = None,
    rotate: int = 0,
) -> VideoWriter:
    """Begin a video with the size, the timestamps and the sound of a source.

    Args:
        path: The file to write.
        source: The source. A source without a file has no sound.
        every: As for ``source.frames``.
        start: As for ``source.frames``.
        end: As for ``source.frames``.
        rotate: As for ``source.frames``.

    Raises:
        OpenPoseLabError: See ``VideoWriter``.
    """
    size, pixel_aspect = (source.width, source.height), source.pixel_aspect
    if rotate % 180:
        size, pixel_aspect = size[::-1], 1 / pixel_aspect
    return VideoWriter(
        path,
        *size,
        time_base=source.time_base,
        rate=source.rate and source.rate / every,
        pixel_aspect=pixel_aspect,
        source=source.path,
        start=start or 0,
        end=end,
    )


def check_video_type(path: Path) -> None:
    """Raise OpenPoseLabError if the ending of ``path`` is not in ``FORMATS``."""
    if path.suffix.lower() not in FORMATS:
        raise OpenPoseLabError(f"cannot write {path}: its name must end in one of {' '.join(FORMATS)}")


def _is_same(path: Path, other: Path) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False

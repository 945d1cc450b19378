"""The sound of a video, copied into another video, or encoded again if the format does not allow its codec."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

from estimation.errors import OpenPoseLabWarning
from openpose_lab.sources.videos import Decoding, to_ticks

_TAKEN = {
    "mp4": {"aac", "mp3", "ac3", "eac3", "opus", "alac"},
    "mov": {"aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_mulaw", "pcm_alaw"},
    "matroska": {"aac", "mp3", "ac3", "eac3", "opus", "vorbis", "flac", "alac", "pcm_s16le", "pcm_s24le", "mp2", "dts"},
    "webm": {"opus", "vorbis"},
}
"""The codecs that players support in each format."""
_ENCODERS = dict.fromkeys(("webm", "matroska"), ("libopus", 48_000, "s16"))
"""The encoder, its samples a second (0: as the source) and its sample format, for formats without AAC."""
_AAC = ("aac", 0, "fltp")
_SAMPLES = {"libopus": 960, "aac": 1024}
"""The number of samples in a packet, by encoder."""
_SET_BACK = 1
"""Seconds. If timestamps jump back at least so far, the clock was reset. Other late packets are dropped."""
_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


class Sound:
    """The sound of a source that is being written into a video."""

    def __init__(self, source: Decoding, stream: Any, container: Any, start: float, end: float | None) -> None:
        """Add a stream for the sound to ``container``. ``of`` opens the source and passes its own arguments."""
        self._source, self._stream, self._container = source, stream, container
        self._start, self._end = start, end
        self._zero = float(source.offset * source.time_base)
        taken = stream.codec_context.name in _TAKEN[container.format.name]
        # AAC in a transport stream has no codec description, which the header of the new file needs.
        described = bool(stream.codec_context.extradata) or stream.codec_context.name != "aac"
        self._packets = self._copied() if taken and described else self._encoded()
        self._next = next(self._packets, None)

    @classmethod
    def of(cls, path: Path, container: Any, start: float, end: float | None) -> Sound | None:
        """Begin to copy the first sound of a video.

        Args:
            path: The video.
            container: The output container of PyAV. It gets a stream for the sound.
            start: The second of the source at which the written video begins.
            end: The second of the source at which the sound ends; None for the end of the source.

        Returns:
            The sound; None if the video has no sound that can be decoded.
        """
        source = Decoding(path, str(path))
        try:
            stream = next((one for one in source.container.streams.audio if one.codec_context is not None), None)
            if stream is not None:
                return cls(source, stream, container, start, end)
        except BaseException:
            source.close()
            raise
        if source.container.streams.audio:
            warnings.warn(
                OpenPoseLabWarning(f"the sound of {path} is left out, because its codec cannot be decoded"),
                stacklevel=4,
            )
        source.close()
        return None

    def mux_until(self, seconds: float | None) -> None:
        """Write the sound before ``seconds`` of the written video; None writes all."""
        while self._next is not None and (seconds is None or self._next[0] < seconds):
            self._container.mux(self._next[1])
            self._next = next(self._packets, None)

    def close(self) -> None:
        """Close the source."""
        self._packets.close()
        self._source.close()

    def _read(self) -> Iterator[Any]:
        """Yield the packets between ``start`` and ``end``. Packets are not cut."""
        import av

        packets = self._source.container.demux(self._stream)
        last = following = None
        shift = 0
        with suppress(av.error.FFmpegError, OSError):  # raised at the end of an incomplete file
            for packet in packets:
                if not packet.size or packet.pts is None or packet.is_corrupt:  # corrupt: the file ends inside it
                    continue
                if last is not None and packet.pts + shift <= last:
                    if (last - packet.pts - shift) * packet.time_base < _SET_BACK:
                        continue
                    shift = following - packet.pts  # the file's clock was reset, for example where files were joined
                packet.pts = packet.dts = last = packet.pts + shift
                following = last + (packet.duration or 1)
                seconds = float(packet.pts * packet.time_base) - self._zero
                if self._end is not None and seconds >= self._end:
                    return
                if seconds >= self._start or not self._start:  # packets before 0 prepare the decoder
                    yield packet

    def _copied(self) -> Generator[tuple[float, Any], None, None]:
        stream = self._container.add_stream_from_template(self._stream)
        return self._copy(stream)

    def _copy(self, stream: Any) -> Generator[tuple[float, Any], None, None]:
        shift = to_ticks(self._zero + self._start, self._stream.time_base)
        # Packets before 0 prepare the decoder. Matroska would delay the pictures for them, except with Opus.
        all_of_it = self._container.format.name != "matroska" or self._stream.codec_context.name == "opus"
        for packet in self._read():
            packet.pts = packet.dts = packet.pts - shift
            if packet.dts < 0 and not all_of_it:
                continue
            seconds = float(packet.pts * packet.time_base)
            packet.stream = stream
            yield seconds, packet

    def _encoded(self) -> Generator[tuple[float, Any], None, None]:
        codec, rate, form = _ENCODERS.get(self._container.format.name, _AAC)
        own = self._stream.codec_context
        if not rate:
            rate = own.sample_rate if own.sample_rate in _AAC_RATES else 48_000
        stream = self._container.add_stream(codec, rate=rate)
        layout = "mono" if own.channels == 1 else "stereo"
        stream.codec_context.layout, stream.codec_context.format = layout, form
        return self._encode(stream, layout, form, rate)

    def _encode(self, stream: Any, layout: str, form: str, rate: int) -> Generator[tuple[float, Any], None, None]:
        shift = to_ticks(self._zero + self._start, Fraction(1, rate))
        last = None
        for part in self._resampled(form, layout, rate, _SAMPLES.get(stream.codec_context.name, 1024)):
            if part is not None:
                if part.pts is None:
                    continue
                part.pts = round(part.pts * part.time_base * rate) - shift
                part.time_base = Fraction(1, rate)
                if last is not None and part.pts <= last:  # parts overlap where the form of the sound changes
                    continue
                last = part.pts
            for packet in stream.encode(part):
                yield float(packet.pts * packet.time_base), packet

    def _resampled(self, form: str, layout: str, rate: int, samples: int) -> Iterator[Any]:
        """Yield the sound in one sample format and layout, in parts of ``samples`` samples, and then None."""
        import av

        resampler, before = None, None
        for packet in self._read():
            try:
                frames = packet.decode()
            except av.error.FFmpegError:  # a damaged packet gives silence
                continue
            for frame in frames:
                now = frame.format.name, frame.layout.name, frame.sample_rate
                if resampler is None or now != before:  # a broadcast may change between stereo and surround
                    yield from [] if resampler is None else resampler.resample(None)
                    resampler, before = av.AudioResampler(form, layout, rate, samples), now
                yield from resampler.resample(frame)
        yield from [] if resampler is None else resampler.resample(None)
        yield None

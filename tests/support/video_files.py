"""Small videos, made by PyAV. The stripes of each frame tell which one it is."""

from __future__ import annotations

import struct
from fractions import Fraction

import numpy as np

TIME_BASE = Fraction(1, 90_000)
UNEVEN = [3600 * number + 700 * (number % 3) for number in range(30)]
"""Timestamps of a variable frame rate, in counts of ``TIME_BASE``."""
_UPRIGHT = (1, 0, 0, 1)
_TONE = 440
"""Hertz."""


def picture(number, size=(64, 48)):
    """A picture (h, w, 3) BGR of eight upright stripes, which show the bits of a number."""
    width, height = size
    bits = number >> np.arange(8) & 1
    return np.tile((40 + 170 * np.repeat(bits, width // 8)).astype(np.uint8)[None, :, None], (height, 1, 3))


def number_of(pixels):
    """The number that a picture shows."""
    stripes = np.asarray(pixels, float).mean(axis=(0, 2)).reshape(8, -1).mean(axis=1)
    return int((stripes > 125) @ (1 << np.arange(8)))


def make_clip(
    path,
    ticks=UNEVEN,
    size=(64, 48),
    *,
    codec="libx264",
    sound=None,
    sound_rate=48_000,
    layout="mono",
    time_base=TIME_BASE,
    options=None,
    draw=None,
    muxer=None,
    pixel_aspect=1,
    pixel_format="yuv420p",
):
    """Write a video.

    ticks: the timestamps. sound: the codec of a tone as long as the pictures, or None. options: those of the codec.
    draw: a function of a frame's number that gives its pixels (h, w, 3) BGR. muxer: options of the container.
    """
    import av

    with av.open(str(path), "w", options=muxer or {}) as container:
        stream = container.add_stream(codec, rate=25, options={"threads": "1"} | (options or {}))
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        stream.time_base = stream.codec_context.time_base = time_base
        stream.codec_context.sample_aspect_ratio = Fraction(pixel_aspect)
        tone = None
        if sound is not None:
            tone = container.add_stream(sound, rate=sound_rate)
            tone.codec_context.layout = layout
        for number, pts in enumerate(ticks):
            pixels = picture(number, size) if draw is None else draw(number)
            frame = av.VideoFrame.from_ndarray(pixels, "bgr24").reformat(format=pixel_format)
            frame.pts, frame.time_base = pts, time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if tone is not None:
            _add_tone(container, tone, sound_rate, float((ticks[-1] - ticks[0]) * time_base) + 0.04)
    return path


def _add_tone(container, stream, rate, seconds):
    import av

    samples = stream.codec_context.frame_size or 1024
    for begin in range(0, int(seconds * rate), samples):
        wave = 0.3 * np.sin(np.arange(begin, begin + samples) * (2 * np.pi * _TONE / rate))
        form = "fltp" if stream.codec_context.format.name == "fltp" else "s16"
        values = wave.astype(np.float32) if form == "fltp" else (wave * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(values[None], form, "mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, begin, Fraction(1, rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def make_tone(path, codec="aac", seconds=1.0):
    """Write a file of sound."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=48_000)
        stream.codec_context.layout = "mono"
        _add_tone(container, stream, 48_000, seconds)
    return path


def turn_clip(path, matrix):
    """Write a display matrix (a, b, c, d) into an MP4 file of one track. (0, 1, -1, 0) is 90 degrees clockwise."""
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 44
    a, b, c, d = (value << 16 for value in matrix)
    assert struct.unpack_from(">9i", data, place)[:5] == (1 << 16, 0, 0, 0, 1 << 16)
    struct.pack_into(">9i", data, place, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def timestamps(path, kind="video"):
    """The timestamps of the packets of a file that are not discarded, in order, as fractions of seconds."""
    import av

    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        packets = [packet for packet in container.demux(stream) if packet.size and not packet.is_discard]
        return sorted(packet.pts * packet.time_base for packet in packets)


def decoded(path):
    """The frames of a file: their timestamps as fractions of seconds, and their numbers."""
    import av

    with av.open(str(path)) as container:
        frames = list(container.decode(container.streams.video[0]))
        return [(frame.pts * frame.time_base, number_of(frame.to_ndarray(format="bgr24"))) for frame in frames]


def sound_of(path):
    """The sound of a file: the name of its codec, when it begins in seconds, and its samples (n,) of one channel."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        frames = list(container.decode(stream))
        parts = [frame.to_ndarray() for frame in frames]
        scale = 32768 if parts[0].dtype == np.int16 else 1
        samples = [
            part[0][:: 2 if "p" not in frame.format.name and frame.layout.nb_channels == 2 else 1]
            for part, frame in zip(parts, frames)
        ]
        return (
            stream.codec_context.name,
            frames[0].time,
            np.concatenate(samples) / scale,
            stream.codec_context.sample_rate,
        )


def pitch(samples, rate):
    """The strongest frequency of a sound in hertz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))

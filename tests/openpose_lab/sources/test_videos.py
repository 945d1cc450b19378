"""Test video files: frames, timestamps, parts and rotation match the file, and bad files give one sentence."""

import itertools
import os
import sys
from fractions import Fraction
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from openpose_lab.sources import frames, is_moving, videos
from openpose_lab.sources.videos import Clock, VideoEndedError, open_video, to_ticks
from tests.support.extras import needs
from tests.support.video_files import TIME_BASE, UNEVEN, make_clip, make_tone, number_of, picture, timestamps, turn_clip

needs_av = needs("av")
SEVENTH = Fraction(1, 7)
EVEN = [3600 * number for number in range(100)]


def noise(number):
    return np.random.default_rng(number).integers(0, 255, (48, 64, 3), dtype=np.uint8)


def cut(path, share=0.5):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def read(path, **part):
    return [(frame.index, frame.timestamp, number_of(frame.pixels)) for frame in open_video(path).frames(**part)]


@needs_av
@pytest.mark.parametrize(
    ("name", "codec", "time_base"),
    [
        ("clip.mp4", "libx264", TIME_BASE),
        ("clip.mov", "libx264", TIME_BASE),
        ("clip.mkv", "libx264", Fraction(1, 1000)),
        ("clip.webm", "libvpx-vp9", Fraction(1, 1000)),
        ("clip.ts", "libx264", TIME_BASE),
    ],
)
def test_frames_have_the_timestamps_of_the_file(tmp_path, name, codec, time_base):
    path = make_clip(tmp_path / name, codec=codec)
    stored = timestamps(path)
    found = read(path)
    assert [index for index, _, _ in found] == list(range(30)) == [number for _, _, number in found]
    assert [time for _, time, _ in found] == [float(time - stored[0]) for time in stored]
    written = [Fraction(round(pts * TIME_BASE / time_base)) * time_base for pts in UNEVEN]
    assert [time for _, time, _ in found] == [float(time) for time in written]


@needs_av
def test_an_avi_has_a_constant_rate(tmp_path):
    path = make_clip(tmp_path / "clip.avi", range(30), codec="mpeg4", time_base=SEVENTH)
    assert read(path) == [(number, float(number * SEVENTH), number) for number in range(30)]


@needs_av
def test_an_avi_with_gaps(tmp_path):
    path = make_clip(tmp_path / "clip.avi", [0, 1, 5, 6, 9], codec="mpeg4", time_base=Fraction(1, 25))
    assert read(path) == [(0, 0, 0), (1, 0.04, 1), (2, 0.2, 2), (3, 0.24, 3), (4, 0.36, 4)]


@needs_av
def test_what_a_video_tells_of_itself(tmp_path):
    path = make_clip(tmp_path / "clip.mp4", EVEN[:25], sound="aac", pixel_aspect=Fraction(16, 15))
    video = open_video(path)
    assert (video.width, video.height, video.rate, video.frame_count) == (64, 48, 25, 25)
    assert (video.name, video.time_base, video.pixel_aspect) == (str(path), TIME_BASE, Fraction(16, 15))
    assert video.duration == pytest.approx(1.0, abs=0.05)
    assert (video.has_sound, video.is_live, video.dropped) == (True, False, 0)
    assert not open_video(make_clip(tmp_path / "silent.mp4", EVEN[:2])).has_sound
    assert [to_ticks(frame.timestamp, video.time_base) for frame in video] == EVEN[:25]


@needs_av
def test_the_beginning_of_the_file_is_0_and_not_that_of_its_pictures(tmp_path):
    late = [9000 + pts for pts in EVEN[:10]]
    assert read(make_clip(tmp_path / "sound.mkv", late, sound="pcm_s16le"))[0][1] == 0.1
    assert read(make_clip(tmp_path / "silent.mkv", late))[0][1] == 0


@needs_av
@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("clip.mp4", "libx264"),
        ("clip.mkv", "libx264"),
        ("clip.ts", "libx264"),
        ("clip.avi", "mpeg4"),
        ("clip.webm", "libvpx"),
    ],
)
@pytest.mark.parametrize("groups", [12, 250])
def test_a_part_is_what_the_whole_has_there(tmp_path, name, codec, groups):
    options = (
        {"g": str(groups), "auto-alt-ref": "1", "lag-in-frames": "10"}
        if codec == "libvpx"
        else {"g": str(groups), "bf": "3"}
    )
    even = {"ticks": range(45), "time_base": Fraction(1, 25)} if codec == "mpeg4" else {"ticks": EVEN[:45]}
    path = make_clip(tmp_path / name, codec=codec, options=options, **even)
    whole = read(path)
    assert [number for _, _, number in whole] == list(range(45))
    for start, end, every in itertools.product((0, 0.5, 0.52, 1.7), (None, 1.76), (1, 7)):
        if end is not None and (start or 0) >= end:
            continue
        part = [one for one in whole if (start or 0) <= one[1] < (end or 99)]
        assert read(path, start=start, end=end, every=every) == part[::every], (start, end, every)


@needs_av
def test_a_part_of_a_file_without_timestamps_of_packets(tmp_path):
    path = make_clip(tmp_path / "clip.h264", EVEN[:20], options={"bf": "0"})
    assert [number for _, _, number in read(path, start=0.4)] == list(range(10, 20))


@needs_av
@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ({"every": 0}, "every must be from 1 to 1000000 frames but is 0"),
        ({"every": 10**400}, "every must be from 1 to 1000000 frames but is 1000000 … 0000000000"),
        ({"start": -1}, "start must be 0 or more seconds but is -1"),
        ({"end": float("nan")}, "end must be 0 or more seconds but is nan"),
        ({"start": 2, "end": 2}, "end must be after start, but 2 s is not after 2 s"),
        ({"end": 0}, "end must be after start, but 0 s is not after 0 s"),
        ({"rotate": 45}, "rotate must be 0, 90, 180 or 270 degrees clockwise but is 45"),
    ],
)
def test_parts_that_are_none(tmp_path, part, sentence):
    video = open_video(make_clip(tmp_path / "clip.mp4", EVEN[:3]))
    with pytest.raises(OpenPoseLabError) as caught:
        video.frames(**part)
    assert str(caught.value) == sentence


@needs_av
def test_a_part_behind_the_end(tmp_path):
    video = open_video(make_clip(tmp_path / "clip.mp4", EVEN[:3]))
    with pytest.raises(OpenPoseLabError, match=r"clip\.mp4 has no frame between 7 s and its end; choose another part"):
        list(video.frames(start=7))


@needs_av
@pytest.mark.parametrize(
    ("matrix", "upright"),
    [
        ((1, 0, 0, 1), lambda pixels: pixels),
        ((0, 1, -1, 0), lambda pixels: np.rot90(pixels, -1)),
        ((-1, 0, 0, -1), lambda pixels: np.rot90(pixels, 2)),
        ((0, -1, 1, 0), lambda pixels: np.rot90(pixels, 1)),
        ((-1, 0, 0, 1), lambda pixels: pixels[:, ::-1]),
        ((1, 0, 0, -1), lambda pixels: pixels[::-1]),
        ((0, 1, 1, 0), lambda pixels: np.transpose(pixels, (1, 0, 2))),
    ],
)
def test_the_display_matrix_turns_frames_upright(tmp_path, matrix, upright):
    quarters = np.full((48, 64, 3), 40, np.uint8)
    quarters[:24, 32:], quarters[24:, :32], quarters[24:, 32:] = 100, 160, 220
    path = make_clip(tmp_path / "clip.mp4", EVEN[:2], draw=lambda _: quarters, pixel_aspect=2)
    video = open_video(turn_clip(path, matrix))
    expected = upright(quarters)
    assert (video.height, video.width) == expected.shape[:2]
    assert video.pixel_aspect == (2 if expected.shape == quarters.shape else Fraction(1, 2))
    for frame in video:
        assert frame.pixels.flags.c_contiguous
        assert np.abs(frame.pixels.astype(int) - expected).max() <= 12
    first = next(video.frames(rotate=90))
    assert np.abs(first.pixels.astype(int) - np.rot90(expected, -1)).max() <= 12


@needs_av
def test_colours_are_those_of_the_file(tmp_path):
    blue = np.full((48, 64, 3), (200, 60, 30), np.uint8)
    (frame, *_) = open_video(make_clip(tmp_path / "clip.mp4", EVEN[:2], draw=lambda _: blue))
    assert np.abs(frame.pixels.astype(int) - blue).max() <= 4


@needs_av
def test_two_iterators_of_a_video_are_independent(tmp_path):
    video = open_video(make_clip(tmp_path / "clip.mp4", EVEN[:5]))
    assert [one.index == other.index for one, other in zip(video, video.frames())] == [True] * 5


@needs_av
def test_a_clock_that_is_set_back_goes_on():
    stream = SimpleNamespace(average_rate=Fraction(25), guessed_rate=None, time_base=Fraction(1, 100))
    clock = Clock(stream, 1000)
    given = [1000, 1004, None, 1012, 500, 504, None, 2000]
    assert [clock.ticks(SimpleNamespace(pts=pts)) for pts in given] == [0, 4, 8, 12, 16, 20, 24, 1516]


# Bad files


@needs_av
@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("none.mp4", None, "there is no video {}; check the path"),
        ("empty.mp4", b"", "the video {} is empty (0 bytes); copy it again from where it came from"),
        ("text.mp4", b"Dear Sir or Madam", "{} is not a video, is damaged, or has an unknown format; "),
        ("zeros.mp4", bytes(10_000), "{} is not a video, is damaged, or has an unknown format; "),
        ("file.mp4", b"%PDF-1.4\n", "{} is a PDF, not a video; give a video file"),
    ],
)
def test_files_that_are_no_video(tmp_path, name, data, sentence):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(OpenPoseLabError) as caught:
        open_video(tmp_path / name)
    assert str(caught.value).startswith(sentence.format(tmp_path / name))


def test_a_folder_is_no_video(tmp_path):
    with pytest.raises(OpenPoseLabError, match="is a folder; give the path of one video"):
        open_video(tmp_path)


@needs_av
def test_a_photo_is_no_video(tmp_path):
    cv2.imwrite(str(tmp_path / "photo.png"), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(OpenPoseLabError, match=r"photo\.png is a photo, not a video; give it to demo_image\.py"):
        open_video(tmp_path / "photo.png")


@needs_av
@pytest.mark.parametrize(("name", "codec"), [("tone.m4a", "aac"), ("tone.wav", "pcm_s16le"), ("tone.mp3", "mp3")])
def test_a_file_of_sound_is_no_video(tmp_path, name, codec):
    with pytest.raises(OpenPoseLabError, match="has sound but no pictures; give a video"):
        open_video(make_tone(tmp_path / name, codec))


@needs_av
def test_a_codec_that_cannot_be_decoded(tmp_path):
    path = make_clip(tmp_path / "clip.mp4", EVEN[:3])
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    with pytest.raises(OpenPoseLabError, match="uses a codec that cannot be decoded here; convert it to MP4"):
        open_video(path)


@needs_av
def test_a_video_without_frames(tmp_path):
    import av

    with av.open(str(tmp_path / "clip.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height = 64, 48
        container.start_encoding()
    with pytest.raises(OpenPoseLabError) as caught:
        open_video(tmp_path / "clip.mp4")
    assert str(caught.value) == f"the video {tmp_path / 'clip.mp4'} has no pictures; give a video"


@needs_av
def test_a_video_of_which_nothing_can_be_decoded(tmp_path):
    path = make_clip(tmp_path / "clip.mp4", EVEN[:3], draw=noise)
    data = path.read_bytes()
    begin = data.index(b"mdat") + 4
    path.write_bytes(data[:begin] + bytes(data.index(b"moov") - 4 - begin) + data[data.index(b"moov") - 4 :])
    with pytest.raises(
        OpenPoseLabError, match=r"has no frame that can be decoded; copy it again, or convert it to MP4"
    ):
        open_video(path)


@needs_av
def test_a_video_cut_off_before_its_index(tmp_path):
    path = cut(make_clip(tmp_path / "clip.mp4", EVEN))
    with pytest.raises(OpenPoseLabError, match="is cut off: the index at its end is missing or damaged; copy"):
        open_video(path)


@needs_av
@pytest.mark.parametrize(
    ("name", "codec", "muxer"),
    [
        ("clip.mp4", "libx264", {"movflags": "faststart"}),
        ("clip.mkv", "libx264", {}),
        ("clip.avi", "mpeg4", {}),
        ("clip.flv", "libx264", {}),
    ],
)
def test_the_frames_of_a_video_that_is_cut_off_are_given_before_the_error(tmp_path, name, codec, muxer):
    even = {"ticks": range(100), "time_base": Fraction(1, 25)} if codec == "mpeg4" else {"ticks": EVEN}
    path = cut(make_clip(tmp_path / name, codec=codec, draw=noise, muxer=muxer, **even))
    found = []
    with pytest.raises(VideoEndedError) as caught:  # noqa: PT012
        for frame in frames(path):
            found.append(frame.index)
    assert found == list(range(len(found)))
    assert 30 < len(found) < 60
    assert str(caught.value).startswith(f"the video {path} is cut off or damaged: it ends after ")
    assert " of 4.0 s; copy it again" in str(caught.value) or " of 4.1 s; copy it again" in str(caught.value)


@needs_av
def test_packets_that_are_damaged_are_left_out_and_told(tmp_path):
    path = make_clip(tmp_path / "clip.mp4", EVEN, draw=noise, options={"g": "10"})
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    path.write_bytes(data)
    with pytest.warns(OpenPoseLabWarning, match=r"clip\.mp4 is damaged: packets that cannot be decoded are left out"):
        found = read(path)
    assert 90 < len(found) < 100


@needs_av
def test_large_frames_are_refused_before_they_are_decoded(tmp_path, monkeypatch):
    path = make_clip(tmp_path / "clip.mp4", EVEN[:2])
    monkeypatch.setattr(videos, "LARGEST_FRAME", 3000)
    with pytest.raises(OpenPoseLabError, match=r"is 64x48, more than 0 megapixels; make it smaller"):
        open_video(path)


@needs_av
@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{other}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{other}'\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period/></MPD>',
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    ],
)
@pytest.mark.parametrize("name", ["list.m3u8", "list.mp4"])
def test_a_playlist_opens_no_other_file(tmp_path, name, text):
    other = make_clip(tmp_path / "clip.ts", EVEN[:5])
    (tmp_path / name).write_text(text.format(other=other))
    with pytest.raises(OpenPoseLabError):
        open_video(tmp_path / name)


@needs_av
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize("name", ["http:clip.mp4", "concat:a|b.mp4", "-i.mp4", "ü.mp4", "bad\udcff.mp4"])
def test_a_name_is_a_path_and_no_address(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    os.rename(make_clip(tmp_path / "clip.mp4", EVEN[:3]), name)
    video = open_video(name)
    assert len(list(video)) == 3
    video.name.encode()


def test_without_pyav(tmp_path, monkeypatch):
    (tmp_path / "clip.mp4").write_bytes(b"\0\0\0\x18ftypisom")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(OpenPoseLabError, match=r"reading the video .*clip\.mp4 needs av, which is not installed; run"):
        open_video(tmp_path / "clip.mp4")


# Behind frames()


@needs_av
def test_frames_of_a_video(tmp_path):
    path = make_clip(tmp_path / "clip.mp4", EVEN[:9])
    assert [(one.index, number_of(one.pixels)) for one in frames(path, every=2, start=0.1, end=0.3)] == [
        (3, 3),
        (5, 5),
        (7, 7),
    ]
    assert next(iter(frames(str(path), rotate=90))).pixels.shape == (64, 48, 3)


def test_frames_of_a_folder_with_a_rate(tmp_path):
    for number in range(12):
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture(number, (8, 8)))
    found = list(frames(tmp_path, rate=12.5, every=2, start=0.1, end=0.7))
    assert [(one.index, one.timestamp, number_of(one.pixels)) for one in found] == [
        (2, 0.16, 2),
        (4, 0.32, 4),
        (6, 0.48, 6),
        (8, 0.64, 8),
    ]
    assert found[0].name == str(tmp_path / "2.png")
    with pytest.raises(OpenPoseLabError, match=r"lasts 0\.96 s, so no photo is left; choose another part"):
        frames(tmp_path, rate=12.5, start=0.9)
    with pytest.raises(OpenPoseLabError, match="the rate must be more than 0 and at most 10000 frames a second"):
        frames(tmp_path, rate=0)


@pytest.mark.parametrize("source", ["clip.mp4", "0", "rtsp://user:secret@camera/live"])
def test_a_rate_is_for_folders(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clip.mp4").touch()
    with pytest.raises(OpenPoseLabError, match="has a frame rate of its own; give a rate only for a folder") as caught:
        frames(source, rate=10)
    assert "secret" not in str(caught.value)


def test_parts_are_for_videos(tmp_path):
    with pytest.raises(OpenPoseLabError, match="every, start, end and rate are for one video, or one folder"):
        frames([tmp_path, tmp_path], start=1)


def test_a_video_is_told_by_its_ending_or_its_first_bytes(tmp_path):
    (tmp_path / "clip.mkv").write_bytes(b"")
    (tmp_path / "clip").write_bytes(b"\0\0\0\x18ftypisom")
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    found = [is_moving(tmp_path / name) for name in ("clip.mkv", "clip", "photo.jpg", "none.mp4", ".")]
    assert found == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("name", "data"), [("clip.mp4", b"\0\0\0\x18ftypisom"), ("clip.h264", b"\0\0\0\1"), ("x", b"FLV")]
)
def test_the_program_for_photos_sends_videos_to_the_other(tmp_path, monkeypatch, name, data):
    from openpose_lab.sources import list_photos

    monkeypatch.setitem(sys.modules, "av", None)
    (tmp_path / name).write_bytes(data)
    (photo,) = list_photos([tmp_path / name])
    with pytest.raises(OpenPoseLabError) as caught:
        photo.read()
    assert str(caught.value) == f"{tmp_path / name} is a video, not a photo; give it to demo_video.py"
    with pytest.raises(
        OpenPoseLabError, match="is an address; save the photo first, or give the address of a video to demo_video.py"
    ):
        list_photos(["http://127.0.0.1/clip.mp4"])


@needs_av
@pytest.mark.parametrize("ending", ["mkv", "mp4", "flv"])
def test_a_whole_file_that_begins_late_is_not_cut(tmp_path, ending):
    path = make_clip(tmp_path / f"clip.{ending}", [90_000 * 100 + ticks for ticks in EVEN[:5]])
    assert len(read(path)) == 5

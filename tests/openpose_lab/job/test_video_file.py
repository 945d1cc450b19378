"""Test written videos: the number of frames, the timestamps and sound of the source, and complete files."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from fractions import Fraction

import cv2
import numpy as np
import pytest

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from openpose_lab.job.video_file import VideoWriter, writer_of
from openpose_lab.sources import open_source
from openpose_lab.sources.videos import VideoEndedError, open_video
from tests.conftest import ROOT
from tests.support.extras import needs
from tests.support.video_files import (
    TIME_BASE,
    UNEVEN,
    decoded,
    make_clip,
    number_of,
    picture,
    pitch,
    sound_of,
    timestamps,
)

pytestmark = needs("av")
EVEN = [3600 * number for number in range(50)]
SIZE = (64, 48)


def copy(source, output, **part):
    """Copy a video frame by frame."""
    video = open_video(source)
    with writer_of(output, video, **part) as writer:
        for frame in video.frames(**part):
            writer.write(frame.pixels, frame.timestamp)
    return writer


@pytest.mark.parametrize("name", ["written.mp4", "written.mov", "written.m4v", "written.mkv", "written.webm"])
@pytest.mark.parametrize(("source", "time_base"), [("clip.mp4", TIME_BASE), ("clip.mkv", Fraction(1, 1000))])
def test_frames_and_timestamps_are_those_of_the_source(tmp_path, name, source, time_base):
    path = make_clip(tmp_path / source, options={"bf": "2"})
    output = tmp_path / name
    assert copy(path, output).count == 30
    in_milliseconds = output.suffix in (".mkv", ".webm")
    expected = [Fraction(round(time * 1000), 1000) if in_milliseconds else time for time in timestamps(path)]
    assert decoded(output) == [(time, number) for number, time in enumerate(expected)]
    assert os.listdir(tmp_path).count(output.name) == 1
    assert len(os.listdir(tmp_path)) == 2


def test_a_part_begins_at_0(tmp_path):
    path = make_clip(tmp_path / "clip.mp4", EVEN)
    copy(path, tmp_path / "part.mp4", start=0.41, end=1.2, every=3)
    expected = [(Fraction(number, 25) - Fraction(41, 100), number) for number in range(11, 30, 3)]
    assert decoded(tmp_path / "part.mp4") == expected


def test_frames_that_are_turned(tmp_path):
    path = make_clip(tmp_path / "clip.mp4", EVEN[:3], pixel_aspect=Fraction(16, 15))
    video = open_video(path)
    with writer_of(tmp_path / "turned.mp4", video, rotate=90) as writer:
        for frame in video.frames(rotate=90):
            writer.write(frame.pixels, frame.timestamp)
    turned = open_video(tmp_path / "turned.mp4")
    assert (turned.width, turned.height, turned.pixel_aspect) == (48, 64, Fraction(15, 16))
    assert [number_of(np.rot90(frame.pixels)) for frame in turned] == [0, 1, 2]


def test_a_time_base_that_is_no_unit_fraction(tmp_path):
    with VideoWriter(tmp_path / "written.mp4", *SIZE, time_base=Fraction(1001, 30_000)) as writer:
        for number in range(5):
            writer.write(picture(number), float(number * Fraction(1001, 30_000)))
    assert timestamps(tmp_path / "written.mp4") == [number * Fraction(1001, 30_000) for number in range(5)]


def test_timestamps_that_do_not_increase_lose_no_frame(tmp_path):
    with VideoWriter(tmp_path / "written.mp4", *SIZE, time_base=Fraction(1, 100)) as writer:
        for number, seconds in enumerate((0, 0.5, 0.5, 0.2, 1)):
            writer.write(picture(number), seconds)
    found = decoded(tmp_path / "written.mp4")
    assert found == [(0, 0), (Fraction(1, 2), 1), (Fraction(51, 100), 2), (Fraction(52, 100), 3), (1, 4)]


@pytest.mark.parametrize("size", [(63, 48), (64, 47), (63, 47), (1, 1)])
def test_odd_sizes_are_padded_by_the_edge(tmp_path, size):
    pixels = np.full((size[1], size[0], 3), 180, np.uint8)
    with VideoWriter(tmp_path / "written.mp4", *size) as writer:
        writer.write(pixels, 0)
    (frame,) = open_video(tmp_path / "written.mp4")
    assert frame.pixels.shape == (size[1] + size[1] % 2, size[0] + size[0] % 2, 3)
    assert np.abs(frame.pixels.astype(int) - 180).max() <= 3


def test_frames_of_another_size_are_scaled(tmp_path):
    with VideoWriter(tmp_path / "written.mp4", *SIZE) as writer:
        writer.write(picture(5, (128, 96)), 0)
        writer.write(picture(6, (64, 48)), 1)
    assert decoded(tmp_path / "written.mp4") == [(0, 5), (1, 6)]


@pytest.mark.parametrize("height", [48, 720])
def test_colours_and_the_shape_of_pixels_are_kept(tmp_path, height):
    pixels = np.full((height, 64, 3), (200, 60, 30), np.uint8)
    with VideoWriter(tmp_path / "written.mp4", 64, height, pixel_aspect=Fraction(16, 15)) as writer:
        writer.write(pixels, 0)
    video = open_video(tmp_path / "written.mp4")
    assert video.pixel_aspect == Fraction(16, 15)
    (frame,) = video
    assert np.abs(frame.pixels.astype(int) - pixels).max() <= 8  # other colour matrices differ by 15


def test_the_same_frames_give_the_same_file(tmp_path):
    path = make_clip(tmp_path / "clip.mp4", EVEN, sound="aac")
    for name in ("1.mp4", "2.mp4", "1.mkv", "2.mkv"):
        copy(path, tmp_path / name)
    for ending in ("mp4", "mkv"):
        assert (tmp_path / f"1.{ending}").read_bytes() == (tmp_path / f"2.{ending}").read_bytes()


# Sound


@pytest.mark.parametrize(
    ("source", "codec", "output"),
    [
        ("clip.mp4", "aac", "written.mp4"),
        ("clip.mp4", "aac", "written.mov"),
        ("clip.mp4", "aac", "written.mkv"),
        ("clip.mkv", "libopus", "written.mp4"),
        ("clip.mkv", "libopus", "written.mkv"),
        ("clip.mkv", "libopus", "written.webm"),
        ("clip.mov", "pcm_s16le", "written.mov"),
        ("clip.mkv", "pcm_s16le", "written.mkv"),
    ],
)
def test_sound_is_copied(tmp_path, source, codec, output):
    path = make_clip(tmp_path / source, UNEVEN, sound=codec)
    copy(path, tmp_path / output)
    name, begins, samples, rate = sound_of(tmp_path / output)
    expected_name, expected_begin, expected, expected_rate = sound_of(path)
    assert (name, rate) == (expected_name, expected_rate)
    assert begins == pytest.approx(expected_begin, abs=0.001)
    assert abs(len(samples) - len(expected)) <= 0.03 * rate
    settled = samples[4096:20_000]  # without the first packet, the decoder starts differently
    shifts = [
        shift for shift in range(-48, 49) if np.abs(expected[4096 + shift :][: len(settled)] - settled).max() < 1e-3
    ]
    assert len(shifts) == 1  # 0, except for Matroska, which rounds to milliseconds
    assert decoded(tmp_path / output)[0] == (0, 0)


@pytest.mark.parametrize(
    ("source", "codec", "output", "encoded"),
    [
        ("clip.mkv", "pcm_s16le", "written.mp4", "aac"),
        ("clip.ts", "aac", "written.mp4", "aac"),
        ("clip.mp4", "aac", "written.webm", "opus"),
        ("clip.ts", "aac", "written.mkv", "opus"),
    ],
)
def test_sound_is_encoded_anew_where_the_format_does_not_take_it(tmp_path, source, codec, output, encoded):
    path = make_clip(tmp_path / source, EVEN, sound=codec)
    copy(path, tmp_path / output)
    name, begins, samples, rate = sound_of(tmp_path / output)
    assert name == encoded
    assert begins == pytest.approx(0, abs=0.03)
    assert len(samples) / rate == pytest.approx(2.04, abs=0.05)
    assert pitch(samples[rate // 2 : rate], rate) == pytest.approx(440, abs=3)
    assert len(decoded(tmp_path / output)) == 50


@pytest.mark.parametrize(("source", "codec"), [("clip.mp4", "aac"), ("clip.mkv", "pcm_s16le")])
def test_sound_is_cut_with_the_frames(tmp_path, source, codec):
    path = make_clip(tmp_path / source, EVEN, sound=codec)
    copy(path, tmp_path / "part.mp4", start=0.5, end=1.5)
    _, begins, samples, rate = sound_of(tmp_path / "part.mp4")
    assert 0 <= begins < 0.025
    assert begins + len(samples) / rate == pytest.approx(1, abs=0.05)
    assert decoded(tmp_path / "part.mp4")[0] == (Fraction(1, 50), 13)
    whole = sound_of(path)[2]
    place = round((0.5 + begins) * rate) + 4096
    assert np.abs(samples[4096:20_000] - whole[place:][: 20_000 - 4096]).max() < 0.05


@pytest.mark.parametrize("output", ["written.mp4", "written.mkv"])
@pytest.mark.parametrize(("codec", "rate"), [("aac", 48_000), ("aac", 44_100), ("libmp3lame", 48_000)])
def test_the_sound_of_joined_files_goes_on(tmp_path, output, codec, rate):
    """Timestamps jump back at the join, and the sound may have another rate after it."""
    parts = [
        make_clip(tmp_path / f"{number}.ts", EVEN, sound=codec, sound_rate=one).read_bytes()
        for number, one in enumerate((48_000, rate))
    ]
    (tmp_path / "clip.ts").write_bytes(b"".join(parts))
    copy(tmp_path / "clip.ts", tmp_path / output)
    assert len(timestamps(tmp_path / output)) == 100
    _, begins, samples, rate = sound_of(tmp_path / output)
    assert begins + len(samples) / rate == pytest.approx(4.08, abs=0.07)
    assert pitch(samples[3 * rate : 4 * rate], rate) == pytest.approx(440, abs=3)


def test_sound_that_is_longer_than_the_pictures_is_kept(tmp_path):
    path = make_clip(tmp_path / "clip.mp4", EVEN, sound="aac")
    video = open_video(path)
    with writer_of(tmp_path / "written.mp4", video) as writer:
        writer.write(picture(0), 0)
    assert timestamps(tmp_path / "written.mp4", "audio")[-1] > 1.9


def test_sound_that_cannot_be_decoded_is_left_out_and_told(tmp_path):
    path = make_clip(tmp_path / "clip.mkv", EVEN[:3], sound="pcm_s16le")
    path.write_bytes(path.read_bytes().replace(b"A_PCM/INT/LIT", b"A_ZZZ/INT/LIT"))
    with pytest.warns(OpenPoseLabWarning, match=r"the sound of .*clip\.mkv is left out, because its codec cannot"):
        copy(path, tmp_path / "written.mp4")
    assert len(decoded(tmp_path / "written.mp4")) == 3


def test_a_folder_of_frames_becomes_a_video(tmp_path):
    for number in range(4):
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture(number))
    with open_source(tmp_path, rate=12.5) as source, writer_of(tmp_path / "written.mp4", source) as writer:
        for frame in source:
            writer.write(frame.pixels, frame.timestamp)
    assert decoded(tmp_path / "written.mp4") == [(number * Fraction(2, 25), number) for number in range(4)]


# Failures


def test_a_block_that_raises_leaves_what_was_written(tmp_path):
    path = make_clip(tmp_path / "clip.mp4", EVEN, sound="aac")
    video = open_video(path)
    with pytest.raises(KeyboardInterrupt), writer_of(tmp_path / "written.mp4", video) as writer:  # noqa: PT012
        for frame in video.frames():
            writer.write(frame.pixels, frame.timestamp)
            if frame.index == 24:
                raise KeyboardInterrupt
    assert [number for _, number in decoded(tmp_path / "written.mp4")] == list(range(25))
    assert timestamps(tmp_path / "written.mp4", "audio")[-1] == pytest.approx(1, abs=0.03)
    assert sorted(os.listdir(tmp_path)) == ["clip.mp4", "written.mp4"]


def test_a_video_without_a_frame_is_not_made(tmp_path):
    (tmp_path / "written.mp4").write_text("an earlier one")
    with VideoWriter(tmp_path / "written.mp4", *SIZE):
        pass
    assert os.listdir(tmp_path) == ["written.mp4"]
    assert (tmp_path / "written.mp4").read_text() == "an earlier one"


def test_the_name_is_taken_at_the_end(tmp_path):
    (tmp_path / "written.mp4").write_text("an earlier one")
    with VideoWriter(tmp_path / "written.mp4", *SIZE) as writer:
        writer.write(picture(1), 0)
        assert (tmp_path / "written.mp4").read_text() == "an earlier one"
        assert writer.part == tmp_path / "written.part.mp4"
        assert writer.part.exists()
    assert decoded(tmp_path / "written.mp4") == [(0, 1)]
    writer.close()


@pytest.mark.parametrize("name", ["clip.mp4", "link.mp4"])
@pytest.mark.parametrize("sound", [None, "aac"])
def test_the_source_is_never_overwritten(tmp_path, name, sound):
    path = make_clip(tmp_path / "clip.mp4", EVEN[:3], sound=sound)
    before = path.read_bytes()
    if name == "link.mp4":
        os.link(path, tmp_path / name)
    with pytest.raises(OpenPoseLabError, match=r"cannot write .*\.mp4: it is the source of the video; choose"):
        copy(path, tmp_path / name)
    with pytest.raises(OpenPoseLabError, match=r"clip\.part\.mp4: it is the source of the video; choose another"):
        copy(path.rename(tmp_path / "clip.part.mp4"), tmp_path / "clip.mp4")
    assert (tmp_path / "clip.part.mp4").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("written.avi", "its name must end in one of .mp4 .m4v .mov .mkv .webm"),
        ("none/written.mp4", "there is no folder .*none; make it first"),
        ("folder.mp4", "it is a folder; give the path of a file"),
    ],
)
def test_places_that_cannot_be_written(tmp_path, name, sentence):
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(OpenPoseLabError, match=sentence):
        VideoWriter(tmp_path / name, *SIZE)
    assert os.listdir(tmp_path) == ["folder.mp4"]


def test_without_pyav(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(
        OpenPoseLabError, match=r"writing the video .*written\.mp4 needs av, which is not installed; run"
    ):
        VideoWriter(tmp_path / "written.mp4", *SIZE)


WRITE = """
import os, sys
import numpy as np
from openpose_lab.job.video_file import VideoWriter

def pictures():
    from tests.support.video_files import picture
    for number in range(200):
        noise = np.random.default_rng(number).integers(0, 30, (48, 64, 3), dtype=np.uint8)
        yield picture(number) + noise

with VideoWriter(sys.argv[1], 64, 48, rate=10) as writer:
    for number, pixels in enumerate(pictures()):
        if number == 150:
            {at_150}
        writer.write(pixels, number / 10)
"""


def run(code, path):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", code, str(path)], env=environment, capture_output=True, text=True)


@pytest.mark.skipif(os.name == "nt", reason="Windows kills otherwise")
@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv"])
def test_what_a_program_wrote_before_it_was_killed_can_be_played(tmp_path, ending):
    done = run(WRITE.format(at_150="os.kill(os.getpid(), 9)"), tmp_path / f"written.{ending}")
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert os.listdir(tmp_path) == [f"written.part.{ending}"]
    found = decoded(tmp_path / f"written.part.{ending}")
    assert len(found) >= 60
    assert [number for _, number in found] == list(range(len(found)))


@pytest.mark.filterwarnings("ignore:.*is damaged")
@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit of file sizes")
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_a_disk_that_fills(tmp_path, ending):
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
    done = run(limit + WRITE.format(at_150="pass"), tmp_path / f"written.{ending}")
    last = done.stderr.strip().splitlines()[-1]
    assert last.endswith(f"written.{ending}: File too large; choose another place"), done.stderr
    assert "OpenPoseLabError: cannot write" in last
    assert os.listdir(tmp_path) == [f"written.{ending}"]
    found = []
    with suppress(VideoEndedError):
        found.extend(number_of(frame.pixels) for frame in open_video(tmp_path / f"written.{ending}"))
    assert len(found) >= 20
    assert found == list(range(len(found)))


def test_sound_whose_clock_is_set_back_loses_no_picture(tmp_path):
    """The file contains two recordings of a broadcast, one after the other."""
    once = make_clip(tmp_path / "once.ts", EVEN, sound="mp2").read_bytes()
    (tmp_path / "twice.ts").write_bytes(once + once)
    copy(tmp_path / "twice.ts", tmp_path / "written.mp4")
    assert len(timestamps(tmp_path / "written.mp4")) == 100
    assert sound_of(tmp_path / "written.mp4")[0] == "aac"


def test_sound_that_changes_its_channels_is_encoded(tmp_path):
    parts = [
        make_clip(tmp_path / f"{layout}.ts", EVEN, sound="mp2", layout=layout).read_bytes()
        for layout in ("mono", "stereo")
    ]
    (tmp_path / "both.ts").write_bytes(b"".join(parts))
    copy(tmp_path / "both.ts", tmp_path / "written.mp4")
    assert len(timestamps(tmp_path / "written.mp4")) == 100


@pytest.mark.skipif(os.name == "nt", reason="Windows has no lock that lets others read")
def test_two_runs_do_not_write_one_video(tmp_path):
    with VideoWriter(tmp_path / "written.mp4", *SIZE) as first:
        first.write(picture(0), 0)
        with pytest.raises(OpenPoseLabError, match=r"another run is writing .*written\.mp4; wait until"):
            VideoWriter(tmp_path / "written.mp4", *SIZE)
        first.write(picture(1), 1)
    assert [number for _, number in decoded(tmp_path / "written.mp4")] == [0, 1]
    assert os.listdir(tmp_path) == ["written.mp4"]


@pytest.mark.skipif(os.name == "nt", reason="Windows allows few users to make links")
def test_a_link_is_followed(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "written.mp4").symlink_to(tmp_path / "folder" / "video")
    with VideoWriter(tmp_path / "written.mp4", *SIZE) as writer:
        writer.write(picture(0), 0)
    assert (tmp_path / "written.mp4").is_symlink()
    assert os.listdir(tmp_path / "folder") == ["video"]
    assert len(decoded(tmp_path / "folder" / "video")) == 1

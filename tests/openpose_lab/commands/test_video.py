"""The program for videos, with a toy network: which files come out, and what it says of what is wrong."""

import csv
import json
import os
import re
import shlex
import shutil
import signal
import sys
import threading
from itertools import pairwise
from pathlib import Path

import pytest

from openpose_lab.commands import video
from openpose_lab.job import window as windows
from openpose_lab.lab.sandbox import isolated
from openpose_lab.networks import loading
from openpose_lab.sources import cameras
from openpose_lab.sources.live import LiveSource
from tests.conftest import ROOT
from tests.support.extras import needs
from tests.support.toy_network import ToyNetwork, photo_of, png_of
from tests.support.video_files import make_clip, make_tone, sound_of, timestamps

EXAMPLES = re.findall(r"^  \{program\}(.*?)(?:  .*)?$", video.EXAMPLES, re.MULTILINE)
TICKS = [3600 * number + 700 * (number % 3) for number in range(20)]
"""Timestamps of a variable frame rate."""
SIZE = (160, 96)
TRACKER = "def update(skeletons, timestamp):\n    return list(range(7, 7 + len(skeletons)))\n"

pytestmark = needs("av")


def people_of(number):
    return number % 3 + 1


@pytest.fixture
def demo(monkeypatch, call_program, tmp_path):
    """Run the program in an empty folder: exit status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loading, "load_network", lambda *_: ToyNetwork())
    monkeypatch.setattr(isolated, "is_debugged", lambda: True)  # the grouping needs no process of its own
    weights = tmp_path.parent / "weights.h5"
    weights.write_bytes(b"any weights")
    monkeypatch.setattr(loading, "recognised_network", lambda _: "mobilenet_thin")

    def call(*arguments):
        return call_program("demo_video.py", video.main, *arguments, "--weights", weights)

    return call


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """Videos without loss, of 1 to 3 people, with sound and without."""
    folder = tmp_path_factory.mktemp("clips")
    made = {"codec": "ffv1", "pixel_format": "bgr0", "size": SIZE, "draw": lambda number: photo_of(people_of(number))}
    make_clip(folder / "clip.mkv", TICKS, sound="aac", **made)
    make_clip(folder / "silent.mkv", TICKS, **made)
    return folder


@pytest.fixture
def clip(demo, clips):
    """The clip, in the empty folder."""
    shutil.copy(clips / "clip.mkv", "clip.mkv")
    return Path("clip.mkv")


def files():
    return sorted(path.as_posix() for path in Path().rglob("*") if path.is_file())


def lines(path="people.jsonl"):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def done_of(out, least):
    """The frames that a report says are done, of a run that was stopped after so many. A few more may have begun."""
    done = int(re.match(r"frames +(\d+) ", out)[1])
    assert least <= done <= least + 3
    return done


# What comes out


@pytest.mark.usefixtures("clip")
def test_a_clip_gives_a_video_with_its_times_and_sound(demo):
    status, out, err = demo("clip.mkv")
    assert (status, err) == (0, "")
    assert re.fullmatch(r"frames       20 \(\S+ a second\)\nidentities   \d\nwrote clip_rendered.mp4\n", out)
    assert files() == ["clip.mkv", "clip_rendered.mp4"]
    assert timestamps("clip_rendered.mp4") == timestamps("clip.mkv")
    source, copy = sound_of("clip.mkv"), sound_of("clip_rendered.mp4")
    assert copy[0] == source[0]
    assert len(copy[2]) == pytest.approx(len(source[2]), abs=1024)  # a packet: FFmpeg 7 plays MKV's first one, too


@pytest.mark.usefixtures("clip")
def test_rows_of_every_kind(demo):
    status, out, err = demo(
        "clip.mkv", "--no-draw", "--jsonl", "people.jsonl", "--csv", "people.csv", "--json", "keypoints"
    )
    assert (status, err) == (0, "")
    assert files() == ["clip.mkv", *(f"keypoints/clip_{n:012}_keypoints.json" for n in range(20)), *(
        "people.csv", "people.jsonl")]  # fmt: skip
    found = lines()
    assert [line["index"] for line in found] == list(range(20))
    assert [line["timestamp"] for line in found] == list(map(float, timestamps("clip.mkv")))
    assert [len(line["people"]) for line in found] == [people_of(number) for number in range(20)]
    with Path("people.csv").open(newline="") as file:
        rows = [(row["index"], row["person_id"]) for row in csv.DictReader(file)]
    assert rows == [(str(line["index"]), str(person["person_id"])) for line in found for person in line["people"]]
    assert "wrote keypoints" in out


@pytest.mark.usefixtures("clip")
def test_a_tracker_of_ones_own(demo):
    Path("mine.py").write_text(TRACKER)
    assert demo("clip.mkv", "--no-draw", "--jsonl", "people.jsonl", "--tracker", "mine.py")[0] == 0
    for line in lines():
        assert sorted(person["person_id"] for person in line["people"]) == [7, 8, 9][: people_of(line["index"])]


@pytest.mark.usefixtures("clip")
def test_without_a_tracker_people_have_neither_number_nor_colour(demo):
    status, out, _ = demo("clip.mkv", "--no-draw", "--jsonl", "people.jsonl", "--tracker", "none")
    assert (status, "identities   0\n" in out) == (0, True)
    assert {person["person_id"] for line in lines() for person in line["people"]} == {-1}


@pytest.mark.usefixtures("clip")
@pytest.mark.parametrize(
    ("part", "indices"),
    [
        (["--every", "3"], range(0, 20, 3)),
        (["--start", "0.2"], range(5, 20)),
        (["--end", "0.4"], range(10)),
        (["--start", "0.2", "--end", "0.5", "--every", "2"], [5, 7, 9, 11]),
    ],
)
def test_a_part_of_a_clip(demo, part, indices):
    status, _, err = demo("clip.mkv", "--jsonl", "people.jsonl", *part)
    assert (status, err) == (0, "")
    assert [line["index"] for line in lines()] == list(indices)
    assert len(timestamps("clip_rendered.mp4")) == len(indices)
    times = timestamps("clip.mkv")
    assert [line["timestamp"] for line in lines()] == [float(times[index]) for index in indices]


@pytest.mark.usefixtures("clip")
def test_gaps_are_filled_and_movements_smoothed_in_two_passes(demo):
    """The second and the third person are missing in every third frame, and the third in every other one, too."""
    assert demo("clip.mkv", "--jsonl", "plain.jsonl", "--no-draw", "--tracker", "oks")[0] == 0
    status, _, err = demo(
        "clip.mkv", "--jsonl", "people.jsonl", "--csv", "people.csv", "--smooth", "--fill-gaps", "0.2"
    )
    assert (status, err) == (0, "")
    assert timestamps("clip_rendered.mp4") == timestamps("clip.mkv")
    filled = [person for line in lines() for person in line["people"] if "filled" in person]
    assert filled
    assert sum(len(line["people"]) for line in lines()) > sum(len(line["people"]) for line in lines("plain.jsonl"))
    with Path("people.csv").open(newline="") as file:
        marked = [row for row in csv.DictReader(file) if row["filled"]]
    assert len(marked) == len(filled)


@pytest.mark.usefixtures("clip")
def test_rows_go_to_the_standard_output(demo):
    """The report goes to the standard error then."""
    reading, writing = os.pipe()
    before = os.dup(1)
    os.dup2(writing, 1)
    try:
        status, out, err = demo("clip.mkv", "--no-draw", "--end", "0.2", "--jsonl", "-")
    finally:
        os.dup2(before, 1)
        os.close(writing)
    assert (status, out) == (0, "")
    assert err.startswith("frames       5 ")
    with os.fdopen(reading) as written:
        assert [json.loads(line)["index"] for line in written] == list(range(5))


def test_a_folder_of_frames(demo):
    Path("frames").mkdir()
    for number in range(12):
        Path("frames", f"{number}.png").write_bytes(png_of(people_of(number)))
    status, _, err = demo("frames", "--fps", "10", "--jsonl", "people.jsonl")
    assert (status, err) == (0, "")
    assert [line["timestamp"] for line in lines()] == pytest.approx([number / 10 for number in range(12)])
    assert [len(line["people"]) for line in lines()] == [people_of(number) for number in range(12)]
    assert len(timestamps("frames_rendered.mp4")) == 12


@pytest.mark.usefixtures("clip")
@pytest.mark.parametrize("angle", ["90", "180"])
def test_a_turned_video_keeps_its_shape(demo, angle):
    import av

    assert demo("clip.mkv", "--rotate", angle)[0] == 0
    with av.open("clip_rendered.mp4") as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (SIZE if angle == "180" else SIZE[::-1])


@pytest.mark.parametrize(("text", "expected"), [("90.5", 90.5), ("1:30.5", 90.5), ("2:01:05", 7265), ("0", 0)])
def test_times(text, expected):
    assert video.seconds(text) == expected


@pytest.mark.parametrize("text", ["", "a", "-1", "1:", "1:2:3:4", "nan", "1e3", "1:-2"])
def test_what_is_no_time(demo, text):
    status, _, err = demo("clip.mkv", f"--start={text}")
    assert status == 2
    assert f"argument --start: {text!r} is not a time; give seconds such as 90.5, or 1:30.5" in err


# Windows and cameras


class ToyWindow:
    """Shows nothing. The user presses q after some pictures."""

    after = 1000
    pictures = 0

    def __init__(self, title, live=False):
        type(self).pictures = 0
        type(self).live = live

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def write(self, pixels, timestamp):
        type(self).pictures += 1

    @property
    def closed(self):
        return self.pictures >= self.after


@pytest.fixture
def window(monkeypatch):
    monkeypatch.setattr(windows, "Window", ToyWindow)
    monkeypatch.setattr(ToyWindow, "after", 1000)
    monkeypatch.setattr(ToyWindow, "pictures", 0)
    return ToyWindow


@pytest.mark.usefixtures("clip")
def test_a_clip_in_a_window_gives_no_video(demo, window):
    status, out, err = demo("clip.mkv", "--show")
    assert (status, err, window.pictures, window.live) == (0, "", 20, False)
    assert "wrote" not in out
    assert files() == ["clip.mkv"]


@pytest.mark.usefixtures("clip")
def test_q_ends_with_a_playable_video_and_complete_rows(demo, window, monkeypatch):
    monkeypatch.setattr(window, "after", 7)
    status, out, err = demo("clip.mkv", "--show", "--output", "shown.mp4", "--csv", "people.csv")
    assert (status, err) == (0, "")
    done = done_of(out, 7)
    assert timestamps("shown.mp4") == timestamps("clip.mkv")[:done]
    assert len(sound_of("shown.mp4")[2]) < 0.8 * len(sound_of("clip.mkv")[2])
    with Path("people.csv").open(newline="") as file:
        assert {int(row["index"]) for row in csv.DictReader(file)} == set(range(done))


class ToyCamera(LiveSource):
    """Gives pictures of two people when it is asked to, and one more than anyone can see between each two."""

    def __init__(self, number):
        super().__init__(f"camera {number}")
        self._asked = threading.Semaphore(1)
        self._begin()

    def _read(self):
        for number in range(1000):
            while number % 2 == 0 and not self._asked.acquire(timeout=0.02):
                if self._closed:
                    return
            yield number / 30, photo_of(2)

    def _frames(self, *arguments):
        for frame in super()._frames(*arguments):
            yield frame
            self._asked.release()


@pytest.fixture
def camera(monkeypatch):
    monkeypatch.setattr(cameras, "Camera", ToyCamera)


@pytest.mark.usefixtures("camera")
def test_a_camera_is_shown_in_a_window(demo, window, monkeypatch):
    monkeypatch.setattr(window, "after", 10)
    before = set(threading.enumerate())
    status, out, err = demo("0")
    assert (status, err, window.pictures, window.live) == (0, "", 10, True)
    assert "frames       10 " in out
    assert re.search(r"dropped      \d+ frames, because they came faster", out)
    assert "identities   2\n" in out
    assert files() == []
    left = set(threading.enumerate()) - before
    assert not [thread for thread in left if thread.name != "tqdm_monitor"]  # which stays for later bars


@pytest.mark.usefixtures("camera")
def test_a_camera_is_recorded(demo, window, monkeypatch):
    monkeypatch.setattr(window, "after", 10)
    status, _, err = demo("0", "--show", "--output", "seen.mp4", "--jsonl", "people.jsonl", "--smooth")
    assert (status, err) == (0, "")
    found = timestamps("seen.mp4")
    assert len(found) == len(lines()) == 10
    assert all(earlier < later for earlier, later in pairwise(found))
    assert [line["timestamp"] for line in lines()] == pytest.approx([float(time) for time in found], abs=1e-5)


@pytest.mark.usefixtures("camera", "window")
def test_faces_before_a_camera_are_not_blurred_where_they_were(demo):
    status, _, err = demo("0", "--blur-faces", "--smooth", "--output", "seen.mp4")
    assert status == 1
    assert "so --blur-faces would miss them" in err
    assert not Path("seen.mp4").exists()


@pytest.mark.usefixtures("camera")
def test_gaps_of_a_camera_are_refused(demo, window):
    status, _, err = demo("0", "--fill-gaps", "0.2")
    assert (status, window.pictures) == (1, 0)
    assert err.startswith("demo_video.py: --fill-gaps needs the frames after a gap")


# Stopping and failing


@pytest.mark.usefixtures("clip")
def test_ctrl_c_ends_with_a_playable_video_and_complete_rows(demo, monkeypatch):
    show, shown = video.Report.watch, []

    def watch_and_stop(self, frames, what):
        for frame in show(self, frames, what):
            shown.append(frame)
            if len(shown) == 6:
                signal.raise_signal(signal.SIGINT)
            yield frame

    monkeypatch.setattr(video.Report, "watch", watch_and_stop)
    status, out, err = demo("clip.mkv", "--csv", "people.csv", "--jsonl", "people.jsonl")
    assert (status, err) == (130, "demo_video.py: stopped\n")
    done = done_of(out, 6)
    assert timestamps("clip_rendered.mp4") == timestamps("clip.mkv")[:done]
    assert [line["index"] for line in lines()] == list(range(done))
    with Path("people.csv").open(newline="") as file:
        assert {int(row["index"]) for row in csv.DictReader(file)} == set(range(done))


def test_what_was_done_of_a_clip_that_is_cut_off_stays(demo, clips):
    data = (clips / "silent.mkv").read_bytes()
    Path("cut.mkv").write_bytes(data[: int(0.7 * len(data))])
    status, out, err = demo("cut.mkv", "--jsonl", "people.jsonl")
    done = len(lines())
    assert 5 < done < 20
    assert f"frames       {done} " in out
    assert [line["index"] for line in lines()] == list(range(done))
    assert len(timestamps("cut_rendered.mp4")) == done
    if status:  # a clip of less than a second may end as it likes
        assert "is cut off or damaged" in err


def write_inputs():
    Path("sound.mp3").write_bytes(make_tone(Path("tone.mp3"), "libmp3lame").read_bytes())
    Path("text.mp4").write_text("Dear Sir or Madam")
    Path("empty.mp4").touch()
    Path("photo.png").write_bytes(png_of(1))
    Path("none").mkdir()
    Path("crashes.py").write_text("def update(skeletons, timestamp):\n    raise KeyError('oh')\n")
    Path("alike.py").write_text("def update(skeletons, timestamp):\n    return [1] * len(skeletons)\n")
    Path("says.py").write_text("print('no tracker')\n")


@pytest.mark.usefixtures("clip")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["missing.mp4"], "there is no video missing.mp4"),
        (["sound.mp3"], "has sound but no pictures"),
        (["text.mp4"], "text.mp4 is not a video"),
        (["empty.mp4"], "the video empty.mp4 is empty"),
        (["photo.png"], "photo.png is a photo, not a video; give it to demo_image.py"),
        (["none"], "the folder none is empty"),
        (["clip.mkv", "--output", "clip.mkv"], "clip.mkv is also the source, and would be overwritten"),
        (["clip.mkv", "--output", "seen.gif"], "its name must end in one of .mp4"),
        (["clip.mkv", "--output", "nowhere/seen.mp4"], "there is no folder nowhere"),
        (["clip.mkv", "--csv", "a.csv", "--jsonl", "a.csv"], "two outputs cannot both be a.csv"),
        (["clip.mkv", "--json", "-"], "--json - works only for one photo; give a folder for the files of the frames"),
        (["clip.mkv", "--no-draw", "--output", "a.mp4"], "--no-draw writes none; give only one of them"),
        (["clip.mkv", "--every", "0"], "every must be from 1 to 1000000 frames"),
        (["clip.mkv", "--start", "3", "--end", "2"], "end must be after start"),
        (["clip.mkv", "--start", "100"], "has no frame between 100 s and its end"),
        (["clip.mkv", "--fill-gaps", "-1"], "--fill-gaps must be from 0 to 3600"),
        (["clip.mkv", "--fill-gaps", "nan"], "--fill-gaps must be from 0 to 3600"),
        (["clip.mkv", "--smooth", "--every", "4"], "a filter of 6 Hz needs more than 12 frames a second"),
        (["clip.mkv", "--smooth", "--tracker", "none"], "--smooth and --fill-gaps need the identities of people"),
        (["clip.mkv", "--fps", "10"], "clip.mkv has a frame rate of its own"),
        (["clip.mkv", "--tracker", "best"], "there is no tracker best; give the path of a Python file"),
        (["clip.mkv", "--tracker", "crashes.py"], "crashes.py failed: line 2: KeyError"),
        (["clip.mkv", "--tracker", "alike.py"], "both have the identity 1"),
        (["clip.mkv", "--tracker", "says.py"], "says.py has neither a class Tracker nor a function update"),
        (["none", "--fps", "0"], "the rate must be more than 0"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_sentence(demo, arguments, sentence):
    write_inputs()
    status, _, err = demo(*arguments)
    assert status == 1
    assert sentence in err
    assert err.startswith("demo_video.py: ")
    assert (err.count("\n"), len(err) < 300) == (1, True)


@pytest.mark.usefixtures("clip")
def test_a_video_that_cannot_be_read_leaves_what_is_there(demo):
    Path("clip_rendered.mp4").write_bytes(b"of an earlier run")
    assert demo("missing.mp4")[0] == 1
    assert demo("clip.mkv", "--start", "100")[0] == 1
    assert Path("clip_rendered.mp4").read_bytes() == b"of an earlier run"


@pytest.mark.usefixtures("clip")
def test_what_was_written_before_an_error_is_reported_and_no_earlier_file(demo):
    Path("fails.py").write_text(
        "def update(people, seconds):\n    assert seconds < 0.2\n    return list(range(len(people)))\n"
    )
    status, out, _ = demo("clip.mkv", "--tracker", "fails.py")
    assert (status, out.endswith("\nwrote clip_rendered.mp4\n")) == (1, True)
    assert files() == ["clip.mkv", "clip_rendered.mp4", "fails.py"]
    Path("fails.py").write_text("def update(people, seconds):\n    return None\n")
    status, out, _ = demo("clip.mkv", "--tracker", "fails.py")
    assert (status, "wrote" in out) == (1, False)


@pytest.mark.usefixtures("clip")
def test_without_the_library_the_extra_is_named(demo, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    status, _, err = demo("clip.mkv")
    assert status == 1
    assert "needs av, which is not installed; run `pip install" in err
    assert '[video]"' in err


# Examples


def test_every_example_is_tried():
    assert len(EXAMPLES) == video.EXAMPLES.count("{program}") == 10


@pytest.mark.usefixtures("camera")
@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_run(demo, clips, window, monkeypatch, example):
    monkeypatch.setattr(window, "after", 20)
    long = [3600 * number for number in range(0, 300)] if "--start" in example else TICKS
    make_clip(Path("clip.mp4"), long, size=SIZE, draw=lambda number: photo_of(people_of(number)), options={"qp": "0"})
    Path("my_tracker.py").write_text(TRACKER)
    Path("frames").mkdir()
    for number in range(3):
        Path("frames", f"{number}.png").write_bytes(png_of(1))
    before = files()
    status, out, err = demo(*shlex.split(example))
    assert status == 0, err
    assert out.startswith("frames ")
    assert set(files()) > set(before) or window.pictures


def test_the_lab_s_program_is_the_command(capsys):
    import demo_video

    assert demo_video.__doc__.splitlines()[0].startswith("The lab's program for videos and cameras")
    with pytest.raises(SystemExit):
        demo_video.main(["--help"])
    said = capsys.readouterr().out
    assert said.startswith("usage: python demo_video.py ")
    assert (ROOT / "demo_video.py").is_file()


@pytest.mark.usefixtures("clip")
def test_a_failed_run_names_what_it_wrote(demo):
    """The video too, and not the files of an earlier run."""
    Path("old.csv").write_text("of an earlier run")
    Path("failing.py").write_text(
        "def update(skeletons, timestamp):\n    return [-1] * len(skeletons) if timestamp < 0.2 else None\n"
    )
    status, out, _ = demo("clip.mkv", "--tracker", "failing.py", "--csv", "new.csv")
    assert status == 1
    assert re.findall("wrote (.*)", out) == ["clip_rendered.mp4", "new.csv"]
    status, out, _ = demo("clip.mkv", "--start", "100", "--csv", "old.csv")
    assert status == 1
    assert "wrote" not in out

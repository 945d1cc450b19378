"""Test runs over frames with a toy network: tracking, outputs and drawings, their order, and failures."""

import csv
import errno
import io
import json
import os
import threading
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

with suppress(ImportError):  # Windows does not have it
    import resource

from estimation.errors import OpenPoseLabError
from estimation.skeletons import best_people
from openpose_lab.estimator import PoseEstimator
from openpose_lab.file_locks import try_lock
from openpose_lab.formats import FORMATS
from openpose_lab.formats.record import Record
from openpose_lab.job import video_run
from openpose_lab.job.look import Look
from openpose_lab.job.video_run import VideoOutputs, VideoRun
from openpose_lab.sources import Frame
from tests.openpose_lab.formats.conftest import COCO_18
from tests.support.toy_network import HEIGHT, ToyNetwork, photo_of

COUNTS = [1, 2, 0, 3, 1, 2, 1]
"""The people of each frame."""


@pytest.fixture
def estimator():
    with PoseEstimator(ToyNetwork(), height=HEIGHT) as made:
        yield made


class Taker:
    """An output that keeps its pictures."""

    def __init__(self):
        self.pictures, self.timestamps = [], []

    def write(self, pixels, timestamp):
        self.pictures.append(pixels)
        self.timestamps.append(timestamp)


def clip(counts=COUNTS, failure=None):
    """Yield frames with these numbers of people, 25 a second, and then raise a failure."""
    for index, people in enumerate(counts):
        yield Frame(10 + index, index / 25, "clip.mp4", photo_of(people))
    if failure:
        raise failure


def number(found):
    """A tracker that gives the people of each frame the identities 100, 101 and so on."""
    for frame, people in found:
        yield frame, replace(people, person_ids=100 + np.arange(len(people)))


def run_of(tmp_path, read=clip, **settings):
    tables = {name: tmp_path / f"people.{name}" for name in ("jsonl", "csv")}
    (tmp_path / "json").mkdir(exist_ok=True)
    outputs = VideoOutputs("clip", {"json": tmp_path / "json"}, tables)
    return VideoRun("clip.mp4", read, number, outputs, **settings)


def expected(estimator, counts=COUNTS, keep=lambda people: people):
    """Return the records of the frames, estimated one by one."""
    for frame, people in number((frame, estimator(frame.pixels)) for frame in clip(counts)):
        yield Record("clip.mp4", frame.index, frame.timestamp, 160, HEIGHT, keep(people))


def written(name, records):
    file = io.BytesIO()
    FORMATS[name].write(records, COCO_18, file, "pixels")
    return file.getvalue()


def test_the_rows_are_those_of_the_frames_one_by_one(estimator, tmp_path):
    assert run_of(tmp_path).run(estimator) == len(COUNTS)
    for name in ("jsonl", "csv"):
        assert (tmp_path / f"people.{name}").read_bytes() == written(name, expected(estimator))
    assert sorted(path.name for path in (tmp_path / "json").iterdir()) == [
        f"clip_0000000000{10 + n}_keypoints.json" for n in range(len(COUNTS))
    ]
    people = json.loads((tmp_path / "json" / "clip_000000000013_keypoints.json").read_text())["people"]
    assert sorted(person["person_id"] for person in people) == [[100], [101], [102]]


def test_pictures_come_in_order_with_the_people(estimator, tmp_path):
    taker = Taker()
    run_of(tmp_path, writer=taker).run(estimator)
    assert taker.timestamps == [n / 25 for n in range(len(COUNTS))]
    for picture, record in zip(taker.pictures, expected(estimator), strict=True):
        photo = photo_of(len(record.skeletons))
        np.testing.assert_array_equal(picture, estimator.draw(photo, record.skeletons))


def test_the_lines_of_the_frames_before_are_whole_at_every_moment(estimator, tmp_path):
    seen = []

    class Reader(Taker):
        def write(self, pixels, timestamp):
            lines = (tmp_path / "people.jsonl").read_bytes() if seen else b""
            seen.append([json.loads(line)["index"] for line in lines.splitlines()])

    run_of(tmp_path, writer=Reader()).run(estimator)
    assert seen == [[10 + n for n in range(done)] for done in range(len(COUNTS))]


@pytest.mark.parametrize("drawn", [False, True])
@pytest.mark.parametrize("mended", [False, True])
def test_after_a_frame_that_cannot_be_read_the_frames_before_are_written(estimator, tmp_path, drawn, mended):
    taker = Taker()
    settings = {"writer": taker if drawn else None, "mend": (lambda records: records()) if mended else None}
    failing = run_of(tmp_path, lambda: clip(failure=OpenPoseLabError("the clip is cut off")), **settings)
    with pytest.raises(OpenPoseLabError, match="^the clip is cut off$"):
        failing.run(estimator)
    for name in ("jsonl", "csv"):
        assert (tmp_path / f"people.{name}").read_bytes() == written(name, expected(estimator))
    assert len(taker.pictures) == (len(COUNTS) if drawn else 0)


def test_after_a_grouping_that_fails_the_frames_before_are_written(tmp_path):
    def merge(subset):
        if len(subset) > 40:  # three people
            raise KeyError("oh")
        return subset[:0]

    with (
        PoseEstimator(ToyNetwork(), height=HEIGHT, grouping=merge) as failing,
        pytest.raises(OpenPoseLabError, match="KeyError"),
    ):
        run_of(tmp_path).run(failing)
    lines = (tmp_path / "people.jsonl").read_text().splitlines()
    assert [json.loads(line)["index"] for line in lines] == [10, 11, 12]


def test_a_run_that_is_stopped_has_the_frames_before(estimator, tmp_path):
    asked, taker = iter([False, False, True]), Taker()
    before = threading.active_count()
    done = run_of(tmp_path, writer=taker).run(estimator, lambda: next(asked))
    assert 3 <= done <= 6
    assert len(taker.pictures) == done
    for name in ("jsonl", "csv"):
        assert (tmp_path / f"people.{name}").read_bytes() == written(name, expected(estimator, COUNTS[:done]))
    assert threading.active_count() == before


def shifted(records):
    """A smoother that moves every person by ten pixels, and leaves out the other people of the frame."""
    for record in records():
        people = best_people(record.skeletons, 1)
        yield replace(record, skeletons=replace(people, keypoints=people.keypoints + 10))


def test_a_run_of_two_passes_writes_and_draws_what_mending_gives(estimator, tmp_path):
    taker, read, passes = Taker(), [], []

    def frames():
        read.append(threading.get_ident())
        return clip()

    def watch(frames, what):
        passes.append(what)
        return frames

    run_of(tmp_path, frames, mend=shifted, writer=taker).run(estimator, watch=watch)
    assert len(read) == 2
    assert passes == ["finding people", "drawing"]
    records = list(shifted(lambda: expected(estimator)))
    for name in ("jsonl", "csv"):
        assert (tmp_path / f"people.{name}").read_bytes() == written(name, records)
    for picture, record, count in zip(taker.pictures, records, COUNTS, strict=True):
        np.testing.assert_array_equal(picture, estimator.draw(photo_of(count), record.skeletons))


def test_two_passes_without_pictures_read_once(estimator, tmp_path):
    read = []

    def frames():
        read.append(1)
        return clip()

    run_of(tmp_path, frames, mend=shifted).run(estimator)
    assert read == [1]


def test_a_run_of_two_passes_that_is_stopped_draws_what_was_found(estimator, tmp_path):
    taker = Taker()
    run = run_of(tmp_path, mend=shifted, writer=taker)
    asked = []

    def is_over():
        asked.append(1)
        return len(asked) >= 2

    assert run.run(estimator, is_over) == 2
    assert len(taker.pictures) == 2


@pytest.mark.parametrize("mend", [None, lambda records: records()], ids=["one pass", "two passes"])
def test_people_are_kept_after_they_are_followed(estimator, tmp_path, mend):
    run_of(tmp_path, look=Look(most_people=1), mend=mend).run(estimator)
    rows = list(csv.DictReader((tmp_path / "people.csv").read_text().splitlines()))
    assert [row["index"] for row in rows] == [str(10 + n) for n, count in enumerate(COUNTS) if count]
    best = expected(estimator, keep=lambda people: best_people(people, 1))
    assert (tmp_path / "people.csv").read_bytes() == written("csv", best)


@pytest.mark.parametrize(("live", "most"), [(False, 6 + 6 + 3), (True, 2 + 2 + 1)])
def test_few_frames_are_read_ahead(estimator, tmp_path, live, most):
    """A live source needs its frames at once, and memory must not grow."""
    taken, ahead = [], []

    def endless():
        while True:
            taken.append(len(taken))
            yield Frame(len(taken) - 1, 0.0, "", photo_of(1))

    class Counter(Taker):
        def write(self, pixels, timestamp):
            super().write(pixels, timestamp)
            ahead.append(len(taken) - len(self.pictures))

    run_of(tmp_path, endless, live=live, writer=Counter()).run(estimator, lambda: len(ahead) >= 30, threads=2)
    assert max(ahead) <= most


def test_lines_that_cannot_be_written_end_the_run(estimator, tmp_path):
    run = run_of(tmp_path)
    (tmp_path / "people.jsonl").mkdir()
    with pytest.raises(OpenPoseLabError, match="^cannot write .*people.jsonl: "):
        run.run(estimator)
    assert not (tmp_path / "people.csv").exists()  # no frame was done


def test_a_full_disk_is_told_once(estimator, tmp_path, monkeypatch):
    """Only the first error is reported, although the tables cannot be written either."""

    class Full(Taker):
        def write(self, pixels, timestamp):
            if len(self.pictures) == 2:
                raise OpenPoseLabError("cannot write clip.mp4: No space left on device")
            super().write(pixels, timestamp)

    def no_space(*_):
        raise OpenPoseLabError("cannot write people.csv: No space left on device")

    monkeypatch.setattr(video_run, "write_tables", no_space)
    with pytest.raises(OpenPoseLabError, match=r"^cannot write clip.mp4: No space"):
        run_of(tmp_path, writer=Full()).run(estimator)


def test_no_frame_is_written_after_one_that_cannot_be(estimator, tmp_path):
    class Failing(Taker):
        def write(self, pixels, timestamp):
            if timestamp == 2 / 25:
                raise OpenPoseLabError("cannot write clip.mp4")
            super().write(pixels, timestamp)

    taker = Failing()
    with pytest.raises(OpenPoseLabError, match=r"^cannot write clip.mp4$"):
        run_of(tmp_path, writer=taker).run(estimator)
    assert len(taker.pictures) == 2
    for name in ("jsonl", "csv"):
        assert (tmp_path / f"people.{name}").read_bytes() == written(name, expected(estimator, COUNTS[:2]))


class Small(io.FileIO):
    """A file on a disk with little free space. Each write takes at most 1000 bytes."""

    def __init__(self, path, space):
        super().__init__(path, "w+b")
        self.space = space

    def write(self, data):
        taken = min(len(data), 1000, self.space)
        if not taken:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.space -= taken
        return super().write(data[:taken])


@pytest.mark.parametrize("mended", [False, True])
@pytest.mark.parametrize("space", [6000, 10**6])
def test_rows_that_fit_on_the_temporary_disk_are_written(estimator, tmp_path, monkeypatch, mended, space):
    made = (Small(tmp_path / name, space) for name in ("first", "second"))
    monkeypatch.setattr(video_run.tempfile, "TemporaryFile", lambda buffering: next(made))
    run = run_of(tmp_path, mend=(lambda records: records()) if mended else None)
    if space < 10**6:
        with pytest.raises(OpenPoseLabError, match=f"^cannot write .*: {os.strerror(errno.ENOSPC)}"):
            run.run(estimator)
    else:
        run.run(estimator)
    whole = (tmp_path / "first").read_bytes().count(b"\n")
    assert 2 < whole < len(COUNTS) or space == 10**6
    assert (tmp_path / "people.csv").read_bytes() == written("csv", expected(estimator, COUNTS[:whole]))


def test_a_line_of_which_the_system_takes_a_part_is_completed(estimator, tmp_path, monkeypatch):
    monkeypatch.setattr(video_run, "_open_to_write", lambda path: Small(path, 10**6))
    run_of(tmp_path).run(estimator)
    assert (tmp_path / "people.jsonl").read_bytes() == written("jsonl", expected(estimator))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit of file sizes")
@pytest.mark.parametrize("mend", [None, lambda records: records()], ids=["one pass", "two passes"])
def test_a_full_disk_leaves_whole_lines(estimator, tmp_path, mend):
    """Neither a cut line nor an unreadable temporary file remains."""
    run = run_of(tmp_path, mend=mend)
    run.run(estimator)
    most = (tmp_path / "people.jsonl").stat().st_size - 100
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        with pytest.raises(OpenPoseLabError, match=r"^cannot write .*: File too large"):
            run.run(estimator)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    lines = (tmp_path / "people.jsonl").read_bytes().splitlines(keepends=True)
    assert all(json.loads(line)["index"] == 10 + n for n, line in enumerate(lines))
    assert lines[-1].endswith(b"\n")
    assert 0 < len(lines) < len(COUNTS)
    rows = list(csv.DictReader((tmp_path / "people.csv").read_text().splitlines()))
    assert 0 < len(rows) < sum(COUNTS)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no lock that lets others read")
def test_two_runs_do_not_write_one_file_of_lines(estimator, tmp_path):
    lines = (tmp_path / "people.jsonl").open("wb")
    with lines:
        assert try_lock(lines)
        with pytest.raises(OpenPoseLabError, match=r"^another run is writing .*people.jsonl; wait until"):
            run_of(tmp_path).run(estimator)
    run_of(tmp_path).run(estimator)


def test_without_a_frame_old_tables_stay(estimator, tmp_path):
    (tmp_path / "people.csv").write_text("of an earlier run")
    with pytest.raises(OpenPoseLabError, match="cut off"):
        run_of(tmp_path, lambda: clip([], OpenPoseLabError("cut off"))).run(estimator)
    assert (tmp_path / "people.csv").read_text() == "of an earlier run"

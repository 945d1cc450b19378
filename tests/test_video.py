"""The program for videos with a real network: times, sound and memory of a long clip; killed and stopped on its way.

The clip has 20 seconds. ``LONG_VIDEO=1`` makes it ten minutes.
"""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest

from openpose_lab.commands.program import DEBUG
from tests.conftest import ROOT
from tests.support.extras import needs
from tests.support.video_files import make_clip, sound_of, timestamps

pytestmark = [pytest.mark.slow, needs("av")]

SECONDS = 600 if os.environ.get("LONG_VIDEO") else 20
RATE = 25
COUNT = RATE * SECONDS
SIZE = (320, 240)
OUTPUTS = ["--output", "seen.mp4", "--jsonl", "people.jsonl", "--csv", "people.csv"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Skiers before a camera that moves from side to side, with a tone."""
    photo = cv2.imread(str(ROOT / "images" / "skiers.jpg"))
    photo = cv2.resize(photo, (480, 270), interpolation=cv2.INTER_AREA)

    def draw(number):
        left = abs(number * 2 % 320 - 160)
        return photo[30:, left : left + SIZE[0]]

    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    return make_clip(path, [3600 * number for number in range(COUNT)], SIZE, sound="aac", draw=draw)


def start(clip, folder, *options):
    environment = {**os.environ, "PYTHONUTF8": "1"}
    environment.pop(DEBUG, None)
    return subprocess.Popen(
        [sys.executable, str(ROOT / "demo_video.py"), str(clip), "--quality", "fast", *OUTPUTS, *options],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip


def lines(folder):
    """The lines that are whole."""
    path = folder / "people.jsonl"
    return path.read_bytes().split(b"\n")[:-1] if path.exists() else []


def wait_for(process, folder, count):
    """Wait until so many frames are done."""
    until = time.monotonic() + 120 + SECONDS
    while len(lines(folder)) < count:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < until
        time.sleep(0.05)


def resident(process):
    """Bytes in memory."""
    return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_a_clip(clip, tmp_path):
    with start(clip, tmp_path) as process:
        if sys.platform == "linux":
            wait_for(process, tmp_path, COUNT // 4)
            before = resident(process)
            wait_for(process, tmp_path, COUNT - 20)
            after = resident(process)
            assert after < 1.08 * before, (before >> 20, after >> 20)
        out, err = process.communicate(timeout=120 + SECONDS)
    assert (process.returncode, err) == (0, "")
    assert out.startswith(f"frames       {COUNT} ")
    assert timestamps(tmp_path / "seen.mp4") == timestamps(clip)
    source, copy = sound_of(clip), sound_of(tmp_path / "seen.mp4")
    assert copy[:2] == source[:2]
    assert (copy[2] == source[2]).all()
    records = [json.loads(line) for line in lines(tmp_path)]
    assert [record["index"] for record in records] == list(range(COUNT))
    assert [record["timestamp"] for record in records] == list(map(float, timestamps(clip)))
    followed = [{person["person_id"] for person in record["people"]} - {-1} for record in records]
    assert sum(map(bool, followed)) > 0.9 * COUNT


def test_after_a_kill_lines_and_video_are_whole_up_to_a_frame(clip, tmp_path):
    with start(clip, tmp_path) as process:
        wait_for(process, tmp_path, COUNT // 2)
        process.kill()
    done = lines(tmp_path)
    assert COUNT // 2 <= len(done) < COUNT
    assert [json.loads(line)["index"] for line in done] == list(range(len(done)))
    assert not (tmp_path / "seen.mp4").exists()
    seen = timestamps(tmp_path / "seen.part.mp4")
    assert len(done) - 4 * RATE <= len(seen) <= len(done) + 1
    assert seen == timestamps(clip)[: len(seen)]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals like these")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_completes_its_outputs(clip, tmp_path, number):
    with start(clip, tmp_path) as process:
        wait_for(process, tmp_path, RATE)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (128 + number, "demo_video.py: stopped\n")
    done = len(lines(tmp_path))
    assert RATE <= done < COUNT
    assert out.startswith(f"frames       {done} ")
    assert timestamps(tmp_path / "seen.mp4") == timestamps(clip)[:done]
    with (tmp_path / "people.csv").open(newline="") as file:
        assert {int(row["index"]) for row in csv.DictReader(file)} <= set(range(done))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["people.csv", "people.jsonl", "seen.mp4"]

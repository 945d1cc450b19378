"""The lab's program on a folder as people have them: odd names, sub-folders, bad photos; killed and gone on with.

A real network in processes of their own. tests/openpose_lab/commands/test_image_stopped.py has chosen moments.
"""

import csv
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from openpose_lab.commands.program import DEBUG
from openpose_lab.extras import is_installed
from tests.conftest import ROOT
from tests.support.photo_files import encode, png

pytestmark = pytest.mark.slow

COUNT = 120
TABLES = ["csv", "coco", *(["parquet"] if is_installed("pyarrow") else [])]
ODD_NAMES = ["a b", "Füße", "l'été", "say “hi”", "👩\u200d👩\u200d👧", "人", "x;y & z", "$HOME `id`"] + (
    ['"quoted"', "a?*:|<>", "back\\slash", "new\nline"] if os.name != "nt" else []
)


def write_good(folder):
    """Copies of the project's photos, of many sizes and types, in sub-folders."""
    photos = [cv2.imread(str(ROOT / "images" / name)) for name in ("skiers.jpg", "people.jpg")]
    for number in range(COUNT):
        place = folder / ODD_NAMES[number % 7] / (f"sub {number % 3}" if number % 2 else "")
        place.mkdir(parents=True, exist_ok=True)
        photo, height = photos[number % 2], 120 + number % 60
        size = round(photo.shape[1] * height / photo.shape[0]), height
        ending = (".jpg", ".png", ".webp", ".JPG", ".bmp")[number % 5]
        data = encode(ending.lower(), cv2.resize(photo, size, interpolation=cv2.INTER_AREA))
        (place / f"{ODD_NAMES[number % len(ODD_NAMES)]} {number // 2}{ending}").write_bytes(data)
    (folder / "16 bits.png").write_bytes(encode(".png", photos[0].astype(np.uint16) * 257))
    (folder / "grey.jpg").write_bytes(encode(".jpg", cv2.cvtColor(photos[0], cv2.COLOR_BGR2GRAY)))


def write_bad(folder):
    """Twenty files and the like that are called photos; as root, one of them is one."""
    folder.mkdir()
    photo = cv2.imread(str(ROOT / "images" / "skiers.jpg"))
    jpg, whole_png = encode(".jpg", photo), encode(".png", photo)
    contents = {
        "half.jpg": jpg[: len(jpg) // 2],
        "half.png": whole_png[: len(whole_png) // 2],
        "header.jpg": jpg[:200],
        "mark.png": whole_png[:8],
        "empty.jpg": b"",
        "one byte.webp": b"R",
        "zeros.jpg": bytes(10_000),
        "noise.png": np.random.default_rng(0).bytes(5000),
        "text.jpg": b"Dear Sir or Madam",
        "page.jpg": b"<!DOCTYPE html><html>Not Found</html>",
        "document.jpg": b"%PDF-1.7\n",
        "bomb.png": png(60_000, 60_000),
        "larger bomb.png": png(2**31 - 1, 2**31 - 1),
        "no pixels.bmp": b"BM" + bytes(60),
        "no frames.gif": b"GIF89a" + struct.pack("<HHBBB", 640, 480, 0, 0, 0) + b";",
        "1x1.png": encode(".png", np.zeros((1, 1, 3), np.uint8)),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    if os.name != "nt":
        (folder / "in a circle.jpg").symlink_to("in a circle.jpg")
        (folder / "nowhere.jpg").symlink_to("nowhere")
        os.mkfifo(folder / "pipe.jpg")
        (folder / "secret.jpg").write_bytes(jpg)
        (folder / "secret.jpg").chmod(0)
    (folder / "folder.jpg").mkdir()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    write_good(folder / "photos")
    write_bad(folder / "photos" / "bad")
    return folder


def start(place, name, *options):
    tables = [part for one in TABLES for part in (f"--{one}", f"{name}.{one}")]
    arguments = ["photos", "--recursive", "--quality", "fast", "--output", name, "--json", name, *tables, *options]
    environment = {**os.environ, "PYTHONUTF8": "1"}
    environment.pop(DEBUG, None)
    return subprocess.Popen(
        [sys.executable, str(ROOT / "demo_image.py"), *arguments],
        cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip


def finish(process):
    with process:
        out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def done(place, name):
    """The names in a journal; a line that is cut does not count."""
    journal = place / name / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)[1:] if journal.exists() else []
    return [json.loads(line.partition(b"\t")[2])["name"] for line in lines if line.endswith(b"\n")]


def files(place, name):
    return {path.relative_to(place / name).as_posix(): path for path in (place / name).rglob("*") if path.is_file()}


def is_whole(path):
    data = path.read_bytes()
    return data.endswith(b"\xff\xd9") if path.suffix == ".jpg" else bool(json.loads(data))


def failures(out):
    return [line for line in out.splitlines() if line.startswith("  ")]


def test_a_folder_as_people_have_them(place):
    # Nothing stops the first run.
    status, out, err = finish(start(place, "whole"))
    readable = os.name != "nt" and os.access(place / "photos" / "bad" / "secret.jpg", os.R_OK)
    bad = (16 if os.name == "nt" else 20) - readable
    good = COUNT + 2 + readable
    assert status == 1
    assert out.splitlines()[0] == f"photos       {good} of {good + bad} done"
    assert f"\nfailed       {bad}\n" in out
    sentence = f"demo_image.py: {bad} of {good + bad} photos failed, see the list above; "
    assert err.endswith(f"{sentence}repair or remove them, and run again with --resume\n")
    told = failures(out)
    assert len(told) == bad
    for line in told:
        assert re.match(r'  "?photos.bad.[^:]+: .{20,300}$', line), line
    whole = files(place, "whole")
    assert len(whole) == 2 * good + 1
    assert all(is_whole(path) for name, path in whole.items() if name != "journal.jsonl")
    names = done(place, "whole")
    assert len(names) == len(set(names)) == good
    with (place / "whole.csv").open(encoding="utf-8", newline="") as file:
        assert {row["photo"] for row in csv.DictReader(file)} <= set(names)

    # The second is killed again and again.
    for share in (0, 0.2, 0.5, 0.8):
        before = len(done(place, "cut"))
        with start(place, "cut", "--resume") as process:
            until = time.monotonic() + 120
            while len(done(place, "cut")) < max(share * good, before + 1) and process.poll() is None:
                assert time.monotonic() < until
                time.sleep(0.005)
            process.kill()
            process.communicate()
        assert process.returncode == (1 if os.name == "nt" else -signal.SIGKILL)
        assert before < len(done(place, "cut")) < good
        for name, path in files(place, "cut").items():
            assert name == "journal.jsonl" or Path(name).name.startswith(".openpose-lab-") or is_whole(path), name
    before = len(done(place, "cut"))
    status, out, _ = finish(start(place, "cut", "--resume"))
    assert (status, failures(out)) == (1, told)
    assert out.splitlines()[0] == f"photos       {good} of {good + bad} done, {before} of them in an earlier run"

    # Both came to the same.
    cut = files(place, "cut")
    assert cut.keys() == whole.keys()
    assert all(cut[name].read_bytes() == path.read_bytes() for name, path in whole.items() if name != "journal.jsonl")
    for one in TABLES:
        assert (place / f"cut.{one}").read_bytes() == (place / f"whole.{one}").read_bytes()
    assert sorted(done(place, "cut")) == sorted(names)
    assert not list(place.rglob(".openpose-lab-*"))

    # With the bad ones out of the way, nothing is left to do, and nothing fails.
    for path in (place / "photos" / "bad").iterdir():
        if path.name != "secret.jpg" and not path.is_dir():
            path.unlink()
    if not readable and os.name != "nt":
        (place / "photos" / "bad" / "secret.jpg").unlink()
    status, out, err = finish(start(place, "cut", "--resume"))
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == f"photos       {good} of {good} done, {good} of them in an earlier run"

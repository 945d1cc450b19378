"""The program as a person meets it: what it says, what it writes, and how it fails."""

import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from openpose_lab.commands import image
from tests.conftest import ROOT
from tests.support.extras import needs

PHOTO = ROOT / "images" / "skiers.jpg"
PROCESS_STATUS = Path("/proc/self/status")


@pytest.fixture
def demo(monkeypatch, call_program, tmp_path):
    """Run the program in an empty folder: exit status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    return partial(call_program, "demo_image.py", image.main)


def bad_files(folder):
    photo = PHOTO.read_bytes()
    (folder / "text.jpg").write_text("Dear Sir or Madam")
    (folder / "short.jpg").write_bytes(photo[: len(photo) // 2])
    (folder / "empty.jpg").touch()
    (folder / "folder").mkdir()
    cv2.imwrite(str(folder / "one.png"), np.zeros((1, 1, 3), np.uint8))
    (folder / "syntax.py").write_text("def merge(subset)\n")
    (folder / "no_merge.py").write_text("def regroup(subset):\n    return subset\n")
    (folder / "mine.py").write_text("def merge(subset):\n    return subset\n")
    (folder / "weights.npz").write_text("not weights")
    (folder / "photo.jpg").write_bytes(photo)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["none.jpg"], "there is no photo or folder none.jpg"),
        (["text.jpg"], "text.jpg is not a photo, or is cut short"),
        (["short.jpg"], "short.jpg is not a photo, or is cut short"),
        (["empty.jpg"], "the photo empty.jpg is empty"),
        (["folder"], "the folder folder is empty; give a folder with photos"),
        (["one.png"], "the photo is 1x1 pixels, too small"),
        ([PHOTO, "--height", "0"], "the height must be from 32 to 2048 pixels but is 0"),
        ([PHOTO, "--output", "none/output.png"], "there is no folder none; make it first"),
        ([PHOTO, "--output", "output.xyz"], "its name must end in one of"),
        ([PHOTO, "--json", "none/people.json"], "there is no folder none; make it first"),
        ([PHOTO, "--json", "a.png", "--output", "a.png"], "two outputs cannot both be a.png"),
        (["photo.jpg", "--output", "photo.jpg"], "photo.jpg is also the photo, and would be overwritten"),
        (
            [PHOTO, "--grouping", "mine.py", "--json", "mine.py"],
            "mine.py is also the grouping file, and would be",
        ),
        (
            [PHOTO, "--network", "vgg19", "--weights", "weights.npz", "--json", "weights.npz"],
            "weights.npz is also the weights file, and",
        ),
        (["x" * 300], "there is no photo or folder xxxx"),
        ([PHOTO, "--network", "resnet"], "there is no network 'resnet'"),
        ([PHOTO, "--weights", "none.npz"], "there is no weights file none.npz"),
        ([PHOTO, "--weights", "folder"], "folder is a folder; give the path of one weights file"),
        ([PHOTO, "--grouping", "none.py"], "there is no grouping none.py"),
        ([PHOTO, "--grouping", "syntax.py"], "syntax.py cannot be loaded: line 1: SyntaxError"),
    ],
)
def test_whatever_is_wrong_is_one_sentence(demo, tmp_path, arguments, sentence):
    bad_files(tmp_path)
    status, out, err = demo(*arguments)
    assert status == 1
    assert out == ""
    assert err.startswith("demo_image.py: ")
    assert sentence in err
    assert err.count("\n") == 1
    assert not (tmp_path / "output.png").exists()
    assert (tmp_path / "photo.jpg").read_bytes() == PHOTO.read_bytes()


def test_help_has_examples():
    done = subprocess.run(
        [sys.executable, "demo_image.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "python demo_image.py photo.jpg --json people.json" in done.stdout
    assert done.stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("raise ValueError('no idea')", "failed: line 2: ValueError: no idea"),
        ("return None", "is None; is a return missing?; run python -m openpose_lab explain to see where"),
        ("return subset[:, :5]", "the answer must have shape (people, 20)"),
        ("import os; os._exit(0)", "failed: it ended its own process with status 0 instead of an answer"),
        ("raise KeyboardInterrupt", "failed: line 2: KeyboardInterrupt"),
        ("raise ValueError('\\x1b[2J')", "failed: line 2: ValueError: \\x1b[2J"),
    ],
)
def test_a_grouping_that_goes_wrong_is_one_sentence(demo, tmp_path, body, sentence):
    (tmp_path / "mine.py").write_text(f"def merge(subset):\n    {body}\n")
    status, _, err = demo(PHOTO, "--grouping", "mine.py")
    assert status == 1
    assert sentence in err
    assert err.count("\n") == 1
    assert not (tmp_path / "output.png").exists()


@pytest.mark.slow
def test_a_file_without_a_grouping_is_one_sentence(demo, tmp_path):
    bad_files(tmp_path)
    status, _, err = demo(PHOTO, "--grouping", "no_merge.py")
    assert (status, err.count("\n")) == (1, 1)
    assert "no_merge.py has neither a function merge nor a function group" in err


@pytest.mark.slow
def test_weights_that_are_none_are_one_sentence(demo, tmp_path):
    bad_files(tmp_path)
    status, _, err = demo(PHOTO, "--weights", "weights.npz")
    assert status == 1
    assert "weights.npz has no supported form" in err
    assert err.count("\n") == 1


@pytest.mark.slow
def test_the_sample_photo(demo, tmp_path):
    status, out, err = demo("--json", "people.json")
    assert (status, err) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in out.splitlines() if not line.startswith("wrote"))
    assert lines["people"] == "5"
    assert list(lines)[3:] == ["network", "coordinates", "connections", "grouping"]
    picture = cv2.imread(str(tmp_path / "output.png"))
    sample = cv2.imread(str(PHOTO))
    assert picture.shape == sample.shape
    assert 0.001 < (np.abs(picture.astype(int) - sample).max(axis=2) > 30).mean() < 0.1
    people = json.loads((tmp_path / "people.json").read_text())["people"]
    assert len(people) == 5
    # Noses as COCO's annotators marked them, in pixels.
    noses = sorted(person["pose_keypoints_2d"][:2] for person in people)
    np.testing.assert_allclose(noses, [[192, 102], [242, 123], [256, 75], [305, 104], [420, 101]], atol=5)


@pytest.mark.slow
@needs("pyarrow")
def test_every_format_of_the_sample_photo(demo, tmp_path):
    files = ["--csv", "people.csv", "--coco", "results.json", "--parquet", "people.parquet", "--json", "people.json"]
    status, out, err = demo("--no-draw", *files, "--keypoint-scale", "0..1")
    assert (status, err) == (0, "")
    assert out.count("\nwrote ") == 4
    header, *rows = (tmp_path / "people.csv").read_text().splitlines()
    assert header.startswith("photo,index,timestamp_s,width_px,height_px,person,person_id,score,filled,nose_x_0_to_1,")
    assert [row.split(",")[:6] for row in rows] == [["skiers.jpg", "0", "", "640", "360", str(n)] for n in range(5)]
    results = json.loads((tmp_path / "results.json").read_text())
    assert [(one["image_id"], one["file_name"]) for one in results] == 5 * [(1, "skiers.jpg")]
    people = json.loads((tmp_path / "people.json").read_text())
    assert (people["canvas_width"], people["canvas_height"]) == (640, 360)
    places = [person["pose_keypoints_2d"][:2] for person in people["people"]]
    assert places == [[float(cell) for cell in row.split(",")[9:11]] for row in rows]
    np.testing.assert_allclose(np.array(places) * (639, 359), [one["keypoints"][:2] for one in results], atol=1e-4)


def test_a_missing_library_is_told_before_the_work(demo, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    status, out, err = demo(PHOTO, "--parquet", "people.parquet")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("demo_image.py: --parquet needs pyarrow, which is not installed; run `pip install")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_no_draw_writes_no_picture(demo, tmp_path):
    status, _, _ = demo(PHOTO, "--no-draw", "--json", "people.json")
    assert status == 0
    assert [file.name for file in tmp_path.iterdir()] == ["people.json"]


@pytest.mark.slow
def test_a_student_s_file_takes_the_place_of_merge(demo, tmp_path):
    (tmp_path / "nobody.py").write_text("def merge(subset):\n    return subset[:0]\n")
    status, out, _ = demo(PHOTO, "--grouping", "nobody.py")
    assert status == 0
    assert "people       0" in out
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "output.png")), cv2.imread(str(PHOTO)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["grey", "transparent", "16-bit", "large"])
def test_unusual_photos_work(demo, tmp_path, kind):
    photo = cv2.imread(str(PHOTO))
    if kind == "grey":
        photo = cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)
    elif kind == "transparent":
        photo = cv2.cvtColor(photo, cv2.COLOR_BGR2BGRA)
    elif kind == "16-bit":
        photo = photo.astype(np.uint16) * 257
    else:
        photo = cv2.resize(photo, (6000, 4000))
    name = "photo.jpg" if kind == "large" else "photo.png"
    cv2.imwrite(name, photo)
    status, out, err = demo(name, "--output", "output.jpg")
    assert (status, err) == (0, "")
    assert "people       5" in out


@pytest.mark.slow
@pytest.mark.skipif(not PROCESS_STATUS.is_file(), reason="peak memory of one process is only known on Linux")
def test_a_large_photo_fits_in_two_gigabytes(tmp_path):
    cv2.imwrite(str(tmp_path / "large.png"), cv2.resize(cv2.imread(str(PHOTO)), (6000, 4000)))
    script = f"import sys, demo_image; demo_image.main(sys.argv[1:]); print(open('{PROCESS_STATUS}').read())"
    arguments = [str(tmp_path / "large.png"), "--output", str(tmp_path / "output.jpg")]
    done = subprocess.run([sys.executable, "-c", script, *arguments], cwd=ROOT, capture_output=True, text=True)
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", done.stdout)
    assert 2e8 < int(peak) * 1024 < 2e9

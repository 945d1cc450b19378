"""Test frames: their order and rotation, and photos that cannot be read."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.sources import frames
from tests.conftest import ROOT
from tests.support.photo_files import encode_turned

PIXELS = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 10


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Create two photos, and between them a file that is not a photo."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p").mkdir()
    for name, pixels in (("1.png", PIXELS), ("10.png", 255 - PIXELS)):
        (tmp_path / "p" / name).write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    (tmp_path / "p" / "2 bad.jpg").write_text("Dear Sir or Madam")
    return tmp_path / "p"


def test_frames_of_a_folder(photos):
    failed = []
    found = list(frames("p", on_error=lambda name, error: failed.append((name, str(error)))))
    assert [(frame.index, frame.timestamp, frame.name.replace("\\", "/")) for frame in found] == [
        (0, None, "p/1.png"),
        (2, None, "p/10.png"),
    ]
    np.testing.assert_array_equal(found[0].pixels, PIXELS)
    np.testing.assert_array_equal(found[1].pixels, 255 - PIXELS)
    ((name, sentence),) = failed
    assert name.replace("\\", "/") == "p/2 bad.jpg"
    assert "2 bad.jpg is not a photo, or is cut short or damaged" in sentence


def test_without_on_error_a_bad_photo_is_raised_when_it_is_its_turn(photos):
    found = frames(photos)
    assert next(found).index == 0
    with pytest.raises(OpenPoseLabError, match=r"2 bad\.jpg is not a photo"):
        next(found)


def test_a_photo_and_several(photos):
    assert [frame.name for frame in frames(photos / "1.png")] == [str(photos / "1.png")]
    assert [frame.index for frame in frames((photos / "10.png", "p/?.png"))] == [0, 1]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("arguments", "options", "sentence"),
    [
        (["none"], {}, "there is no photo or folder none; check the path"),
        ([[]], {}, "no source of photos is given; give a photo, a folder or a glob"),
        (["p"], {"rotate": 45}, "rotate must be 0, 90, 180 or 270 degrees clockwise but is 45"),
        (["p"], {"rotate": "90"}, "rotate must be 0, 90, 180 or 270 degrees clockwise but is '90'"),
    ],
)
def test_mistakes_are_told_at_the_call(photos, arguments, options, sentence):
    with pytest.raises(OpenPoseLabError) as caught:
        frames(*arguments, **options)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(("degrees", "turns"), [(0, 0), (90, -1), (180, 2), (270, 1)])
def test_rotation_is_clockwise(photos, degrees, turns):
    (frame,) = frames("p/1.png", rotate=degrees)
    np.testing.assert_array_equal(frame.pixels, np.rot90(PIXELS, turns))


def test_rotation_comes_after_the_exif(photos):
    (photos / "turned.png").write_bytes(encode_turned(".png", PIXELS, 6))
    (upright,) = frames("p/turned.png")
    assert upright.pixels.shape == (3, 2, 3)
    (frame,) = frames("p/turned.png", rotate=90)
    np.testing.assert_array_equal(frame.pixels, np.rot90(upright.pixels, -1))


def test_a_frame_is_equal_to_itself_alone(photos):
    first, second = next(frames("p/1.png")), next(frames("p/1.png"))
    assert first == first
    assert first != second


def test_listing_loads_no_library(photos):
    script = """
import sys
from openpose_lab.sources import frames
frames(sys.argv[1])
found = {"numpy", "cv2", "PIL", "pillow_heif"} & set(sys.modules)
sys.exit(f"loaded: {found}" if found else 0)
"""
    done = subprocess.run([sys.executable, "-c", script, photos], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_photo_is_piped_in(photos):
    script = "from openpose_lab.sources import frames; print([(f.name, f.pixels.sum()) for f in frames('-')])"
    with open(photos / "1.png", "rb") as file:
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, stdin=file, capture_output=True, text=True)
    assert "standard input" in done.stdout, done.stderr
    assert str(PIXELS.sum()) in done.stdout

import cv2
import pytest

from scripts import draw_sample
from tests.openpose_lab.conftest import PerfectNetwork


@pytest.fixture
def program(call_program, monkeypatch):
    monkeypatch.setattr(draw_sample, "load_network", lambda *_: PerfectNetwork())
    return lambda *options: call_program("draw_sample", draw_sample.main, *options)


def test_the_picture_is_the_sample_enlarged_and_drawn_on(program, tmp_path):
    out = tmp_path / "picture.jpg"
    status, text, err = program("--out", out, "--height", "480")
    assert (status, err) == (0, "")
    assert ": 2 people" in text
    picture, shown = cv2.imread(str(out)), cv2.imread(str(draw_sample.PICTURE))
    sample = cv2.imread(str(draw_sample.sample_photo()))
    assert picture.shape == shown.shape == (2 * sample.shape[0], 2 * sample.shape[1], 3)
    changed = cv2.absdiff(cv2.resize(sample, picture.shape[1::-1], interpolation=cv2.INTER_CUBIC), picture).max(axis=2)
    assert 0.005 < (changed > 60).mean() < 0.1


def test_the_picture_of_the_readme_loads_quickly():
    assert draw_sample.PICTURE.stat().st_size < 300_000


def test_without_the_folder_one_sentence(program, tmp_path):
    status, _, err = program("--out", tmp_path / "none" / "picture.jpg")
    assert status == 1
    assert "there is no folder" in err

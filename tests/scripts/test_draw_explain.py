import cv2
import pytest

from scripts import draw_explain
from tests.support.browser import needs_browser


@pytest.mark.slow
@needs_browser
def test_the_pictures_show_the_page_with_and_without_the_stages(call_program, tmp_path):
    status, out, _ = call_program("draw_explain", draw_explain.main, "--out", tmp_path)
    assert (status, out.count("wrote")) == (0, 3)
    for name, (_, width, height) in draw_explain.PICTURES.items():
        shape = cv2.imread(str(tmp_path / name)).shape
        assert shape == cv2.imread(str(draw_explain.FOLDER / name)).shape == (height, width, 3)
    plain, stages = (cv2.imread(str(tmp_path / name))[300:700] for name in draw_explain.PICTURES)
    assert cv2.absdiff(plain, stages).mean() > 20


def test_without_a_browser_one_sentence_says_so(call_program, monkeypatch, tmp_path):
    monkeypatch.setattr(draw_explain.shutil, "which", lambda name: None)
    status, _, err = call_program("draw_explain", draw_explain.main, "--out", tmp_path)
    assert (status, err.count("\n")) == (1, 1)
    assert "no browser" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", draw_explain.PICTURES)
def test_the_pictures_of_the_page_load_quickly(name):
    assert (draw_explain.FOLDER / name).stat().st_size < 400_000

import cv2
import numpy as np
import pytest

from scripts import draw_training


def colourful(tiles):
    """Return the pixels under a PAF or a mask. They are coloured, and photos and snow are nearly grey."""
    return np.ptp(tiles.astype(int), axis=-1) > 100


@pytest.mark.slow
def test_the_picture_shows_targets_and_answers_that_are_alike(call_program, tmp_path):
    out = tmp_path / "picture.png"
    assert call_program("draw_training", draw_training.main, "--out", out) == (0, f"wrote {out}\n", "")
    picture, committed = cv2.imread(str(out)), cv2.imread(str(draw_training.PICTURE))
    assert picture.shape == committed.shape == (22 + 3 * 280, 5 * 280, 3)
    tiles = picture[22:].reshape(3, 280, 5, 280, 3).transpose(0, 2, 1, 3, 4)
    targets, answers = colourful(tiles[:, 3]), colourful(tiles[:, 4])
    same = (targets & answers).sum() / (targets | answers).sum()
    others = (targets & np.roll(answers, 1, axis=0)).sum() / (targets | np.roll(answers, 1, axis=0)).sum()
    assert same > 0.4 > 0.3 > others


def test_the_picture_of_the_page_loads_quickly():
    assert draw_training.PICTURE.stat().st_size < 600_000


def test_a_picture_of_an_unknown_format_is_one_sentence(call_program, tmp_path):
    status, _, err = call_program("draw_training", draw_training.main, "--out", tmp_path / "picture.xyz")
    assert status == 1
    assert "picture.xyz" in err

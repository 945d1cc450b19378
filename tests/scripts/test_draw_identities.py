import cv2
import numpy as np

from scripts import draw_identities


def test_the_picture(call_program, tmp_path):
    status, out, _ = call_program("draw_identities", draw_identities.main, "--out", tmp_path / "identities.png")
    assert (status, "identities.png" in out) == (0, True)
    drawn, shown = (cv2.imread(str(path)) for path in (tmp_path / "identities.png", draw_identities.FILE))
    assert drawn.shape == shown.shape
    assert np.abs(drawn.astype(int) - shown).mean() < 2  # fonts and edges differ between versions


def test_without_the_folder_one_sentence(call_program, tmp_path):
    status, _, err = call_program("draw_identities", draw_identities.main, "--out", tmp_path / "none" / "strip.png")
    assert status == 1
    assert "there is no folder" in err

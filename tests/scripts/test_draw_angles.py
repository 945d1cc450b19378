import cv2
import numpy as np
import pytest

from estimation.angles import joint_angles
from scripts import draw_angles
from scripts.draw_angles import LAYOUT, POSE, STANDING, person
from tests.support.extras import needs


@pytest.mark.parametrize("angles", [STANDING, POSE], ids=["standing", "bent"])
def test_the_people_of_the_picture_have_the_angles_that_it_says(angles):
    names, (degrees,) = joint_angles(LAYOUT, person(angles)[None])
    expected = [angles[name.removeprefix("left_").removeprefix("right_")] for name in names]
    np.testing.assert_allclose(degrees, expected, atol=1e-9)


@needs("matplotlib")
def test_the_picture(call_program, tmp_path):
    status, out, _ = call_program("draw_angles", draw_angles.main, "--out", tmp_path / "angles.png")
    assert (status, "angles.png" in out) == (0, True)
    drawn, shown = cv2.imread(str(tmp_path / "angles.png")), cv2.imread(str(draw_angles.PICTURE))
    assert abs(drawn.shape[1] - shown.shape[1]) < 30 < drawn.shape[0] < drawn.shape[1]
    assert 0.05 < (drawn < 200).any(axis=2).mean() < 0.5


def test_without_the_folder_one_sentence(call_program, tmp_path):
    status, _, err = call_program("draw_angles", draw_angles.main, "--out", tmp_path / "none" / "angles.png")
    assert status == 1
    assert "there is no folder" in err

import cv2
import numpy as np
import pytest

from estimation.quality import QUALITIES, Views
from scripts.draw_quality import TABLE, Measured, best_of, decode_table, encode_table, input_pixels, main
from tests.support.extras import needs

FOUND = [
    Measured("height 368", "fast", 1.0, 0.475, 20.0),
    Measured("height 400", "", 1.2, 0.47, 25.0),
    Measured("height 480 times 0.5, 1", "balanced", 2.1, 0.53, 41.5),
]


def test_the_cost_is_that_of_the_input_pixels():
    sizes = [(640, 480), (480, 640)]
    assert input_pixels(Views(480), sizes) == 640 * 480 + 360 * 480
    assert input_pixels(Views(480, (0.5, 1.0)), sizes) == 640 * 480 + 360 * 480 + 320 * 240 + 180 * 240
    assert input_pixels(Views(480, flip=True), sizes) == 2 * (640 * 480 + 360 * 480)


def test_the_best_are_those_that_no_other_beats():
    assert best_of(FOUND) == [FOUND[0], FOUND[2]]


def test_a_table_comes_back(tmp_path):
    (tmp_path / "table.csv").write_bytes(encode_table(FOUND))
    assert decode_table(tmp_path / "table.csv") == FOUND


@needs("matplotlib")
def test_the_picture_is_drawn_of_the_table(call_program, tmp_path):
    table, out = tmp_path / "table.csv", tmp_path / "quality.png"
    table.write_bytes(encode_table(FOUND))
    status, _, err = call_program("draw_quality", main, "--table", table, "--out", out)
    assert (status, err) == (0, "")
    assert np.ptp(cv2.imread(str(out))) == 255


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"views,quality,cost,precision,milliseconds\na,,x,1,1\n"])
def test_another_table_is_one_sentence(call_program, tmp_path, content):
    (tmp_path / "table.csv").write_bytes(content)
    options = ("--table", tmp_path / "table.csv", "--out", tmp_path / "quality.png")
    status, _, err = call_program("draw_quality", main, *options)
    assert status == 1
    assert "is not one of this program" in err
    assert err.count("\n") == 1


def test_the_presets_of_the_docs_are_those_of_the_program():
    shown = {one.quality: one.views for one in decode_table(TABLE) if one.quality}
    assert shown == {name: views.title for name, views in QUALITIES.items()}, "measure again with --images"

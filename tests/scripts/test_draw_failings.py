import cv2
import pytest

from estimation.grouping import GROUPINGS
from estimation.subset import MISSING, ids_of
from scripts import draw_failings
from scripts.draw_failings import FAILINGS, people_by, truth
from tests.support.extras import needs


def as_sets(rows):
    return {frozenset(row[row != MISSING].tolist()) for row in ids_of(rows)}


@pytest.mark.parametrize("failing", FAILINGS, ids=lambda failing: failing.name)
def test_those_fail_who_are_said_to_and_no_others(failing):
    right = as_sets(truth(failing))
    assert tuple(name for name in GROUPINGS if as_sets(people_by(name, failing)) != right) == failing.fail


def test_every_grouping_fails_somewhere():
    assert {name for failing in FAILINGS for name in failing.fail} == set(GROUPINGS)


@needs("matplotlib")
@pytest.mark.parametrize("number", [1, pytest.param(len(FAILINGS), marks=pytest.mark.slow)], ids=["one", "all"])
def test_the_pictures(call_program, tmp_path, monkeypatch, number):
    monkeypatch.setattr(draw_failings, "FAILINGS", FAILINGS[:number])
    status, out, _ = call_program("draw_failings", draw_failings.main, "--out", tmp_path)
    assert (status, out.count(".png")) == (0, number + 1)
    for path in tmp_path.iterdir():
        height, width = cv2.imread(str(path)).shape[:2]
        assert width == 900 > height
        assert (draw_failings.FOLDER / path.name).is_file()  # docs/grouping.md shows this picture


def test_without_the_folder_one_sentence(call_program, tmp_path):
    status, _, err = call_program("draw_failings", draw_failings.main, "--out", tmp_path / "none")
    assert status == 1
    assert "there is no folder" in err

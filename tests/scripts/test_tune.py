from functools import partial

import pytest

from scripts import tune
from tests.openpose_lab.conftest import ANNOTATIONS
from tests.support.extras import needs


def test_each_threshold_goes_to_its_best_value_until_nothing_changes():
    def measure(settings):
        return 1 - abs(settings["a"] - 3) - abs(settings["b"] - settings["a"])  # the best b follows a

    rows = list(tune.search(measure, {"a": 1, "b": 1}, {"b": (1, 2, 3), "a": (1, 2, 3, 4)}, gain=0.5))
    assert [(row.name, row.settings) for row in rows[:2]] == [("b", {"a": 1, "b": 1}), ("a", {"a": 1, "b": 1})]
    assert rows[0].trials == {1: -1, 2: -2, 3: -3}
    assert len(rows) == 2  # no change of a single value gains


def test_a_gain_below_the_least_is_no_gain():
    steps = {"a": (0, 1, 2)}
    small, large = (list(tune.search(lambda s: s["a"] / 10, {"a": 0}, steps, gain)) for gain in (0.3, 0.2))
    assert [row.settings for row in small] == [{"a": 0}]
    assert [row.settings for row in large] == [{"a": 2}, {"a": 2}]  # the last round changes nothing


@pytest.fixture
def program(annotations, on_ideal_maps, call_program):
    """Run the program on one photo with ideal maps."""
    arguments = [*on_ideal_maps, "--annotations", annotations(ANNOTATIONS), "--height", 480]
    return partial(call_program, "tune", tune.main, *arguments)


@needs("pycocotools")
def test_thresholds_that_cost_precision_are_found(program, monkeypatch):
    monkeypatch.setattr(tune, "STEPS", {"offset_x": (0, 1), "peak_threshold": (0.05, 0.5), "half_tolerance": (3, 5)})
    status, out, err = program("--set", "peak_threshold=0.92", "--only", "offset_x", "peak_threshold")
    assert status == 0, err
    first, *_, gain, options = out.splitlines()
    assert first.startswith("mobilenet_thin (openvino, f32) at height 480; * marks the chosen value, ")
    assert first.endswith(" which must raise AP by at least 0.001")
    assert "half_tolerance" not in out
    assert gain.startswith("AP 0.")
    assert " -> 1.0000, +" in gain
    assert options == "--set peak_threshold=0.05"


@needs("pycocotools")
def test_an_offset_moves_what_is_found(program, monkeypatch):
    monkeypatch.setattr(tune, "STEPS", {"offset_x": (0, 1)})
    status, out, err = program("--only", "offset_x", "--gain", 0.5)
    assert status == 0, err
    row = out.splitlines()[1].split()
    assert row[0] == "offset_x"
    assert float(row[row.index("0*") + 1]) > float(row[row.index("1") + 1])
    assert out.endswith("no threshold was changed\n")


@needs("pycocotools")
def test_what_goes_wrong_is_one_sentence(program):
    assert program("--gain", 0)[::2] == (1, "tune: --gain must be above 0 but is 0\n")
    status, _, err = program("--only", "offset_x", "--set", "peak_threshold=2")
    assert (status, err.splitlines()[-1]) == (1, "tune: no people were found, so AP is 0; choose other photos")

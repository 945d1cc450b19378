"""What all formats share: names, libraries, units, and the order of people."""

import sys

import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.formats import FORMATS, Format, TableFormat
from openpose_lab.formats.points import best_first, points, scaled_points
from openpose_lab.formats.record import Record
from openpose_lab.formats.units import UNITS
from tests.openpose_lab.formats.conftest import COCO_18, TWO, make_skeletons


def test_json_is_of_one_photo_and_tables_are_of_all():
    kinds = {name: type(FORMATS[name]) for name in ("json", "coco", "csv", "parquet")}
    assert kinds == {"json": Format, "coco": TableFormat, "csv": TableFormat, "parquet": TableFormat}


@pytest.mark.parametrize("kind", [Format, TableFormat])
@pytest.mark.parametrize("name", ["", "Json", "my format", "a_b", "-a", "a-"])
def test_a_name_that_cannot_be_an_option_is_refused(kind, name):
    with pytest.raises(ValueError, match="must be lower-case words joined by hyphens"):
        kind(name, "", lambda *_: b"")


def test_a_missing_library_is_told_before_the_work(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(OpenPoseLabError, match="^--parquet needs pyarrow, which is not installed; run `pip install"):
        FORMATS["parquet"].check()
    for name in ("json", "csv", "coco"):
        FORMATS[name].check()


def test_people_are_ordered_by_score_and_equal_ones_stay():
    skeletons = make_skeletons((1, {0: (1, 1, 1)}), (3, {0: (2, 2, 1)}), (1, {0: (3, 3, 1)}), (3, {0: (4, 4, 1)}))
    ordered = best_first(skeletons)
    assert ordered.keypoints[:, 0, 0].tolist() == [2, 4, 1, 3]
    assert ordered.person_scores.tolist() == [3, 3, 1, 1]
    assert ordered.peak_ids[:, 0].tolist() == [18, 54, 0, 36]
    assert skeletons.person_scores.tolist() == [1, 3, 1, 3]


@pytest.mark.parametrize(
    ("unit", "first", "last"),
    [("pixels", [0, 0], [639, 479]), ("0..1", [0, 0], [1, 1]), ("-1..1", [-1, -1], [1, 1])],
)
def test_scales_reach_from_the_first_pixel_to_the_last(record, unit, first, last):
    found = points(record, unit)
    assert found[0, 0].tolist() == [*first, 0.5]
    assert found[0, 14].tolist() == [*last, 0.25]
    assert np.isnan(found[0, 1]).all()


def test_scales_are_openpose_s(record):
    x, y = 11.5, 9.123456
    assert points(record)[1, 0].tolist() == [11.5, 9.1235, 0.7]
    np.testing.assert_allclose(points(record, "0..1")[1, 0], [x / 639, y / 479, 0.7], atol=5e-9)
    np.testing.assert_allclose(points(record, "-1..1")[1, 0], [2 * x / 639 - 1, 2 * y / 479 - 1, 0.7], atol=5e-9)


def test_no_number_is_minus_zero():
    skeletons = make_skeletons((1, {0: (319.5, 239.5 - 1e-9, 1)}))
    assert not np.signbit(points(Record("", 0, None, 640, 480, skeletons), "-1..1")[0, 0]).any()


def test_a_photo_of_one_pixel_has_a_scale():
    skeletons = make_skeletons((1, {0: (0, 0, 1)}))
    assert points(Record("", 0, None, 1, 1, skeletons), "0..1")[0, 0].tolist() == [0, 0, 1]


@pytest.mark.parametrize("name", ["json", "csv"])
def test_an_unknown_unit_is_refused(record, name):
    with pytest.raises(ValueError, match=r"the unit must be one of pixels, 0\.\.1, -1\.\.1 but is 'cm'"):
        FORMATS[name].encode(record, COCO_18, "cm")


def test_a_scale_needs_the_size_of_the_photo():
    with pytest.raises(ValueError, match=r"keypoints in the unit 0\.\.1 need the size of the photo"):
        scaled_points(TWO, "0..1")


@pytest.mark.parametrize("unit", UNITS)
def test_the_record_is_not_changed(record, unit):
    before = [array.copy() for array in vars(record.skeletons).values()]
    for name in ("json", "coco", "csv"):
        FORMATS[name].encode(record, COCO_18, unit)
    for array, old in zip(vars(record.skeletons).values(), before):
        np.testing.assert_array_equal(array, old)

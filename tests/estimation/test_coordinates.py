from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from estimation.config import COCO_18
from estimation.coordinates import get_coordinates
from estimation.errors import OpenPoseLabWarning
from estimation.synthesis import synthesize_heatmaps
from tests.support.scenes import BODY_25, figure

NOSE = COCO_18.body_parts.index("nose")


def heatmaps_of(nose_map):
    """Return heatmaps in which only one part's map is filled."""
    maps = np.zeros((*np.shape(nose_map), 19), np.float32)
    maps[:, :, NOSE] = nose_map
    return maps


def peaks_of(nose_map):
    """Return the (x, y) of the peaks of one map, rounded to cells."""
    found = get_coordinates(COCO_18, heatmaps_of(nose_map))
    return [tuple(np.round(xy).astype(int).tolist()) for xy in found.xy]


def test_one_peak_with_score_part_and_id():
    nose_map = np.zeros((5, 7), np.float32)
    nose_map[2, 3] = 0.8
    found = get_coordinates(COCO_18, heatmaps_of(nose_map))
    assert found.xy.tolist() == [[3, 2]]
    assert found.part.tolist() == [NOSE]
    np.testing.assert_allclose(found.score, [0.8])
    assert found["nose"] == [(3.0, 2.0, pytest.approx(0.8), 0)]
    assert found["neck"] == []


def test_ids_go_by_part_then_row_then_column():
    maps = np.zeros((9, 9, 19), np.float32)
    maps[1, 5, 3] = maps[7, 1, 0] = maps[1, 7, 0] = maps[1, 1, 0] = 0.5
    found = get_coordinates(COCO_18, maps)
    assert found.part.tolist() == [0, 0, 0, 3]
    assert found.xy.tolist() == [[1, 1], [7, 1], [1, 7], [5, 1]]
    assert [peak[3] for peak in found["right_elbow"]] == [3]


def test_unknown_part_is_named():
    with pytest.raises(KeyError, match="'tail' is not a body part; the body parts are: nose, neck"):
        get_coordinates(COCO_18, np.zeros((3, 3, 19), np.float32))["tail"]


def test_empty_and_constant_maps_have_no_peaks():
    assert len(get_coordinates(COCO_18, np.zeros((5, 5, 19), np.float32))) == 0
    # A constant map is one plateau, and the peak is its centre.
    assert peaks_of(np.full((5, 5), 0.5)) == [(2, 2)]


def test_threshold_is_exclusive():
    nose_map = np.zeros((3, 3), np.float32)
    nose_map[1, 1] = 0.5
    assert len(get_coordinates(COCO_18, heatmaps_of(nose_map), threshold=0.5)) == 0
    assert len(get_coordinates(COCO_18, heatmaps_of(nose_map), threshold=0.49)) == 1


def test_diagonal_neighbour_beats_a_peak():
    assert peaks_of([[0.5, 0, 0], [0, 0.6, 0], [0, 0, 0]]) == [(1, 1)]


@pytest.mark.parametrize(
    "corner", [(0, 0), (0, 6), (4, 0), (4, 6), (0, 3), (4, 3), (2, 0), (2, 6)], ids=lambda c: f"{c[1]},{c[0]}"
)
def test_peak_at_the_border_stays_in_its_cell(corner):
    nose_map = np.zeros((5, 7), np.float32)
    nose_map[corner] = 0.7
    assert peaks_of(nose_map) == [corner[::-1]]


def test_plateau_of_two_cells_is_one_peak_between_them():
    found = get_coordinates(COCO_18, heatmaps_of([[0.1, 0.1, 0.1, 0.1], [0.1, 0.9, 0.9, 0.1], [0.1, 0.1, 0.1, 0.1]]))
    np.testing.assert_allclose(found.xy, [[1.5, 1]], atol=1e-6)


def test_plateau_of_any_shape_is_one_peak():
    y, x = np.mgrid[:15, :15]
    disc = np.minimum(np.exp(-((x - 7) ** 2 + (y - 7) ** 2) / 30), 0.4)  # clipping gives a wide, flat disc
    assert peaks_of(disc) == [(7, 7)]
    v_shape = [[0.9, 0, 0.9], [0, 0.9, 0], [0, 0, 0]]
    assert len(peaks_of(v_shape)) == 1


def test_terrace_on_a_slope_is_no_peak():
    assert peaks_of([[0.3, 0.5, 0.5, 0.5, 0.8]]) == [(4, 0)]


def test_peaks_beyond_the_limit_are_the_weakest():
    config = replace(COCO_18, max_peaks_per_part=2)
    nose_map = np.zeros((1, 9), np.float32)
    nose_map[0, [1, 3, 5, 7]] = [0.6, 0.9, 0.3, 0.8]
    sentence = (
        "the heatmaps hold more than 2 peaks of nose (4), so the weakest are dropped and people may be missing; "
        "to keep all, set max_peaks_per_part=4"
    )
    with pytest.warns(OpenPoseLabWarning) as notes:
        found = get_coordinates(config, heatmaps_of(nose_map))
    assert [str(note.message) for note in notes] == [sentence]
    assert found.xy[:, 0].tolist() == [3, 7]
    assert len(get_coordinates(replace(COCO_18, max_peaks_per_part=4), heatmaps_of(nose_map))) == 4


@pytest.mark.parametrize("config", [COCO_18, BODY_25], ids=lambda config: config.name)
def test_a_note_names_the_parts_with_too_many_peaks(config):
    """130 people are more than the default limit of 127."""
    people = np.concatenate([figure(config)[None] * 8 + (6 * k + 3, 1) for k in range(130)])
    heatmaps = synthesize_heatmaps(config, people, (12, 781), sigma=0.5)
    with pytest.warns(OpenPoseLabWarning, match=r"^the heatmaps hold more than 127 peaks of ") as notes:
        cut = get_coordinates(config, heatmaps)
    assert np.bincount(cut.part).max() == 127
    (sentence,) = (str(note.message) for note in notes)
    assert sentence.endswith(
        f" and of {len(config.body_parts) - 4} other parts, so the weakest are dropped and people may be missing; "
        "to keep all, set max_peaks_per_part=130"
    )
    assert len(sentence) < 300
    whole = get_coordinates(replace(config, max_peaks_per_part=130), heatmaps)
    assert np.bincount(whole.part).tolist() == [130] * len(config.body_parts)


@given(st.floats(2, 10), st.floats(2, 10), st.floats(0.8, 2.5))
def test_position_of_an_ideal_peak_is_exact(x, y, sigma):
    row, column = np.mgrid[:13, :13]
    found = get_coordinates(COCO_18, heatmaps_of(np.exp(-((column - x) ** 2 + (row - y) ** 2) / sigma**2)))
    # Halfway between two cells, rounding may choose either cell. Elsewhere, only one is right.
    assert len(found) == 1
    np.testing.assert_allclose(found.xy, [[x, y]], atol=2e-3)


@given(st.floats(-0.5, 0.5), st.floats(2, 10), st.floats(0.8, 2.5), st.integers(0, 3))
def test_position_of_an_ideal_peak_at_the_border_is_exact(beyond, along, sigma, side):
    """``beyond`` is the distance of the peak from the centre of the border's cells, in cells."""
    x, y = [(beyond, along), (12 - beyond, along), (along, beyond), (along, 12 - beyond)][side]
    row, column = np.mgrid[:13, :13]
    found = get_coordinates(COCO_18, heatmaps_of(np.exp(-((column - x) ** 2 + (row - y) ** 2) / sigma**2)))
    assert len(found) == 1
    np.testing.assert_allclose(found.xy, [[x, y]], atol=2e-3)


def test_many_plateaus_are_found_at_once():
    nose_map = np.zeros((60, 90), np.float32)
    nose_map[1::3, 1::4] = nose_map[1::3, 2::4] = 0.5  # pairs of cells
    found = get_coordinates(replace(COCO_18, max_peaks_per_part=1000), heatmaps_of(nose_map))
    assert len(found) == 20 * 23
    assert set((found.xy[:, 0] % 4).tolist()) <= {1.5, 1.0, 0.0}


@given(arrays.arrays(np.float32, (6, 7), elements=st.sampled_from([0.0, 0.25, 0.5, 0.75])))
def test_peaks_are_the_regional_maxima(nose_map):
    """Compare with a slow independent search: flood every flat region, and look at its rim."""
    expected = 0
    seen = np.zeros(nose_map.shape, bool)
    for start in np.ndindex(nose_map.shape):
        if seen[start] or nose_map[start] <= COCO_18.peak_threshold:
            continue
        region, rim, todo = {start}, [], [start]
        while todo:
            r, c = todo.pop()
            for other in ((r + dr, c + dc) for dr in (-1, 0, 1) for dc in (-1, 0, 1)):
                if 0 <= other[0] < 6 and 0 <= other[1] < 7 and other not in region:
                    if nose_map[other] == nose_map[start]:
                        region.add(other)
                        todo.append(other)
                    else:
                        rim.append(nose_map[other])
        seen[tuple(np.transpose(list(region)))] = True
        expected += all(value < nose_map[start] for value in rim)
    assert len(get_coordinates(COCO_18, heatmaps_of(nose_map))) == expected


def test_input_is_not_modified(rng):
    maps = rng.random((20, 30, 19), dtype=np.float32)
    before = maps.copy()
    get_coordinates(COCO_18, maps)
    np.testing.assert_array_equal(maps, before)


def test_the_background_has_no_peaks_and_a_part_of_larger_maps_is_read_in_place(rng):
    maps = rng.random((12, 15, 21), dtype=np.float32)
    whole, part = get_coordinates(COCO_18, maps[:9, :11, :18].copy()), get_coordinates(COCO_18, maps[:9, :11])
    assert part.part.max() == 17
    np.testing.assert_array_equal(part.part, whole.part)
    np.testing.assert_array_equal(part.xy, whole.xy)
    np.testing.assert_array_equal(part.score, whole.score)


def test_wrong_shape_is_named():
    with pytest.raises(ValueError, match=r"heatmaps must be \(h, w, 18 or more\) but got \(5, 5, 3\)"):
        get_coordinates(COCO_18, np.zeros((5, 5, 3), np.float32))

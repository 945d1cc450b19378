from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from estimation.config import COCO_18
from estimation.errors import OpenPoseLabWarning
from estimation.field_maps import cells_to_pixels
from estimation.pipeline import group_maps
from estimation.synthesis import LIMB_WIDTH, SIGMA, synthesize
from tests.support.scenes import FIGURE, crowd

NECK, SHOULDER = 1, 2
LIMB = COCO_18.limbs[0]  # neck to right shoulder


def person_with(**parts):
    keypoints = np.full((1, 18, 2), np.nan)
    for name, xy in parts.items():
        keypoints[0, COCO_18.body_parts.index(name)] = xy
    return keypoints


def test_heatmaps_are_equation_7():
    keypoints = np.concatenate([person_with(nose=(3, 2)), person_with(nose=(5.5, 4))])
    maps = synthesize(COCO_18, keypoints, (8, 9))
    assert maps.heatmaps.shape == (8, 9, 19)
    for y, x in np.ndindex(8, 9):
        distances = [(x - 3) ** 2 + (y - 2) ** 2, (x - 5.5) ** 2 + (y - 4) ** 2]
        expected = max(np.exp(-d / SIGMA**2) for d in distances)
        np.testing.assert_allclose(maps.heatmaps[y, x, 0], expected, rtol=1e-4, atol=1e-7)
        np.testing.assert_allclose(maps.heatmaps[y, x, -1], 1 - expected, atol=1e-5)
    assert not maps.heatmaps[:, :, 1:-1].any()


def test_pafs_are_equations_9_and_10():
    limbs = [((1.2, 1.0), (6.7, 5.1)), ((6.0, 1.5), (2.1, 5.8))]  # they cross
    keypoints = np.concatenate([person_with(neck=a, right_shoulder=b) for a, b in limbs])
    pafs = synthesize(COCO_18, keypoints, (8, 9)).pafs
    assert pafs.shape == (8, 9, 38)
    averaged = 0
    for y, x in np.ndindex(8, 9):
        vectors = []
        for a, b in np.array(limbs):
            v = (b - a) / np.linalg.norm(b - a)
            p = np.array([x, y]) - a
            if 0 <= v @ p <= np.linalg.norm(b - a) and abs(v @ (p[1], -p[0])) <= LIMB_WIDTH:
                vectors.append(v)
        averaged += len(vectors) > 1
        expected = np.mean(vectors, axis=0) if vectors else (0, 0)
        np.testing.assert_allclose(pafs[y, x, [LIMB.paf_x, LIMB.paf_y]], expected, atol=1e-5)
    assert averaged > 0


def test_missing_parts_and_limbs_without_length_leave_nothing():
    maps = synthesize(COCO_18, person_with(neck=(3, 3), right_shoulder=(3, 3)), (6, 6))
    assert not maps.pafs.any()
    assert maps.heatmaps[:, :, [NECK, SHOULDER]].max() == 1
    empty = synthesize(COCO_18, np.empty((0, 18, 2)), (6, 6))
    assert not empty.pafs.any()
    assert (empty.heatmaps[:, :, -1] == 1).all()


def test_input_is_not_modified():
    keypoints, shape = crowd(3, 20, 3)
    before = keypoints.copy()
    synthesize(COCO_18, keypoints, shape)
    np.testing.assert_array_equal(keypoints, before)


@settings(max_examples=40)
@given(
    count=st.integers(1, 30),
    height=st.floats(10, 40),
    columns=st.integers(1, 10),
    shift=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)),
    gap=st.floats(3, 12),
    sideways=st.booleans(),
    cell_size=st.tuples(st.floats(1, 30), st.floats(1, 30)),
)
def test_people_who_do_not_overlap_all_come_back(count, height, columns, shift, gap, sideways, cell_size):
    keypoints, shape = crowd(count, height, columns, shift, gap)
    if sideways:  # they lie down
        keypoints, shape = keypoints[:, :, ::-1], shape[::-1]
    found = group_maps(synthesize(COCO_18, keypoints, shape, cell_size=cell_size), COCO_18).skeletons
    assert len(found) == count
    assert found.present.all()
    error = np.abs(found.keypoints[:, None] - cells_to_pixels(keypoints, cell_size)[None]) / cell_size
    one, other = linear_sum_assignment(error.max(axis=(2, 3)))
    assert error[one, other].max() <= 0.5


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(2, 30))
def test_people_who_overlap_never_share_a_peak(seed, count):
    rng = np.random.default_rng(seed)
    keypoints = rng.uniform(-5, 45, (count, 1, 2)) + FIGURE * rng.uniform(4, 50, (count, 1, 1))
    found = group_maps(synthesize(COCO_18, keypoints, (46, 62)), COCO_18).skeletons
    ids = found.peak_ids[found.present]
    assert len(set(ids.tolist())) == len(ids)


def test_a_mosaic_of_people_is_found_whole_with_a_higher_limit():
    """130 people are more than the default limit, and a warning says so."""
    keypoints, shape = crowd(130, 16, 26)
    maps = synthesize(COCO_18, keypoints, shape, sigma=0.7)
    with pytest.warns(OpenPoseLabWarning, match="set max_peaks_per_part=130$"):
        cut = group_maps(maps, COCO_18)
    assert np.bincount(cut.coordinates.part).tolist() == [127] * 18
    whole = group_maps(maps, replace(COCO_18, max_peaks_per_part=130))
    assert len(whole.skeletons) == 130
    assert whole.skeletons.present.all()

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from estimation.config import COCO_18, Config
from estimation.connections import Candidates, accept_one_to_one, get_connections, quadrature, score_candidates
from estimation.coordinates import Coordinates
from estimation.layouts import Layout
from estimation.subset import limb_rows

NECK_TO_RIGHT_SHOULDER = 0
LIMB = COCO_18.limbs[NECK_TO_RIGHT_SHOULDER]


def peaks_at(*places):
    """Return coordinates from (part, x, y) in the order of parts, each with score 0.5."""
    part, x, y = np.array(places, dtype=np.float32).reshape(-1, 3).T
    return Coordinates(
        np.stack([x, y], axis=1), np.full(len(part), 0.5, np.float32), part.astype(np.intp), COCO_18.body_parts
    )


def uniform_paf(vector, shape=(10, 12)):
    """Return PAFs with the same vector in every cell, for the limb from neck to right shoulder."""
    pafs = np.zeros((*shape, 38), np.float32)
    pafs[:, :, LIMB.paf_x], pafs[:, :, LIMB.paf_y] = vector
    return pafs


def test_limb_along_the_field_has_the_field_s_strength():
    found = get_connections(COCO_18, peaks_at((1, 2, 3), (2, 7, 3)), uniform_paf((0.8, 0)))
    assert len(found) == 19
    np.testing.assert_allclose(found[NECK_TO_RIGHT_SHOULDER], [[0, 1, 0.5, 0.5, 0.8]], rtol=1e-6)
    assert all(len(found[limb]) == 0 for limb in range(1, 19))
    np.testing.assert_allclose(found.candidates.agreement, [1])


def test_field_at_an_angle_counts_by_its_cosine():
    found = get_connections(COCO_18, peaks_at((1, 2, 2), (2, 5, 6)), uniform_paf((1, 0)))
    np.testing.assert_allclose(found[NECK_TO_RIGHT_SHOULDER][0, 4], 3 / 5, rtol=1e-6)


@pytest.mark.parametrize("vector", [(-0.8, 0), (0, 0.8), (0.04, 0)], ids=["backwards", "across", "weak"])
def test_no_limb_without_support(vector):
    assert len(get_connections(COCO_18, peaks_at((1, 2, 3), (2, 7, 3)), uniform_paf(vector)).accepted) == 0


def test_gap_in_the_field_breaks_a_limb():
    pafs = uniform_paf((1, 0))
    pafs[:, 3:9] = 0
    assert len(get_connections(COCO_18, peaks_at((1, 1, 3), (2, 10, 3)), pafs).accepted) == 0


def test_score_matches_an_independent_line_integral(rng):
    pafs = rng.normal(0, 1, (30, 11, 38)).astype(np.float32)
    pafs[:, :, LIMB.paf_x] += 1.5
    a, b = np.array([1.3, 2.7]), np.array([9.6, 6.2])
    found = score_candidates(COCO_18, peaks_at((1, *a), (2, *b)), pafs)
    u, weight = quadrature(10)
    points = a + u[:, None] * (b - a)
    along = sum(
        map_coordinates(pafs[:, :, channel], points.T[::-1], order=1) * component
        for channel, component in zip((LIMB.paf_x, LIMB.paf_y), (b - a) / np.linalg.norm(b - a))
    )
    np.testing.assert_allclose(found.score, [along @ weight], rtol=1e-5)
    np.testing.assert_allclose(found.agreement, [(along > 0.05) @ weight], rtol=1e-6)


def test_quadrature_integrates_polynomials():
    u, weight = quadrature(10)
    for degree in range(6):
        np.testing.assert_allclose(weight @ u**degree, 1 / (degree + 1), rtol=1e-5)


def test_very_long_limb_loses_score():
    pafs = uniform_paf((0.8, 0), (10, 30))
    score = get_connections(COCO_18, peaks_at((1, 2, 3), (2, 12, 3)), pafs)[NECK_TO_RIGHT_SHOULDER][0, 4]
    np.testing.assert_allclose(score, 0.8 + 0.5 * 10 / 10 - 1, rtol=1e-5)


def test_long_line_through_the_limbs_of_several_people_is_no_limb():
    pafs = np.zeros((400, 8, 38), np.float32)
    for top in range(0, 400, 20):  # shoulders every 20 cells, each 6 cells long
        pafs[top : top + 7, :, LIMB.paf_y] = 1
    places = [(1, 3, top) for top in range(0, 400, 20)] + [(2, 3, top + 6) for top in range(0, 400, 20)]
    found = get_connections(COCO_18, peaks_at(*places), pafs)[NECK_TO_RIGHT_SHOULDER]
    assert sorted(found[:, :2].astype(int).tolist()) == [[k, k + 20] for k in range(20)]


@pytest.mark.parametrize(("distance", "strength", "score"), [(0.9, 0, 0.051), (0.9, 0.7, 0.7), (0, 0.7, 0.051)])
def test_peaks_within_a_cell_are_joined_at_least_weakly(distance, strength, score):
    found = get_connections(COCO_18, peaks_at((1, 2, 3), (2, 2 + distance, 3)), uniform_paf((strength, 0)))
    np.testing.assert_allclose(found[NECK_TO_RIGHT_SHOULDER][:, 4], [score], rtol=1e-5)
    apart = get_connections(COCO_18, peaks_at((1, 2, 3), (2, 3.1, 3)), uniform_paf((0, 0)))
    assert len(apart.accepted) == 0


def test_each_peak_serves_a_limb_once_and_all_candidates_remain():
    coordinates = peaks_at((1, 2, 3), (1, 2, 4), (2, 7, 3), (2, 7, 4))
    found = get_connections(COCO_18, coordinates, uniform_paf((1, 0)))
    assert found[NECK_TO_RIGHT_SHOULDER][:, :2].tolist() == [[0, 2], [1, 3]]
    assert len(found.candidates) == 4
    assert found.candidates.score.tolist() == sorted(found.candidates.score, reverse=True)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_small_maps_and_peaks_beyond_the_last_centre_are_sampled_at_the_edge(shape):
    right = shape[1] - 0.6
    found = get_connections(COCO_18, peaks_at((1, -0.4, 0), (2, right, 0.4)), uniform_paf((1, 0), (30, shape[1])))
    slope = (right + 0.4) / np.hypot(right + 0.4, 0.4)
    np.testing.assert_allclose(found.candidates.score, [slope], rtol=1e-5)


def test_pafs_that_do_not_cover_the_peaks_are_refused():
    with pytest.raises(ValueError, match=r"\(5, 6, 38\) do not cover all peaks; they must be as large as the heatmaps"):
        get_connections(COCO_18, peaks_at((1, 2, 3), (2, 7, 3)), uniform_paf((1, 0), (5, 6)))


@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 5), st.integers(6, 11), st.integers(1, 4)),
        unique_by=lambda candidate: candidate[:3],
    )
)
def test_acceptance_equals_one_by_one_greedy(pairs):
    pairs.sort(key=lambda pair: (-pair[3], pair[:3]))
    limb, a, b, score = np.array(pairs, dtype=np.intp).reshape(-1, 4).T
    candidates = Candidates(limb, np.stack([a, b], 1), np.ones((len(limb), 2)), score / 4, np.ones(len(limb)))
    used, expected = set(), []
    for k in range(len(limb)):
        ends = {(limb[k], a[k]), (limb[k], b[k])}
        if not ends & used:
            used |= ends
            expected.append(k)
    assert sorted(accept_one_to_one(candidates).tolist()) == expected


def test_no_peaks_no_connections():
    found = get_connections(COCO_18, peaks_at(), np.zeros((5, 5, 38), np.float32))
    assert [connections.shape for connections in found] == [(0, 5)] * 19


def test_blocks_do_not_change_the_answer(rng, monkeypatch):
    places = sorted((int(part), *rng.uniform(0, 9, 2)) for part in rng.integers(0, 18, 80))
    pafs = rng.normal(0.3, 0.5, (10, 10, 38)).astype(np.float32)
    whole = score_candidates(COCO_18, peaks_at(*places), pafs)
    monkeypatch.setattr("estimation.connections._BLOCK", 7)
    parts = score_candidates(COCO_18, peaks_at(*places), pafs)
    assert len(whole) > 20
    np.testing.assert_array_equal(whole.peaks, parts.peaks)
    np.testing.assert_array_equal(whole.score, parts.score)


@pytest.mark.parametrize("min_agreement", [0, 0.3, 0.6, 0.95, 1])
@pytest.mark.parametrize("limb_samples", [1, 2, 5, 10])
def test_pairs_that_are_left_out_early_would_not_pass(rng, monkeypatch, min_agreement, limb_samples):
    config = replace(COCO_18, min_agreement=min_agreement, limb_samples=limb_samples)
    coordinates = peaks_at(*sorted((int(part), *rng.uniform(0, 9, 2)) for part in rng.integers(0, 18, 120)))
    pafs = rng.normal(0.2, 0.4, (10, 10, 38)).astype(np.float32)
    found = []
    for few in (0, 10_000):
        monkeypatch.setattr("estimation.connections._FEW", few)
        found.append(score_candidates(config, coordinates, pafs))
    assert len(found[0]) > 0
    np.testing.assert_array_equal(found[0].peaks, found[1].peaks)
    np.testing.assert_array_equal(found[0].limb, found[1].limb)
    np.testing.assert_allclose(found[0].score, found[1].score, rtol=1e-5)


def test_input_is_not_modified(rng):
    coordinates = peaks_at((1, 2, 3), (2, 7, 3))
    pafs = rng.random((10, 12, 38), dtype=np.float32)
    before = pafs.copy(), coordinates.xy.copy()
    get_connections(COCO_18, coordinates, pafs)
    np.testing.assert_array_equal(pafs, before[0])
    np.testing.assert_array_equal(coordinates.xy, before[1])


def test_wrong_shape_is_named():
    with pytest.raises(ValueError, match=r"pafs must be \(h, w, 38 or more\) but got \(5, 5, 4\)"):
        get_connections(COCO_18, peaks_at(), np.zeros((5, 5, 4), np.float32))


def test_a_layout_without_limbs_has_no_connections():
    config = Config(Layout("HEADS", ("head",), (), (0.1,)))
    peaks = Coordinates(np.array([[2, 3]], np.float32), np.array([0.5], np.float32), np.array([0]), ("head",))
    found = get_connections(config, peaks, np.zeros((10, 12, 0), np.float32))
    assert len(limb_rows(config, found)) == 0


def test_memory_does_not_grow_with_the_number_of_pairs():
    """A raised ``max_peaks_per_part`` allows many peaks: here a million pairs, with indices of 24 MB."""
    places = [(part, column % 60, column // 60) for part in (1, 2) for column in range(1000)]
    tracemalloc.start()
    try:
        found = get_connections(COCO_18, peaks_at(*places), uniform_paf((0, 0), (17, 60)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(found.candidates) == 1000  # pairs of peaks at the same place
    assert peak < 24e6

from dataclasses import replace

import numpy as np
import pytest

from estimation.config import COCO_18, Config
from estimation.connections import get_connections
from estimation.coordinates import get_coordinates
from estimation.grouping import load_grouping
from estimation.layouts import Layout, Limb
from estimation.pipeline import group_maps
from estimation.proportions import heights
from estimation.scoring import cells_of, peak_scores_of, score_people
from estimation.synthesis import synthesize
from tests.estimation.test_connections import peaks_at
from tests.support.scenes import make_rows

COORDINATES = peaks_at((0, 1, 2), (1, 3.5, 4), (14, 5, 6))
SUBSET = make_rows(({0: 0, 1: 1}, 2.5), ({14: 2}, 0.75))
HAND = Config(Layout("HAND", ("palm", "tip"), (Limb(0, 1, 0, 1),), sigmas=(0.05, 0.025)))


def test_a_person_score_weighs_each_peak_by_the_tolerance_of_its_part():
    tall = heights(COCO_18.layout, cells_of(SUBSET, COORDINATES))
    assert tall[1] == 1  # a single peak
    half = COCO_18.half_tolerance
    nose, neck, eye = tall[0] * 0.026, tall[0] * 0.079, 0.025
    expected = [0.5 * nose / (nose + half) + 0.5 * neck / (neck + half), 0.5 * eye / (eye + half)]
    np.testing.assert_allclose(score_people(COCO_18, SUBSET, COORDINATES), expected)


def test_half_tolerance_is_a_threshold():
    scores = score_people(replace(COCO_18, half_tolerance=0), SUBSET, COORDINATES)
    np.testing.assert_allclose(scores, peak_scores_of(SUBSET, COORDINATES).sum(axis=1))


def test_the_larger_person_and_the_one_with_more_parts_score_higher():
    near = peaks_at((0, 1, 2), (1, 1, 4), (8, 1, 9))
    far = peaks_at((0, 1, 2), (1, 1, 14), (8, 1, 44))
    pair, three = make_rows(({0: 0, 1: 1}, 1.0)), make_rows(({0: 0, 1: 1, 8: 2}, 1.5))
    scores = [score_people(COCO_18, *scene)[0] for scene in ((pair, near), (three, near), (three, far))]
    assert scores == sorted(scores)
    assert len(set(scores)) == 3


def test_a_layout_without_coco_s_parts_has_scores_too():
    """Two hands of two parts each, in ideal maps, are found by all stages."""
    config = replace(HAND, min_num_body_parts=2)
    hands = np.array([[[4.0, 5.0], [9.0, 5.0]], [[20.0, 15.0], [20.0, 27.0]]])
    found = group_maps(synthesize(config, hands, (32, 32)), config)
    assert found.subset.shape == (2, 4)
    order = np.argsort(found.skeletons.person_scores)
    np.testing.assert_allclose(found.skeletons.keypoints[order], hands * 8 + 3.5, atol=0.5)
    tolerance = np.array([[5], [12]]) * HAND.layout.sigmas
    expected = (found.skeletons.scores[order] * tolerance / (tolerance + config.half_tolerance)).sum(axis=1)
    np.testing.assert_allclose(found.skeletons.person_scores[order], expected, rtol=0.02)


@pytest.mark.parametrize(("grouping", "limit"), [("lab", "min_num_body_parts"), ("hungarian", "min_parts")])
def test_pruning_is_a_threshold(grouping, limit):
    """The two parts of one hand are too few by default."""
    maps = synthesize(HAND, np.array([[[4.0, 5.0], [9.0, 5.0]]]), (12, 16))
    assert len(get_connections(HAND, get_coordinates(HAND, maps.heatmaps), maps.pafs).accepted) == 1
    for config, count in ((HAND, 0), (replace(HAND, **{limit: 2}), 1)):
        assert len(group_maps(maps, config, load_grouping(grouping)).skeletons) == count


def test_a_merge_without_limits_gets_none(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("def merge(subset):\n    return subset\n")
    maps = synthesize(HAND, np.array([[[4.0, 5.0], [9.0, 5.0]]]), (12, 16))
    assert len(group_maps(maps, replace(HAND, min_score=0.1), load_grouping(path)).skeletons) == 1

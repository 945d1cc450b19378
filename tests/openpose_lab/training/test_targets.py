"""Targets: equations 7 to 10 on hand-sized scenes, and the mask W."""

import numpy as np
import pytest

from estimation.config import Config
from estimation.layouts import Layout, Limb
from openpose_lab.training.targets import People, make_targets

PAIR = Config(Layout("PAIR", ("a", "b"), (Limb(0, 1, 0, 1),), (0.1, 0.1)))
"""Two parts and one limb."""


def people(*keypoints, side=64, unknown=(0, 0, 0, 0)):
    """People with these keypoints in cells of 8 pixels, each with a box from cell 1, 1 to cell 3, 3 (in pixels)."""
    pixels = (np.array(keypoints, dtype=float).reshape(-1, 2, 2) + 0.5) * 8 - 0.5
    corners = (np.array([(1, 1), (3, 1), (3, 3), (1, 3)]) + 0.5) * 8 - 0.5
    mask = np.zeros((side, side), bool)
    left, top, right, bottom = unknown
    mask[top:bottom, left:right] = True
    return People(pixels, np.repeat(corners[None], len(pixels), axis=0), mask)


def test_the_equations_at_one_cell():
    targets = make_targets(PAIR, people([(2, 3), (6, 3)]), sigma=2.0, limb_width=1.0)
    assert targets.heatmaps.shape == (8, 8, 3)
    assert targets.heatmaps[3, 2].tolist() == [1, pytest.approx(np.exp(-4)), 0]
    assert targets.heatmaps[5, 2, 0] == pytest.approx(np.exp(-1))  # exp(-2^2 / 2^2)
    assert targets.pafs[3, 4].tolist() == [1, 0]
    assert targets.pafs[4, 4].tolist() == [1, 0]
    assert targets.pafs[5, 4].tolist() == [0, 0]
    assert targets.heatmap_mask.min() == targets.paf_mask.min() == 1


def test_the_maximum_of_two_people_and_the_mean_of_two_limbs():
    targets = make_targets(PAIR, people([(1, 4), (7, 4)], [(4, 1), (4, 7)]), sigma=3.0)
    nearest = max(np.exp(-(3**2) / 9), np.exp(-(3**2) / 9))
    assert targets.heatmaps[4, 4, 0] == pytest.approx(nearest)
    assert targets.pafs[4, 4].tolist() == [0.5, 0.5]  # (1, 0) and (0, 1)


def test_people_outside_the_input_leave_nothing():
    targets = make_targets(PAIR, people([(40, 40), (44, 40)], [(-30, -30), (-20, -30)]))
    assert targets.heatmaps[:, :, :-1].max() < 1e-6
    assert not targets.pafs.any()


def test_an_offset_moves_the_targets_up_and_to_the_left():
    moved = make_targets(PAIR, people([(3, 3), (6, 3)]), offset=(1.0, 2.0))
    plain = make_targets(PAIR, people([(2, 1), (5, 1)]))
    np.testing.assert_allclose(moved.heatmaps, plain.heatmaps, atol=1e-6)
    np.testing.assert_allclose(moved.pafs, plain.pafs, atol=1e-6)


def test_a_part_without_a_label_is_masked_in_the_persons_box():
    targets = make_targets(PAIR, people([(2, 2), (np.nan, np.nan)]))
    of_a, of_b, background = np.moveaxis(targets.heatmap_mask, 2, 0)
    assert of_a.min() == 1
    assert (of_b == 0).nonzero()[0].tolist() == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    np.testing.assert_array_equal(targets.paf_mask, np.repeat(of_b[:, :, None], 2, axis=2))
    assert background[2, 2] == 1  # the labelled part shows what is there
    far = make_targets(PAIR, people([(7, 7), (np.nan, np.nan)]))
    np.testing.assert_array_equal(far.heatmap_mask[:, :, 2], far.heatmap_mask[:, :, 1])


def test_the_label_of_another_person_counts_where_one_lacks_it():
    targets = make_targets(PAIR, people([(2, 2), (np.nan, np.nan)], [(6, 6), (2, 2)]), sigma=0.5)
    mask = targets.heatmap_mask[:, :, 1]
    assert mask[2, 2] == 1
    assert mask[1, 1] == 0


def test_unknown_regions_are_masked_everywhere():
    targets = make_targets(PAIR, people([(2, 2), (6, 2)], unknown=(0, 0, 12, 8)))
    for mask in (targets.heatmap_mask, targets.paf_mask):
        assert mask[0, :2].max() == 0  # the second cell is covered by half
        assert mask[0, 2:].min() == 1
        assert mask[1:].min() == 1


def test_no_people():
    targets = make_targets(PAIR, people())
    assert targets.heatmaps[:, :, -1].min() == 1
    assert targets.heatmap_mask.min() == 1

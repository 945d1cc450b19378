import dataclasses
import itertools

import numpy as np
import pytest

from estimation.config import COCO_18, get_default_configuration
from estimation.field_maps import cells_to_pixels
from estimation.layouts import LAYOUTS, Layout, Limb
from estimation.pipeline import group_maps
from estimation.renderers import draw_skeletons
from estimation.synthesis import synthesize
from estimation.thresholds import thresholds_of
from openpose_lab.evaluation.coco_figures import SIGMAS
from openpose_lab.formats.coco import COCO_KEYPOINTS, to_coco
from openpose_lab.formats.openpose import to_openpose
from tests.support.scenes import BODY_25, MPI_15, figure

CONFIGS = pytest.mark.parametrize("config", [COCO_18, BODY_25, MPI_15], ids=lambda config: config.name)

KNOWN = ("COCO_18", "BODY_25", "MPI_15")
PUBLISHED_LIMBS = {
    "COCO_18": (
        (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 2), (2, 3), (3, 4), (2, 16),
        (1, 5), (5, 6), (6, 7), (5, 17), (1, 0), (0, 14), (0, 15), (14, 16), (15, 17),
    ),
    "BODY_25": (
        (1, 8), (9, 10), (10, 11), (8, 9), (8, 12), (12, 13), (13, 14), (1, 2), (2, 3), (3, 4), (2, 17),
        (1, 5), (5, 6), (6, 7), (5, 18), (1, 0), (0, 15), (0, 16), (15, 17), (16, 18),
        (14, 19), (19, 20), (14, 21), (11, 22), (22, 23), (11, 24),
    ),
    "MPI_15": (
        (0, 1), (1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7), (1, 14), (14, 8), (8, 9), (9, 10),
        (14, 11), (11, 12), (12, 13),
    ),
}  # fmt: skip
"""The published order of the networks' PAFs: limb k is channels 2k, 2k + 1."""


@CONFIGS
def test_paf_channels_are_in_the_published_order(config):
    channels = {limb[:2]: (limb.paf_x, limb.paf_y) for limb in config.limbs}
    assert channels == {parts: (2 * k, 2 * k + 1) for k, parts in enumerate(PUBLISHED_LIMBS[config.name])}


@CONFIGS
def test_limbs_that_are_not_redundant_form_a_tree_over_all_parts(config):
    joined = {0}
    tree = [limb[:2] for limb in config.limbs if not limb.redundant]
    for _ in tree:
        joined |= {part for limb in tree if joined & set(limb) for part in limb}
    assert joined == set(range(len(config.body_parts)))
    assert len(tree) == len(config.body_parts) - 1


@CONFIGS
def test_limbs_join_neighbours_of_one_side(config):
    """No limb leads from the person's left side to their right side, and all names differ."""
    for limb in config.limbs:
        sides = {config.body_parts[part].split("_")[0] for part in limb[:2]} & {"left", "right"}
        assert len(sides) <= 1
    assert len(set(config.body_parts)) == len(config.body_parts)


@CONFIGS
def test_every_stage_after_the_network_works_alike(config):
    """Three people in ideal maps are found complete, and can be drawn and written."""
    people = figure(config) * 40 + np.array([[[12, 6]], [[34, 6]], [[56, 6]]])
    maps = synthesize(config, people, (56, 70))
    found = group_maps(maps, config)
    order = np.argsort(found.skeletons.keypoints[:, 1, 0])
    np.testing.assert_allclose(found.skeletons.keypoints[order], cells_to_pixels(people, maps.cell_size), atol=1)
    assert found.subset.shape == (3, len(config.body_parts) + 2)

    photo = np.zeros((448, 560, 3), np.uint8)
    drawn = draw_skeletons(config, photo, found.skeletons)
    for one, other in itertools.combinations(range(3), 2):
        assert not np.array_equal(drawn[:, 170 * one : 170 * one + 170], drawn[:, 170 * other : 170 * other + 180])
    assert drawn.any()

    people_json = to_openpose(found.skeletons)["people"]
    assert [len(person["pose_keypoints_2d"]) for person in people_json] == [3 * len(config.body_parts)] * 3
    known = [name in config.body_parts for name in COCO_KEYPOINTS]
    for person in to_coco(config, found.skeletons, 7):
        assert (np.array(person["keypoints"]).reshape(17, 3)[:, 2] == known).all()


def test_configuration_is_one_frozen_object():
    config = get_default_configuration()
    assert get_default_configuration() is config
    assert config.body_parts_size() == 18
    assert len(config.limbs) == 19
    assert (len(BODY_25.body_parts), len(BODY_25.limbs)) == (25, 26)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.peak_threshold = 0.5


def test_numpy_s_numbers_are_numbers():
    config = dataclasses.replace(COCO_18, peak_threshold=np.float32(0.25), max_peaks_per_part=np.int64(5))
    assert (config.peak_threshold, config.max_peaks_per_part) == (0.25, 5)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("min_agreement", 2, "min_agreement must be a number from 0 to 1 but is 2"),
        ("limb_samples", 2.5, "limb_samples must be a whole number from 1 to 1000 but is 2.5"),
        ("limb_samples", 10.0, "limb_samples must be a whole number from 1 to 1000 but is 10.0"),
        (
            "min_score",
            10**400,
            "min_score must be a number from -1000000000 to 1000000000 but is 10000000000000000000…",
        ),
        ("peak_threshold", 1e308, "peak_threshold must be a number from 0 to 1000000000 but is 1e+308"),
        ("max_peaks_per_part", 0, "max_peaks_per_part must be a whole number from 1 to 1000000000 but is 0"),
        ("peak_threshold", float("nan"), "peak_threshold must be a number from 0 to 1000000000 but is nan"),
        ("min_score", "a", "min_score must be a number from -1000000000 to 1000000000 but is a"),
        ("half_tolerance", float("inf"), "half_tolerance must be a number from 0 to 1000000000 but is inf"),
    ],
)
def test_a_threshold_out_of_its_range_is_refused(name, value, sentence):
    with pytest.raises(ValueError) as error:
        dataclasses.replace(COCO_18, **{name: value})
    assert str(error.value) == sentence


def test_every_field_but_the_layout_is_a_threshold():
    names = [one.name for one in dataclasses.fields(COCO_18)]
    assert names == ["layout", *thresholds_of(COCO_18)]


def test_sigmas_are_coco_s():
    for name in KNOWN:
        layout = LAYOUTS[name]
        sigmas = dict(zip(layout.body_parts, layout.sigmas))
        known = [(sigmas[name], sigma) for name, sigma in zip(COCO_KEYPOINTS, SIGMAS) if name in sigmas]
        np.testing.assert_allclose(*np.transpose(known))
        others = {name: sigma for name, sigma in sigmas.items() if name not in COCO_KEYPOINTS}
        assert others == {name: 0.107 if name == "mid_hip" else 0.079 for name in others}


LIMB = Limb(0, 1, 0, 1)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ((("a", "a"), (LIMB,), (0.1, 0.1)), "the body parts of TOY must have different names"),
        (((), (), ()), "the body parts of TOY must have different names"),
        ((("a", "b"), (LIMB,), (0.1,)), "TOY must have 2 sigmas, one per body part, but has 1"),
        ((("a", "b"), (LIMB,), (0.1, 0.1), ((0, 0),)), "TOY must have 2 proportions"),
        ((("a", "b"), (Limb(0, 2, 0, 1),), (0.1, 0.1)), "must join two of 2 parts by two PAF channels"),
        ((("a", "b"), (Limb(0, 1, -1, 1),), (0.1, 0.1)), "must join two of 2 parts by two PAF channels"),
    ],
)
def test_a_layout_that_does_not_fit_together_is_refused(fields, sentence):
    with pytest.raises(ValueError, match=sentence):
        Layout("TOY", *fields)


def test_channel_counts():
    counts = {name: (LAYOUTS[name].heatmap_count, LAYOUTS[name].paf_count) for name in KNOWN}
    assert counts == {"COCO_18": (19, 38), "BODY_25": (26, 52), "MPI_15": (16, 28)}
    assert Layout("ONE", ("a",), (), (0.1,)).paf_count == 0

import dataclasses

import pytest

from estimation.config import COCO_18, get_default_configuration

CMU_LIMBS = (
    (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 2), (2, 3), (3, 4), (2, 16),
    (1, 5), (5, 6), (6, 7), (5, 17), (1, 0), (0, 14), (0, 15), (14, 16), (15, 17),
)  # fmt: skip
"""The published order of the networks' PAFs: limb k is channels 2k, 2k + 1."""


def test_paf_channels_are_in_the_published_order():
    channels = {limb[:2]: (limb.paf_x, limb.paf_y) for limb in COCO_18.limbs}
    assert channels == {parts: (2 * k, 2 * k + 1) for k, parts in enumerate(CMU_LIMBS)}


def test_limbs_that_are_not_redundant_form_a_tree_over_all_parts():
    joined = {0}
    tree = [limb[:2] for limb in COCO_18.limbs if not limb.redundant]
    for _ in tree:
        joined |= {part for limb in tree if joined & set(limb) for part in limb}
    assert joined == set(range(18))
    assert len(tree) == 17


def test_configuration_is_one_frozen_object():
    config = get_default_configuration()
    assert get_default_configuration() is config
    assert config.body_parts_size() == 18
    assert len(config.limbs) == 19
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.peak_threshold = 0.5

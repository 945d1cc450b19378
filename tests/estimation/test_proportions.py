from dataclasses import replace

import numpy as np
import pytest

from estimation.layouts import LAYOUTS
from estimation.proportions import heights, standing

COCO_18 = LAYOUTS["COCO_18"]


@pytest.mark.parametrize("layout", [one for one in LAYOUTS.values() if one.proportions], ids=lambda layout: layout.name)
@pytest.mark.parametrize("parts", [slice(None), slice(0, 4), slice(2)])
def test_height_of_a_standing_person_with_some_parts_visible(layout, parts):
    cells = np.full((1, len(layout.body_parts), 2), np.nan)
    cells[0, parts] = standing(layout)[parts] * 30 + (5, 7)
    np.testing.assert_allclose(heights(layout, cells), 30)


@pytest.mark.parametrize("layout", [COCO_18, replace(COCO_18, proportions=None)], ids=["proportions", "none"])
def test_no_person_is_smaller_than_a_cell(layout):
    cells = np.full((2, 18, 2), np.nan)
    cells[0, 3] = 4, 4
    assert heights(layout, cells).tolist() == [1, 1]
    assert heights(layout, cells[:0]).shape == (0,)


def test_without_proportions_the_box_around_the_keypoints_is_the_size():
    layout = replace(COCO_18, proportions=None)
    cells = np.full((2, 18, 2), np.nan)
    cells[0, [3, 5, 7]] = (1, 2), (4, 9), (3, 3)
    cells[1, [0, 17]] = (-2, 5), (10, 5)
    assert heights(layout, cells).tolist() == [7, 12]
    with pytest.raises(ValueError, match="the layout COCO_18 has no proportions"):
        standing(layout)

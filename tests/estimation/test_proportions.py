import numpy as np
import pytest

from estimation.config import BODY_25, COCO_18, MPI_15
from estimation.proportions import heights, standing


@pytest.mark.parametrize("config", [COCO_18, BODY_25, MPI_15], ids=lambda config: config.name)
@pytest.mark.parametrize("parts", [slice(None), slice(0, 4), slice(2)])
def test_height_of_a_standing_person_of_whom_some_parts_are_seen(config, parts):
    cells = np.full((1, len(config.body_parts), 2), np.nan)
    cells[0, parts] = standing(config.body_parts)[parts] * 30 + (5, 7)
    np.testing.assert_allclose(heights(cells, config.body_parts), 30)


def test_nobody_is_smaller_than_a_cell():
    cells = np.full((2, 18, 2), np.nan)
    cells[0, 3] = 4, 4
    assert heights(cells, COCO_18.body_parts).tolist() == [1, 1]
    assert len(heights(cells[:0], COCO_18.body_parts)) == 0

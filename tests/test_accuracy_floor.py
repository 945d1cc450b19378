"""What the pipeline reaches on simulated crowds, which every machine has, may not fall below what it reached before."""

import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.grouping import load_grouping
from tools.comparison import PERFECT, compare
from tools.crowds import Disturbance
from tools.scenes import crowd_scenes

FLOOR = {  # AP and F1 of pairs when this was written
    "lab": (0.472, 0.863),
    "openpose_cpu": (0.426, 0.822),
    "openpose_cuda": (0.477, 0.866),
    "hungarian": (0.474, 0.870),
    "spanning_tree": (0.440, 0.839),
    "best_first": (0.276, 0.684),
    "optimal": (0.478, 0.874),
    PERFECT: (0.645, 1.000),
}
MARGIN = 0.005  # other versions of the libraries may round otherwise


@pytest.fixture(scope="module")
def results():
    groupings = {name: load_grouping(name) for name in FLOOR if name != PERFECT}
    found = {}
    for overlap in (0.0, 0.3, 0.6):
        crowds = crowd_scenes(COCO_18, 10, overlap, 5, 0, Disturbance())
        for result in compare(crowds, COCO_18, groupings, lambda: None):
            found.setdefault(result.grouping, []).append(result.figures)
    return found


@pytest.mark.parametrize("name", FLOOR)
def test_no_worse_than_before_in_crowds(name, results):
    for figure, floor in zip(("AP", "F1"), FLOOR[name]):
        assert np.mean([figures[figure] for figures in results[name]]) >= floor - MARGIN, figure

"""What the pipeline reaches on what every machine has, simulated crowds and two photos, may not fall below what
it reached before."""

import numpy as np
import pytest

pytest.importorskip("pycocotools")

from estimation.config import COCO_18
from estimation.grouping import load_grouping
from estimation.photos import read_photo
from estimation.pipeline import estimate_people
from openpose_lab.evaluation.annotations import read_annotations
from openpose_lab.evaluation.comparison import PERFECT, compare
from openpose_lab.evaluation.crowds import Disturbance
from openpose_lab.evaluation.pairing import pair_people
from openpose_lab.evaluation.scenes import crowd_scenes
from openpose_lab.formats.coco import to_coco
from tests.conftest import ROOT

FLOOR = {  # AP and F1 of pairs when this was written
    "lab": (0.538, 0.863),
    "openpose_cpu": (0.498, 0.822),
    "openpose_cuda": (0.536, 0.866),
    "hungarian": (0.548, 0.870),
    "spanning_tree": (0.509, 0.839),
    "best_first": (0.311, 0.684),
    "optimal": (0.540, 0.874),
    PERFECT: (0.700, 1.000),
}
PHOTO_FLOOR = {"people": 0.768, "skiers": 0.837}  # mean OKS of the people in these photos
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


@pytest.mark.slow
@pytest.mark.parametrize("name", PHOTO_FLOOR)
def test_no_worse_than_before_in_photos(name, mobilenet):
    truth = read_annotations(ROOT / "tests" / "data" / f"{name}_keypoints.json")
    found = estimate_people(read_photo(ROOT / "images" / f"{name}.jpg"), mobilenet)
    pairs = pair_people(truth, to_coco(COCO_18, found.skeletons, image_id=truth.getImgIds()[0]))
    assert pairs.oks.mean() >= PHOTO_FLOOR[name] - MARGIN

import cv2
import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.connections import Candidates, Connections, accept_one_to_one
from estimation.coordinates import Coordinates
from estimation.errors import OpenPoseLabError
from estimation.field_maps import FieldMaps
from estimation.merge import merge
from estimation.pipeline import Estimate
from estimation.skeletons import to_skeletons
from estimation.subset import MISSING, ids_of, limb_rows
from scripts import draw_glossary
from scripts.draw_glossary import PICTURES, Conflict, Scene, find_conflict, settle
from tests.conftest import ROOT
from tests.support.extras import needs

NOSE, NECK, RIGHT_SHOULDER = (COCO_18.body_parts.index(part) for part in ("nose", "neck", "right_shoulder"))


def scene_of(pairs):
    """A scene with noses 0 and 1, necks 2 and 3, and right shoulders 4 and 5, without maps."""
    parts = np.array([NOSE, NOSE, NECK, NECK, RIGHT_SHOULDER, RIGHT_SHOULDER])
    coordinates = Coordinates(np.zeros((6, 2), np.float32), np.full(6, 0.8, np.float32), parts, COCO_18.body_parts)
    peaks = np.array([[one, other] for one, other, _ in pairs])
    limbs = [(limb.from_part, limb.to_part) for limb in COCO_18.limbs]
    kinds = np.array([limbs.index((parts[one], parts[other])) for one, other in peaks])
    scores = np.array([score for *_, score in pairs])
    found = Candidates(kinds, peaks, np.full((len(peaks), 2), 0.8), scores, np.ones(len(peaks)))
    connections = Connections(found, accept_one_to_one(found), coordinates, len(COCO_18.limbs))
    subset = merge(limb_rows(COCO_18, connections), 3)
    maps = FieldMaps(np.zeros((1, 1, 19), np.float32), np.zeros((1, 1, 38), np.float32), (8, 8))
    skeletons = to_skeletons(COCO_18, subset, coordinates, 8)
    return Scene(
        np.zeros((8, 8, 3), np.uint8), Estimate(skeletons, subset, connections, coordinates, maps, {}), COCO_18
    )


def as_sets(rows):
    return {frozenset(row[row != MISSING].tolist()) for row in ids_of(rows)}


TWO = [(2, 0, 0.9), (2, 4, 0.9), (3, 5, 0.8), (3, 1, 0.7)]


def test_the_conflict_is_the_best_candidate_that_lost_a_peak():
    scene = scene_of([*TWO, (2, 1, 0.6), (3, 0, 0.5)])
    assert find_conflict(scene) == Conflict(better=0, worse=4, shared=2, others=(0, 1))
    assert as_sets(settle(scene, find_conflict(scene))) == {frozenset({0, 2, 4}), frozenset({1, 3, 5})}


def test_without_a_conflict_one_sentence():
    with pytest.raises(OpenPoseLabError, match="no two limbs claim one peak"):
        find_conflict(scene_of(TWO))


@pytest.mark.parametrize("name", PICTURES)
def test_a_page_shows_each_picture_and_it_loads_quickly(name):
    assert (draw_glossary.FOLDER / f"{name}.jpg").stat().st_size < 300_000
    assert any(f"](pictures/{name}.jpg)" in page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))


@needs("matplotlib")
@pytest.mark.slow
def test_the_pictures(call_program, tmp_path):
    status, out, _ = call_program("draw_glossary", draw_glossary.main, "--out", tmp_path)
    assert status == 0
    for name in PICTURES:
        assert name in out
        drawn, shown = (cv2.imread(str(folder / f"{name}.jpg")) for folder in (tmp_path, draw_glossary.FOLDER))
        assert drawn.shape == shown.shape
        assert 500 < drawn.shape[1] <= 1800
        assert drawn.std() > 30


def test_without_the_folder_one_sentence(call_program, tmp_path):
    status, _, err = call_program("draw_glossary", draw_glossary.main, "--out", tmp_path / "none")
    assert status == 1
    assert "there is no folder" in err

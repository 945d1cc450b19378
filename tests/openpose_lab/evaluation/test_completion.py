from dataclasses import replace

import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.field_maps import FieldMaps, cells_to_pixels
from estimation.pipeline import group_maps
from estimation.subset import MISSING, PARTS_NUM, SCORE
from estimation.synthesis import synthesize_heatmaps, synthesize_pafs
from openpose_lab.evaluation.completion import complete
from tests.support.scenes import FIGURE

L_KNEE, L_ANKLE = 12, 13
PERSON = (FIGURE * 36 + (12, 4))[None]
SHAPE = (46, 28)


def maps_with(part_score=1.0, paf_score=1.0, keypoints=PERSON, offset=(0.0, 0.0)):
    """Ideal maps, with the given peak score of the left ankle and the given PAF score of the limb to it."""
    heatmaps = synthesize_heatmaps(COCO_18, keypoints, SHAPE)
    heatmaps[:, :, L_ANKLE] *= np.float32(part_score)
    pafs = synthesize_pafs(COCO_18, keypoints, SHAPE)
    shin = next(limb for limb in COCO_18.limbs if limb[:2] == (L_KNEE, L_ANKLE))
    pafs[:, :, [shin.paf_x, shin.paf_y]] *= np.float32(paf_score)
    return FieldMaps(heatmaps, pafs, (8, 8), offset)


def found_and_guessed(maps):
    found = group_maps(maps, COCO_18)
    return found, complete(COCO_18, found.subset, found.coordinates, maps)


@pytest.mark.parametrize(("part_score", "paf_score"), [(0.03, 1), (0.03, -1), (1, 0)])
def test_weak_evidence_completes_a_person(part_score, paf_score):
    maps = maps_with(part_score, paf_score)
    found, guessed = found_and_guessed(maps)
    assert not found.skeletons.present[0, L_ANKLE]
    assert guessed.present.all()
    expected = found_and_guessed(maps_with())[0].skeletons
    np.testing.assert_allclose(guessed.keypoints, expected.keypoints, atol=4)  # pixels; half a cell
    assert guessed.scores[0, L_ANKLE] == pytest.approx(part_score * expected.scores[0, L_ANKLE])
    np.testing.assert_array_equal(guessed.person_scores, found.skeletons.person_scores)
    np.testing.assert_array_equal(found.subset[0, [L_ANKLE, PARTS_NUM]], [MISSING, 17])  # the rows are unchanged


def test_without_evidence_proportions_say_where_a_part_is():
    """Knee and ankle have no peak. The person has ordinary proportions."""
    maps = maps_with(0)
    maps.heatmaps[:, :, L_KNEE] = 0
    _, guessed = found_and_guessed(maps)
    assert guessed.present.all()
    expected = cells_to_pixels(PERSON[0, [L_KNEE, L_ANKLE]], maps.cell_size)
    np.testing.assert_allclose(guessed.keypoints[0, [L_KNEE, L_ANKLE]], expected, atol=16)
    np.testing.assert_array_equal(guessed.scores[0, [L_KNEE, L_ANKLE]], 0)


def test_who_is_whole_stays_as_they_are():
    found, guessed = found_and_guessed(maps_with(offset=(0.25, -0.5)))
    np.testing.assert_array_equal(guessed.keypoints, found.skeletons.keypoints)
    np.testing.assert_array_equal(guessed.peak_ids, found.skeletons.peak_ids)


def test_nobody_gets_nothing():
    _, guessed = found_and_guessed(maps_with(keypoints=PERSON[:0]))
    assert len(guessed) == 0


def test_a_guess_stays_in_the_photo():
    """The legs of the person are below the edge of the photo."""
    maps = maps_with()
    cut = FieldMaps(maps.heatmaps[:26], maps.pafs[:26], maps.cell_size)
    _, guessed = found_and_guessed(cut)
    assert guessed.present.all()
    assert guessed.keypoints[..., 1].max() < 26 * 8


def test_a_person_of_one_peak_is_completed():
    maps = maps_with()
    found = group_maps(maps, COCO_18)
    people = np.full((1, 20), -1.0)
    people[0, [0, SCORE, PARTS_NUM]] = 0, 1, 1
    assert complete(COCO_18, people, found.coordinates, maps).present.all()


def test_each_guess_is_of_one_person():
    two = np.concatenate([PERSON - np.array([5, 0]), PERSON + np.array([5, 0])])
    two[0, L_ANKLE] = np.nan
    _, guessed = found_and_guessed(maps_with(keypoints=two))
    assert guessed.present.all()
    assert len(np.unique(guessed.peak_ids)) == guessed.peak_ids.size


def test_a_guess_in_a_cell_that_reaches_beyond_the_photo_lies_in_the_photo():
    """The photo ends two pixels after the edge of the cell, so the centre of the cell lies outside."""
    maps = replace(maps_with(0), photo_size=(28 * 8, 34 * 8 + 2))
    _, guessed = found_and_guessed(maps)
    assert guessed.present.all()
    assert guessed.keypoints[0, L_ANKLE, 1] == 34 * 8 + 1
    assert (guessed.keypoints <= (28 * 8 - 1, 34 * 8 + 1)).all()

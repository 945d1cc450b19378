import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.field_maps import FieldMaps
from estimation.grouping import load_grouping
from estimation.guesses import guess_missing
from estimation.pipeline import group_maps
from estimation.subset import MISSING, PARTS_NUM
from estimation.synthesis import synthesize_heatmaps, synthesize_pafs
from tests.scenes import FIGURE

L_KNEE, L_ANKLE = 12, 13
PERSON = (FIGURE * 36 + (12, 4))[None]
SHAPE = (46, 28)


def maps_with(part_score=1.0, paf_score=1.0, keypoints=PERSON, offset=(0.0, 0.0)):
    """Ideal maps, but for the left ankle, whose peaks have this score, and the PAF that leads there."""
    heatmaps = synthesize_heatmaps(COCO_18, keypoints, SHAPE)
    heatmaps[:, :, L_ANKLE] *= np.float32(part_score)
    pafs = synthesize_pafs(COCO_18, keypoints, SHAPE)
    shin = next(limb for limb in COCO_18.limbs if limb[:2] == (L_KNEE, L_ANKLE))
    pafs[:, :, [shin.paf_x, shin.paf_y]] *= np.float32(paf_score)
    return FieldMaps(heatmaps, pafs, (8, 8), offset)


def found_and_guessed(maps):
    found = group_maps(maps, COCO_18)
    return found, guess_missing(COCO_18, found.people, found.connections, maps)


@pytest.mark.parametrize(("part_score", "paf_score"), [(0.03, 1), (0.03, 0.04), (1, 0.04)])
def test_weak_evidence_completes_a_person(part_score, paf_score):
    maps = maps_with(part_score, paf_score)
    found, guessed = found_and_guessed(maps)
    assert not found.skeletons.present[0, L_ANKLE]
    assert guessed.present.all()
    expected = found_and_guessed(maps_with())[0].skeletons
    np.testing.assert_allclose(guessed.keypoints, expected.keypoints, atol=1e-3)
    assert guessed.scores[0, L_ANKLE] == pytest.approx(part_score * expected.scores[0, L_ANKLE])
    np.testing.assert_array_equal(guessed.person_scores, found.skeletons.person_scores)
    np.testing.assert_array_equal(found.people[0, [L_ANKLE, PARTS_NUM]], [MISSING, 17])  # the rows are as they were


@pytest.mark.parametrize(("part_score", "paf_score"), [(0.005, 1), (0.03, 0), (0.03, -1), (1, 0)])
def test_no_evidence_completes_nobody(part_score, paf_score):
    found, guessed = found_and_guessed(maps_with(part_score, paf_score))
    np.testing.assert_array_equal(guessed.present, found.skeletons.present)


def test_who_is_whole_stays_as_they_are():
    found, guessed = found_and_guessed(maps_with(offset=(0.25, -0.5)))
    np.testing.assert_array_equal(guessed.keypoints, found.skeletons.keypoints)
    np.testing.assert_array_equal(guessed.ids, found.skeletons.ids)


def test_nobody_gets_nothing():
    _, guessed = found_and_guessed(maps_with(keypoints=PERSON[:0]))
    assert len(guessed) == 0


def test_weak_peaks_begin_nobody():
    maps = maps_with()
    weak = FieldMaps(maps.heatmaps * np.float32(0.04), maps.pafs, maps.cell_size)
    assert len(found_and_guessed(weak)[1]) == 0


def test_one_guess_leads_to_the_next():
    """Knee and ankle are both weak."""
    maps = maps_with(0.03)
    maps.heatmaps[:, :, L_KNEE] *= np.float32(0.03)
    assert found_and_guessed(maps)[1].present.all()


def test_nobody_gets_what_is_somebody_else_s_already():
    """Two people, one without a left ankle at all: the other's is not for them."""
    two = np.concatenate([PERSON - np.array([5, 0]), PERSON + np.array([5, 0])])
    two[0, L_ANKLE] = np.nan
    _, guessed = found_and_guessed(maps_with(keypoints=two))
    assert guessed.present[:, L_ANKLE].sum() == 1
    assert len(np.unique(guessed.ids[guessed.present])) == guessed.present.sum()


def test_what_a_grouping_was_offered_and_left_stays_left(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from estimation.merge import merge as whole\n"
        "def merge(subset):\n"
        "    people = whole(subset)\n"
        "    people[:, 13], people[:, 19] = -1, people[:, 19] - 1\n"
        "    return people\n"
    )
    maps = maps_with()
    found = group_maps(maps, COCO_18, load_grouping(tmp_path / "mine.py"))
    guessed = guess_missing(COCO_18, found.people, found.connections, maps)
    assert not guessed.present[0, L_ANKLE]

"""IDF1 of hand-sized sequences agrees with trackeval's. The tracker reaches its IDF1 in simulated videos."""

import importlib.util

import numpy as np
import pytest

from estimation.config import COCO_18
from openpose_lab.evaluation import identities
from openpose_lab.evaluation.identities import Sequence, figures, identify, idf1, iou, oracle, to_sequence
from openpose_lab.evaluation.nearest import NearestTracker
from openpose_lab.evaluation.track_scenes import simulate_video
from openpose_lab.extras import MissingLibraryError
from openpose_lab.tracking import load_tracker
from openpose_lab.tracking.oks import MEMORY
from tests.openpose_lab.tracking.conftest import people_at

NEEDS_TRACKEVAL = pytest.mark.skipif(
    importlib.util.find_spec("trackeval") is None, reason="needs trackeval, of requirements-dev.txt"
)


def sequence(*frames):
    """A sequence of ground-truth and found identities. Boxes of the same index in a frame agree."""
    true_ids = [np.array(true, dtype=np.intp) for true, _ in frames]
    found_ids = [np.array([one for one in found if one is not None], dtype=np.intp) for _, found in frames]
    likeness = [
        np.array([[float(k == m) for m, one in enumerate(found) if one is not None] for k in range(len(true))]).reshape(
            len(true), -1
        )
        for true, found in frames
    ]
    return Sequence(true_ids, found_ids, likeness)


PERFECT = sequence(([0, 1], [5, 3]), ([0, 1], [5, 3]))
EXAMPLES = {
    "perfect": (PERFECT, 1.0, 0),
    "nothing found": (sequence(([0, 1], [None, None])), 0.0, 0),
    "one missed": (sequence(([0, 1], [0, None]), ([0, 1], [0, 1])), 6 / 7, 0),
    "exchanged after 3 of 4 frames": (sequence(*[([0, 1], [0, 1])] * 3, ([0, 1], [1, 0])), 6 / 8, 2),
    "a new identity after 2 of 3 frames": (sequence(*[([0], [0])] * 2, ([0], [1])), 4 / 6, 1),
    "two people, one identity": (sequence(([0], [0]), ([1], [0])), 2 / 4, 0),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_idf1(name):
    found, expected, _ = EXAMPLES[name]
    assert idf1(found) == pytest.approx(expected)


def test_idf1_of_nothing_is_1_and_of_several_is_pooled():
    assert idf1([]) == 1
    assert idf1([PERFECT, EXAMPLES["nothing found"][0]]) == pytest.approx(8 / 10)


@pytest.mark.slow  # the run of the slow tests has trackeval
@NEEDS_TRACKEVAL
@pytest.mark.parametrize("name", EXAMPLES)
def test_trackeval_agrees(name):
    found, expected, switches = EXAMPLES[name]
    by_trackeval = figures(found)
    assert by_trackeval.idf1 == pytest.approx(expected)
    assert by_trackeval.switches == switches


def test_trackeval_is_asked_for(monkeypatch):
    monkeypatch.setattr("openpose_lab.extras.is_installed", lambda library: False)
    with pytest.raises(
        MissingLibraryError, match="HOTA and identity switches needs trackeval, .*pip install trackeval"
    ):
        figures(PERFECT)


def test_a_person_who_is_away_for_longer_than_the_memory_counts_as_new():
    visible = np.ones((10, 2), dtype=bool)
    visible[2:5, 0] = False  # the person is visible again 4 frames after the last time
    visible[1:, 1] = False
    assert identities.true_identities(visible, 4 / 25)[:, 0].tolist() == [0, 0, -1, -1, -1, 0, 0, 0, 0, 0]
    shorter = identities.true_identities(visible, 3.9 / 25)
    assert shorter[:, 0].tolist() == [0, 0, -1, -1, -1, 1, 1, 1, 1, 1]
    assert shorter[:, 1].tolist() == [2] + [-1] * 9


def test_iou():
    boxes = np.array([[0.0, 0, 2, 2], [5, 5, 5, 5]])
    others = np.array([[0.0, 0, 2, 2], [1, 0, 3, 2], [5, 5, 6, 6]])
    np.testing.assert_allclose(iou(boxes, others), [[1, 1 / 3, 0], [0, 0, 0]])
    assert iou(boxes[:0], others).shape == (0, 3)


def test_the_nearest_tracker_takes_the_nearest_pair_first():
    layout = COCO_18.layout
    tracker = NearestTracker(layout, memory=1.0)
    assert tracker.update(people_at(layout, (100, 200), (130, 200)), 0.0).tolist() == [0, 1]
    assert tracker.update(people_at(layout, (125, 200), (160, 200)), 0.04).tolist() == [1, 2]
    assert tracker.update(people_at(layout, (125, 200)), 2.0).tolist() == [3]
    assert tracker.update(people_at(layout), 2.0).tolist() == []


@pytest.fixture(scope="module")
def scenes():
    return [simulate_video(COCO_18, seed) for seed in (0, 1, 2)]


def measured(scene, tracker):
    return idf1(to_sequence(scene, identify(scene, tracker), MEMORY))


@pytest.mark.slow
def test_the_tracker_is_right_in_nine_of_ten_frames_and_better_than_the_nearest(scenes):
    found = [measured(scene, load_tracker("oks", COCO_18.layout)) for scene in scenes]
    assert np.mean(found) >= 0.9
    assert np.mean([measured(scene, NearestTracker(COCO_18.layout, MEMORY)) for scene in scenes]) < 0.8


def test_a_tracker_without_mistakes_misses_only_those_who_are_not_found(scenes):
    for scene in scenes:
        assert idf1(to_sequence(scene, oracle(scene, MEMORY), MEMORY)) == pytest.approx(2 * 0.95 / 1.95, abs=0.01)


def test_people_without_identity_are_not_found_or_each_their_own(scenes):
    nobody = identify(scenes[0], load_tracker("none", COCO_18.layout))
    assert idf1(to_sequence(scenes[0], nobody, MEMORY)) == 0
    assert 0 < idf1(to_sequence(scenes[0], nobody, MEMORY, each_its_own=True)) < 0.01


@pytest.mark.slow  # the run of the slow tests has trackeval
@NEEDS_TRACKEVAL
def test_trackeval_agrees_on_a_video(scenes):
    found = to_sequence(scenes[0], identify(scenes[0], NearestTracker(COCO_18.layout, MEMORY)), MEMORY)
    assert figures(found).idf1 == pytest.approx(idf1(found))

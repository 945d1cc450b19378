"""Simulated videos agree with their description in docs/tracking.md."""

import numpy as np
import pytest

from estimation.config import COCO_18
from openpose_lab.evaluation.track_scenes import BODY_WIDTH, HEIGHTS, PICTURE, simulate_video


@pytest.fixture(scope="module")
def scene():
    return simulate_video(COCO_18, 0)


def test_the_same_seed_gives_the_same_video(scene):
    again = simulate_video(COCO_18, 0)
    np.testing.assert_array_equal(again.keypoints, scene.keypoints)
    np.testing.assert_array_equal(again.frames[5].keypoints, scene.frames[5].keypoints)


def test_people_are_in_the_picture_and_keypoints_missing_as_often_as_said(scene):
    found = np.concatenate([people.keypoints for people in scene.frames])
    missing = np.isnan(found[..., 0]).mean()
    truth = np.isnan(scene.keypoints[scene.visible][..., 0]).mean()
    assert missing - truth == pytest.approx(0.1, abs=0.01)
    assert np.nanmin(found) >= 0
    assert np.all(np.nanmax(found, axis=(0, 1)) <= np.array(PICTURE) - 1)
    assert len(found) / scene.visible.sum() == pytest.approx(0.95, abs=0.01)


def test_keypoints_stray_by_three_pixels(scene):
    strays = [
        (people.keypoints - truth[who]).ravel()
        for people, truth, who in zip(scene.frames, scene.keypoints, scene.owners)
    ]
    assert np.nanstd(np.concatenate(strays)) == pytest.approx(3, abs=0.1)


def test_each_person_is_hidden_three_times_and_leaves_once(scene):
    assert sorted(hiding.person for hiding in scene.hidings) == sorted([*range(6)] * 3)
    assert all(5 <= hiding.last - hiding.first + 1 <= 40 for hiding in scene.hidings)
    for hiding in scene.hidings:
        assert not scene.visible[hiding.first : hiding.last + 1, hiding.person].any()
    outside = np.isnan(scene.keypoints[..., 0]).all(axis=2)
    left = np.diff(outside.astype(int), axis=0) == 1
    assert (left.sum(axis=0) >= 1).all()


def test_people_move_at_most_half_a_body_width_a_frame(scene):
    steps = np.linalg.norm(np.diff(scene.centres, axis=0), axis=2) / (BODY_WIDTH * scene.heights)
    assert 0.3 < steps.max() <= 0.55
    assert np.all((scene.heights >= HEIGHTS[0]) & (scene.heights <= HEIGHTS[1]))


def test_people_pass_each_other_at_the_speed_asked_for():
    scene = simulate_video(COCO_18, 3, speeds=(0.3, 0.3), hidden=(10, 10))
    steps = np.linalg.norm(np.diff(scene.centres, axis=0), axis=2) / (BODY_WIDTH * scene.heights)
    assert np.all((steps.max(axis=0) > 0.28) & (steps.max(axis=0) < 0.4))
    assert all(hiding.last - hiding.first == 9 for hiding in scene.hidings)

"""The default tracker in videos of a few people, with the exact identities."""

import numpy as np
import pytest

from estimation.layouts import LAYOUTS
from openpose_lab.tracking.oks import BIRTH, MEMORY, OksTracker, Settings
from tests.openpose_lab.tracking.conftest import of_keypoints, people_at
from tests.support.scenes import HUMAN_LAYOUTS

FRAME = 0.04  # seconds


def track(tracker, layout, frames, times=None):
    """The identities of each frame, given as places; None in place of a frame that was left out."""
    found = []
    for number, places in enumerate(frames):
        if places is not None:
            time = number * FRAME if times is None else times[number]
            found.append(tracker.update(people_at(layout, *places), time).tolist())
    return found


@pytest.fixture
def tracker(layout):
    return OksTracker(layout)


@pytest.mark.parametrize("name", HUMAN_LAYOUTS)
def test_a_person_gets_an_identity_in_the_third_frame_and_keeps_it(name):
    layout = LAYOUTS[name]
    found = track(OksTracker(layout), layout, [[(100 + 3 * frame, 200)] for frame in range(10)])
    assert found == [[-1], [-1], *[[0]] * 8]
    assert BIRTH == 3


def test_two_people_who_walk_through_each_other_keep_their_identities(tracker, layout):
    frames = [[(100 + 4 * k, 200), (300 - 4 * k, 205)] for k in range(50)]
    frames[30:] = [places[::-1] for places in frames[30:]]  # the order of people says nothing
    found = track(tracker, layout, frames)
    assert found[2:30] == [[0, 1]] * 28
    assert found[30:] == [[1, 0]] * 20


@pytest.mark.parametrize("hidden", [1, 10, 40])
def test_a_person_who_is_hidden_keeps_the_identity_and_walks_on(tracker, layout, hidden):
    frames = [[(100 + 3 * k, 200)] for k in range(60)]
    frames[15 : 15 + hidden] = [[]] * hidden
    found = track(tracker, layout, frames)
    assert found[15 + hidden :] == [[0]] * (45 - hidden)
    assert found[15 : 15 + hidden] == [[]] * hidden


def test_one_of_two_who_cross_is_hidden_for_ten_frames(tracker, layout):
    frames = [[(100 + 4 * k, 200), (300 - 4 * k, 200)] for k in range(50)]
    frames[20:30] = [places[:1] for places in frames[20:30]]
    found = track(tracker, layout, frames)
    assert found[2:20] + found[30:] == [[0, 1]] * 38
    assert found[20:30] == [[0]] * 10


def test_a_person_who_stays_away_for_longer_than_the_memory_is_a_new_one(tracker, layout):
    away = int(MEMORY / FRAME) + 1
    found = track(tracker, layout, [*[[(100, 200)]] * 5, *[[]] * away, *[[(100, 200)]] * 4])
    assert found[:5] == [[-1], [-1], [0], [0], [0]]
    assert found[-4:] == [[-1], [-1], [1], [1]]


def test_a_person_of_another_size_is_another_person(tracker, layout):
    for frame in range(5):
        assert tracker.update(people_at(layout, (100, 200)), frame * FRAME) in ([-1], [0])
    for frame in range(5, 8):
        found = tracker.update(people_at(layout, (100, 200), height=200), frame * FRAME)
    assert found.tolist() == [1]


def test_a_new_person_does_not_take_the_identity_of_one_who_is_seen(tracker, layout):
    found = track(tracker, layout, [*[[(100, 200)]] * 5, *[[(130, 200), (100, 200)]] * 3])
    assert found[-1] == [1, 0]


def test_what_flickers_gets_no_identity(tracker, layout):
    frames = [[(100, 200)] if frame % 4 == 0 else [] for frame in range(40)]
    assert {one for found in track(tracker, layout, frames) for one in found} == {-1}


def test_one_frame_may_be_missed_before_the_birth(tracker, layout):
    assert track(tracker, layout, [[(100, 200)], [], [(100, 200)], [], [(100, 200)]])[-1] == [0]


def test_an_identity_in_the_first_frame_on_request(layout):
    tracker = OksTracker(layout, Settings(birth=1))
    assert track(tracker, layout, [[(100, 200), (300, 200)], [(300, 200), (100, 200), (500, 200)]]) == [
        [0, 1],
        [1, 0, 2],
    ]


@pytest.mark.parametrize("every", [1, 5, 12])
def test_frames_that_are_left_out_change_nothing(tracker, layout, every):
    frames = [[(100 + 2 * k, 200), (400 - 2 * k, 210)] if k % every == 0 else None for k in range(96)]
    assert track(tracker, layout, frames)[3:] == [[0, 1]] * (-(-96 // every) - 3)


def test_frames_at_odd_times(tracker, layout):
    times = np.cumsum(np.tile([0.01, 0.2, 0.04, 0.1], 10))
    frames = [[(100 + 80 * time, 200), (400 - 80 * time, 200)] for time in times]
    assert track(tracker, layout, frames, times)[3:] == [[0, 1]] * 37


@pytest.mark.parametrize("time", [0.2, 0.0, -5.0, float("nan"), float("inf")])
def test_a_timestamp_that_repeats_or_goes_back_ends_no_identity(tracker, layout, time):
    times = [0, 0.04, 0.08, 0.12, 0.16, 0.2, time, time, time + 0.04 if np.isfinite(time) else 0.24]
    found = track(tracker, layout, [[(100, 200)]] * len(times), times)
    assert found[-3:] == [[0]] * 3


def test_nobody_is_remembered_for_ever_where_time_stands_still(tracker, layout):
    frames = [*[[(100, 200)]] * 3, *[[]] * 1001, *[[(100, 200)]] * 3]
    found = track(tracker, layout, frames, [0.0] * len(frames))
    assert (found[2], found[-1]) == ([0], [1])


def test_a_timestamp_far_ahead_ends_all_identities(tracker, layout):
    times = [0, 0.04, 0.08, 100, 100.04, 100.08]
    assert track(tracker, layout, [[(100, 200)]] * 6, times)[2:] == [[0], [-1], [-1], [1]]


def test_frames_without_people(tracker, layout):
    assert track(tracker, layout, [[]] * 5) == [[]] * 5


def test_people_of_one_keypoint_and_of_none(tracker, layout):
    keypoints = np.full((2, len(layout.body_parts), 2), np.nan)
    keypoints[1, 3] = 50, 60
    found = [tracker.update(of_keypoints(keypoints), frame * FRAME).tolist() for frame in range(4)]
    assert found[2:] == [[-1, 0]] * 2


def test_people_without_a_common_keypoint_are_two(tracker, layout):
    upper = people_at(layout, (100, 200)).keypoints
    lower = upper.copy()
    upper[:, 8:14], lower[:, :8], lower[:, 14:] = np.nan, np.nan, np.nan
    for frame in range(3):
        assert tracker.update(of_keypoints(upper), frame * FRAME) in ([-1], [0])
    found = [tracker.update(of_keypoints(lower), frame * FRAME).tolist() for frame in range(3, 6)]
    assert found == [[-1], [-1], [1]]


def test_one_number_of_a_point_missing_is_the_point_missing(tracker, layout):
    people = people_at(layout, (100, 200))
    people.keypoints[0, 4, 1] = np.nan
    people.keypoints[0, 5, 0] = np.inf
    assert [tracker.update(people, frame * FRAME).tolist() for frame in range(3)][-1] == [0]


def test_keypoints_that_come_and_go(tracker, layout):
    rng = np.random.default_rng(0)
    for frame in range(30):
        people = people_at(layout, (100 + 2 * frame, 200), (260 - 2 * frame, 200)).keypoints
        people[rng.random(people.shape[:2]) < 0.4] = np.nan
        found = tracker.update(of_keypoints(people), frame * FRAME).tolist()
        assert found == ([0, 1] if frame >= 2 else [-1, -1])


@pytest.mark.parametrize("value", [0.0, 1e-300, 1e6])
def test_keypoints_in_one_point_or_far_apart(tracker, layout, value):
    keypoints = np.full((2, len(layout.body_parts), 2), value)
    keypoints[1, 0] = 0
    for frame in range(4):
        found = tracker.update(of_keypoints(keypoints), frame * FRAME)
        assert len(set(found[found >= 0])) == (found >= 0).sum()

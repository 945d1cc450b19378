"""Filling gaps."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openpose_lab.tracking.gaps import fill_gaps
from openpose_lab.tracking.motion import refined
from tests.support.motion import marks, moving, record_of, xs

NAN = np.nan


def filled(records, seconds):
    return list(refined(lambda: records, gap_seconds=seconds))


def test_a_line_is_filled_exactly():
    x = np.array([NAN, 10, NAN, NAN, NAN, 18, 20, NAN])
    new = filled(moving(x), 0.16)
    np.testing.assert_allclose(xs(new), [NAN, 10, 12, 14, 16, 18, 20, NAN], atol=1e-12)
    assert marks(new) == [False, False, True, True, True, False, False, False]


def test_what_was_added_to_a_frame():
    records = moving(np.array([10, NAN, NAN, NAN, 14]))
    surer = replace(records[4].skeletons, scores=np.array([[0.75]]), person_scores=np.array([3.0]))
    records[4] = replace(records[4], skeletons=surer)
    skeletons = filled(records, 1)[3].skeletons
    np.testing.assert_allclose(skeletons.keypoints, [[[13, 100]]])
    np.testing.assert_allclose(skeletons.scores, [[0.625]])  # from 0.25
    np.testing.assert_allclose(skeletons.person_scores, [2.5])  # from 1
    assert (skeletons.peak_ids.tolist(), skeletons.person_ids.tolist()) == ([[-2]], [7])
    assert skeletons.present.all()


@pytest.mark.parametrize("rate", [25, 30, 29.97, 60, 120])
@pytest.mark.parametrize("milliseconds", [False, True], ids=["exact", "rounded"])
def test_a_gap_of_just_the_seconds_is_filled_and_one_frame_more_is_not(rate, milliseconds):
    for start in range(20):
        x = np.arange(60.0)
        times = np.round(np.arange(60) / rate, 3) if milliseconds else np.arange(60) / rate
        x[start + 1 : start + 10] = NAN  # from start to start + 10
        assert sum(marks(filled(moving(x, times=times), 10 / rate))) == 9
        x[start + 10] = NAN
        assert sum(marks(filled(moving(x, times=times), 10 / rate))) == 0


def test_parts_have_gaps_of_their_own():
    records = [
        record_of(0, 0.0, {3: [(0, 0), (10, 10), (NAN, NAN)]}),
        record_of(1, 1.0, {3: [(NAN, NAN), (11, 12), (NAN, NAN)]}),
        record_of(2, 2.0, {4: [(5, 5), (5, 5), (5, 5)]}),
        record_of(3, 3.0, {3: [(6, 3), (13, 16), (2, 2)]}),
    ]
    new = [record.skeletons for record in filled(records, 2.5)]
    assert np.isnan(new[1].keypoints[0, [0, 2]]).all()  # 3 seconds, and never seen before
    assert new[2].person_ids.tolist() == [4, 3]
    np.testing.assert_array_equal(new[2].keypoints[1], [(NAN, NAN), (12, 14), (NAN, NAN)])
    assert new[2].peak_ids[1].tolist() == [-1, -2, -1]
    new = [record.skeletons for record in filled(records, 3)]
    np.testing.assert_allclose(new[1].keypoints[0], [(2, 1), (11, 12), (NAN, NAN)])
    assert new[1].peak_ids[0].tolist() == [-2, 1, -1]
    assert new[1].scores[0].tolist() == [0.25, 0.26, 0]
    np.testing.assert_allclose(new[2].keypoints[1], [(4, 2), (12, 14), (NAN, NAN)])


def test_uneven_times_count():
    new = filled(moving(np.array([0, NAN, NAN, 10]), times=np.array([0, 0.1, 0.8, 1.0])), 1)
    np.testing.assert_allclose(xs(new), [0, 1, 8, 10], atol=1e-12)


def test_times_that_run_backwards_fill_nothing_outside_the_line():
    new = filled(moving(np.array([0, NAN, 10, NAN, 5]), times=np.array([0, 9, 1.0, 0.5, 0.7])), 1)
    np.testing.assert_allclose(xs(new), [0, 10, 10, NAN, 5])


@given(
    st.lists(st.none() | st.floats(0, 639), max_size=40),
    st.floats(0, 1),
    st.lists(st.floats(0.01, 0.2), min_size=40, max_size=40),
)
@settings(max_examples=60, deadline=None)
def test_gaps_one_by_one(values, seconds, steps):
    """An oracle that looks at each frame alone."""
    x = np.array([NAN if value is None else value for value in values], dtype=float)
    times = np.cumsum(steps)[: len(x)]
    expected = x.copy()
    for place in np.flatnonzero(np.isnan(x)):
        before, after = np.flatnonzero(~np.isnan(x[:place])), np.flatnonzero(~np.isnan(x[place:]))
        if len(before) and len(after):
            ends = [before[-1], place + after[0]]
            if times[ends[1]] - times[ends[0]] <= seconds + 1e-3:
                expected[place] = np.interp(times[place], times[ends], x[ends])
    new = filled(moving(x, times=times), seconds)
    np.testing.assert_allclose(xs(new), expected, atol=1e-9)
    assert marks(new) == (np.isnan(x) & ~np.isnan(expected)).tolist()


@pytest.mark.parametrize("seconds", [-0.1, NAN])
def test_a_length_that_is_none_is_refused(seconds):
    with pytest.raises(ValueError, match="^the longest gap must be 0 seconds or more but is"):
        fill_gaps(None, seconds)

"""Keypoints out of records and back."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estimation.errors import OpenPoseLabError
from estimation.layouts import LAYOUTS
from estimation.skeletons import FILLED, Skeletons
from openpose_lab.tracking.motion import apply, gather, refined
from tests.support.motion import marks, moving, nobody, record_of, xs


def same(one, other):
    for field in fields(Skeletons):
        np.testing.assert_array_equal(getattr(one.skeletons, field.name), getattr(other.skeletons, field.name))
    return [getattr(one, name) for name in ("name", "index", "timestamp", "width", "height", "image_id")] == [
        getattr(other, name) for name in ("name", "index", "timestamp", "width", "height", "image_id")
    ]


def random_records(seed, count, parts, identities):
    rng = np.random.default_rng(seed)
    for place in range(count):
        here = [identity for identity in rng.permutation(identities).tolist() if rng.random() < 0.7]
        people = {
            identity: np.where(rng.random((parts, 1)) < 0.7, rng.random((parts, 2)) * (639, 479), np.nan)
            for identity in here
        }
        yield record_of(place, place / 25, people) if people else nobody(place, place / 25, parts)


def test_rows_are_ordered_by_identity_and_frame():
    records = [
        record_of(0, 0.0, {5: [(1, 2)], 2: [(3, 4)]}),
        record_of(1, 0.5, {2: [(5, 6)], -1: [(0, 0)], 5: [(7, 8)]}),
    ]
    motion = gather(records)
    assert motion.times.tolist() == [0, 0.5]
    assert (motion.identities.tolist(), motion.frames.tolist()) == ([2, 2, 5, 5], [0, 1, 0, 1])
    assert motion.keypoints[:, 0].tolist() == [[3, 4], [5, 6], [1, 2], [7, 8]]
    assert [(rows.start, rows.stop) for rows in motion.people()] == [(0, 2), (2, 4)]
    assert not motion.filled.any()


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 8),
    st.sampled_from(sorted(LAYOUTS)),
    st.lists(st.integers(0, 9), unique=True),
)
@settings(max_examples=30, deadline=None)
def test_what_is_not_changed_comes_back(seed, count, layout, identities):
    records = list(random_records(seed, count, len(LAYOUTS[layout].body_parts), identities))
    back = list(apply(gather(iter(records)), iter(records)))
    assert len(back) == count
    assert all(same(one, other) for one, other in zip(records, back))


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 30),
    st.sampled_from(sorted(LAYOUTS)),
    st.lists(st.integers(0, 9), unique=True),
)
@settings(max_examples=30, deadline=None)
def test_refined_records(seed, count, layout, identities):
    """What was found stays where it was, but for its place; what is new is marked; everything lies in the photo."""
    records = list(random_records(seed, count, len(LAYOUTS[layout].body_parts), identities))
    before = [record.skeletons.keypoints.copy() for record in records]
    refined_records = list(refined(lambda: iter(records), gap_seconds=0.2, smooth=True))
    assert len(refined_records) == count
    for record, one, keypoints in zip(records, refined_records, before):
        old, new = record.skeletons, one.skeletons
        people = len(old)
        np.testing.assert_array_equal(old.keypoints, keypoints)
        assert new.person_ids[:people].tolist() == old.person_ids.tolist()
        assert new.person_scores[:people].tolist() == old.person_scores.tolist()
        assert (new.person_scores[people:] >= 1).all()
        assert len(set(new.person_ids.tolist())) == len(new)
        assert (new.peak_ids[:people][old.present] == old.peak_ids[old.present]).all()
        filled = new.peak_ids == FILLED
        assert (filled[people:].any(axis=1)).all()
        assert (new.present == ~np.isnan(new.keypoints[:, :, 0])).all()
        assert (new.scores[:people] == old.scores)[~filled[:people]].all()
        assert (new.scores[filled] >= 0.25).all()
        assert ((new.keypoints >= 0) & (new.keypoints <= (639, 479)))[new.present].all()


def test_people_without_identity_stay():
    rng = np.random.default_rng(1)
    records = [record_of(place, place / 25, {-1: rng.random((3, 2)) * 400}) for place in range(30)]
    records[4] = nobody(4, 4 / 25, parts=3)
    back = list(refined(lambda: records, gap_seconds=1, smooth=True))
    assert all(same(one, other) for one, other in zip(records, back))


def test_no_records():
    assert list(refined(lambda: iter([]), gap_seconds=1, smooth=True)) == []
    assert len(list(refined(lambda: [nobody(0, 0.0)], gap_seconds=1, smooth=True))) == 1


def test_gaps_are_filled_before_keypoints_are_smoothed():
    x = np.where(np.arange(60) == 30, np.nan, 100 + 5 * np.sin(np.arange(60)))
    both = list(refined(lambda: moving(x), gap_seconds=1, smooth=True))
    first = list(refined(lambda: moving(x), gap_seconds=1))
    assert marks(both) == marks(first) == [place == 30 for place in range(60)]
    np.testing.assert_allclose(xs(both), xs(list(refined(lambda: first, smooth=True))), atol=1e-9)
    assert abs(xs(both)[30] - xs(first)[30]) > 0.1


def test_what_was_filled_stays_marked_when_it_is_smoothed_later():
    filled = list(refined(lambda: moving(np.array([1, np.nan, 3] + 20 * [4.0])), gap_seconds=1))
    assert marks(list(refined(lambda: filled, smooth=True))) == [False, True] + 21 * [False]


def test_a_frame_without_a_time_is_refused():
    with pytest.raises(OpenPoseLabError, match="^frame 1 has no timestamp; smooth or fill only the frames"):
        gather([nobody(0, 0.0), nobody(1, None)])


def test_an_identity_of_two_people_is_refused():
    records = [record_of(0, 0.0, {1: [(1, 1)]}), record_of(1, 1.0, {1: [(1, 1)], 2: [(2, 2)]})]
    records[1].skeletons.person_ids[1] = 1
    with pytest.raises(ValueError, match=r"^two people of frame 1 have the same identity: \[1, 1\]"):
        gather(records)

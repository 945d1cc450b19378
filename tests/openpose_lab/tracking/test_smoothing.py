"""The filter, against scipy's and against the formula of Butterworth."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from estimation.layouts import LAYOUTS
from openpose_lab.tracking import motion
from openpose_lab.tracking.smoothing import CausalSmoother, check_rate
from tests.support.motion import moving, nobody, record_of, xs

NAN = np.nan


def smoothed(records):
    return list(motion.refined(lambda: records, smooth=True))


def wave(hertz, rate, seconds=8.0, times=None):
    times = np.arange(round(seconds * rate)) / rate if times is None else times
    return 300 + 100 * np.cos(2 * np.pi * hertz * times)


def gain_and_delay(x, hertz, times):
    """What became of a wave of 100 pixels: amplitude / 100 and delay in seconds, away from the ends."""
    inner = (times > 1.5) & (times < times[-1] - 1.5)
    waves = np.stack(
        [np.cos(2 * np.pi * hertz * times), np.sin(2 * np.pi * hertz * times), np.ones_like(times)], axis=1
    )
    (even, odd, _), *_ = np.linalg.lstsq(waves[inner], x[inner], rcond=None)
    return math.hypot(even, odd) / 100, math.atan2(odd, even) / (2 * np.pi * hertz)


def theory(hertz, rate, order=4):
    """The gain of two passes of half the order: 1 / (1 + (w / w0) ** order), frequencies warped, -3 dB at 6 Hz."""
    ratio = math.tan(math.pi * hertz / rate) / math.tan(math.pi * 6 / rate)
    return 1 / (1 + (math.sqrt(2) - 1) * ratio**order)


@pytest.mark.parametrize("rate", [25, 29.97, 60, 240])
@pytest.mark.parametrize("hertz", [1, 3, 6, 9, 12])
def test_the_gain_is_that_of_the_formula_and_nothing_is_delayed(hertz, rate):
    times = np.arange(round(8 * rate)) / rate
    gain, delay = gain_and_delay(xs(smoothed(moving(wave(hertz, rate), rate))), hertz, times)
    assert gain == pytest.approx(theory(hertz, rate), abs=1e-3)
    assert abs(delay) < 1e-6 or gain < 0.01


def test_a_slow_movement_passes_and_a_fast_one_does_not():
    assert theory(1, 25) > 0.999
    assert theory(6, 25) == pytest.approx(math.sqrt(0.5), abs=1e-12)
    assert theory(12, 25) < 0.001 < theory(12, 100) < 0.12


def test_scipy_filters_the_same_in_the_middle_of_a_run():
    """scipy's own filter of order 2, at the frequency that Winter's correction gives."""
    rate = 50.0
    x = 200 + np.cumsum(np.random.default_rng(0).normal(size=400))
    frequency = math.atan(math.tan(math.pi * 6 / rate) / 0.802) * rate / math.pi
    expected = signal.filtfilt(*signal.butter(2, frequency, fs=rate), x)
    np.testing.assert_allclose(xs(smoothed(moving(x, rate))), expected, atol=0.01)


def test_what_does_not_move_stays_to_the_last_bit():
    x = np.full(50, 1 / 3 + 100)
    assert xs(smoothed(moving(x))).tolist() == x.tolist()


@given(st.integers(2, 40), st.floats(13, 240), st.floats(0, 639), st.floats(-5, 5))
@settings(max_examples=40, deadline=None)
def test_a_line_stays(count, rate, start, slope):
    x = start + slope * np.arange(count)
    x = np.where((x >= 0) & (x <= 639), x, NAN)
    np.testing.assert_allclose(xs(smoothed(moving(x, rate))), x, atol=1e-9)


@given(st.lists(st.none() | st.floats(0, 639), max_size=60), st.sampled_from([25, 30, 100]))
@settings(max_examples=40, deadline=None)
def test_runs_are_filtered_by_themselves(values, rate):
    x = np.array([NAN if value is None else value for value in values], dtype=float)
    new = xs(smoothed(moving(x, rate)))
    np.testing.assert_array_equal(np.isnan(new), np.isnan(x))
    runs = np.split(np.arange(len(x)), np.flatnonzero(np.diff(np.isnan(x))) + 1)
    for run in runs:
        if len(run) and not np.isnan(x[run[0]]):
            alone = xs(smoothed(moving(x[run], rate))) if len(run) > 2 else x[run]
            np.testing.assert_allclose(new[run], alone, atol=1e-6)


def test_runs_of_one_frame_and_two_stay_and_short_ones_are_filtered():
    assert xs(smoothed(moving(np.array([5, NAN, 7.0, 9.0])))).tolist()[::2] == [5, 7]
    jitter = np.array([100, 104, 100, 104, 100.0])
    new = xs(smoothed(moving(jitter)))
    assert np.ptp(new) < 0.7 * np.ptp(jitter)


def test_people_and_parts_do_not_mix():
    rng = np.random.default_rng(0)
    parts = len(LAYOUTS["BODY_25"].body_parts)
    tracks = {identity: 100 + 300 * rng.random((40, parts, 2)) for identity in (2, 9)}
    tracks[9][15:18, 3] = NAN
    records = [
        record_of(place, place / 25, {identity: track[place] for identity, track in tracks.items()})
        for place in range(40)
    ]
    new = smoothed(records)
    for identity, track in tracks.items():
        for part in (0, 3, parts - 1):
            np.testing.assert_allclose(xs(new, identity, part), xs(smoothed(moving(track[:, part, 0]))), atol=1e-9)


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout(name):
    parts = len(LAYOUTS[name].body_parts)
    x = wave(9, 25, 2)
    records = [record_of(place, place / 25, {1: [(one, part) for part in range(parts)]}) for place, one in enumerate(x)]
    expected = xs(smoothed(moving(x)))
    for part in range(parts):
        np.testing.assert_allclose(xs(smoothed(records), 1, part), expected, atol=1e-9)
    assert smoothed(records)[5].skeletons.keypoints[0, :, 1].tolist() == list(range(parts))


def test_a_person_who_leaves_and_comes_back_has_two_runs():
    x = np.concatenate([np.full(20, 100.0), np.full(5, NAN), np.full(20, 300.0)])
    np.testing.assert_array_equal(xs(smoothed(moving(x))), x)


def test_overshoot_ends_at_the_edge_of_the_photo():
    x = np.concatenate([np.full(20, 100.0), np.full(20, 639.0)])
    new = xs(smoothed(moving(x)))
    assert new.max() == 639
    assert (new == 639).sum() < 20


def test_times_that_are_rounded_to_milliseconds_are_even():
    x = wave(2, 30)
    times = np.round(np.arange(len(x)) / 30, 3)
    np.testing.assert_allclose(xs(smoothed(moving(x, times=times))), xs(smoothed(moving(x, 30))), atol=0.1)


@pytest.mark.parametrize("hertz", [1, 12])
def test_a_variable_frame_rate(hertz):
    times = np.cumsum(np.random.default_rng(3).choice([1 / 60, 1 / 40, 1 / 30], 400))
    gain, delay = gain_and_delay(xs(smoothed(moving(wave(hertz, 0, times=times), times=times))), hertz, times)
    if hertz == 1:
        assert gain == pytest.approx(1, abs=0.01)
        assert abs(delay) < 0.001
    else:
        assert gain < 0.12


def test_frames_that_are_missing_are_resampled():
    """Every seventh frame was dropped by the camera."""
    kept = np.arange(240) % 7 != 6
    times = (np.arange(240) / 30)[kept]
    gain, delay = gain_and_delay(xs(smoothed(moving(wave(1, 0, times=times), times=times))), 1, times)
    assert gain == pytest.approx(1, abs=0.01)
    assert abs(delay) < 0.001


@pytest.mark.parametrize("pause", [100.0, 1e9, 0.0, -3.0])
def test_a_pause_of_the_video_ends_a_run(pause):
    """Also one of years, which no array could hold, and one back in time."""
    x = np.concatenate([np.full(20, 100.0), np.full(20, 300.0)])
    times = np.arange(40) / 25
    times[20:] += pause - (1 / 25 if pause <= 0 else 0)
    np.testing.assert_array_equal(xs(smoothed(moving(x, times=times))), x)


@pytest.mark.parametrize("rate", [10, 12])
def test_slow_frames_stay_with_a_note(rate):
    x = wave(3, rate)
    with pytest.warns(OpenPoseLabWarning, match=f"more than 12 frames a second, but the video has {rate}; use more of"):
        assert xs(smoothed(moving(x, rate))).tolist() == x.tolist()
    with pytest.raises(
        OpenPoseLabError, match=f"^keypoints are not smoothed: a filter of 6 Hz .* the video has {rate};"
    ):
        check_rate(rate)


@pytest.mark.parametrize("rate", [12.001, 12.5, 1000, 1e6, 1e9])
def test_rates_that_are_fast_enough(rate):
    check_rate(rate)
    x = wave(1, 60, 1)
    new = xs(smoothed(moving(x, rate)))
    assert np.isfinite(new).all()
    assert np.abs(new - 300).max() < 120


def test_a_single_frame_and_frames_of_one_time_stay():
    assert xs(smoothed(moving(np.array([5.0])))).tolist() == [5]
    assert xs(smoothed(moving(np.array([5.0, 7]), times=np.zeros(2)))).tolist() == [5, 7]


def live(records, **more):
    smoother = CausalSmoother()
    return [smoother.update(record.skeletons, record.timestamp, **more) for record in records]


def live_xs(skeletons, row=0, part=0):
    return np.array([one.keypoints[row, part, 0] if len(one) else NAN for one in skeletons])


def forward(x, rate):
    """scipy's own filter of order 4, begun as if the first value had been there for ever."""
    sections = signal.butter(4, 6, fs=rate, output="sos")
    return signal.sosfilt(sections, x, zi=signal.sosfilt_zi(sections) * x[0])[0]


@pytest.mark.parametrize("rate", [12.5, 15, 25, 30, 60, 240])
def test_live_at_an_even_rate_is_scipys_filter(rate):
    x = 300 + np.cumsum(np.random.default_rng(1).normal(size=300))
    np.testing.assert_allclose(live_xs(live(moving(x, rate))), forward(x, rate), atol=1e-6)


def test_live_does_not_see_what_comes_later():
    x = 300 + np.cumsum(np.random.default_rng(1).normal(size=60))
    whole = live_xs(live(moving(x)))
    assert whole[:40].tolist() == live_xs(live(moving(x[:40]))).tolist()


def delay_of_slow_movements(step):
    """Of a Butterworth filter of order 4: the sum of 1 / Q, over its warped frequency. Seconds."""
    return 2 * (math.sin(math.pi / 8) + math.sin(3 * math.pi / 8)) * step / (2 * math.tan(math.pi * 6 * step))


@pytest.mark.parametrize(("rate", "milliseconds"), [(25, 55.6), (30, 60.0), (60, 67.0), (1000, 69.3)])
def test_live_delays_slow_movements(rate, milliseconds):
    assert delay_of_slow_movements(1 / rate) == pytest.approx(milliseconds / 1000, abs=1e-4)
    times = np.arange(round(6 * rate)) / rate
    gain, delay = gain_and_delay(live_xs(live(moving(wave(0.5, rate, 6), rate))), 0.5, times)
    assert gain == pytest.approx(1, abs=1e-3)
    assert delay == pytest.approx(milliseconds / 1000, abs=5e-4)


@pytest.mark.parametrize("steps", [[1 / 60, 1 / 25], [1 / 30, 1 / 8], [1 / 10]], ids=["fast", "hiccups", "slow"])
def test_live_at_any_pace(steps):
    times = np.cumsum(np.random.default_rng(2).choice(steps, 300))
    gain, delay = gain_and_delay(live_xs(live(moving(wave(0.5, 0, times=times), times=times))), 0.5, times)
    assert gain == pytest.approx(1, abs=0.02)
    delays = [delay_of_slow_movements(step / (math.floor(12 * step) + 1)) for step in steps]
    assert min(delays) - 0.002 < delay < max(delays) + 0.002
    if steps != [1 / 10]:
        gain, _ = gain_and_delay(live_xs(live(moving(wave(12, 0, times=times), times=times))), 12, times)
        assert gain < 0.2


def test_live_what_does_not_move_stays():
    np.testing.assert_allclose(live_xs(live(moving(np.full(100, 123.456)))), 123.456, rtol=1e-12)


def test_live_a_short_gap_is_bridged_and_a_long_one_begins_anew():
    x = np.arange(100, 200.0)
    x[20:24] = x[50:70] = NAN
    new = live_xs(live(moving(x)))
    np.testing.assert_array_equal(np.isnan(new), np.isnan(x))
    lag = x - new
    assert lag[0] == lag[70] == pytest.approx(0, abs=1e-9)
    assert [lag[19], lag[49]] == pytest.approx(2 * [25 * delay_of_slow_movements(1 / 25)], abs=0.01)
    assert lag[24] == pytest.approx(lag[19], abs=0.7)  # a step of 0.2 seconds is taken as three of 0.067


def test_live_parts_and_people_are_apart_in_any_order():
    rng = np.random.default_rng(5)
    tracks = {identity: 100 + 300 * rng.random((30, 3, 2)) for identity in (4, 1, -1)}
    tracks[1][10:12, 2] = NAN
    records = []
    for place in range(30):
        order = rng.permutation(list(tracks)).tolist()
        records.append(record_of(place, place / 25, {identity: tracks[identity][place] for identity in order}))
    new = live(records)
    for place, (record, skeletons) in enumerate(zip(records, new)):
        assert skeletons.person_ids.tolist() == record.skeletons.person_ids.tolist()
        row = skeletons.person_ids.tolist().index(-1)
        np.testing.assert_array_equal(skeletons.keypoints[row], tracks[-1][place])
    for identity in (4, 1):
        for part in range(3):
            alone = live_xs(live(moving(tracks[identity][:, part, 0])))
            both = [one.keypoints[one.person_ids.tolist().index(identity), part, 0] for one in new]
            np.testing.assert_allclose(both, alone, atol=1e-9)


def test_live_forgets_people_who_are_gone():
    smoother = CausalSmoother()
    for place in range(100):
        record = record_of(place, place / 25, {place: [(1, 1)], 1000: [(2, 2)]})
        smoother.update(record.skeletons, record.timestamp)
    assert len(smoother._people) < 10


def test_live_times_that_stand_or_run_backwards_begin_anew():
    records = moving(np.array([100, 200, 300.0]), times=np.array([1.0, 1.0, 0.5]))
    np.testing.assert_allclose(live_xs(live(records)), [100, 200, 300])


def test_live_keypoints_stay_in_the_photo():
    x = np.concatenate([np.full(20, 100.0), np.full(40, 639.0)])
    assert live_xs(live(moving(x))).max() > 640
    assert live_xs(live(moving(x), photo_size=(640, 480))).max() == 639


def test_live_changes_nothing_that_it_is_given():
    records = moving(np.array([100, 200, 300.0]))
    new = live(records)
    assert xs(records).tolist() == [100, 200, 300]
    assert new[1].scores is records[1].skeletons.scores
    assert len(live([nobody(0, 0.0)])[0]) == 0

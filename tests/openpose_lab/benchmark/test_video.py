from itertools import pairwise

import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.benchmark import video
from openpose_lab.benchmark.video import benchmark_video, make_clip, moving_photo, video_runs
from openpose_lab.estimator import PoseEstimator
from tests.support.extras import needs
from tests.support.toy_network import HEIGHT, ToyNetwork
from tests.support.video_files import make_clip as make_small_clip
from tests.support.video_files import timestamps


@pytest.fixture
def estimator():
    return PoseEstimator(ToyNetwork(), height=HEIGHT)


@pytest.mark.slow
@needs("av")
def test_the_video_stands_beside_its_stages(estimator, tmp_path, monkeypatch):
    monkeypatch.setattr("openpose_lab.benchmark.stages_alone.count_cores", lambda: 2)
    make_small_clip(tmp_path / "clip.mp4", [3600 * number for number in range(12)])
    monkeypatch.setattr(video, "_MOST_PIXELS", 10 * 64 * 48)
    ticks = []
    table = benchmark_video(tmp_path / "clip.mp4", estimator, tmp_path / "drawn.mp4", 2, lambda: ticks.append(1))
    assert len(ticks) == video_runs(2)
    assert table.title == "A video of 10 frames, 64x48"
    *stages, shares, whole = table.rows
    sums = np.sum([row.timing.seconds for row in stages], axis=0)
    np.testing.assert_allclose(shares.timing.seconds, sums / 2)
    assert whole.figures["ratio"] == whole.timing.median / shares.timing.median
    assert timestamps(tmp_path / "drawn.mp4") == timestamps(tmp_path / "clip.mp4")[:10]


@needs("av")
def test_a_video_that_cannot_be_read_is_one_sentence(estimator, tmp_path):
    (tmp_path / "clip.mp4").write_text("no video")
    with pytest.raises(OpenPoseLabError, match=r"clip\.mp4 is not a video"):
        benchmark_video(tmp_path / "clip.mp4", estimator, tmp_path / "drawn.mp4", 1)


@needs("av")
def test_the_clip_of_the_sample(tmp_path, monkeypatch):
    monkeypatch.setattr(video, "_FRAMES", 5)
    assert len(timestamps(make_clip(tmp_path / "clip.mp4"))) == 5


def test_the_photo_moves():
    frames = moving_photo((64, 48), 130)
    assert {frame.shape for frame in frames} == {(48, 64, 3)}
    assert all((one != other).any() for one, other in pairwise(frames[:60]))
    assert frames[0] is frames[118]

import cv2
import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.benchmark.folder import benchmark_folder, folder_runs
from openpose_lab.estimator import PoseEstimator
from openpose_lab.networks import NETWORKS
from openpose_lab.networks.network import LoadedNetwork
from openpose_lab.networks.runtimes.base import BatchMaps


class SeesNobody:
    def run(self, batch):
        shape = (len(batch), batch.shape[1] // 8, batch.shape[2] // 8)
        return BatchMaps(np.zeros((*shape, 19), np.float32), np.zeros((*shape, 38), np.float32))

    def for_calls(self, calls):
        return self


@pytest.fixture
def estimator():
    return PoseEstimator(LoadedNetwork(NETWORKS["lightweight"], SeesNobody()), height=64)


@pytest.fixture
def photos(tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        cv2.imwrite(str(path), np.zeros((96, 128 if number else 96, 3), np.uint8))
    return paths


def test_the_folder_stands_beside_its_stages(estimator, photos, tmp_path, monkeypatch):
    monkeypatch.setattr("openpose_lab.benchmark.stages_alone.count_cores", lambda: 2)
    ticks = []
    table = benchmark_folder(photos, estimator, tmp_path / "outputs", 2, lambda: ticks.append(1))
    assert len(ticks) == folder_runs(2)
    assert table.title == "A folder of 3 photos of 2 sizes"
    *stages, shares, folder = table.rows
    sums = np.sum([row.timing.seconds for row in stages], axis=0)
    np.testing.assert_allclose(shares.timing.seconds, sums / 2)
    assert folder.figures["ratio"] == folder.timing.median / shares.timing.median
    assert len(list((tmp_path / "outputs" / "folder").glob("*_rendered.jpg"))) == 3


def test_a_photo_that_cannot_be_read_is_one_sentence(estimator, photos, tmp_path):
    photos[1].write_text("no photo")
    with pytest.raises(OpenPoseLabError, match=r"1\.png is not a photo"):
        benchmark_folder(photos, estimator, tmp_path / "outputs", 1)

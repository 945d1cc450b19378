import cv2
import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.benchmark import throughput
from openpose_lab.benchmark.throughput import (
    BATCH,
    batches_by_size,
    benchmark_photos,
    copies_of_sample,
    photo_runs,
    photos_in,
    read_ahead,
    ways_to_process,
)
from openpose_lab.networks import NETWORKS
from openpose_lab.networks.network import LoadedNetwork
from openpose_lab.networks.runtimes.base import BatchMaps


class SeesNobody:
    """A runtime that records the shapes of its batches."""

    def __init__(self):
        self.seen = []

    def run(self, batch):
        self.seen.append(batch.shape[:3])
        shape = (len(batch), batch.shape[1] // 8, batch.shape[2] // 8)
        return BatchMaps(np.zeros((*shape, 19), np.float32), np.zeros((*shape, 38), np.float32))


@pytest.fixture
def network():
    return LoadedNetwork(NETWORKS["lightweight"], SeesNobody())


@pytest.fixture
def photos(tmp_path):
    """Five wide photos and one tall one."""
    for number in range(6):
        shape = (96, 128, 3) if number != 2 else (128, 96, 3)
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full(shape, number, np.uint8))
    (tmp_path / "readme.txt").touch()
    return tmp_path


def test_every_way_sees_every_photo(network, photos):
    for name, way in ways_to_process(photos_in(photos), network, 64).items():
        network.runtime.seen.clear()
        way()
        seen = network.runtime.seen
        assert sum(count for count, *_ in seen) == 6, name
        expected = [BATCH, 1, 1] if "batches" in name else [1] * 6
        assert sorted(count for count, *_ in seen) == sorted(expected), name


def test_photos_are_read_ahead_in_their_order(photos):
    assert [photo[0, 0, 0] for photo in read_ahead(photos_in(photos))] == list(range(6))


def test_batches_hold_photos_of_one_size():
    wide, tall = np.zeros((2, 3, 3), np.uint8), np.zeros((3, 2, 3), np.uint8)
    batches = list(batches_by_size([wide, tall, wide, wide, tall], 2))
    assert [(len(batch), batch[0].shape) for batch in batches] == [(2, (2, 3, 3)), (2, (3, 2, 3)), (1, (2, 3, 3))]


def test_copies_of_the_sample_differ(tmp_path):
    paths = copies_of_sample(tmp_path, 2)
    first, second = (cv2.imread(str(path)).astype(int) for path in paths)
    assert first.shape == second.shape
    assert np.abs(first - second).mean() > 2


def test_the_table(network, photos, monkeypatch):
    (photos / "broken.png").write_bytes(b"none")
    ticks = []
    table = benchmark_photos(photos_in(photos), network, 1, 64, tick=lambda: ticks.append(1))
    assert len(table.rows) == 4
    assert {row.count for row in table.rows} == {6}
    assert "6 photos by lightweight, one view of height 64 each" in table.notes[0]
    assert "broken.png" in table.notes[1]
    assert len(ticks) == photo_runs(1)


def test_photos_that_cannot_be_used_are_one_sentence(network, tmp_path):
    with pytest.raises(OpenPoseLabError, match="no file in .* has a name that ends in"):
        photos_in(tmp_path)
    with pytest.raises(OpenPoseLabError, match="cannot read the folder"):
        photos_in(tmp_path / "none")
    (tmp_path / "broken.png").write_bytes(b"none")
    with pytest.raises(OpenPoseLabError, match="no photo can be read; the first error is: "):
        benchmark_photos(photos_in(tmp_path), network, 1)


def test_at_most_some_photos_are_used(photos):
    assert [path.name for path in photos_in(photos, 2)] == ["0.png", "1.png"]
    assert throughput.MOST_PHOTOS == 64

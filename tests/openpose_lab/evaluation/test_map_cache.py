import os
import shutil

import cv2
import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from estimation.field_maps import FieldMaps
from estimation.quality import Views
from openpose_lab.evaluation import map_cache
from openpose_lab.evaluation.map_cache import MapCache
from openpose_lab.networks import code


class Counting:
    """A network that records every call."""

    config = COCO_18

    def __init__(self):
        self.calls = 0

    def __call__(self, photo):
        self.calls += 1
        mean = np.float32(photo.mean())
        return FieldMaps(np.full((4, 4, 19), mean), np.full((4, 4, 38), mean), (8, 8), (-0.1, 0.2))


@pytest.fixture
def network(monkeypatch):
    counting = Counting()
    monkeypatch.setattr(map_cache, "load_network", lambda *_: counting)
    return counting


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), np.full((64, 64, 3), 100, np.uint8))
    return path


@pytest.fixture
def cache(tmp_path):
    """Make a new cache object, as a new run of a program does."""
    weights = tmp_path / "w.h5"
    weights.write_bytes(b"weights")

    def make(network="mobilenet_thin", height=64, weights=weights, scales=(1.0,), flip=False, **execution):
        return MapCache(network, weights, Views(height, scales, flip), folder=tmp_path / "cache", **execution)

    return make


def test_maps_are_computed_once(network, photo, cache):
    first, again = cache().maps_of(photo), cache().maps_of(photo)
    assert network.calls == 1
    np.testing.assert_array_equal(first.heatmaps, again.heatmaps)
    np.testing.assert_array_equal(first.pafs, again.pafs)
    assert first.cell_size == again.cell_size == (8, 8)
    assert first.offset == again.offset == (-0.1, 0.2)


def test_whatever_they_depend_on_makes_them_anew(network, photo, cache, tmp_path, monkeypatch):
    cache().maps_of(photo)
    cache(height=128).maps_of(photo)
    cache(network="lightweight").maps_of(photo)
    cache(scales=(1.0, 0.5)).maps_of(photo)  # two views
    cache(flip=True).maps_of(photo)  # two views
    (tmp_path / "other.h5").write_bytes(b"other weights")
    cache(weights=tmp_path / "other.h5").maps_of(photo)
    cv2.imwrite(str(photo), np.full((64, 64, 3), 101, np.uint8))
    assert cache().maps_of(photo).heatmaps[0, 0, 0] == 101
    assert network.calls == 9
    monkeypatch.setattr(map_cache, "library_version", lambda library: "another")
    cache().maps_of(photo)
    assert network.calls == 10
    monkeypatch.setattr(map_cache, "_checksum_of_code", lambda: "another")
    cache().maps_of(photo)
    assert network.calls == 11


def test_another_name_for_the_same_photo_makes_no_difference(network, photo, cache, tmp_path):
    cache().maps_of(photo)
    shutil.copy(photo, tmp_path / "copy.png")
    cache().maps_of(tmp_path / "copy.png")
    assert network.calls == 1


def test_a_damaged_file_is_made_again(network, photo, cache, tmp_path):
    cache().maps_of(photo)
    (kept,) = (tmp_path / "cache").iterdir()
    whole = kept.read_bytes()
    for damaged in (b"", whole[:1000], whole.replace(b"heatmaps", b"heatcaps")):
        kept.write_bytes(damaged)
        cache().maps_of(photo)
        assert kept.read_bytes() == whole
    assert network.calls == 4


def test_what_was_not_used_for_longest_makes_room(network, photo, cache, tmp_path, monkeypatch):
    sizes = []
    for height in (64, 65, 66):
        cache(height=height).maps_of(photo)
        sizes.append(sum(path.stat().st_size for path in (tmp_path / "cache").iterdir()))
    by_height = sorted((tmp_path / "cache").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    for age, path in enumerate(by_height):
        os.utime(path, (1000 + age, 1000 + age))
    cache(height=64).maps_of(photo)  # used again
    monkeypatch.setattr(map_cache, "LARGEST", sizes[2])
    cache(height=67).maps_of(photo)
    left = set((tmp_path / "cache").iterdir())
    assert by_height[1] not in left
    assert by_height[0] in left
    assert sum(path.stat().st_size for path in left) <= sizes[2]


def test_without_a_place_to_keep_them_the_work_goes_on(network, photo, cache, tmp_path):
    (tmp_path / "cache").write_text("no folder")
    maps = cache()
    with pytest.warns(OpenPoseLabWarning, match="maps are not saved for the next run: .*cache"):
        maps.maps_of(photo)
    maps.maps_of(photo)  # warned once
    assert network.calls == 2


def test_a_photo_that_is_not_there_is_one_sentence(network, cache, tmp_path):
    with pytest.raises(OpenPoseLabError, match="there is no photo .*none.jpg; check the path"):
        cache().maps_of(tmp_path / "none.jpg")
    with pytest.raises(OpenPoseLabError, match="there is no network 'none'"):
        cache(network="none")


def test_the_checksum_of_the_code_covers_the_keras_code_of_the_networks(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text("WIDTH = 1")
    monkeypatch.setattr(code, "keras_folder", lambda: tmp_path)
    before = map_cache._checksum_of_code()
    assert map_cache._checksum_of_code() == before
    (tmp_path / "net.py").write_text("WIDTH = 2")
    assert map_cache._checksum_of_code() != before


def test_the_size_of_the_photo_is_kept_with_its_maps(network, photo, cache):
    assert cache().maps_of(photo).photo_size == cache().maps_of(photo).photo_size == (64, 64)
    assert network.calls == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such files")
def test_a_pipe_among_the_photos_is_named(cache, network, tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(
        OpenPoseLabError, match=r"pipe.jpg is a device or a pipe, not a file; give the path of one photo"
    ):
        cache().maps_of(tmp_path / "pipe.jpg")

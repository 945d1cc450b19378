import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.benchmark import other_engines
from openpose_lab.benchmark.other_engines import ENGINES, Engine, OnnxFile, load_with


def fails(*_):
    raise RuntimeError("no\nsuch operator")


def test_what_a_library_raises_is_an_error_of_the_project(monkeypatch):
    monkeypatch.setattr(other_engines, "make_onnx", fails)
    with pytest.raises(OpenPoseLabError, match="RuntimeError: no"):
        load_with(ENGINES["opencv"], "lightweight")


def test_so_is_what_it_raises_for_a_photo(monkeypatch):
    file = OnnxFile(b"", ("heatmaps", "pafs"), "bgr")
    monkeypatch.setattr(other_engines, "make_onnx", lambda network: file)
    compute = load_with(Engine("toy", (), lambda file: other_engines._computing(file, fails)), "lightweight")
    with pytest.raises(OpenPoseLabError, match="RuntimeError: no"):
        compute(np.zeros((8, 8, 3), np.uint8))


@pytest.mark.parametrize(("channels", "first"), [("bgr", 1), ("rgb", 3)])
def test_colours_are_in_the_network_s_order(channels, first):
    seen = []
    photo = np.full((8, 16, 3), (1, 2, 3), np.uint8)
    maps = np.zeros((1, 1, 2, 19)), np.zeros((1, 1, 2, 38))
    compute = other_engines._computing(OnnxFile(b"", ("a", "b"), channels), lambda batch: seen.append(batch) or maps)
    assert compute(photo).pafs.shape == (1, 1, 2, 38)
    assert seen[0].shape == (1, 8, 16, 3)
    assert seen[0][0, 0, 0, 0] == first


def test_an_engine_that_opencv_lacks_is_one_sentence():
    with pytest.raises(OpenPoseLabError, match="has no ENGINE_OF_TOMORROW"):
        other_engines._with_opencv(OnnxFile(b"", ("a", "b"), "bgr"), "ENGINE_OF_TOMORROW")


@pytest.mark.slow
def test_onnx_runtime_gives_the_maps_of_keras():
    for package in ("tensorflow", "onnx", "tf2onnx", "onnxruntime"):
        pytest.importorskip(package, reason="needs tf2onnx and onnxruntime, which only the benchmark uses")
    from openpose_lab.benchmark.forward import compare_maps
    from openpose_lab.benchmark.variants import find_variants

    ways, _ = find_variants(["lightweight"])
    ready = {way: way.load() for way in ways if way.runtime in ("keras", "ONNX Runtime")}
    photo = np.random.default_rng(0).integers(0, 256, (64, 96, 3)).astype(np.uint8)
    assert max(compare_maps(ready, photo).values()) < 1e-4

import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.benchmark import variants as variants_module
from openpose_lab.benchmark.forward import benchmark_networks, compare_maps, network_runs
from openpose_lab.benchmark.variants import Variant, find_variants
from openpose_lab.networks import loading
from openpose_lab.networks.runtimes.base import BatchMaps

SIZES = ((16, 8), (24, 8))


def toy(runtime, precision="f32", off=0.0, ours=True, network="toy"):
    """A network with an error in its maps: a share of their largest value, 2."""

    def compute(photo):
        heatmaps = np.full((1, photo.shape[0] // 8, photo.shape[1] // 8, 19), 2, np.float32)
        pafs = np.full((*heatmaps.shape[:3], 38), -2, np.float32)
        heatmaps[0, 0, 0, 0] += 2 * off
        return BatchMaps(heatmaps, pafs)

    return Variant(network, runtime, precision, lambda: compute, ours=ours)


def failing(runtime):
    def load():
        raise OpenPoseLabError("it cannot be loaded")

    return Variant("toy", runtime, "f32", load)


def test_each_way_is_compared_with_the_reference_and_wrong_maps_are_marked():
    ways = [
        toy("openvino", "int8", 0.25),
        toy("openvino", off=1e-5),
        toy("keras"),
        toy("ONNX Runtime", off=1e-5, ours=False),
        toy("OpenCV's DNN", off=0.5, ours=False),
    ]
    table = benchmark_networks(ways, 2, SIZES)
    assert [row.names for row in table.rows] == sorted(
        [(*way.names, f"{width}x{height}") for way in ways for width, height in SIZES],
        key=lambda names: (names[3], [way.names for way in ways].index(names[:3])),
    )
    shown = {row.names[1:3]: row.more.get("difference") for row in table.rows}
    assert shown == {
        ("openvino", "int8"): "2e-01",  # the maps of a quantised network may differ
        ("openvino", "f32"): "1e-05",
        ("keras", "f32"): None,
        ("ONNX Runtime", "f32"): "1e-05",
        ("OpenCV's DNN", "f32"): "5e-01 WRONG",
    }
    wrong = {row.names[1] for row in table.rows if row.figures["wrong"]}
    assert wrong == {"OpenCV's DNN"}
    assert all(len(row.timing.seconds) == 2 for row in table.rows)


def test_maps_of_another_shape_and_no_numbers_are_wrong():
    smaller, nothing = toy("a", ours=False), toy("b", ours=False, off=np.nan)
    ready = {
        smaller: lambda photo: BatchMaps(np.zeros((1, 1, 1, 19)), np.zeros((1, 1, 1, 38))),
        nothing: nothing.load(),
        toy("keras"): toy("keras").load(),
    }
    found = compare_maps(ready, np.zeros((8, 16, 3), np.uint8))
    assert found[smaller] == np.inf
    assert np.isnan(found[nothing])
    (row, *_) = benchmark_networks([nothing, toy("keras")], 1, SIZES).rows
    assert row.figures["wrong"]


def test_networks_are_compared_with_their_own_reference():
    ready = {way: way.load() for way in (toy("keras"), toy("keras", off=0.5, network="other"))}
    assert compare_maps(ready, np.zeros((8, 16, 3), np.uint8)) == {}


def test_what_cannot_be_loaded_or_computed_is_a_note():
    def stops(photo):
        raise OpenPoseLabError("no such size")

    ways = [failing("a"), Variant("toy", "b", "f32", lambda: stops, ours=False), toy("keras")]
    table = benchmark_networks(ways, 1, SIZES)
    assert {row.names[1] for row in table.rows} == {"keras"}
    assert "toy, a, f32 is left out: it cannot be loaded" in table.notes
    assert "toy b f32, 16x8 is left out: no such size" in table.notes


def test_precision_stands_beside_the_project_s_own_runtimes():
    measured = []

    def precision_of(variant):
        measured.append(variant.runtime)
        if variant.runtime == "openvino":
            raise OpenPoseLabError("no photos")
        return 0.4746

    ways = [toy("openvino"), toy("keras"), toy("OpenCV's DNN", ours=False)]
    table = benchmark_networks(ways, 1, SIZES[:1], precision_of)
    assert measured == ["openvino", "keras"]
    assert table.more == ("difference", "AP")
    assert [row.more.get("AP") for row in table.rows] == [None, "0.475", None]
    assert "AP of toy, openvino, f32 is left out: no photos" in table.notes


def test_the_number_of_runs_is_that_of_the_ticks():
    ticks = []
    benchmark_networks([toy("keras"), toy("openvino")], 3, SIZES, tick=lambda: ticks.append(1))
    assert len(ticks) == network_runs(2, 3, SIZES)


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Return a function that sets which libraries are installed, and gives mobilenet_thin weights of any kind."""

    def install(*libraries):
        monkeypatch.setattr(variants_module, "is_installed", lambda library: library in libraries)
        monkeypatch.setattr(variants_module, "_computes_in_bf16", lambda: False)
        (tmp_path / "weights.h5").write_bytes(b"weights")
        here = {"mobilenet_thin": tmp_path / "weights.h5"}
        monkeypatch.setattr(variants_module, "weights_here", here.get)

    return install


def test_libraries_that_are_missing_are_named(installed):
    installed("openvino")
    found, missing = find_variants(["mobilenet_thin"])
    assert [way.names for way in found] == [("mobilenet_thin", "openvino", "f32")]
    assert missing[0].startswith("the runtime keras is left out: tensorflow is not installed; ")
    assert "tensorflow, onnx, tf2onnx, onnxruntime missing" in missing[1]


def test_every_library_that_is_installed_executes_each_network(installed):
    installed("openvino", "tensorflow", "onnx", "tf2onnx", "onnxruntime")
    found, missing = find_variants(["mobilenet_thin"])
    assert [way.runtime for way in found] == [
        "openvino",
        "keras",
        "ONNX Runtime",
        "OpenCV's DNN",
        "OpenCV's DNN, classic",
    ]
    assert missing == []


def test_networks_without_weights_say_how_to_get_them_and_nothing_is_fetched(installed, monkeypatch):
    installed("tensorflow", "onnx", "tf2onnx", "onnxruntime")
    monkeypatch.setattr(variants_module, "weights_here", lambda name: None)
    found, missing = find_variants(["mobilenet_thin", "vgg19"])
    assert found == []
    assert "weights fetch mobilenet_thin`" in missing[1]
    assert "weights fetch vgg19`" in missing[2]


def test_bf16_is_tried_of_weights_that_are_not_int8(installed, monkeypatch):
    installed("openvino")
    monkeypatch.setattr(variants_module, "_computes_in_bf16", lambda: True)
    assert [way.precision for way in find_variants(["mobilenet_thin"])[0]] == ["f32", "bf16"]
    monkeypatch.setattr(variants_module, "weights_here", loading.weights_here)
    assert [way.precision for way in find_variants(["lightweight"])[0]] == ["int8", "f32"]
